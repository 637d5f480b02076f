"""What an audit knows from those before it: dates stay, what was found is not forgotten, people are told once and can answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prefect.types import SecretDict

from blocks.errors import PermanentError
from blocks.notifier import Notifier
from blocks.on_call import OnCall
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.override_audit import known as known_module
from tasks.override_audit.audit import Audited, audit
from tasks.override_audit.check import OverrideAudit, Question, word_of
from tasks.override_audit.facts import Facts
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.follow_up import Followed, compared, follow_up
from tasks.override_audit.known import ROOT, Known, answer, read_known
from tasks.override_audit.report import as_data, sections, sentence, text
from tasks.overview.overdue import ask_overrides
from tasks.overview.state import State
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tests.override_audit.planted import recorded
from tests.override_audit.planted_switches import ago, in_run
from tests.override_audit.world import ASKER, GATE, LEAD, WHY, environment_of, put_scene, report

NOW = datetime(2026, 11, 28, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
REASON = "It was looked at by hand, on every camera; the report is of a run that was thrown away."


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(job_seconds=0.02, seed=7) as one:
        yield one


@pytest.fixture
def context(sandbox: Sandbox) -> Iterator[Context]:
    """An installation that tells the sink `platform`."""
    environment = environment_of(sandbox)
    environment.on_call = OnCall(overrides_to=("platform",))
    yield Context(environment, "a test")
    environment.close()


def found(*numbers: int, now: datetime = NOW, code: str = "switch-in-run", at: datetime | None = None) -> list[Finding]:
    """Findings, each of an execution of its own."""
    known = {"scene": "kitchen_001", "gate": GATE}
    return [finding(code, now, f"execution {one}", f"Run {one} has a switch.", at, **known) for one in numbers]


def seen(findings: list[Finding], now: datetime = NOW, days: int = 30, unknown: list[str] | None = None) -> Audited:
    """An audit that found that."""
    return Audited(Facts(now, now - timedelta(days=days), unknown=unknown or []), [], findings, [])


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


def test_what_could_not_be_asked_is_not_over(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    followed = follow_up(context, seen([], NOW + DAY, unknown=["The schedulers: refused"]), keep=True)
    assert [one.id for one in followed.left] == [found(1)[0].id]
    assert word_of(followed) == "failed"
    assert list(read_known(context).found) == [found(1)[0].id]


def test_what_is_too_old_to_be_looked_at_stays_until_somebody_answers(context: Context) -> None:
    (one,) = found(1, at=NOW - DAY)
    follow_up(context, seen([one]), keep=True)
    later = NOW + 35 * DAY
    followed = follow_up(context, seen([], later), keep=True)
    assert ([each.id for each in followed.left], word_of(followed)) == ([one.id], "failed")
    answer(context, one.id, "bo", REASON, later)
    assert word_of(follow_up(context, seen([], later), keep=True)) == "nothing_to_do"
    assert read_known(context).found == {}


def test_a_shorter_look_ends_nothing_that_lies_before_it(context: Context) -> None:
    follow_up(context, seen(found(1, at=NOW - 10 * DAY)), keep=True)
    assert follow_up(context, seen([], NOW, days=1), keep=True).left != ()


def test_a_finding_about_the_present_is_over_as_soon_as_it_is_gone(context: Context) -> None:
    follow_up(context, seen(found(1, code="switch-on-job")), keep=True)
    assert follow_up(context, seen([], NOW + 90 * DAY), keep=True).left == ()
    assert read_known(context).found == {}


# The record


def test_a_new_month_carries_what_is_open_and_only_that_month_is_read(context: Context, sandbox: Sandbox) -> None:
    follow_up(context, seen(found(1, 2)), keep=True)
    answer(context, found(2)[0].id, "bo", REASON, NOW)
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
    one = [known_module.found_of(found(1)[0], NOW, ())]
    known.see(one, NOW)
    other.see([known_module.found_of(found(1)[0], NOW + DAY, ())], NOW)
    assert read_known(context).found[one[0].id].since == NOW


def test_many_findings_are_recorded_in_pieces(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "PIECE", 2)
    known = Known(context)
    known.see([known_module.found_of(one, NOW, ()) for one in found(1, 2, 3, 4, 5)], NOW)
    assert entries(context) == ["carried", "seen", "seen", "seen"]
    assert len(read_known(context).found) == 5


def test_an_entry_of_a_newer_version_is_passed_over(context: Context) -> None:
    known = read_known(context)
    known.see([known_module.found_of(found(1)[0], NOW, ())], NOW)
    assert known.chain is not None
    known.chain.record("weighed", {"ids": ["x"], "weight": 3})
    assert list(read_known(context).found) == [found(1)[0].id]


@pytest.mark.parametrize("body", [b"{}", b"not json", b'{"kind": "seen"}'])
def test_a_damaged_record_is_told_and_another_begun_beside_it(context: Context, sandbox: Sandbox, body: bytes) -> None:
    follow_up(context, seen(found(1)), keep=True)
    (first, *_) = sandbox.store.list(OPS_BUCKET, ROOT)
    sandbox.store.put(OPS_BUCKET, first.name, body)
    with pytest.raises(LedgerDamaged):
        read_known(context)
    followed = follow_up(context, seen(found(1), NOW + DAY), keep=True)
    assert "A new record is begun beside it" in followed.seen.facts.unknown[0]
    known = read_known(context)
    assert known.chain is not None and known.chain.prefix == f"{ROOT}2026-11b/"
    assert list(known.found) == [found(1)[0].id]


@pytest.mark.parametrize("row", [{"id": 7}, {"id": "x"}, ["x"], "x", None])
def test_a_finding_on_record_that_makes_no_sense_is_damage_and_no_crash(context: Context, row: object) -> None:
    known = read_known(context)
    known.see([known_module.found_of(found(1)[0], NOW, ())], NOW)
    assert known.chain is not None
    known.chain.record("seen", {"found": [row]})  # type: ignore[list-item]
    with pytest.raises(LedgerDamaged, match="says what none says"):
        read_known(context)


@pytest.mark.parametrize("method", ["storage.objects.list", "storage.objects.insert"])
def test_a_record_that_cannot_be_read_or_written_hides_no_finding(
    context: Context, sandbox: Sandbox, method: str
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method=method.removeprefix("storage."), kind="status", status=403))
    followed = follow_up(context, seen(found(1)), keep=True)
    sandbox.faults.clear()
    assert len(followed.seen.findings) == 1
    assert len(followed.seen.facts.unknown) == 1
    assert word_of(followed) == "failed"


# Telling


def test_people_are_told_once_when_it_is_new_and_once_when_it_is_overdue(context: Context, sandbox: Sandbox) -> None:
    for day in range(6):
        now = NOW + day * DAY
        follow_up(context, seen(found(1, now=now), now), keep=True)
    first, second = sandbox.sinks.received("platform")
    assert "Run 1 has a switch." in first.text and "remediate override answer" in first.text
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
    answer(context, found(1)[0].id, "bo", REASON, NOW)
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
        answer(context, id_, by, reason, NOW)
    assert entries(context) == before


def test_it_is_answered_once(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    answer(context, found(1)[0].id, "bo", REASON, NOW)
    with pytest.raises(Refused, match="bo has answered for"):
        answer(context, found(1)[0].id, "cy", REASON, NOW)


@pytest.mark.parametrize("who", [ASKER, LEAD.upper()])
def test_who_asked_for_an_override_or_approved_it_cannot_answer_for_it(
    context: Context, sandbox: Sandbox, who: str
) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    id_ = recorded(context.environment, "kitchen_001")
    followed = follow_up(context, audit(context), keep=True)
    (late,) = [one for one in followed.seen.findings if one.override == id_]
    with pytest.raises(Refused, match="cannot answer for it"):
        answer(context, late.id, who, REASON)
    assert answer(context, late.id, "somebody-else", REASON).override == id_


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
    (old,) = found(1, at=NOW - DAY)
    follow_up(context, seen([old, *found(2)]), keep=True)
    later = NOW + 35 * DAY
    followed = follow_up(context, seen(found(2, now=later), later), keep=True)
    assert "2 findings (2 overdue)" in sentence(followed)
    assert "OVERDUE Run 2 has a switch." in text(followed)
    assert f"NEVER SETTLED Run 1 has a switch.\n{'':<18}{old.id}" in text(followed)
    assert sections(followed)[0].rows[0]["by"].startswith("OVERDUE 2026-12-01")  # type: ignore[union-attr]
    assert as_data(followed)["left"][0]["id"] == old.id


def test_the_overview_has_what_is_overdue(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    early, late = State(NOW), State(NOW + 4 * DAY)
    ask_overrides(context, early)
    ask_overrides(context, late)
    assert early.parts["overdue"].items == []
    (item,) = late.parts["overdue"].items
    assert item.what == "1 finding about overrides should have been settled: Run 1 has a switch."
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
        answer(context, "f-000000000000", "bo", WHY, NOW)
