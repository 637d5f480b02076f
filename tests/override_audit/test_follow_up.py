"""What an audit knows from those before it: dates stay, and nothing is over that was not looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.override_audit.answers import answer
from tasks.override_audit.audit import audit
from tasks.override_audit.check import word_of
from tasks.override_audit.facts import Facts
from tasks.override_audit.follow_up import follow_up
from tasks.pipeline.override_findings import read_known
from tasks.remediation.context import Context
from tests.doctor.world import job, source
from tests.override_audit.followed import BO, DAY, NOW, REASON, found, seen
from tests.override_audit.planted_switches import POLLER, ago
from tests.override_audit.world import (
    GATE,
    declared,
    gpu_job_made,
    metadata,
    put,
    put_scene,
    record,
    report,
    stamp,
)

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
