"""Redeploy a workflow or a job as a night recorded it: the difference is shown first, the live revision must not change."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import asdict
from difflib import unified_diff
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.job_definitions import JobDefinition
from blocks.workflow_definitions import WorkflowDefinition
from tasks.remediation.actions import Doing
from tasks.remediation.context import Context
from tasks.remediation.guard import Surroundings, stopped
from tasks.remediation.plan import Action, Plan
from tasks.restore.outcome import RestoreResult
from tasks.restore.plan import PROCEDURE
from tasks.restore.prepare import Prepared, night_of
from tasks.restore.wanted import BadRequest, Wanted
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import read_definitions
from tasks.snapshots.summary import DefinitionRecord

Recorded = WorkflowDefinition | JobDefinition


def prepare_definition(context: Context, wanted: Wanted, result: RestoreResult) -> Prepared:
    """Compare what was recorded with what is live. Raises `BadRequest`, `OutsideError`."""
    environment = context.environment
    night = night_of(environment, wanted)
    records = read_definitions(environment, night) if night is not None else []
    kind = f"{wanted.kind}s"
    record = next((one for one in records if (one.kind, one.name) == (kind, wanted.name)), None)
    if night is None or record is None:
        known = ", ".join(one.name for one in records if one.kind == kind) or f"no {wanted.kind}"
        raise BadRequest(f"No {wanted.kind} {wanted.name!r} was recorded by then; that night has {known}.")
    recorded, live = read_definition(environment, record), live_definition(environment, wanted.kind, wanted.name)
    result.night, result.achieved = night.night, f"As night {night.night} recorded it ({record.revision})."
    if same(recorded, live):
        return Prepared(Plan(procedure=PROCEDURE, subject=result.scope))
    result.diff = diff(recorded, live)
    return Prepared(plan_definition(wanted, result.scope, record, live), stopped(environment.policy, Surroundings(0)))


def read_definition(environment: PipelineEnvironment, record: DefinitionRecord) -> Recorded:
    """A recorded definition. Raises PermanentError when it is not what the night's list says."""
    body = environment.storage.read(layout_of(environment).bucket, record.object)
    if hashlib.sha256(body).hexdigest() != record.sha256:
        raise PermanentError(f"{record.object} is not what the night recorded; use another night.")
    value: dict[str, Any] = json.loads(body)
    return WorkflowDefinition.from_dict(value) if record.kind == "workflows" else JobDefinition.from_dict(value)


def live_definition(environment: PipelineEnvironment, kind: str, name: str) -> Recorded | None:
    """What is deployed now; None when nothing is."""
    return environment.workflows.definition(name) if kind == "workflow" else environment.jobs.definition(name)


def same(recorded: Recorded, live: Recorded | None) -> bool:
    """Whether what is live does what was recorded."""
    if isinstance(recorded, WorkflowDefinition):
        return isinstance(live, WorkflowDefinition) and live.same_as(recorded)
    return isinstance(live, JobDefinition) and live.pinned() == recorded.pinned()


def diff(recorded: Recorded, live: Recorded | None) -> str:
    """From what is live to what was recorded, as a unified diff. Values of environment variables are not shown."""
    before, after = (text_of(live) if live else []), text_of(recorded)
    lines = list(unified_diff(before, after, "live", "recorded", lineterm=""))
    return "\n".join(lines) or "They differ only in values that are not shown."


def text_of(found: Recorded) -> list[str]:
    """A definition as lines; secrets are told apart by a digest."""
    if isinstance(found, WorkflowDefinition):
        settings = asdict(found)
        source = settings.pop("source")
        for name in ("revision_id", "revision_create_time"):
            settings.pop(name)
        settings["environment"] = {name: hidden(value) for name, value in found.environment.items()}
        return [*json.dumps(settings, indent=2, sort_keys=True).splitlines(), *str(source).splitlines()]
    return json.dumps(without_values(found.pinned()), indent=2, sort_keys=True).splitlines()


def without_values(value: Any) -> Any:
    """A job with every environment variable's value replaced."""
    value = copy.copy(value)
    if isinstance(value, dict):
        if "name" in value and isinstance(value.get("value"), str):
            return value | {"value": hidden(value["value"])}
        return {key: without_values(item) for key, item in value.items()}
    return [without_values(item) for item in value] if isinstance(value, list) else value


def hidden(text: str) -> str:
    """What stands for a value: equal values look equal."""
    return f"(sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"


def plan_definition(wanted: Wanted, subject: str, record: DefinitionRecord, live: Recorded | None) -> Plan:
    """One action: deploy over the revision that was seen."""
    expected = live.revision_id if isinstance(live, WorkflowDefinition) else live.etag if live else ""
    action = Action(
        step="1 redeploy",
        kind="deploy_definition",
        effect="write",
        target=f"{wanted.kind} {wanted.name}",
        precondition=f"the live one is still {expected or 'not deployed'}",
        undo="deploy the earlier revision the same way",
        why=f"as recorded: {record.revision or record.sha256[:16]}",
        params={"kind": wanted.kind, "record": record.model_dump(mode="json"), "expected": expected},
    )
    return Plan(procedure=PROCEDURE, subject=subject, actions=(action,), risk="medium")


def deploy_definition(doing: Doing) -> str:
    """Deploy the recorded definition over the live one that was seen, and read it back.

    Raises:
        PreconditionFailed: another one is live by now; nothing was changed.
    """
    environment, expected = doing.context.environment, doing.text("expected")
    record = DefinitionRecord.model_validate(doing.action.params["record"])
    recorded = read_definition(environment, record)
    if same(recorded, live_definition(environment, doing.text("kind"), record.name)):
        return "found deployed"
    if isinstance(recorded, WorkflowDefinition):
        return f"deployed as {environment.workflows.deploy(recorded, expected_revision=expected).revision_id}"
    return f"deployed as {environment.jobs.deploy(recorded, etag=expected).etag}"
