"""What is asked of the world before anything is started, against the sandbox's own services."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.receiver.facts import ASKS, CHECKS, NothingToDo
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.stack import free_port
from tests.receiver.messages import DATA, MARKER

STAGES = "genie-sim-export, genie-sim-run"


def put(sandbox: Sandbox, name: str, value: Any = None) -> str:
    """Write an object without telling anybody. Its generation."""
    return str(sandbox.store.put(DATA, name, json.dumps(value or {}).encode(), quiet=True).generation)


def gone(environment: PipelineEnvironment, generation: str) -> str:
    return CHECKS["gone"].answer(environment, {"bucket": DATA, "name": MARKER, "generation": generation})


def stopped(environment: PipelineEnvironment, stages: str = STAGES) -> str:
    return CHECKS["stopped"].answer(environment, {"scene_id": "kitchen_001", "stages": stages})


def test_a_marker_that_is_there_is_not_gone(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    assert gone(environment, put(sandbox, MARKER)) == ""


def test_a_marker_that_is_not_there_is_gone(environment: PipelineEnvironment) -> None:
    assert "is not there any more" in gone(environment, "7")


def test_a_marker_that_was_written_again_has_an_event_of_its_own(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    first, second = put(sandbox, MARKER), put(sandbox, MARKER)
    assert second in gone(environment, first)
    assert gone(environment, second) == ""


def test_where_nobody_answers_nothing_is_known(environment: PipelineEnvironment) -> None:
    environment.storage.endpoint = f"http://127.0.0.1:{free_port()}"
    environment.storage.limits = environment.storage.limits.model_copy(update={"attempts": 1})
    with pytest.raises(TemporaryError):
        gone(environment, "7")


def test_a_scene_that_nobody_stopped_is_not_stopped(environment: PipelineEnvironment, kitchen: str) -> None:
    assert stopped(environment) == ""


@pytest.mark.parametrize("value", [{"paused": True}, {}])
def test_while_the_pipeline_is_paused_nothing_is_started(
    sandbox: Sandbox, environment: PipelineEnvironment, value: dict[str, bool]
) -> None:
    put(sandbox, "automation/text_daily/.paused", value)
    assert "paused" in stopped(environment)


def test_its_state_pauses_too_and_only_when_it_says_so(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    put(sandbox, "automation/text_daily/state.json", {"paused": False})
    assert stopped(environment) == ""
    put(sandbox, "automation/text_daily/state.json", {"paused": True})
    assert "paused" in stopped(environment)


def test_a_persons_stop_is_one_for_its_stages_only(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    put(sandbox, "scenes/kitchen_001/geniesim/.canary_rollback")
    assert "put there by a person" in stopped(environment)
    assert stopped(environment, "usd, simready") == ""


@pytest.mark.parametrize("place", ["stops/mine", "scenes/kitchen_001/stops/mine", "gs://sandbox-scenes/elsewhere/mine"])
def test_a_stop_is_found_where_the_scenes_settings_put_it(
    sandbox: Sandbox, environment: PipelineEnvironment, place: str
) -> None:
    put(sandbox, "scenes/kitchen_001/config.json", {"canary_rollback_marker": place})
    assert stopped(environment) == ""
    name = place.removeprefix("gs://sandbox-scenes/")
    put(sandbox, name if name.startswith(("scenes/", "elsewhere/")) else f"scenes/kitchen_001/{name}")
    assert "put there by a person" in stopped(environment)


def test_the_scene_is_not_listed_for_it(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """A large one would take longer than the recovery may wait."""
    put(sandbox, "scenes/kitchen_001/geniesim/.canary_rollback")
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    assert "put there by a person" in stopped(environment)


def failed_execution(sandbox: Sandbox, environment: PipelineEnvironment, argument: dict[str, Any]) -> dict[str, str]:
    sandbox.simulator.behave(SimulatorFault(kind="raise"))
    started = environment.workflows.start("usd-assembly-pipeline", argument, labels={})
    return {
        "location": "us-central1",
        "workflow": "usd-assembly-pipeline",
        "execution": started.name.rpartition("/")[2],
    }


def test_the_scene_of_an_execution_is_in_its_argument(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str
) -> None:
    argument = {"data": {"bucket": DATA, "name": f"scenes/{kitchen}/assets/.regen3d_complete"}}
    found = ASKS["scene_of_workflow"].answer(environment, failed_execution(sandbox, environment, argument))
    assert found["scene_id"] == kitchen
    assert "usd" in found["stages"].split(", ")


@pytest.mark.parametrize(
    "argument",
    [
        {},
        {"data": {"bucket": "another", "name": "scenes/a/x"}},
        {"scene_id": "a b"},
        {"data": {"name": "scenes/../x/y"}},
    ],
)
def test_an_execution_on_no_scene_starts_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment, argument: dict[str, Any]
) -> None:
    values = failed_execution(sandbox, environment, argument)
    with pytest.raises(NothingToDo) as end:
        ASKS["scene_of_workflow"].answer(environment, values)
    assert end.value.word == "no_scene"


def test_an_execution_that_is_not_there_starts_nothing(environment: PipelineEnvironment) -> None:
    values = {"location": "us-central1", "workflow": "usd-assembly-pipeline", "execution": "never"}
    with pytest.raises(NothingToDo) as end:
        ASKS["scene_of_workflow"].answer(environment, values)
    assert end.value.word == "gone"


def test_the_scene_of_a_job_is_in_its_environment(environment: PipelineEnvironment, kitchen: str) -> None:
    started = environment.jobs.start("simready-job", {"SCENE_ID": kitchen, "BUCKET": DATA})
    values = {"location": "us-central1", "job": "simready-job", "execution": started.name.rpartition("/")[2]}
    assert ASKS["scene_of_job"].answer(environment, values) == {"scene_id": kitchen}
    assert ASKS["scene_of_job"].answer(environment, values | {"execution": "never"}) == {"scene_id": "unknown"}
