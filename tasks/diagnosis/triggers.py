"""Triggers and workflows of the catalogue that are not there, or listen to another bucket: then nothing starts."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from blocks.catalogue import Trigger
from blocks.errors import OutsideError
from blocks.triggers import TriggerInfo
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.signs import tags
from tasks.diagnosis.symptoms import Nothing
from tasks.diagnosis.world import World
from tasks.pipeline.deployed import Unread
from tasks.remediation.report import listed

DELETED = "google.cloud.eventarc.v1.Eventarc.DeleteTrigger"
"""How the audit log names it (Google: "Eventarc audit logging"). Admin activity is always logged, and kept 400 days."""
VALUES = frozenset({"trigger", "workflow", "bucket", "project", "region"})
"""Of what is deployed."""


def values_of(world: World, trigger: str, workflow: str) -> dict[str, str]:
    """What fills a remedy."""
    place = world.environment.workflows
    named = {"trigger": trigger, "workflow": workflow, "bucket": world.environment.data_bucket}
    return named | {"project": place.project, "region": place.region}


def look_for_missing(world: World, asked: list[Asked[Nothing]], found: Found) -> None:
    """Triggers that should be deployed and are not. One of another name that does the same is as good."""
    there = world.triggers()
    for name, known in world.catalogue.triggers.items():
        if not known.deployed or known.forbidden or any(one.name == name or does(world, one, known) for one in there):
            continue
        for one in asked:
            found.say(
                one.row,
                f"trigger {name}",
                f"Trigger {name}, which starts {known.workflow}, is not deployed in any location.",
                evidence=[
                    f"triggers of project {world.environment.triggers.project}: "
                    f"{listed([each.name for each in there], 8)}"
                ],
                tags=tags(trigger=name, workflow=known.workflow),
                values=values_of(world, name, known.workflow)
                | {"location": world.location(), "account": world.trigger_account()},
                since=deleted_at(world, name),
            )


def deleted_at(world: World, trigger: str) -> datetime | None:
    """When it was deleted, as the project's audit log tells; None: it does not, or may not be read."""
    query = f'protoPayload.methodName="{DELETED}" AND protoPayload.resourceName:"/triggers/{trigger}"'
    with suppress(OutsideError):
        lines = world.environment.logs.newest(query, since=world.since, most=20)
        return next((one.at for one in lines if one.resource_name.endswith(f"/triggers/{trigger}")), None)
    return None


def does(world: World, trigger: TriggerInfo, known: Trigger) -> bool:
    """Whether a trigger that the catalogue does not name does what one of the catalogue is for."""
    same = trigger.workflow == known.workflow and trigger.bucket == world.environment.data_bucket
    return same and trigger.name not in world.catalogue.triggers and trigger.name_pattern in (None, known.name_regex)


def look_for_misdirected(world: World, asked: list[Asked[Nothing]], found: Found) -> None:
    """Triggers of the catalogue that listen to something else, or start something else."""
    for trigger in world.triggers():
        known = world.catalogue.triggers.get(trigger.name)
        if known is None or known.forbidden or known.event != "object_finalized":
            continue
        for said in wrong(world, trigger, known.workflow):
            for one in asked:
                found.say(
                    one.row,
                    f"trigger {trigger.name}",
                    f"Trigger {trigger.name} {said}.",
                    evidence=[
                        f"deployed in {trigger.location}: bucket {trigger.bucket or '(none)'}, name "
                        f"{trigger.name_pattern or '(any)'}, workflow {trigger.workflow or '(none)'}"
                    ],
                    tags=tags(trigger=trigger.name, workflow=known.workflow),
                    values=values_of(world, trigger.name, known.workflow),
                )


def wrong(world: World, trigger: TriggerInfo, workflow: str) -> list[str]:
    """What is not as it should be."""
    bucket = world.environment.data_bucket
    said = [f"listens to {trigger.bucket or 'no bucket'} and not to {bucket}"] * (trigger.bucket != bucket)
    return said + [f"starts {trigger.workflow or 'no workflow'} and not {workflow}"] * (trigger.workflow != workflow)


def look_for_workflows(world: World, asked: list[Asked[Nothing]], found: Found) -> None:
    """Workflows that scenes need and that are not deployed, or cannot run."""
    for name, workflow in world.deployed.workflows().items():
        if isinstance(workflow, Unread):
            found.unknown.append(f"workflow {name}: {workflow.sentence}")
            continue
        stages = world.catalogue.workflows[name].stages
        needed = [stage for stage in stages if not world.catalogue.stages[stage].optional]
        if workflow is not None and workflow.state in ("ACTIVE", "STATE_UNSPECIFIED"):
            continue
        if workflow is None and not needed:
            continue  # an installation may do without it
        said = (
            "is not deployed"
            if workflow is None
            else f"is {workflow.state}: {workflow.problem or 'no reason is given'}"
        )
        for one in asked:
            found.say(
                one.row,
                f"workflow {name}",
                f"Workflow {name}{f', which makes {listed(stages, 4)},' if stages else ''} {said}.",
                evidence=[
                    f"projects/{world.environment.workflows.project}/locations/{world.environment.workflows.region}"
                ],
                tags=tags(workflow=name),
                values=values_of(world, "", name),
                since=workflow.updated if workflow else None,
            )


PROBES = (
    Probe("missing_triggers", Nothing, VALUES | {"location", "account"}, look_for_missing),
    Probe("misdirected_triggers", Nothing, VALUES, look_for_misdirected),
    Probe("missing_workflows", Nothing, VALUES - {"trigger"}, look_for_workflows),
)
