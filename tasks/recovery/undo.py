"""Undo a recovery's deletions: what the journal says was deleted is brought back where nothing newer is.

Data first, markers last and only if asked, because writing a marker starts workflows. Locks are never brought back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from blocks.catalogue_query import class_of, fan_out
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError, PermanentError
from blocks.stored_object import StoredObject
from tasks.recovery.outcome import RecoveryResult
from tasks.recovery.steps import restore_inputs
from tasks.remediation.actions import quarantine_name
from tasks.remediation.apply import Stopped, Work
from tasks.remediation.calling import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.guard import Surroundings, refusals
from tasks.remediation.journal import Journal, JournalTaken, read_journal
from tasks.remediation.lease import LeaseBusy, LeaseLost
from tasks.remediation.plan import Action, Plan

PROCEDURE = "undo-recovery"
NEVER_RESTORED = ("lock",)
"""Put back, a lock blocks the scene. A work record that a run moved to quarantine goes back with the job it is of."""
MARKERS = ("completion_marker", "trigger_object", "failure_marker")


def plan_undo(environment: PipelineEnvironment, journal: Journal, markers: bool = False) -> Plan:
    """The plan that brings back what a run has deleted.

    Args:
        environment: The pipeline.
        journal: The run to undo.
        markers: Bring completion and failure markers back too; each starts the workflows that listen to it.
    """
    deleted = [a for a in journal.plan().actions if journal_deleted(journal, a)]
    actions, lost = [], []
    for action in deleted:
        path = str(action.params["name"]).removeprefix(environment.catalogue.scene_prefix(journal.subject))
        kind = class_of(environment.catalogue, path)
        if kind in NEVER_RESTORED or (kind in MARKERS and not markers):
            continue
        if environment.storage.stat(environment.data_bucket, str(action.params["name"])) is not None:
            continue
        source = find_deleted(environment, journal.subject, action)
        if source is None:
            lost.append(f"{action.target} cannot be brought back: no copy is left.")
        else:
            actions.append(restore(environment, action, source, path, is_marker=kind in MARKERS))
    actions.sort(key=lambda action: (action.step, action.target))
    return Plan(
        procedure=PROCEDURE, subject=journal.subject, actions=tuple(actions), escalations=tuple(lost), risk="high"
    )


def undo_run(
    context: Context, scene_id: str, run: str, mode: Literal["plan", "apply"], markers: bool, call: Call = plain
) -> RecoveryResult:
    """Show, or carry out, the undoing of one run. Never raises for what can go wrong with a scene."""
    environment = context.environment
    result = RecoveryResult(scene_id=scene_id, outcome="failed", run=run)
    try:
        environment.catalogue.scene_prefix(scene_id)
        undone = read_journal(environment.storage, environment.ops_bucket, scene_id, run, context.actor)
        result.plan = plan_undo(environment, undone, markers)
        if result.plan.escalations:
            result.outcome, result.reasons = "escalated", list(result.plan.escalations)
        elif not result.plan.actions:
            result.outcome, result.reasons = "healthy", ["Nothing to undo: what it deleted has been made again."]
        elif reasons := refusals(result.plan, environment.policy, Surroundings(0, live=live_on(context, scene_id))):
            result.outcome, result.reasons = "refused", reasons
        elif mode == "plan":
            result.outcome = "planned"
        else:
            carry_out_undo(context, result, call)
    except (LeaseBusy, LeaseLost, JournalTaken) as error:
        result.outcome, result.reasons = "busy", [str(error)]
    except (Stopped, OutsideError, ValueError) as error:
        result.reasons = [str(error)]
    return result


def live_on(context: Context, scene_id: str) -> tuple[str, ...]:
    return tuple(work.what for work in context.live.on(scene_id))


def carry_out_undo(context: Context, result: RecoveryResult, call: Call) -> None:
    """Under the scene's lease, with a journal of its own."""
    environment = context.environment
    assert result.plan is not None
    with context.holding(result.scene_id, new_run_id()) as lease:
        run = lease.holder.run
        journal = Journal(environment.storage, environment.ops_bucket, result.scene_id, run, context.actor)
        journal.append("begin", {"plan": result.plan.model_dump(mode="json"), "undoes": result.run})
        try:
            for step in result.plan.steps():
                result.done |= call(restore_inputs, Work(context, journal, lease), step, result.scene_id, step.name)
        except PermanentError as error:
            journal.append("end", {"outcome": "failed", "reason": str(error)})
            raise
        journal.append("end", {"outcome": "recovered"})
        result.outcome, result.run = "recovered", run


def journal_deleted(journal: Journal, action: Action) -> bool:
    """Whether the run removed this object (its outcome says so, or it was killed before it could say)."""
    if action.kind != "delete_object":
        return False
    return journal.outcomes().get(action.key, "unknown") in ("deleted", "found gone", "unknown")


def find_deleted(environment: PipelineEnvironment, subject: str, action: Action) -> tuple[str, StoredObject] | None:
    """Where the deleted generation still is: a version, a soft-deleted object, or the quarantine."""
    storage, name = environment.storage, str(action.params["name"])
    generation = int(str(action.params["generation"]))
    for source, found in candidates(environment, name):
        if found.name == name and found.generation == generation:
            return source, found
    kept = storage.stat(environment.ops_bucket, quarantine_name(subject, name, generation))
    return ("quarantine", kept) if kept is not None else None


def candidates(environment: PipelineEnvironment, name: str) -> Iterator[tuple[str, StoredObject]]:
    """Older generations and soft-deleted objects of that name."""
    protection = environment.storage.protection(environment.data_bucket)
    if not protection.exists:
        raise NotFound(f"There is no bucket {environment.data_bucket}; check the environment's data_bucket.")
    if protection.versioning:
        yield from (("version", o) for o in environment.storage.list(environment.data_bucket, name, versions=True))
    if protection.soft_delete_seconds:
        yield from (
            ("soft_delete", o) for o in environment.storage.list(environment.data_bucket, name, soft_deleted=True)
        )


def restore(
    environment: PipelineEnvironment, action: Action, found: tuple[str, StoredObject], path: str, is_marker: bool
) -> Action:
    """Bring one object back where nothing is now."""
    source, copy = found
    fires = ", ".join(fan_out(environment.catalogue, path))
    return Action(
        step="2 restore markers" if is_marker else "1 restore data",
        kind="restore_object",
        effect="write",
        target=action.target,
        precondition="absent",
        undo="delete it",
        why=f"run deleted it: {action.why}" + (f"; writing it fires {fires}" if fires else ""),
        bytes=copy.size,
        params={
            "name": str(action.params["name"]),
            "live_generation": 0,
            "source": source,
            "source_bucket": copy.bucket,
            "source_name": copy.name,
            "generation": copy.generation,
            "crc32c": copy.crc32c,
        },
    )
