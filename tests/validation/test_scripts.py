"""Scripts and settings are judged as their own readers judge them, and nothing in them is ever built or run."""

from __future__ import annotations

import importlib
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.validation.documents import scripts
from tasks.validation.documents.scripts import script_problems
from tasks.validation.finding_codes import CODES
from tests.validation.scene_builder import errors_of, healthy, report_of
from tests.validation.scene_changes import write

MERGES = b"a0: &a0 {x: 1}\n" + b"".join(
    b"a%d: &a%d {<<: [%s]}\n" % (n + 1, n + 1, b", ".join([b"*a%d" % n] * 10)) for n in range(30)
)
GOOD = {
    "byte order mark.py": b"\xef\xbb\xbfimport os\n",
    "coding cookie.py": b"# -*- coding: latin-1 -*-\nname = 'Gl\xfcck'\n",
    "cookie of windows.py": b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n",
    "line ends of windows.py": b"import os\r\nx = 1\r\n",
    "form feed.py": b"x = 1\n\x0cy = 2\n",
    "odd backslash.py": b"x = '\\d'\n",
    "empty but blanks.py": b"\n\n",
    "tuples.yaml": b"sim:\n  gravity: !!python/tuple\n  - 0.0\n  - -9.81\n",
    "names.yaml": b"f: !!python/name:isaaclab.envs.mdp.reset ''\no: !!python/object/apply:numpy.dtype [f4]\n",
    "own tags.yaml": b"a: !Ref x\nb: !include other.yaml\n",
    "several documents.yaml": b"---\na: 1\n---\nb: 2\n...\n",
    "byte order mark.yaml": b"\xef\xbb\xbfa: 1\n",
    "anchors.yaml": b"a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n",
    "merges without end.yaml": MERGES,
    "doubled key.yml": b"a: 1\na: 2\n",
    "line ends of windows.yaml": b"a: 1\r\nb:\r\n- 2\r\n",
    "letters.yaml": "a: Küche\n".encode(),
    "robot.urdf": b"<?xml version='1.0'?>\n<robot name='a'><link name='b'/></robot>",
    "robot with entities.urdf": b"<!DOCTYPE r [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><r>&b;</r>",
}
BAD = {
    "not python.py": b"def (",
    "python 2.py": b"print 'hello'\n",
    "wrong cookie.py": b"# coding: klingon\n",
    "latin without cookie.py": b"x = 'Gl\xfcck'\n",
    "nothing but zeros.py": bytes(100),
    "a page.py": b"<html>",
    "an answer.py": b'{"error": {"code": 404}}',
    "a pointer.py": b"version https://git-lfs.github.com/spec/v1\n",
    "tab.yaml": b"a:\n\t- 1\n",
    "open list.yaml": b"a: [1, 2\n",
    "unknown anchor.yaml": b"a: *nowhere\n",
    "anchor of another document.yaml": b"a: &x 1\n---\nb: *x\n",
    "utf-16.yaml": "a: 1\n".encode("utf-16"),
    "latin.yaml": b"a: Gl\xfcck\n",
    "a page.yaml": b"<!doctype html><html>",
    "an answer.yml": b'{"error": {"code": 404}}',
    "cut.urdf": b"<robot name='a'><link name='b'/>",
    "an answer.urdf": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
}


def severities(name: str, data: bytes) -> set[str]:
    """How grave it is what is wrong with a script."""
    return {CODES[one.code].severity for one in script_problems(data, name[name.rindex(".") :])}


@pytest.mark.parametrize(("name", "data"), GOOD.items(), ids=GOOD)
def test_what_its_reader_takes_is_no_finding(name: str, data: bytes) -> None:
    assert severities(name, data) == set()


@pytest.mark.parametrize(("name", "data"), BAD.items(), ids=BAD)
def test_what_its_reader_refuses_is_an_error(name: str, data: bytes) -> None:
    assert severities(name, data) == {"error"}


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.yaml", b"[" * 100_000), ("a.yaml", b"- " * 100_000), ("a.py", b"x = " + b"-" * 100_000 + b"1"),
     ("a.py", b"a" + b".a" * 100_000)],
)  # fmt: skip
def test_what_is_nested_without_end_is_not_looked_into(name: str, data: bytes) -> None:
    assert severities(name, data) <= {"unread"}


def test_an_odd_backslash_prints_no_warning() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("error")
        importlib.reload(scripts)
        assert severities("a.py", b"x = '\\d'\n") == set()
    assert said == []


def test_a_script_over_the_bound_is_not_called_damaged() -> None:
    scene = healthy()
    write("replicator/policies/pick.py", b"(" * (scripts.MAX_SCRIPT_BYTES + 1))(scene)
    assert errors_of(scene) == []
    found = [f for f in report_of(scene).findings if f.object == "replicator/policies/pick.py"]
    assert [f.severity for f in found] == ["unread"]


@given(st.binary(max_size=300), st.sampled_from(["a.py", "a.yaml", "a.urdf"]))
def test_no_bytes_make_a_reader_of_scripts_raise(data: bytes, name: str) -> None:
    assert severities(name, data) <= {"error", "unread"}
