"""Lists of objects: in parts that are created once, named by their digests, and compared before anything is done."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from blocks.storage_bulk import Entry
from deployments.sandbox.server import Sandbox
from tasks.actions import object_lists
from tasks.actions.object_lists import (
    Done,
    Item,
    ListName,
    create,
    digest_of,
    digests_of,
    holds,
    items_in,
    line_of,
    live_now,
    part_name,
    parts,
    planned_parts,
    read_done,
    send,
    write_done,
)
from tests.remediation.world import DATA, OPS

RUN = "20990101t000000z-1"


def item(name: str = "x", **more: object) -> Item:
    told = Item(name, "backup", "b", name, 1, 4, "AAAAAA==", "2026-01-01T00:00:00Z", 0)
    return told._replace(**more)  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Seven objects in two files, in parts of three."""
    monkeypatch.setattr(object_lists, "PART", 3)
    made = [tmp_path / "one", tmp_path / "two"]
    lines = [line_of(item(f"n{number}")) + b"\n" for number in range(7)]
    made[0].write_bytes(b"".join(lines[:4]))
    made[1].write_bytes(b"".join(lines[4:]))
    yield made


def names(found: Iterator[tuple[int, list[Item]]]) -> list[tuple[int, list[str]]]:
    return [(number, [one.name for one in items]) for number, items in found]


SPLIT = [(0, ["n0", "n1", "n2"]), (1, ["n3", "n4", "n5"]), (2, ["n6"])]


def test_a_list_is_sent_in_parts_whatever_files_it_comes_from(
    environment: PipelineEnvironment, files: list[Path]
) -> None:
    send(environment, RUN, "data", files)
    send(environment, RUN, "data", files)  # somebody was killed after the first
    assert names(parts(environment, RUN, "data")) == SPLIT
    assert names(planned_parts(environment, RUN, "data", digests_of(files))) == SPLIT
    assert names(parts(environment, RUN, "extra")) == []
    assert names(parts(environment, "another-run", "data")) == []
    assert names(planned_parts(environment, RUN, "data", ())) == []


def test_a_part_of_the_same_name_with_other_content_is_never_taken_for_ours(
    environment: PipelineEnvironment, files: list[Path]
) -> None:
    create(environment, part_name(RUN, "data", 1), [line_of(item("theirs"))])
    with pytest.raises(PreconditionFailed):
        send(environment, RUN, "data", files)
    assert names(parts(environment, RUN, "data"))[1] == (1, ["theirs"])


@pytest.mark.parametrize("how", ["gone", "another", "turned", "longer"])
def test_a_part_that_is_not_the_plans_is_not_done_and_those_before_it_are(
    environment: PipelineEnvironment, sandbox: Sandbox, files: list[Path], how: str
) -> None:
    send(environment, RUN, "data", files)
    name = part_name(RUN, "data", 1)
    lines = {
        "another": [line_of(item("evil"))],
        "turned": [line_of(item(f"n{number}")) for number in (5, 4, 3)],
        "longer": [line_of(item(f"n{number}")) for number in (3, 4, 5, 6)],
    }
    sandbox.store.delete(OPS, name)
    if how != "gone":
        create(environment, name, lines[how])
    found = planned_parts(environment, RUN, "data", digests_of(files))
    assert next(found)[0] == 0
    with pytest.raises(PermanentError, match=f"gs://{OPS}/{name} is not the one of the plan; nothing of it was done"):
        next(found)


@pytest.mark.parametrize(
    "body", [b"{", b"\x1f\x8b broken", gzip.compress(b"x", mtime=0)[:-4]], ids=["text", "broken", "cut off"]
)
def test_what_is_no_list_is_named(environment: PipelineEnvironment, sandbox: Sandbox, body: bytes) -> None:
    sandbox.store.put(OPS, part_name(RUN, "data", 0), body)
    with pytest.raises(PermanentError, match="is not what a run wrote; find out who changed it"):
        list(parts(environment, RUN, "data"))


@pytest.mark.parametrize("line", [b"7", b"{}x", b"[1,2]", b'["a"]', b"null"])
def test_a_line_that_is_no_item_is_said(line: bytes) -> None:
    with pytest.raises(PermanentError, match="holds a line that is no item"):
        items_in([line_of(item()), line])


def test_what_became_of_a_part_is_there_once_it_has_ended(environment: PipelineEnvironment) -> None:
    done = [Done("a", 7, "done"), Done("b", 0, "changed"), Done("c", 0, "gone")]
    assert read_done(environment, RUN, "data", 0) is None
    write_done(environment, RUN, "data", 0, done)
    write_done(environment, RUN, "data", 0, done)
    assert read_done(environment, RUN, "data", 0) == done
    assert read_done(environment, RUN, "data", 1) is None
    assert read_done(environment, RUN, "extra", 0) is None
    with pytest.raises(PreconditionFailed):
        write_done(environment, RUN, "data", 0, done[:1])


LINES = st.lists(st.binary(max_size=5).map(lambda one: one.replace(b"\n", b"")), max_size=5)


@given(LINES, LINES)
def test_two_parts_have_one_digest_exactly_when_their_lines_are_the_same(one: list[bytes], other: list[bytes]) -> None:
    assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(one) == hashlib.sha256(b"".join(line + b"\n" for line in one)).hexdigest()


TEXT, NUMBER = st.text(st.characters(codec="utf-8"), max_size=4), st.integers(0, 2**62)


@given(st.builds(Item, TEXT, st.just("version"), TEXT, TEXT, NUMBER, NUMBER, TEXT, TEXT, NUMBER, NUMBER, TEXT))
def test_an_item_is_read_back_as_it_was_written_in_one_line(one: Item) -> None:
    assert b"\n" not in line_of(one)
    assert items_in([line_of(one)]) == [one]


def test_every_part_of_every_list_has_a_place_of_its_own_in_order() -> None:
    lists: tuple[ListName, ...] = ("data", "markers", "extra")
    places = [part_name(RUN, *one) for one in product(lists, (0, 1, 99999), (False, True))]
    assert len(set(places)) == len(places)
    assert part_name(RUN, "data", 9) < part_name(RUN, "data", 10)


def test_each_item_is_shown_with_what_is_live_under_its_very_name(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    written = {name: sandbox.store.put(DATA, name, name.encode(), quiet=True) for name in ("a", "b", "b0", "c", "z")}
    found = {one.name: entry for one, entry in live_now(environment, [item("c"), item("bb"), item("a"), item("z")])}
    assert {name: entry.generation if entry else 0 for name, entry in found.items()} == {
        "a": written["a"].generation,
        "bb": 0,
        "c": written["c"].generation,
        "z": written["z"].generation,
    }
    assert list(live_now(environment, [])) == []


@pytest.mark.parametrize(
    ("size", "crc32c", "wanted"), [(4, "AAAAAA==", True), (5, "AAAAAA==", False), (4, "BBBBBB==", False)]
)
def test_the_wanted_bytes_are_known_by_size_and_checksum(size: int, crc32c: str, wanted: bool) -> None:
    assert holds(item(), Entry("x", 1, size, crc32c, "")) == wanted
    assert not holds(item(), None)
