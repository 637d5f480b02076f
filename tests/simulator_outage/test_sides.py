"""Pods and the log beside the server's own answer: what they add to the word, and when somebody restarts it already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.gpu_capacity.world import job
from tests.simulator_outage.world import (
    BEGINS,
    change_pod,
    deploy_server,
    forget_log,
    logged,
    looked_at,
    overlaid,
    state_of,
)

LOG = load_catalogue().services["genie-sim"].log
GPU_JOB = "geniesim-gpu-kitchen-1"


@pytest.fixture(autouse=True)
def as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test breaks in the shared sandbox is mended after it."""
    yield
    if "shared" in request.fixturenames:
        shared: Sandbox = request.getfixturevalue("shared")
        shared.genie_sim.switch("serving")
        forget_log(shared)


def test_a_probe_of_the_container_tells_of_a_server_without_a_health_service(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.genie_sim.switch("unimplemented")
    assert state_of(environment).word == "unknown"
    pod = deploy_server(sandbox)  # new Pods are a server that serves anew
    sandbox.genie_sim.switch("unimplemented")
    state = state_of(environment)
    assert state.word == "serving"
    assert f"Pod {pod}: Running, ready." in state.evidence
    change_pod(sandbox, pod, ready=False, restarts=4)
    state = state_of(environment)
    assert (state.word, state.out) == ("not_serving", True)
    assert f"Pod {pod}: Running, not ready, 4 restarts." in state.evidence


def test_a_pod_without_a_probe_proves_nothing(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox, probe=False)
    sandbox.genie_sim.switch("unimplemented")
    state = state_of(environment)
    assert state.word == "unknown"
    assert "it has no readiness probe" in state.evidence[1]


def test_a_pod_that_is_ready_does_not_excuse_a_server_that_is_down(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy_server(sandbox)
    sandbox.genie_sim.switch("down")
    assert state_of(environment).word == "down"


@pytest.mark.parametrize("name", ["genie-sim-import-webhook", "geniesim-server-b"])
def test_pods_of_other_deployments_are_not_the_simulators(
    sandbox: Sandbox, environment: PipelineEnvironment, name: str
) -> None:
    sandbox.genie_sim.switch("unimplemented")
    deploy_server(sandbox, name=name)
    assert len(state_of(environment).evidence) == 1


def test_pods_of_gpu_jobs_are_shown_until_they_have_ended(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    job(sandbox, GPU_JOB)
    job(sandbox, "episode-gen-kitchen-1")
    evidence = state_of(environment).evidence
    assert [line for line in evidence if "Pod " in line] == [line for line in evidence if GPU_JOB in line] != []
    sandbox.cluster.set_state("blueprint", GPU_JOB, "failed")
    assert len(state_of(environment).evidence) == 1


@pytest.mark.parametrize(("minutes", "word"), [(1, "restarting"), (30, "down")])
def test_a_pod_that_has_only_just_begun_loads(
    sandbox: Sandbox, environment: PipelineEnvironment, minutes: float, word: str
) -> None:
    pod = deploy_server(sandbox, minutes=minutes)
    change_pod(sandbox, pod, ready=False)
    sandbox.genie_sim.switch("down")
    assert state_of(environment).word == word


def test_a_young_pod_that_kubernetes_restarts_again_and_again_does_not_load(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    pod = deploy_server(sandbox, minutes=1)
    change_pod(sandbox, pod, ready=False, restarts=2)
    sandbox.genie_sim.switch("down")
    assert state_of(environment).word == "down"


@pytest.mark.parametrize("state", ["down", "not_serving"])
def test_a_server_that_its_client_restarts_is_restarting_and_no_outage(
    shared: Sandbox, looked: PipelineEnvironment, state: str
) -> None:
    shared.genie_sim.switch(state)  # type: ignore[arg-type]
    logged(shared, BEGINS, seconds_ago=60)
    one, found = looked_at(looked)
    assert (found.states[0].word, one.outcome) == ("restarting", "nothing_to_do")
    assert "began to restart it" in found.states[0].evidence[0]
    assert any("restarting" in note for note in one.notes)


@pytest.mark.parametrize("end", LOG.restart_ends)
def test_a_restart_whose_end_was_logged_is_over(shared: Sandbox, looked: PipelineEnvironment, end: str) -> None:
    shared.genie_sim.switch("down")
    logged(shared, BEGINS, seconds_ago=60)
    logged(shared, f"{end} (3)", seconds_ago=30)
    assert state_of(looked).word == "down"
    logged(shared, BEGINS, seconds_ago=5)
    assert state_of(looked).word == "restarting", "the next one has begun"


def test_a_restart_that_never_ended_is_over_after_its_time(shared: Sandbox, looked: PipelineEnvironment) -> None:
    shared.genie_sim.switch("down")
    logged(shared, BEGINS)
    moment = datetime.now(UTC)
    assert state_of(looked, at=moment + timedelta(seconds=LOG.restart_seconds - 30)).word == "restarting"
    assert state_of(looked, at=moment + timedelta(seconds=LOG.restart_seconds + 30)).word == "down"


def test_a_server_that_serves_is_not_restarting_whatever_the_log_says(
    shared: Sandbox, looked: PipelineEnvironment
) -> None:
    logged(shared, BEGINS)
    assert state_of(looked).word == "serving"


@pytest.mark.parametrize(
    ("pod", "space"),
    [("remediation-flow-1", "blueprint-remediation"), ("simready-kitchen-1", "blueprint")],
)
def test_what_others_log_is_no_sign(shared: Sandbox, looked: PipelineEnvironment, pod: str, space: str) -> None:
    shared.genie_sim.switch("down")
    for text in (BEGINS, "CalledProcessError"):
        logged(shared, text, pod=pod, space=space)
    state = state_of(looked)
    assert (state.word, state.against) == ("down", ())


@pytest.mark.parametrize("sign", LOG.blocking)
def test_a_server_that_serves_and_makes_what_is_unusable_is_a_finding(
    shared: Sandbox, looked: PipelineEnvironment, sign: str
) -> None:
    for _ in range(2):
        logged(shared, f"ERROR {sign}: camera 0")
    one, found = looked_at(looked)
    assert (found.states[0].word, one.outcome) == ("serving", "failed")
    assert f'The log says "{sign}" (2 lines' in one.reasons[0]


@pytest.mark.parametrize("sign", LOG.warning)
def test_a_warning_is_a_note(shared: Sandbox, looked: PipelineEnvironment, sign: str) -> None:
    logged(shared, f"{sign}, again")
    one, _ = looked_at(looked)
    assert one.outcome == "nothing_to_do", one.sentence()
    assert any(sign in note for note in one.notes)


def test_signs_of_a_pod_that_is_gone_are_over(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    pod = deploy_server(sandbox)
    logged(sandbox, "RGB is all-black", pod=pod)
    logged(sandbox, "RGB is all-black", pod="geniesim-server-5f-old")
    (sign,) = state_of(environment).against
    assert "1 line" in sign


def test_secrets_in_the_log_are_not_shown(shared: Sandbox, looked: PipelineEnvironment) -> None:
    logged(shared, "CalledProcessError: curl -H 'Authorization: Bearer abcdefghijklmnop1234567890' x")
    assert "abcdefghijklmnop" not in str(looked_at(looked)[0].reasons)


@pytest.mark.parametrize(
    ("service", "method", "said"),
    [("kubernetes", "pods.list", "list on pods"), ("logging", "ListLogEntries", "logging.logEntries.list")],
)
def test_a_side_that_does_not_answer_is_unknown_and_the_others_are_looked_at(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str, said: str
) -> None:
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    one, found = looked_at(environment)
    assert (found.states[0].word, one.outcome) == ("serving", "partial")
    assert said in str(one.reasons)


def test_without_a_cluster_the_other_sides_are_looked_at(shared: Sandbox, looked: PipelineEnvironment) -> None:
    looked.cluster.enabled = False
    one, _ = looked_at(looked)
    assert one.outcome == "nothing_to_do", one.sentence()


def test_a_look_changes_nothing_and_takes_few_calls(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox)
    for number in range(30):
        job(sandbox, f"{GPU_JOB}{number}")
    sandbox.requests.reset()
    looked_at(environment, wake=True)
    assert sandbox.requests.mutating() == {"total": 0}
    jobs = len(environment.catalogue.jobs)
    # Health, log, pods, and Jobs with their pods; in the ops bucket: is a smoke run owed, and is somebody at work on it?
    assert sum(sandbox.requests.snapshot().values()) == jobs + 5 + 3


def test_the_state_of_june_has_its_own_webhook(shared: Sandbox, looked: PipelineEnvironment) -> None:
    _, found = looked_at(overlaid(looked, "2026-06"))
    assert [state.name for state in found.states] == ["genie-sim", "particulate-service", "genie-sim-import-webhook"]
