"""People are told once of what is new and of what is overdue; what they answer and decide is on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect.types import SecretDict

from blocks.notifier import Notifier
from blocks.on_call import OnCall
from deployments.sandbox.server import Sandbox
from tasks.override_audit.answers import answer, decide
from tasks.override_audit.audit import audit
from tasks.override_audit.check import word_of
from tasks.override_audit.follow_up import follow_up
from tasks.override_audit.recording import Person
from tasks.override_audit.report import as_data, sections
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tests.override_audit.followed import BO, DAY, NOW, REASON, entries, found, seen
from tests.override_audit.planted import recorded
from tests.override_audit.planted_switches import ago
from tests.override_audit.world import (
    ASKER,
    GATE,
    LEAD,
    metadata,
    put,
    put_scene,
    record,
    report,
)

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


def test_where_names_must_be_proved_a_claimed_one_cannot_answer(context: Context) -> None:
    follow_up(context, seen(found(1)), keep=True)
    policy = context.environment.policy
    context.environment.policy = policy.model_copy(update={"verified_approvers": True})
    with pytest.raises(Refused, match="only claimed"):
        answer(context, found(1)[0].id, BO, REASON, NOW)
    assert answer(context, found(1)[0].id, Person("bo", verified=True), REASON, NOW).id == found(1)[0].id


def test_who_is_told_of_what_is_overdue_may_be_others_too(context: Context, sandbox: Sandbox) -> None:
    context.environment.on_call = OnCall(overrides_to=("platform",), overrides_overdue_to=("primary", "platform"))
    for day in (0, 3):
        follow_up(context, seen(found(1, now=NOW + day * DAY), NOW + day * DAY), keep=True)
    assert [len(sandbox.sinks.received(sink)) for sink in ("platform", "primary")] == [2, 1]


def test_a_long_id_is_cut_and_neither_hides_another_nor_lets_its_approver_answer(
    context: Context, sandbox: Sandbox
) -> None:
    ids, at = ["x" * 400 + end for end in "ab"], ago(10)
    for number, id_ in enumerate(ids):
        made = record(id_, "kitchen_001", at, metadata(at, ticket=None))
        put(sandbox, f"scenes/kitchen_001/approvals/apr_{number}.json", made)
    followed = follow_up(context, audit(context), keep=True)
    mine = [one for one in followed.seen.findings if one.code == "no-ticket"]
    assert len({one.id for one in mine}) == len({one.override for one in mine}) == 2
    with pytest.raises(Refused, match="cannot answer for it"):
        answer(context, mine[0].id, Person(LEAD), REASON)
    for number, id_ in enumerate(ids):
        put(sandbox, f"scenes/kitchen_001/approvals/apr_{number}.json", record(id_, "kitchen_001", at, metadata(at)))
    left = follow_up(context, audit(context), keep=True)
    assert not [one for one in (*left.seen.findings, *left.left) if one.code == "no-ticket"]
