"""One part of the examination at a time, and the changes of a sandbox by which it finds something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import yaml
from google.cloud import eventarc_v1

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import LOCATION, PROJECT
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.trigger_table import FINALIZED
from tasks.doctor.examine import Look
from tasks.doctor.parts import PIPELINE
from tasks.pipeline.deployed import Deployed

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
USD = "usd-assembly-pipeline"
USD_TRIGGER = "usd-assembly-trigger"
Change = Callable[[Sandbox, PipelineEnvironment], object]


def seen_by(part: str, environment: PipelineEnvironment) -> Look:
    """What one part finds."""
    look, deployed = Look(part), Deployed(environment)
    try:
        PIPELINE[part](deployed, look)
    finally:
        deployed.close()
    return look


def codes(look: Look) -> set[str]:
    """The codes of its findings."""
    return {one.code.name for one in look.findings}


def said(look: Look, code: str) -> str:
    """The sentences of one code."""
    return " ".join(one.what for one in look.findings if one.code.name == code)


# Changes


def bucket(name: str, **settings: Any) -> Change:
    """A bucket that is set to something else."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        found = sandbox.store.bucket(name)
        found.settings = replace(found.settings, **settings)

    return change


def rule(name: str, **condition: Any) -> Change:
    """A bucket with a lifecycle rule that deletes."""
    return bucket(name, extra={"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": condition}]}})


def named(**fields: str) -> Change:
    """An environment that names other buckets."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        for key, value in fields.items():
            setattr(environment, key, value)

    return change


def gone(kind: str, name: str) -> Change:
    """A workflow, job or trigger that is not deployed."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        tables = {
            "workflow": sandbox.workflows.deployed,
            "job": sandbox.run.deployed,
            "trigger": sandbox.eventarc.deployed,
        }
        tables[kind].put(name, False)

    return change


def trigger(
    called: str = USD_TRIGGER,
    location: str = "us-central1",
    workflow: str = f"{LOCATION}/workflows/{USD}",
    **filters: str,
) -> Change:
    """A trigger that is deployed so, and not as the catalogue has it."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        sandbox.eventarc.deployed.remove(f"{LOCATION}/triggers/{called}")
        known = environment.catalogue.triggers.get(called)
        wanted = {"type": FINALIZED, "bucket": DATA}
        wanted |= {"name": known.name_regex} if known and known.name_regex else {}
        wanted |= filters
        message = eventarc_v1.Trigger(
            event_filters=[{"attribute": key, "value": value} for key, value in wanted.items() if value],
            destination={"workflow": workflow},
        )
        sandbox.eventarc.deployed.add(f"projects/{PROJECT}/locations/{location}/triggers/{called}", message)

    return change


def source(name: str, steps: list[dict[str, Any]], **environment_: str) -> Change:
    """A workflow that is deployed with other steps and variables."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        live = environment.workflows.definition(name)
        assert live is not None
        text = yaml.safe_dump({"main": {"params": ["event"], "steps": steps}}, sort_keys=False)
        environment.workflows.deploy(
            replace(live, source=text, environment=environment_), expected_revision=live.revision_id
        )

    return change


def live_message(name: str, **fields: Any) -> Change:
    """A workflow in a state that no request leads to."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        message = sandbox.workflows.revisions.live(name)
        for key, value in fields.items():
            setattr(message, key, value)

    return change


def job(name: str, timeout: str | None = None, **env: str) -> Change:
    """A job that is deployed with another timeout and variables."""

    def change(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
        live = environment.jobs.definition(name)
        assert live is not None
        task = live.job["template"]["template"]
        task["timeout"] = timeout or task["timeout"]
        if env:
            task["containers"][0]["env"] = [{"name": key, "value": value} for key, value in env.items()]
        environment.jobs.deploy(live, etag=live.etag)

    return change
