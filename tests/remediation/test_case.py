"""A case is written by many, one after the other: none of their entries is lost, doubled, or out of its order."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from deployments.sandbox.server import Sandbox
from tasks.remediation.case import Case, open_case
from tasks.remediation.ledger import LedgerDamaged, LedgerTaken

OPS = "sandbox-ops"
NUMBERS = itertools.count(1)


def case(environment: PipelineEnvironment, prefix: str = "", actor: str = "ann") -> Case:
    return Case(environment.storage, OPS, prefix or f"cases/{next(NUMBERS)}/", "it", actor)


def test_whoever_finds_its_place_taken_reads_what_was_written_and_takes_the_next(
    environment: PipelineEnvironment,
) -> None:
    ann = case(environment)
    bo = case(environment, ann.prefix, "bo")
    ann.record("note", {"n": 1})
    bo.record("note", {"n": 2})
    ann.record("note", {"n": 3})
    read = open_case(environment.storage, OPS, ann.prefix, "it", "x")
    assert [(one.actor, one.data["n"]) for one in read.entries] == [("ann", 1), ("bo", 2), ("ann", 3)]
    assert read.verify() == []


def test_many_who_write_at_once_lose_nothing_and_double_nothing(environment: PipelineEnvironment) -> None:
    prefix = case(environment).prefix

    def write(number: int) -> None:
        one = case(environment, prefix, f"writer {number}")
        for turn in range(3):
            one.record("note", {"n": f"{number}.{turn}"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    read = open_case(environment.storage, OPS, prefix, "it", "x")
    said = [str(one.data["n"]) for one in read.entries]
    assert Counter(said) == Counter(f"{number}.{turn}" for number in range(8) for turn in range(3))
    for number in range(8):
        assert [one for one in said if one.startswith(f"{number}.")] == [f"{number}.{turn}" for turn in range(3)]


def test_of_many_who_say_a_thing_once_exactly_one_says_it(environment: PipelineEnvironment) -> None:
    prefix = case(environment).prefix

    def write(number: int) -> bool:
        return case(environment, prefix, f"writer {number}").once("paging", "primary", {"n": number}) is not None

    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(write, range(8)))
    assert wrote.count(True) == 1
    (entry,) = open_case(environment.storage, OPS, prefix, "it", "x").entries
    assert (entry.data["key"], entry.data["n"]) == ("primary", wrote.index(True))


def test_another_key_or_another_kind_is_another_thing(environment: PipelineEnvironment) -> None:
    one = case(environment)
    assert one.once("paging", "primary", {}) is not None
    assert one.once("paging", "secondary", {}) is not None
    assert one.once("paged", "primary", {}) is not None
    assert one.once("paging", "primary", {}) is None
    assert len(one.entries) == 3


def test_one_that_somebody_has_edited_takes_no_further_entry(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = case(environment)
    one.record("note", {"n": 1})
    one.record("note", {"n": 2})
    found = sandbox.store.get(OPS, f"{one.prefix}000001.json")
    assert found is not None
    sandbox.store.put(OPS, found.name, found.data.replace(b'"n":1', b'"n":7'))
    late = case(environment, one.prefix)
    with pytest.raises(LedgerDamaged, match="000002"):
        late.record("note", {"n": 3})


def test_a_writer_that_never_finds_a_free_place_says_so(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = case(environment), case(environment)
    other.prefix = one.prefix
    other.record("note", {})
    monkeypatch.setattr(Case, "refresh", lambda _: None)
    with pytest.raises(LedgerTaken, match="try again"):
        one.record("note", {})
    with pytest.raises(LedgerTaken, match="try again"):
        one.once("note", "k", {})


def test_there_is_no_case_where_nothing_was_written(environment: PipelineEnvironment) -> None:
    with pytest.raises(NotFound):
        open_case(environment.storage, OPS, "cases/none/", "it", "x")
