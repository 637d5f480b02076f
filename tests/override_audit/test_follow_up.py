"""What an audit knows from those before it: dates stay, what was found is not forgotten, people are told once and can answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.types import SecretDict

from blocks.errors import PermanentError
from blocks.notifier import Notifier
from blocks.on_call import OnCall
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.override_audit.answers import answer, decide
from tasks.override_audit.audit import Audited, audit
from tasks.override_audit.check import OverrideAudit, Question, word_of
from tasks.override_audit.facts import Facts
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.follow_up import Followed, compared, follow_up, found_of
from tasks.override_audit.recording import Person
from tasks.override_audit.report import as_data, sections, sentence, text
from tasks.overview.overdue import ask_overrides
from tasks.overview.state import State
from tasks.pipeline import override_findings
from tasks.pipeline.override_findings import ROOT, Known, read_known
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tests.doctor.world import job, source
from tests.override_audit.planted import recorded
from tests.override_audit.planted_switches import POLLER, ago, in_run
from tests.override_audit.world import (
    ASKER,
    GATE,
    LEAD,
    WHY,
    declared,
    gpu_job_made,
    metadata,
    put,
    put_scene,
    record,
    report,
    stamp,
)

NOW = datetime(2026, 11, 28, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
BO = Person("bo")
REASON = "It was looked at by hand, on every camera; the report is of a run that was thrown away."


def found(*numbers: int, now: datetime = NOW, **known: str) -> list[Finding]:
    """Findings, each about a report of its own."""
    about = {"scene": "kitchen_001", "gate": GATE} | known
    return [
        finding(
            "gate-passed-silently",
            now,
            f"report {one}",
            f"Report {one} failed.",
            None,
            settled_by=f"report {one}",
            **about,
        )
        for one in numbers
    ]


def seen(findings: list[Finding], now: datetime = NOW, looked: Iterable[int] = (1, 2, 3)) -> Audited:
    """An audit that found that, and has looked at those reports."""
    facts = Facts(now, now - timedelta(days=30), looked={f"report {one}" for one in looked})
    return Audited(facts, [], findings, [])


def entries(context: Context) -> list[str]:
    """The kinds of entry on record, the oldest first."""
    names = [one.name for one in context.environment.storage.list(OPS_BUCKET, ROOT)]
    return [json.loads(context.environment.storage.read(OPS_BUCKET, name))["kind"] for name in names]


# Dates


def test_a_finding_keeps_the_date_at_which_it_was_first_seen(context: Context) -> None:
    (first,) = follow_up(context, seen(found(1)), keep=True).seen.findings
    later = NOW + 5 * DAY
    (second,) = follow_up(context, seen(found(1, now=later), later), keep=True).seen.findings
    assert (second.since, second.due) == (NOW, first.due)
    assert second.due < later
    assert follow_up(context, seen(found(1, now=later), later), keep=False).overdue() == 1


def test_a_sentence_that_changes_makes_no_new_finding(context: Context) -> None:
    (one,) = found(1)
    follow_up(context, seen([one]), keep=True)
    other = replace(one, sentence="The same, told otherwise.")
    assert follow_up(context, seen([other], NOW + DAY), keep=True).seen.findings[0].since == NOW


def test_what_is_not_found_any_more_is_over_and_comes_back_as_new(context: Context) -> None:
    follow_up(context, seen(found(1, 2)), keep=True)
    follow_up(context, seen(found(2), NOW + DAY), keep=True)
    assert list(read_known(context).found) == [found(2)[0].id]
    again = follow_up(context, seen(found(1, 2, now=NOW + 2 * DAY), NOW + 2 * DAY), keep=True).seen.findings
    assert {one.since for one in again} == {None, NOW}


def test_what_was_not_looked_at_is_not_over(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    followed = follow_up(context, seen([], NOW + 90 * DAY, looked=[2]), keep=True)
    assert [one.id for one in followed.left] == [found(1)[0].id]
    assert word_of(followed) == "failed"
    assert list(read_known(context).found) == [found(1)[0].id]


def test_a_run_that_expired_is_not_over_until_somebody_answers(context: Context) -> None:
    """Workflows and the cluster forget their runs: that one is not found any more proves nothing."""
    (one,) = [replace(each, settled_by="") for each in found(1)]
    follow_up(context, seen([one]), keep=True)
    later = NOW + 35 * DAY
    followed = follow_up(context, seen([], later), keep=True)
    assert ([each.id for each in followed.left], word_of(followed)) == ([one.id], "failed")
    answer(context, one.id, BO, REASON, later)
    assert word_of(follow_up(context, seen([], later), keep=True)) == "nothing_to_do"


def test_an_answer_outlives_an_audit_that_did_not_look(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    answer(context, found(1)[0].id, BO, REASON, NOW)
    follow_up(context, seen([], NOW + DAY, looked=[]), keep=True)
    assert word_of(follow_up(context, seen(found(1), NOW + 2 * DAY), keep=True)) == "nothing_to_do"


def test_an_answer_ends_with_what_it_answers(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    answer(context, found(1)[0].id, BO, REASON, NOW)
    follow_up(context, seen([], NOW + DAY), keep=True)
    assert word_of(follow_up(context, seen(found(1), NOW + 2 * DAY), keep=True)) == "failed"


def test_what_may_be_wrong_and_cannot_be_said_now_is_not_over(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    cannot = replace(seen([], NOW + DAY), unsure=found(1))
    follow_up(context, cannot, keep=True)
    assert list(read_known(context).found) == [found(1)[0].id]


@pytest.mark.parametrize(
    ("facts", "what", "looked"),
    [
        ({}, "records", True),
        ({}, "records of s", True),
        ({"unsure": {"t"}}, "records", False),
        ({"unsure": {"t"}}, "records of s", True),
        ({"unsure": {"s"}}, "records of s", False),
        ({"records_known": False}, "records of s", False),
        ({"looked": {"job j"}}, "job j", True),
        ({"looked": {"job j"}}, "job k", False),
        ({}, "", False),
    ],
)
def test_what_counts_as_looked_at(facts: dict[str, Any], what: str, looked: bool) -> None:
    assert Facts(NOW, NOW, **facts).looked_at(what) is looked


# What is the same finding


def test_another_switch_of_the_same_job_is_another_finding(context: Context, sandbox: Sandbox) -> None:
    job("simready-job", USE_MOCK_DATA="true", BYPASS_QUALITY_GATES="true")(sandbox, context.environment)
    one, other = audit(context).findings
    assert one.id != other.id and one.where == other.where == "job simready-job"


def test_a_switch_of_a_workflow_is_the_same_after_another_deployment(context: Context, sandbox: Sandbox) -> None:
    ids = []
    for _ in range(2):
        source(POLLER, [{"done": {"return": "ok"}}], MONITORING_GATE_STRICT="false")(sandbox, context.environment)
        ids.append([one.id for one in audit(context).findings])
    assert len(ids[0]) == 1 and ids[0] == ids[1]


def test_the_next_silent_passing_of_the_same_gate_is_another_finding(context: Context, sandbox: Sandbox) -> None:
    ids = set()
    for hours in (10, 5):
        put_scene(sandbox, "kitchen_001", ago(hours), report(ago(hours), GATE))
        ids |= {one.id for one in audit(context).findings}
    assert len(ids) == 2


def test_a_passing_after_an_old_override_had_ended_is_not_hidden_by_it(context: Context, sandbox: Sandbox) -> None:
    at = ago(10)
    put_scene(sandbox, "kitchen_001", at, report(at, GATE))
    declared(sandbox, "kitchen_001", ago(900), metadata(ago(900), expires_at=stamp(ago(800))))
    assert {one.code for one in audit(context, 60).findings} == {"gate-passed-silently"}


@pytest.mark.parametrize("value", ["\ud800", "a\ud800b" * 3000, "x" * 100_000])
def test_what_cannot_be_written_or_sent_is_made_so_that_it_can(context: Context, sandbox: Sandbox, value: str) -> None:
    at = ago(10)
    body = json.dumps(record(value, "kitchen_001", at, metadata(at, ticket=None))).encode()
    put(sandbox, "scenes/kitchen_001/approvals/apr_1.json", body)
    followed = follow_up(context, audit(context), keep=True)
    assert followed.seen.facts.unknown == []
    assert {one.id for one in followed.seen.findings} == set(read_known(context).found) != set()
    assert len(sandbox.sinks.received("platform")) == 1


# What ends by itself, in a world


def test_a_stage_that_is_made_again_ends_its_finding(context: Context, sandbox: Sandbox) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    follow_up(context, audit(context), keep=True)
    put_scene(sandbox, "kitchen_001", ago(2), report(ago(2), GATE, passed=True))
    followed = follow_up(context, audit(context), keep=True)
    assert (followed.seen.findings, followed.left, read_known(context).found) == ([], (), {})


def test_a_variable_that_is_taken_off_a_job_ends_its_finding_but_not_while_jobs_cannot_be_asked(
    context: Context, sandbox: Sandbox
) -> None:
    job("simready-job", BYPASS_QUALITY_GATES="true")(sandbox, context.environment)
    follow_up(context, audit(context), keep=True)
    job("simready-job", BYPASS_QUALITY_GATES="false")(sandbox, context.environment)
    sandbox.faults.add(FaultRule(service="run", kind="status", status=403))
    assert len(follow_up(context, audit(context), keep=True).left) == 1
    sandbox.faults.clear()
    follow_up(context, audit(context), keep=True)
    assert read_known(context).found == {}


def test_a_gpu_job_that_is_gone_from_the_cluster_leaves_its_finding(context: Context, sandbox: Sandbox) -> None:
    gpu_job_made(sandbox, "geniesim-gpu-kitchen-17", None, ALLOW_GENIESIM_MOCK="true")
    (one,) = follow_up(context, audit(context), keep=True).seen.findings
    sandbox.cluster.objects.clear("blueprint")
    assert [each.id for each in follow_up(context, audit(context), keep=True).left] == [one.id]


def test_a_record_that_was_completed_ends_its_finding(context: Context, sandbox: Sandbox) -> None:
    at = ago(10)
    put_scene(sandbox, "kitchen_001", at, report(at, GATE))
    declared(sandbox, "kitchen_001", at, metadata(at, ticket=None))
    (one,) = follow_up(context, audit(context), keep=True).seen.findings
    assert one.code == "no-ticket"
    sandbox.firestore.remove("quality_gate_approvals_audit", "log-kitchen_001")
    declared(sandbox, "kitchen_001", at)
    assert follow_up(context, audit(context), keep=True).seen.findings == []
    assert read_known(context).found == {}


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


# Telling


def test_people_are_told_once_when_it_is_new_and_once_when_it_is_overdue(context: Context, sandbox: Sandbox) -> None:
    for day in range(6):
        now = NOW + day * DAY
        follow_up(context, seen(found(1, now=now), now), keep=True)
    first, second = sandbox.sinks.received("platform")
    assert "Report 1 failed." in first.text and "remediate override answer" in first.text
    assert "1 finding overdue" in second.title


def test_a_message_that_nobody_took_is_sent_again(context: Context, sandbox: Sandbox) -> None:
    sandbox.sinks.switch("down")
    followed = follow_up(context, seen(found(1)), keep=True)
    assert "platform was not told of 1 finding" in followed.seen.facts.notes[0]
    sandbox.sinks.switch("serving")
    follow_up(context, seen(found(1), NOW + timedelta(hours=1)), keep=True)
    assert len(sandbox.sinks.received("platform")) == 1


def test_where_nobody_is_named_to_be_told_it_says_so(context: Context) -> None:
    context.environment.on_call = OnCall()
    followed = follow_up(context, seen(found(1)), keep=True)
    assert "overrides_to of the on-call block names no sink" in followed.seen.facts.notes[0]
    assert follow_up(context, seen([], NOW + DAY), keep=True).seen.facts.notes == []


def test_a_sink_that_the_notifier_does_not_have_is_told(context: Context) -> None:
    context.environment.notifier = Notifier(sinks=SecretDict({}))
    followed = follow_up(context, seen(found(1)), keep=True)
    assert "The notifier has no sink 'platform'" in followed.seen.facts.notes[0]


def test_many_findings_are_one_message(context: Context, sandbox: Sandbox) -> None:
    follow_up(context, seen(found(*range(50))), keep=True)
    (one,) = sandbox.sinks.received("platform")
    assert "And 30 more." in one.text


# Answers


def test_an_answered_finding_is_none_and_is_shown_as_answered(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    answer(context, found(1)[0].id, BO, REASON, NOW)
    followed = follow_up(context, seen(found(1), NOW + 9 * DAY), keep=True)
    assert (word_of(followed), followed.overdue()) == ("nothing_to_do", 0)
    (one,) = [section for section in sections(followed) if section.title == "What somebody has answered for"]
    assert one.rows[0]["by"] == "bo"
    assert as_data(followed)["answered"][0]["answer"]["reason"] == REASON


@pytest.mark.parametrize(
    ("id_", "by", "reason", "told"),
    [
        ("f-000000000000", "bo", REASON, "No finding 'f-000000000000' is on record"),
        ("", "bo", REASON, "No finding '' is on record"),
        (found(1)[0].id, " ", REASON, "give --by"),
        (found(1)[0].id, "bo", "it is fine", "has 10 characters and needs 50"),
    ],
)
def test_an_answer_that_nobody_could_judge_is_refused(
    context: Context, id_: str, by: str, reason: str, told: str
) -> None:
    follow_up(context, seen(found(1)), keep=True)
    before = entries(context)
    with pytest.raises(Refused, match=told):
        answer(context, id_, Person(by), reason, NOW)
    assert entries(context) == before


def test_it_is_answered_once(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    answer(context, found(1)[0].id, BO, REASON, NOW)
    with pytest.raises(Refused, match="bo has answered for"):
        answer(context, found(1)[0].id, Person("cy"), REASON, NOW)


@pytest.mark.parametrize("who", [ASKER, LEAD.upper(), "lead", "operator@elsewhere.example"])
def test_who_asked_for_an_override_or_approved_it_cannot_answer_for_it(
    context: Context, sandbox: Sandbox, who: str
) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    id_ = recorded(context.environment, "kitchen_001")
    followed = follow_up(context, audit(context), keep=True)
    (late,) = [one for one in followed.seen.findings if one.override == id_]
    with pytest.raises(Refused, match="cannot answer for it"):
        answer(context, late.id, Person(who), REASON)
    assert answer(context, late.id, Person("somebody-else"), REASON).override == id_


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


# What is decided about a gate


def test_what_was_decided_about_a_gate_is_shown_beside_the_verdict(context: Context, sandbox: Sandbox) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    decide(context, GATE, "tighten", "bo", REASON)
    decide(context, GATE, "codify", "cy", REASON)
    followed = follow_up(context, audit(context), keep=False)
    (row,) = next(one for one in sections(followed) if one.title.startswith("Gates")).rows
    assert str(row["decided"]).startswith("codify by cy at ")
    assert as_data(followed)["decided"][GATE]["by"] == "cy"


@pytest.mark.parametrize(
    ("gate", "verdict", "by", "reason", "told"),
    [
        (" ", "codify", "bo", REASON, "Say which gate"),
        (GATE, "too few to tell", "bo", REASON, "one of codify, tighten, stop, keep"),
        (GATE, "", "bo", REASON, "'' is no decision"),
        (GATE, "keep", "", REASON, "give --by"),
        (GATE, "keep", "bo", "so", "has 2 characters and needs 50"),
    ],
)
def test_a_decision_that_nobody_could_judge_is_refused(
    context: Context, gate: str, verdict: str, by: str, reason: str, told: str
) -> None:
    with pytest.raises(Refused, match=told):
        decide(context, gate, verdict, by, reason)
    assert entries(context) == []
