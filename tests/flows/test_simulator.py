"""The flow and the command that say how the simulator is: what Prefect and a terminal show, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from flows.simulator_check import ANSWER, simulator_check
from tests.flows.world import Saved, artifacts, run
from tests.receiver.world import ask


def test_an_outage_fails_the_flow_and_its_page_has_what_says_so(saved: Saved, sandbox: Sandbox) -> None:
    assert run(simulator_check).is_completed()
    sandbox.genie_sim.switch("down")
    told = run(simulator_check)
    assert told.is_failed()
    assert "genie-sim is down" in (told.message or "")
    page = str(artifacts(told)["check-simulator-check"].data)
    assert "No connection to" in page
    assert "particulate-service** · it is: not looked at" in page


@pytest.fixture
def answering(prefect_server: None) -> Iterator[str]:
    """The deployment that answers an outage, without a worker: its runs can be counted."""
    flow, _, name = ANSWER.partition("/")
    body = {"name": name, "flow_id": ask("POST", "/flows/", {"name": flow})["id"]}
    made = ask("POST", "/deployments/", body)["id"]
    yield made
    ask("DELETE", f"/deployments/{made}")


def started(deployment: str) -> list[dict[str, Any]]:
    found = ask("POST", "/flow_runs/filter", {"deployments": {"id": {"any_": [deployment]}}, "sort": "ID_DESC"})
    return [one["parameters"] for one in found]


def test_the_look_that_finds_an_outage_has_it_answered_and_a_look_by_hand_only_tells(
    saved: Saved, sandbox: Sandbox, answering: str
) -> None:
    assert run(simulator_check, mode="answer").is_completed()
    sandbox.genie_sim.switch("down")
    assert run(simulator_check).is_failed()
    assert started(answering) == []
    assert run(simulator_check, mode="answer").is_failed()
    (asked,) = started(answering)
    assert asked["reason"].startswith("genie-sim is down")
    assert {name: asked[name] for name in ("service", "requested_by", "environment")} == {
        "service": "genie-sim",
        "requested_by": "simulator-check",
        "environment": "default",
    }


def test_what_cannot_be_started_is_told_with_the_command_for_a_person(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.genie_sim.switch("down")
    told = run(simulator_check, mode="answer")
    assert told.is_failed()
    assert "could not be started for genie-sim" in str(artifacts(told)["check-simulator-check"].data)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_tells_an_outage_with_exit_code_1(saved: Saved, sandbox: Sandbox, as_json: bool) -> None:
    sandbox.genie_sim.switch("down")
    said = CliRunner().invoke(app, ["health", *["--json"] * as_json])
    assert said.exit_code == 1, said.output
    if as_json:
        found = json.loads(said.stdout)
        assert (found["outcome"], found["exit_code"], found["switches"], found["unseen"]) == ("failed", 1, [], [])
        assert [(one["name"], one["state"], one["looked"]) for one in found["services"]] == [
            ("genie-sim", "down", True),
            ("particulate-service", "unknown", False),
            ("geniesim-webhook", "unknown", False),
        ]
    else:
        assert said.stdout.startswith("genie-sim: down\n  No connection to")


@pytest.mark.parametrize(
    ("state", "code", "said"), [("serving", 0, "genie-sim: serving"), ("unimplemented", 5, "genie-sim: unknown")]
)
def test_the_exit_code_is_that_of_the_word(saved: Saved, sandbox: Sandbox, state: str, code: int, said: str) -> None:
    sandbox.genie_sim.switch(state)  # type: ignore[arg-type]
    done = CliRunner().invoke(app, ["health"])
    assert (done.exit_code, done.stdout.splitlines()[0]) == (code, said)


def test_the_command_says_what_it_could_not_ask_with_exit_code_5(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403))
    done = CliRunner().invoke(app, ["health"])
    assert done.exit_code == 5, done.output
    assert "Could not look: log of genie-sim" in done.stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_cannot_begin_without_its_environment(saved: Saved, as_json: bool) -> None:
    done = CliRunner().invoke(app, ["health", "--environment", "nowhere", *["--json"] * as_json])
    assert done.exit_code == 2
    assert "nowhere" in done.output
