"""The record of what audits have found: read by the month, written once, and not lost with what is damaged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.errors import PermanentError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.override_audit.answers import answer
from tasks.override_audit.check import OverrideAudit, Question, word_of
from tasks.override_audit.follow_up import Followed, compared, follow_up, found_of
from tasks.override_audit.report import as_data, sections, sentence, text
from tasks.overview.overdue import ask_overrides
from tasks.overview.state import State
from tasks.pipeline import override_findings
from tasks.pipeline.override_findings import ROOT, Known, read_known
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.override_audit.followed import BO, DAY, NOW, REASON, entries, found, seen
from tests.override_audit.planted_switches import in_run
from tests.override_audit.world import (
    WHY,
)

# The record


def test_a_new_month_carries_what_is_open_and_only_that_month_is_read(context: Context, sandbox: Sandbox) -> None:
    follow_up(context, seen(found(1, 2)), keep=True)
    answer(context, found(2)[0].id, BO, REASON, NOW)
    december = NOW + 5 * DAY
    follow_up(context, seen(found(1, 2, 3, now=december), december), keep=True)
    sandbox.requests.reset()
    known = read_known(context)
    assert known.chain is not None and known.chain.prefix == f"{ROOT}2026-12/"
    assert sandbox.requests.snapshot()["storage.objects.media"] == len(known.chain.entries)
    assert {one.id: one.since for one in known.open()} == {found(1)[0].id: NOW, found(3)[0].id: december}
    assert known.answers[found(2)[0].id].by == "bo"
    assert ("asked", found(1)[0].id) in known.told


def test_an_audit_that_finds_the_same_writes_nothing(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    before = entries(context)
    assert before == ["carried", "seen", "told", "pinned"]
    follow_up(context, seen(found(1), NOW + timedelta(hours=1)), keep=True)
    assert entries(context) == before


def test_without_keep_nothing_is_written_and_nobody_told(context: Context, sandbox: Sandbox) -> None:
    sandbox.requests.reset()
    assert follow_up(context, seen(found(1)), keep=False).seen.findings != []
    assert sandbox.requests.mutating()["total"] == 0
    assert sandbox.sinks.received() == []


def test_two_audits_at_once_record_a_finding_once(context: Context) -> None:
    known, other = read_known(context), read_known(context)
    one = [found_of(found(1)[0], seen([]))]
    known.see(one, NOW)
    other.see([found_of(found(1)[0], seen([], NOW + DAY))], NOW)
    assert read_known(context).found[one[0].id].since == NOW


def test_many_findings_are_recorded_in_pieces(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(override_findings, "PIECE", 2)
    known = Known(context)
    known.see([found_of(one, seen([])) for one in found(1, 2, 3, 4, 5)], NOW)
    assert entries(context) == ["carried", "seen", "seen", "seen"]
    assert len(read_known(context).found) == 5


def test_an_entry_of_a_newer_version_is_passed_over(context: Context) -> None:
    known = read_known(context)
    known.see([found_of(found(1)[0], seen([]))], NOW)
    assert known.chain is not None
    known.chain.record("weighed", {"ids": ["x"], "weight": 3})
    assert list(read_known(context).found) == [found(1)[0].id]


@pytest.mark.parametrize("body", [b"{}", b"not json", b'{"kind": "seen"}'])
def test_of_a_damaged_record_what_was_before_the_damage_counts_and_it_is_told_until_somebody_answers(
    context: Context, sandbox: Sandbox, body: bytes
) -> None:
    follow_up(context, seen(found(1)), keep=True)
    later = NOW + DAY
    follow_up(context, seen(found(1, 2, now=later), later), keep=True)
    third = list(sandbox.store.list(OPS_BUCKET, ROOT))[4]
    sandbox.store.put(OPS_BUCKET, third.name, body)
    for day in (2, 3):
        now = NOW + day * DAY
        followed = follow_up(context, seen(found(1, 2, now=now), now), keep=True)
        (told,) = [one for one in followed.seen.findings if one.code == "ledger-damaged"]
        assert told.where == f"gs://{OPS_BUCKET}/{ROOT}2026-11/"
    known = read_known(context)
    assert (known.newest, known.found[found(1)[0].id].since) == ("2026-11b", NOW)
    answer(context, told.id, BO, REASON, now)
    after = follow_up(context, seen(found(1, 2, now=now), now), keep=True)
    assert [one.code for one, _ in after.answered] == ["ledger-damaged"]


@pytest.mark.parametrize("row", [{"id": 7}, {"id": "x"}, ["x"], "x", None])
def test_a_finding_on_record_that_makes_no_sense_is_damage_and_loses_no_other(context: Context, row: object) -> None:
    known = read_known(context)
    known.see([found_of(found(1)[0], seen([]))], NOW)
    assert known.chain is not None
    known.chain.record("seen", {"found": [row]})  # type: ignore[list-item]
    again = read_known(context)
    assert (list(again.found), len(again.damaged)) == ([found(1)[0].id], 1)


def test_a_clock_that_was_ahead_loses_nothing(context: Context) -> None:
    """Somebody whose clock is a month ahead answers: what is recorded afterwards goes where it is read."""
    follow_up(context, seen(found(1, 2)), keep=True)
    answer(context, found(1)[0].id, BO, REASON, NOW + 30 * DAY)
    follow_up(context, seen(found(2, 3)), keep=True)
    known = read_known(context)
    assert known.newest == "2026-12"
    assert {one.id for one in known.open()} == {one.id for one in found(2, 3)}


@pytest.mark.parametrize("method", ["storage.objects.list", "storage.objects.insert"])
def test_a_record_that_cannot_be_read_or_written_hides_no_finding(
    context: Context, sandbox: Sandbox, method: str
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method=method.removeprefix("storage."), kind="status", status=403))
    followed = follow_up(context, seen(found(1)), keep=True)
    sandbox.faults.clear()
    assert len(followed.seen.findings) == 1
    assert followed.seen.facts.unknown != []
    assert word_of(followed) == "failed"


# What people see


def test_the_check_keeps_the_record_only_when_it_is_asked_to(context: Context, sandbox: Sandbox) -> None:
    in_run(BYPASS_QUALITY_GATES="true")(sandbox, context.environment, "kitchen_001")
    looked = check(OverrideAudit(), context, Question())
    assert (looked.outcome, entries(context)) == ("failed", [])
    check(OverrideAudit(), context, Question(keep=True))
    assert entries(context)[:2] == ["carried", "seen"]
    again = check(OverrideAudit(), context, Question())
    assert again.facts.facts.seen.findings[0].since is not None


def test_overdue_and_never_settled_are_said_everywhere(context: Context) -> None:
    (old,) = found(1)
    follow_up(context, seen([old, *found(2)]), keep=True)
    later = NOW + 35 * DAY
    followed = follow_up(context, seen(found(2, now=later), later, looked=[2]), keep=True)
    assert "2 findings (2 overdue)" in sentence(followed)
    assert "OVERDUE Report 2 failed." in text(followed)
    assert f"NEVER SETTLED Report 1 failed.\n{'':<18}{old.id}" in text(followed)
    assert sections(followed)[0].rows[0]["by"].startswith("OVERDUE 2026-11-29")  # type: ignore[union-attr]
    assert as_data(followed)["left"][0]["id"] == old.id


def test_the_overview_has_what_is_overdue(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    early, late = State(NOW), State(NOW + 4 * DAY)
    ask_overrides(context, early)
    ask_overrides(context, late)
    assert early.parts["overdue"].items == []
    (item,) = late.parts["overdue"].items
    assert item.what == "1 finding about overrides should have been settled: Report 1 failed."
    assert item.next == "remediate override audit"


def test_nothing_on_record_is_nothing_overdue(context: Context) -> None:
    state = State(NOW)
    ask_overrides(context, state)
    assert state.parts["overdue"].items == []


def test_comparing_is_a_pure_function(context: Context) -> None:
    known = Known(context)
    assert compared(seen(found(1)), known) == Followed(seen(found(1)))


def test_an_error_of_the_ops_bucket_is_no_answer(context: Context, sandbox: Sandbox) -> None:
    sandbox.store.delete_bucket(OPS_BUCKET)
    with pytest.raises(PermanentError):
        answer(context, "f-000000000000", BO, WHY, NOW)
