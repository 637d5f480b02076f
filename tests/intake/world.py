"""What the tests of intake share: triggers in any location, events, and what was started."""

from __future__ import annotations

import json
from collections import Counter

from google.cloud import eventarc_v1

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.trigger_table import FINALIZED
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.intake.resume import ResumeIntake, ResumeRequest
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run

FLOW, OBJECTS = "usd-assembly-pipeline", "objects-pipeline"
USD, LAYOUT = "usd-assembly-trigger", "objects-trigger"


OVERLAY = """
triggers:
  source-orchestrator-trigger: {workflow: objects-pipeline, deployed: false}
  new-trigger: {workflow: usd-assembly-pipeline, deployed: false}
  short: {workflow: usd-assembly-pipeline, deployed: false}
  calls-an-address: {workflow: usd-assembly-pipeline, deployed: false}
  layouts: {workflow: objects-pipeline, deployed: false}
"""
"""The triggers that the tests make beside those of the catalogue, which then names them."""


def make_trigger(
    sandbox: Sandbox, location: str, name: str, workflow: str = FLOW, bucket: str = DATA_BUCKET, pattern: str = ""
) -> str:
    """A trigger of somebody's, made without the API; its full name. An empty `workflow`: it calls an address instead."""
    filters = {"type": FINALIZED, "bucket": bucket} | ({"name": pattern} if pattern else {})
    destination = eventarc_v1.Destination(workflow=f"{LOCATION}/workflows/{workflow}" if workflow else "")
    if not workflow:
        destination.http_endpoint = eventarc_v1.HttpEndpoint(uri="https://example.com/")
    message = eventarc_v1.Trigger(
        event_filters=[eventarc_v1.EventFilter(attribute=key, value=filters[key]) for key in filters],
        destination=destination,
    )
    full = f"projects/{PROJECT}/locations/{location}/triggers/{name}"
    made = sandbox.eventarc.deployed.add(full, message)
    assert made is not None
    made.backlog.ack_deadline = 0.2
    return full


def only(sandbox: Sandbox, *names: str) -> None:
    """Take every other trigger of the catalogue away."""
    for name in set(sandbox.eventarc.deployed.names()) - set(names):
        sandbox.eventarc.deployed.put(name, False)


def pause(environment: PipelineEnvironment, **options: object) -> Run:
    """One pause with a context of its own, as a process of its own would have."""
    settings = {"mode": "apply", "reason": "export is broken"} | options
    return run(PauseIntake(), Context(environment, "ann", gone=lambda _: True), PauseRequest(**settings))  # type: ignore[arg-type]


def resume(environment: PipelineEnvironment, run_id: str = "", **options: object) -> Run:
    """One resume, likewise."""
    settings = {"mode": "apply", "run": run_id} | options
    return run(ResumeIntake(), Context(environment, "bo", gone=lambda _: True), ResumeRequest(**settings))  # type: ignore[arg-type]


def pushes(sandbox: Sandbox) -> dict[str, str]:
    """Where each subscription pushes."""
    return {one.subscription: one.backlog.push_config.push_endpoint for one in sandbox.eventarc.deployed.all()}


def schedulers(environment: PipelineEnvironment) -> dict[str, str]:
    """The state of each scheduler."""
    return {one.name: one.state for one in environment.schedulers.list()}


def started(sandbox: Sandbox, workflow: str) -> Counter[str]:
    """How often a workflow was started for each object."""
    found = sandbox.workflows.executions.newest_first(workflow)
    return Counter(str(json.loads(one.argument or "{}").get("data", {}).get("name", "")) for one in found)
