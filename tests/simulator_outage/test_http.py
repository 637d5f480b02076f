"""particulate-service and webhooks: what their answers mean, where they are found, and when they are not asked."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.types import SecretDict

from blocks.environment import PipelineEnvironment
from blocks.http_health import HttpHealth
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.simulator_outage.servers import Web, http_server
from tests.simulator_outage.world import looked_at, overlaid, state_of

PARTICULATE, HOOK = "particulate-service", "geniesim-webhook"
OK = {"status": "ok", "ready": True, "service": "particulate"}
WARMING = {"status": "warming_up", "message": "Models are loading...", "ready": False}
BROKEN = {"status": "error", "message": "Warmup failed: CUDA out of memory", "ready": False}


@pytest.fixture
def web() -> Iterator[Web]:
    with http_server() as running:
        yield running


def at(environment: PipelineEnvironment, web: Web, name: str = PARTICULATE) -> PipelineEnvironment:
    return overlaid(environment, json.dumps({"services": {name: {"url": web.url}}}))


def answer(status: int, body: Any) -> tuple[int, str]:
    return status, body if isinstance(body, str) else json.dumps(body)


@pytest.mark.parametrize(
    ("health", "ready", "word", "said"),
    [
        (answer(200, OK), answer(200, "ready"), "serving", "/ready too"),
        (answer(503, WARMING), answer(503, "not ready: loading"), "not_serving", "it may take 10 minutes"),
        (answer(503, BROKEN), answer(503, "not ready: CUDA"), "not_serving", "CUDA out of memory"),
        (answer(200, OK), answer(503, "not ready: loading"), "not_serving", "not ready: loading"),
        (answer(200, {"status": "ok", "ready": False}), answer(200, "ready"), "not_serving", "answers 200 and says"),
        (answer(500, "Internal Server Error"), answer(200, "ready"), "not_serving", "answers 500"),
        (answer(403, "Forbidden"), answer(403, ""), "unknown", "wants a token"),
        (answer(404, "nothing"), answer(404, ""), "unknown", "says nothing of its health"),
        (answer(200, "<html>"), answer(200, "ready"), "unknown", "is something else there?"),
        (answer(200, {"other": 1}), answer(200, "ready"), "unknown", "is something else there?"),
        (answer(302, ""), answer(200, "ready"), "unknown", "not followed"),
    ],
)
def test_the_word_is_that_of_the_answers(
    looked: PipelineEnvironment, web: Web, health: tuple[int, str], ready: tuple[int, str], word: str, said: str
) -> None:
    web.answers |= {"/": health, "/ready": ready, "/debug": (403, '{"error": "debug access forbidden"}')}
    web.headers |= {"Location": "http://elsewhere.invalid/"} if health[0] == 302 else {}
    state = state_of(at(looked, web), PARTICULATE, wake=True)
    assert state.word == word, state.evidence
    assert said in state.evidence[0]
    assert {method for method, _, _ in web.asked} == {"GET"}


@pytest.mark.parametrize("path", ["/", "/ready"])
def test_one_that_takes_the_connection_and_does_not_answer_is_hung(
    looked: PipelineEnvironment, web: Web, path: str
) -> None:
    looked.http_health = HttpHealth(seconds=0.3)
    web.answers |= {"/": answer(200, OK), "/ready": answer(200, "ready")}
    web.hanging.add(path)
    assert state_of(at(looked, web), PARTICULATE, wake=True).word == "hung"


def test_one_that_is_not_there_is_down(looked: PipelineEnvironment, web: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        web.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    state = state_of(at(looked, web), PARTICULATE, wake=True)
    assert (state.word, state.out) == ("down", True)


def test_details_of_a_failed_warm_up_are_read_with_the_token_of_the_service(
    looked: PipelineEnvironment, web: Web
) -> None:
    looked.http_health = HttpHealth(seconds=1.0, tokens=SecretDict({PARTICULATE: "s3cret"}))
    debug = json.dumps({"models_ready": False, "warmup_error": "no CUDA device", "warmup_status": "error"})
    web.answers |= {"/": answer(503, BROKEN), "/ready": answer(503, "not ready"), "/debug": (200, debug)}
    state = state_of(at(looked, web), PARTICULATE, wake=True)
    assert "no CUDA device" in state.evidence[0]
    assert ("GET", "/debug", "Bearer s3cret") in web.asked
    assert "s3cret" not in str(state)


def test_what_a_look_would_start_is_asked_only_when_that_is_wanted(looked: PipelineEnvironment, web: Web) -> None:
    web.answers |= {"/": answer(200, OK), "/ready": answer(200, "ready")}
    here = at(looked, web)
    one, found = looked_at(here)
    state = next(one for one in found.states if one.name == PARTICULATE)
    assert (state.looked, state.out, web.asked) == (False, False, [])
    assert one.outcome == "nothing_to_do", one.sentence()
    assert state_of(here, PARTICULATE, wake=True).word == "serving"


def test_a_service_whose_address_nobody_knows_is_a_note_and_no_outage(looked: PipelineEnvironment) -> None:
    one, _ = looked_at(looked, wake=True)
    assert one.outcome == "nothing_to_do", one.sentence()
    assert any(f"services.{HOOK}.url" in note for note in one.notes)


def test_the_address_is_taken_from_the_job_that_calls_it(
    sandbox: Sandbox, environment: PipelineEnvironment, web: Web
) -> None:
    web.answers |= {"/": answer(200, OK), "/ready": answer(200, "ready")}
    give(environment, "interactive-job", {"PARTICULATE_ENDPOINT": web.url})
    state = state_of(environment, PARTICULATE, wake=True)
    assert (state.word, state.address) == ("serving", web.url)
    give(environment, "interactive-job", {"PARTICULATE_ENDPOINT": "${PARTICULATE_ENDPOINT}"})
    assert not state_of(environment, PARTICULATE, wake=True).looked


def give(environment: PipelineEnvironment, job: str, env: dict[str, str]) -> None:
    """Deploy a job with these variables."""
    live = environment.jobs.definition(job)
    assert live is not None
    live.job["template"]["template"]["containers"][0]["env"] = [
        {"name": name, "value": value} for name, value in env.items()
    ]
    environment.jobs.deploy(live, etag=live.etag)


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (200, {"status": "ok", "dependencies": {}}, "serving"),
        (503, {"status": "error", "message": "Dependency check failed"}, "not_serving"),
        (401, {"status": "error", "message": "Missing bearer token"}, "unknown"),
    ],
)
def test_a_webhook_says_its_health(
    looked: PipelineEnvironment, web: Web, status: int, body: dict[str, Any], word: str
) -> None:
    web.answers["/healthz"] = answer(status, body)
    assert state_of(at(looked, web, HOOK), HOOK).word == word
    assert [path for _, path, _ in web.asked] == ["/healthz"], "it has no readiness of its own"


def test_a_service_that_an_installation_adds_is_looked_at(looked: PipelineEnvironment, web: Web) -> None:
    web.answers["/up"] = answer(200, {"status": "ok"})
    more = {"services": {"mine": {"speaks": "http", "url": web.url, "health": "/up"}}}
    assert state_of(overlaid(looked, json.dumps(more)), "mine").word == "serving"


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("services: {mine: {speaks: grpc, url: 'http://x'}}", "speaks grpc has its address in the Genie Sim block"),
        ("services: {mine: {speaks: http, url_from: {job: no-job, variable: X}}}", "names the job 'no-job'"),
        ("services: {mine: {speaks: smoke}}", "services.mine.speaks"),
    ],
)
def test_a_service_that_makes_no_sense_is_refused_with_its_line(
    looked: PipelineEnvironment, overlay: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r"overlay.* line 1") as refused:
        overlaid(looked, overlay).catalogue  # noqa: B018
    assert said in str(refused.value)


def test_jobs_that_cannot_be_read_are_unknown_and_no_outage(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.faults.add(FaultRule(service="run", method="GetJob", kind="status", status=403))
    one, found = looked_at(environment)
    assert one.outcome == "partial"
    assert [state.out for state in found.states] == [False] * 3
    assert "run.jobs.get" in str(one.reasons)
