"""A ledger: written strictly at its next place, read tolerantly, and every edit, gap or double but of its end shows."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.remediation.ledger import Ledger, LedgerDamaged, LedgerTaken, entry_from

OPS = "sandbox-ops"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def shelf() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    """One bucket for all ledgers of this file; each has a place of its own."""
    with Sandbox(seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        yield sandbox, environment
        environment.close()


def ledger(environment: PipelineEnvironment, prefix: str = "") -> Ledger:
    return Ledger(environment.storage, OPS, prefix or f"ledgers/{next(NUMBERS)}/", "it", "ann")


def written(environment: PipelineEnvironment, entries: int) -> Ledger:
    made = ledger(environment)
    for number in range(entries):
        made.append("note", {"n": number})
    return made


def again(environment: PipelineEnvironment, one: Ledger) -> Ledger:
    """As another process reads it."""
    other = ledger(environment, one.prefix)
    other.read()
    return other


def place(one: Ledger, number: int) -> str:
    return f"{one.prefix}{number:06d}.json"


def body(sandbox: Sandbox, name: str) -> bytes:
    found = sandbox.store.get(OPS, name)
    assert found is not None
    return found.data


def test_an_entry_carries_its_place_its_writer_and_the_hash_of_the_one_before(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = written(environment, 3)
    assert [(entry.sequence, entry.actor, entry.run, entry.data["n"]) for entry in one.entries] == [
        (1, "ann", "it", 0),
        (2, "ann", "it", 1),
        (3, "ann", "it", 2),
    ]
    hashes = ["", *(hashlib.sha256(body(sandbox, place(one, number))).hexdigest() for number in (1, 2, 3))]
    assert [entry.previous for entry in one.entries] == hashes[:3]
    assert one.last_hash == hashes[3]


def test_whoever_reads_it_can_go_on_with_it(environment: PipelineEnvironment) -> None:
    one = written(environment, 2)
    other = again(environment, one)
    assert (other.entries, other.last_hash) == (one.entries, one.last_hash)
    other.append("note", {"n": 2})
    assert [entry.data["n"] for entry in again(environment, one).entries] == [0, 1, 2]


def test_reading_it_again_doubles_nothing(environment: PipelineEnvironment) -> None:
    one = written(environment, 3)
    one.read()
    one.read()
    assert len(one.entries) == 3


def test_threads_of_one_process_write_one_chain(environment: PipelineEnvironment) -> None:
    one = ledger(environment)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: one.append("note", {"n": number}), range(24)))
    assert sorted(int(str(entry.data["n"])) for entry in again(environment, one).entries) == list(range(24))


def test_an_entry_that_was_not_written_is_not_remembered(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = written(environment, 1)
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=403, times=1))
    with pytest.raises(PermanentError):
        one.append("note", {"n": "lost"})
    one.append("note", {"n": "kept"})
    assert [entry.data["n"] for entry in again(environment, one).entries] == [0, "kept"]


def test_of_many_processes_at_one_place_one_writes(environment: PipelineEnvironment) -> None:
    one = written(environment, 1)

    def write(other: Ledger) -> bool:
        try:
            other.append("note", {"n": 1})
        except LedgerTaken as taken:
            assert one.prefix in str(taken)
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(write, [again(environment, one) for _ in range(6)])) == 1
    assert len(again(environment, one).entries) == 2


def test_where_nothing_is_it_is_said_where_that_is(environment: PipelineEnvironment) -> None:
    with pytest.raises(NotFound, match="gs://sandbox-ops/ledgers/nowhere/"):
        ledger(environment, "ledgers/nowhere/").read()
    assert ledger(environment, "ledgers/nowhere/").verify() == []


def test_what_a_newer_version_has_written_is_read(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = written(environment, 1)
    newer = json.loads(body(sandbox, place(one, 1))) | {"mood": {"new": 1}, "kind": "epilogue", "sequence": 2}
    newer["previous"] = one.last_hash
    sandbox.store.put(OPS, place(one, 2), json.dumps(newer, indent=2).encode())
    found = again(environment, one)
    assert [entry.kind for entry in found.entries] == ["note", "epilogue"]
    found.append("note", {})
    assert found.verify() == []


LENGTH = 4
DAMAGES = st.one_of(
    st.tuples(st.just("edit"), st.integers(1, LENGTH - 1)),  # of the last one, nothing after it tells
    st.tuples(st.just("remove"), st.integers(1, LENGTH - 1)),
    st.tuples(st.just("double"), st.integers(1, LENGTH)),
    st.tuples(st.just("swap"), st.integers(1, LENGTH - 1)),
    st.tuples(st.just("renumber"), st.integers(1, LENGTH)),
)


def damaged(sandbox: Sandbox, one: Ledger, how: str, number: int) -> None:
    """One thing that happens to a ledger."""
    name = place(one, number)
    data = body(sandbox, name)
    if how == "edit":
        sandbox.store.put(OPS, name, data.replace(b'"n":', b'"m":'))
    elif how == "remove":
        sandbox.store.delete(OPS, name)
    elif how == "double":
        sandbox.store.put(OPS, name.replace(".json", "-note.json"), data)
    elif how == "swap":
        after = place(one, number + 1)
        other = body(sandbox, after)
        sandbox.store.put(OPS, name, other)
        sandbox.store.put(OPS, after, data)
    else:
        sandbox.store.put(OPS, name, data.replace(b'"sequence":', b'"sequence":1'))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGES)
def test_every_edit_gap_double_or_exchange_stops_the_reader_and_is_named_by_verifying(
    shelf: tuple[Sandbox, PipelineEnvironment], damage: tuple[str, int]
) -> None:
    sandbox, environment = shelf
    one = written(environment, LENGTH)
    assert one.verify() == []
    damaged(sandbox, one, *damage)
    with pytest.raises(LedgerDamaged, match="does not follow the one before it"):
        again(environment, one)
    assert one.verify()


def test_verifying_goes_on_behind_what_cannot_be_read_and_names_all(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = written(environment, 5)
    for number in (2, 4):
        sandbox.store.put(OPS, place(one, number), b"{")
    problems = one.verify()
    assert [place(one, number) in "".join(problems) for number in (1, 2, 3, 4, 5)] == [False, True, True, True, True]
    assert sum("is no entry; look at it" in problem for problem in problems) == 2


@pytest.mark.parametrize("gap", [1, 3])
def test_verifying_says_which_entry_should_be_at_a_place(
    environment: PipelineEnvironment, sandbox: Sandbox, gap: int
) -> None:
    one = written(environment, 4)
    sandbox.store.delete(OPS, place(one, gap))
    (problem,) = one.verify()
    assert f"{place(one, gap + 1)} is entry {gap + 1} where entry {gap} should be" in problem


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda one: json.dumps(one).encode())
)
def test_whatever_else_lies_there_is_named_and_never_taken_for_an_entry(data: bytes) -> None:
    with pytest.raises(LedgerDamaged, match="The object gs://x/y is no entry; look at it"):
        entry_from(data, "gs://x/y")
