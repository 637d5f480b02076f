"""`remediate pipeline`: the script's words do what `intake` and the doctor do, over every trigger and not three of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from blocks.environment import PipelineEnvironment
from deployments import cli, cli_intake, cli_job, cli_pipeline, doctor
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.doctor.parts import PIPELINE, STARTS_WORK


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all: what a test switches it switches back."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipelineEnvironment]:
    """The environment that the commands load, without a Prefect server."""
    made = for_sandbox(sandbox.endpoints, quick_policy())
    monkeypatch.setattr(doctor, "load", lambda _name: made)
    for module in (cli_intake, cli_job, cli_pipeline):
        monkeypatch.setattr(module, "use_running_stack", lambda: None)
    yield made
    made.close()


def typed(*words: str) -> Any:
    return CliRunner().invoke(cli.app, list(words))


def test_status_is_intake_and_all_that_starts_work_on_one_screen_and_changes_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.requests.reset()
    done = typed("pipeline", "status")
    assert "intake is not paused" in done.output
    assert {part for part in STARTS_WORK if part not in done.output} == set()
    assert not [part for part in PIPELINE if part not in STARTS_WORK and f"{part} (" in done.output]
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_trigger_that_is_missing_is_an_error_of_status_and_is_named_by_enable_and_left(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def outcome(flow: Any, **parameters: Any) -> int:
        asked.append((flow.name, parameters))
        return 3

    monkeypatch.setattr(cli_intake, "outcome", outcome)
    name = next(one for one, known in environment.catalogue.triggers.items() if known.deployed)
    sandbox.eventarc.deployed.put(name, False)
    try:
        status, enable = typed("pipeline", "status"), typed("pipeline", "enable")
        still = sandbox.eventarc.deployed.names()
    finally:
        sandbox.eventarc.deployed.put(name, True)
    assert (status.exit_code, "trigger-missing" in status.output) == (1, True), status.output
    assert enable.exit_code == 3, "the flow's own code is the command's"
    assert f"Trigger {name} of workflow" in enable.output
    assert name not in still
    assert asked == [
        ("resume-intake", {"mode": "plan", "run": "", "reason": "", "plan_digest": "", "environment": "default"})
    ]


def test_without_an_environment_it_is_one_sentence(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "load", lambda _name: "The environment block 'x' cannot be loaded: none.")
    done = typed("pipeline", "status", "--environment", "x")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot be loaded" in done.stderr
    assert list(cli_pipeline.triggers_to_mend("x")) == []


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_manifest_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "job.yaml"
    if content is not None:
        file.write_bytes(content)
    done = typed("job", "deploy", "a", "--manifest", str(file))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot be read" in done.stderr


def test_a_manifest_is_given_to_the_flow_as_text(
    environment: PipelineEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(cli_job, "outcome", lambda flow, **parameters: given.update(parameters) or 0)
    (tmp_path / "job.yaml").write_text("kind: Job\n")
    assert typed("job", "deploy", "a", "--manifest", str(tmp_path / "job.yaml")).exit_code == 0
    assert given["manifest"] == "kind: Job\n"
