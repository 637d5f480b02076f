"""The parts are looked at at the same time, and one that fails or hangs hides none of the others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, TemporaryError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.doctor.buckets import MISSING
from tasks.doctor.check import Doctor, Question, findings, word_of
from tasks.doctor.examine import Look, Part, examine
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.doctor.world import OPS, bucket, codes, seen_by


def examined(environment: PipelineEnvironment, seconds: float = 30.0) -> Run:
    return check(Doctor(), Context(environment, "a test"), Question(seconds=seconds))


def test_a_sandbox_that_is_well_gives_no_error_and_nothing_is_changed(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    before = sandbox.requests.mutating()["total"]
    run = examined(environment)
    assert run.outcome == "nothing_to_do"
    assert run.good
    assert "in order" in run.summary
    assert sandbox.requests.mutating()["total"] == before


def test_a_fault_fails_the_check_with_its_code_and_what_it_is(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    bucket(OPS, retention_seconds=3600)(sandbox, environment)
    run = examined(environment)
    assert run.outcome == "failed"
    (reason,) = run.reasons
    assert reason == f"ops-retention: The ops bucket {OPS} has a retention policy of 3,600 s."


@pytest.mark.parametrize(
    ("service", "method", "unknown"),
    [
        ("eventarc", "*", {"triggers", "delivery", "permissions"}),
        ("scheduler", "*", {"schedulers"}),
        ("run", "*", {"jobs", "workflows", "permissions"}),
    ],
)
def test_a_service_that_does_not_answer_is_unknown_and_hides_nothing_else(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str, unknown: set[str]
) -> None:
    bucket(OPS, retention_seconds=3600)(sandbox, environment)
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=503))
    run = examined(environment)
    found = findings(run.facts.facts)
    assert {one.part for one in found if one.code.name == "part-unknown"} == unknown
    assert [one.code.name for one in found if one.level == "error"] == ["ops-retention"]


@pytest.mark.parametrize(
    ("service", "method", "part"),
    [
        ("workflows", "GetWorkflow", "workflows"),
        ("run", "GetJob", "jobs"),
        ("storage", "buckets.get", "buckets"),
        ("kubernetes", "*", "cluster"),
    ],
)
def test_what_may_not_be_read_is_not_missing(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str, part: str
) -> None:
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    look = seen_by(part, environment)
    assert codes(look) >= {"not-readable"}
    assert [one.what for one in look.findings if one.level == "error"] == []


def test_what_could_not_be_seen_is_no_good_outcome(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.faults.add(FaultRule(service="scheduler", kind="status", status=503))
    run = examined(environment)
    assert run.outcome == "partial"
    assert not run.good


def test_a_service_that_hangs_is_given_up_and_the_others_are_shown(sandbox: Sandbox) -> None:
    limits = CallLimits(attempts=1, total_seconds=1.0, call_seconds=0.5, first_wait_seconds=0.01)
    environment = for_sandbox(sandbox.endpoints, limits=limits)
    sandbox.faults.add(FaultRule(service="scheduler", kind="hang", seconds=60))
    found = findings(examined(environment).facts.facts)
    assert {one.part for one in found if one.level == "unknown"} == {"schedulers"}
    environment.close()


def test_a_part_that_takes_too_long_is_unknown_and_what_it_has_found_is_kept() -> None:
    release = threading.Event()

    def slow(look: Look) -> None:
        look.say(MISSING, "a", "found before")
        release.wait(60)
        look.say(MISSING, "b", "found too late")

    try:
        slow_one, quick_one = examine(
            [Part("slow", slow), Part("quick", lambda look: look.judge(MISSING, "", "", ""))], 0.2
        )
    finally:
        release.set()
    assert next(one.what for one in slow_one.findings) == "found before"
    assert codes(slow_one) == {"bucket-missing", "part-unknown"}
    assert "not done within 0.2 s" in slow_one.findings[-1].what
    assert (quick_one.good, quick_one.findings) == (1, [])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TemporaryError("Could not ask: 503."), "Could not ask: 503."),
        (PermanentError("May not ask."), "May not ask."),
        (KeyError("oops"), "a fault of its own (KeyError: "),
    ],
)
def test_a_part_that_fails_says_so_itself(error: Exception, words: str) -> None:
    def fails(look: Look) -> None:
        raise error

    (look,) = examine([Part("one", fails)], 5.0)
    assert codes(look) == {"part-unknown"}
    assert words in look.findings[0].what
    assert word_of([look]) == "partial"


def test_parts_do_not_wait_for_each_other() -> None:
    both = threading.Barrier(2, timeout=30)
    looks = examine([Part(name, lambda look: look.judge(MISSING, "", "", both.wait() < 0)) for name in "ab"], 30.0)
    assert [look.good for look in looks] == [1, 1]


def test_a_catalogue_that_cannot_be_read_is_said_by_itself(environment: PipelineEnvironment) -> None:
    environment.catalogue_overlay = "stages:\n  dwm:\n    timeout: 60\n"
    run = examined(environment)
    assert run.outcome == "failed"
    assert "line 3" in run.reasons[0]


ALONE = """
import json, sys
from blocks.environment import PipelineEnvironment
from tasks.doctor.check import Doctor, Question
from tasks.doctor.examine import Part
from tasks.doctor import examine
from tasks.remediation.check import check
from tasks.remediation.context import Context

plain = examine.examine
def watched(parts, seconds):
    before = set(sys.modules)
    try:
        return plain(parts, seconds)
    finally:
        new = set(sys.modules) - before
        print(json.dumps(sorted(one for one in new if one.split(".")[0] in ("google", "grpc", "kubernetes", "requests"))))
examine.examine = watched

environment = PipelineEnvironment.model_validate_json(sys.stdin.read())
print(check(Doctor(), Context(environment, "alone"), Question()).outcome)
"""


def test_no_library_is_loaded_by_the_threads(environment: PipelineEnvironment) -> None:
    """Several threads that import libraries full of circles for the first time find each other's modules half made."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        input=environment.model_dump_json(context={"include_secrets": True}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded, outcome = done.stdout.splitlines()
    assert outcome == "nothing_to_do"
    leaves = ("kubernetes.client.", "grpc._interceptor")  # one thread alone loads them, each when it is first used
    assert [one for one in json.loads(loaded) if not one.startswith(leaves)] == []
