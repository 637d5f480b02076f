"""What a journal says of its run is read tolerantly: another version's entries stand in nobody's way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.ledger import Entry, LedgerDamaged
from tasks.remediation.plan import Plan

OPS = "sandbox-ops"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KINDS = st.sampled_from(["begin", "intent", "note", "outcome", "end", "epilogue", ""])


def journal(*entries: tuple[str, dict[str, Any]]) -> Journal:
    """A journal with these entries; it has no bucket, since nothing is written or read."""
    made = Journal(None, "b", "a", "r", "ann")  # type: ignore[arg-type]
    for number, (kind, data) in enumerate(entries, 1):
        entry = Entry(run="r", sequence=number, at=datetime.now(UTC), actor="ann", kind=kind, previous="", data=data)
        made.entries.append(entry)
    return made


def test_only_outcomes_say_what_became_of_an_action_and_the_last_one_counts() -> None:
    one = journal(
        ("begin", {"results": {"a": "begin"}}),
        ("note", {"results": {"a": "note"}}),
        ("outcome", {"results": {"a": "first", "b": "first"}}),
        ("outcome", {"results": {"b": "second"}}),
        ("intent", {"results": {"b": "intent"}}),
    )
    assert one.outcomes() == {"a": "first", "b": "second"}


@pytest.mark.parametrize("results", [None, [], ["a"], "a", 7, True])
def test_results_of_another_shape_are_no_results(results: Any) -> None:
    assert journal(("outcome", {"results": results}), ("outcome", {})).outcomes() == {}


def test_what_became_of_an_action_is_always_a_text() -> None:
    assert journal(("outcome", {"results": {"a": 7, "b": None}})).outcomes() == {"a": "7", "b": "None"}


def test_only_an_intent_of_that_very_step_has_begun_it() -> None:
    one = journal(("intent", {"step": "clear"}), ("outcome", {"step": "rerun"}), ("note", {"step": "check"}))
    assert [one.was_begun(step) for step in ("clear", "rerun", "check", "")] == [True, False, False, False]


def test_notes_are_those_of_that_action_in_their_order() -> None:
    one = journal(
        ("note", {"action": "a", "n": 1}),
        ("note", {"action": "b", "n": 2}),
        ("outcome", {"action": "a", "n": 3}),
        ("note", {"n": 4}),
        ("note", {"action": "a", "n": 5}),
    )
    assert [entry.data["n"] for entry in one.notes("a")] == [1, 5]
    assert one.notes("c") == []


@pytest.mark.parametrize(
    ("entries", "starts"),
    [
        ([], 0),
        ([("note", {"starting": True})], 1),
        ([("note", {"starting": True}), ("note", {"unknown": "x"}), ("note", {"starting": True})], 2),
        ([("note", {"starting": False}), ("note", {"execution": "x", "adopted": True})], 0),
        ([("outcome", {"starting": True}), ("intent", {"starting": True})], 0),
    ],
)
def test_starts_are_what_was_announced_and_what_was_adopted_is_none(
    entries: list[tuple[str, dict[str, Any]]], starts: int
) -> None:
    assert journal(*entries).started() == starts


@pytest.mark.parametrize(
    ("kinds", "ended"),
    [([], False), (["begin"], False), (["begin", "end"], True), (["end", "note"], False), (["begin", "End"], False)],
)
def test_a_run_has_ended_when_its_last_entry_is_an_end(kinds: list[str], ended: bool) -> None:
    assert journal(*((kind, {}) for kind in kinds)).ended == ended


@given(st.lists(st.tuples(KINDS, st.dictionaries(st.sampled_from(["step", "action", "results", "starting"]), JSON))))
def test_whatever_another_version_has_written_it_can_be_asked(entries: list[tuple[str, dict[str, Any]]]) -> None:
    one = journal(*entries)
    assert all(isinstance(value, str) for value in one.outcomes().values())
    assert one.started() <= len(entries)
    assert not one.was_begun("a step of ours")
    assert one.notes("an action of ours") == []


@pytest.mark.parametrize("plan", [None, 7, "text", [], {}, {"procedure": "p"}, {"procedure": "p", "subject": 7}])
def test_a_plan_that_cannot_be_read_is_named_by_its_object(plan: Any) -> None:
    with pytest.raises(LedgerDamaged, match="The journal gs://b/remediation/journal/a/r/ begins with no plan"):
        journal(("begin", {"plan": plan})).plan()


def test_a_run_says_of_its_end_why_by_whom_and_how_much_it_started(environment: PipelineEnvironment) -> None:
    one = Journal(environment.storage, OPS, "a", "r", "ann")
    one.append("begin", {"plan": Plan(procedure="p", subject="a").model_dump(mode="json")})
    one.append("note", {"starting": True})
    one.end("stopped", [f"Reason {number}." for number in range(12)], by="another")
    last = read_journal(environment.storage, OPS, "a", "r", "bo").entries[-1]
    assert last.data == {
        "outcome": "stopped",
        "reasons": [f"Reason {number}." for number in range(10)],
        "started": 1,
        "by": "another",
    }


def test_a_journal_is_below_its_subject_and_its_run(environment: PipelineEnvironment) -> None:
    one = Journal(environment.storage, OPS, "a", "r", "ann")
    assert (one.prefix, one.run, one.subject) == ("remediation/journal/a/r/", "r", "a")
    one.append("begin", {})
    assert one.begin.data == {}
    assert one.begun_at == one.entries[0].at
