"""Recover one scene: observe, plan, guard, apply, verify, report. Reads top to bottom as the handbook does.

The steps are Prefect tasks; `call` says how to call one, so the same code runs inside a flow (as task runs) and as plain
functions (`plain`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from blocks.catalogue_query import class_of
from blocks.errors import OutsideError, PermanentError, TemporaryError, UnknownOutcome
from tasks.recovery.faults import record_fault, scenes_with_fault
from tasks.recovery.observe import SceneFacts, scene_view
from tasks.recovery.outcome import PROCEDURE, RecoveryResult
from tasks.recovery.plan import plan_recovery
from tasks.recovery.steps import STEP_TASKS, validate_manifests
from tasks.remediation.apply import Stopped, Work
from tasks.remediation.approve import needs_person
from tasks.remediation.calling import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.guard import Surroundings, refusals
from tasks.remediation.journal import Journal, JournalTaken, past_runs, read_journal
from tasks.remediation.lease import Lease, LeaseBusy, LeaseLost
from tasks.remediation.plan import Plan
from tasks.remediation.starts import StillRunning
from tasks.validation.scene import validate_scene


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for."""

    mode: Literal["plan", "apply"] = "plan"
    restore_inputs: bool = False
    accept_systematic: bool = False
    plan_digest: str = ""
    """Apply only the plan with this digest (the one that was reviewed)."""
    approved_digest: str = ""
    """The plan a person has approved."""
    approved_by: str = ""


def recover_scene(context: Context, scene_id: str, wanted: Wanted, call: Call = plain) -> RecoveryResult:
    """Recover one scene, or show what that would do. Never raises for what can go wrong with a scene.

    Args:
        context: Environment, actor, and how to speak.
        scene_id: The scene.
        wanted: Mode and options.
        call: How to call a step.
    """
    result = RecoveryResult(scene_id=scene_id, outcome="failed")
    try:
        if wanted.mode == "plan":
            look_and_plan(context, result, wanted, call)
        else:
            context.environment.catalogue.scene_prefix(scene_id)
            with context.holding(scene_id, new_run_id()) as lease:
                apply(context, lease, result, wanted, call)
    except (LeaseBusy, LeaseLost, JournalTaken) as error:
        result.outcome, result.reasons = "busy", [str(error)]
    except (Stopped, TemporaryError) as error:
        result.outcome = "stopped" if isinstance(error, Stopped) else "failed"
        result.reasons = [f"{error} Run it again: it continues where it stopped."]
    except UnknownOutcome as error:
        result.outcome, result.reasons = "unknown", [str(error)]
    except (OutsideError, ValueError) as error:
        result.outcome, result.reasons = "failed", [str(error)]
    return result


def look_and_plan(
    context: Context, result: RecoveryResult, wanted: Wanted, call: Call
) -> tuple[SceneFacts, Plan] | None:
    """Observe and plan; fill in the result. None when there is nothing to do or nothing may be done."""
    environment = context.environment
    with timed(result, "observe"):
        facts: SceneFacts = call(validate_manifests, context, result.scene_id)
    plan = plan_recovery(facts, environment.catalogue, environment.data_bucket, wanted.restore_inputs)
    result.plan, result.before = plan, dict(facts.report.stages)
    result.errors = [f"{f.object}: {f.message}" for f in facts.report.findings if f.severity == "error"]
    if not plan.actions and not plan.escalations:
        result.outcome, result.after = "healthy", result.before
        return None
    around = surroundings(context, facts, plan, wanted)
    if plan.escalations:
        result.outcome, result.reasons = "escalated", list(plan.escalations)
    elif reasons := refusals(plan, environment.policy, around):
        result.outcome, result.reasons = "refused", reasons
    elif wanted.plan_digest and wanted.plan_digest != plan.digest:
        result.outcome = "refused"
        result.reasons = [f"The plan is now {plan.digest}, not {wanted.plan_digest}: the scene has changed. Review it."]
    elif wanted.mode == "apply" and needs_person(plan, environment.policy) and wanted.approved_digest != plan.digest:
        result.outcome = "needs_approval"
        result.reasons = [f"Plan {plan.digest} has risk {plan.risk}: the policy wants a person's approval for it."]
    else:
        result.outcome = "planned"
        return facts, plan
    return None


def surroundings(context: Context, facts: SceneFacts, plan: Plan, wanted: Wanted) -> Surroundings:
    """What the guard weighs the plan against."""
    environment = context.environment
    if plan.fault and wanted.mode == "apply":
        record_fault(environment, plan.fault, facts.scene_id)
    return Surroundings(
        total_objects=len(facts.files),
        live=tuple(work.what for work in facts.live) + tuple(held(facts)),
        attempts=facts.tried,
        same_fault=scenes_with_fault(environment, plan.fault, but=facts.scene_id) if plan.fault else 0,
        accept_systematic=wanted.accept_systematic,
    )


def held(facts: SceneFacts) -> Iterator[str]:
    """Locks whose holder lives, or of which nobody can tell."""
    for lock in facts.locks:
        if lock.alive is not False:
            yield f"the holder of {lock.path} ({lock.holder or 'it names nobody; remove the lock by hand if it is dead'})"


def apply(context: Context, lease: Lease, result: RecoveryResult, wanted: Wanted, call: Call) -> None:
    """Under the lease: continue the unfinished run if there is one, else plan and carry out a new one."""
    journal = unfinished(context, result)
    if journal is None:
        found = look_and_plan(context, result, wanted, call)
        if found is None:
            return
        facts, plan = found
        journal = begin(context, lease, facts, plan, wanted.approved_by)
    elif wanted.plan_digest and wanted.plan_digest != journal.plan().digest:
        result.outcome, result.plan = "refused", journal.plan()
        result.reasons = [
            f"Run {journal.run} was interrupted and its plan {journal.plan().digest} must be finished or undone before "
            f"plan {wanted.plan_digest} can be applied; run this without a digest to continue it."
        ]
        return
    else:
        context.say(f"{result.scene_id}: continuing run {journal.run}, which was interrupted")
        result.plan = journal.plan()
    result.run = journal.run
    try:
        carry_out(Work(context, journal, lease), result, call)
        prove(context, result)
    except StillRunning:
        raise  # the run has not ended either: whoever continues it waits for the same execution
    except PermanentError as error:
        journal.append("end", {"outcome": "failed", "reason": str(error)})
        result.outcome, result.reasons = (
            "failed",
            [str(error), f"Undo with: remediate undo {result.scene_id} {result.run}"],
        )
    else:
        journal.append("end", {"outcome": result.outcome, "reasons": list(result.reasons)})


def unfinished(context: Context, result: RecoveryResult) -> Journal | None:
    """The scene's latest run, if it is a recovery and has no end."""
    environment = context.environment
    past = past_runs(environment.storage, environment.ops_bucket, result.scene_id, environment.policy.attempts_hours)
    if not past or (past[-1].procedure, past[-1].outcome) != (PROCEDURE, "unfinished"):
        return None
    return read_journal(environment.storage, environment.ops_bucket, result.scene_id, past[-1].run, context.actor)


def begin(context: Context, lease: Lease, facts: SceneFacts, plan: Plan, approved_by: str) -> Journal:
    """Open the journal with the whole plan and the generations of the inputs, which nothing may change."""
    environment = context.environment
    journal = Journal(environment.storage, environment.ops_bucket, facts.scene_id, lease.holder.run, context.actor)
    restored = {action.params["name"] for action in plan.actions if action.kind == "restore_object"}
    prefix = environment.catalogue.scene_prefix(facts.scene_id)
    inputs = {
        path: file.generation
        for path, file in facts.files.items()
        if class_of(environment.catalogue, path) == "input" and prefix + path not in restored
    }
    journal.append(
        "begin",
        {
            "plan": plan.model_dump(mode="json"),
            "inputs": dict(inputs),
            "flow_run": context.flow_run_id,
            "approved_by": approved_by,
        },
    )
    return journal


def carry_out(work: Work, result: RecoveryResult, call: Call) -> None:
    """Every step of the plan, in order."""
    for step in work.journal.plan().steps():
        work.context.say(f"{result.scene_id}: {step.name}")
        with timed(result, step.name):
            task = STEP_TASKS[step.actions[0].kind]
            result.done |= call(task, work, step, scene_id=result.scene_id, step_name=step.name)


def prove(context: Context, result: RecoveryResult) -> None:
    """The whole scene once more: only a scene without errors is recovered."""
    with timed(result, "prove"):
        source = scene_view(context.environment, result.scene_id)
        report = validate_scene(source, context.environment.catalogue, "full")
    result.after = dict(report.stages)
    remaining = [f"{f.object}: {f.message}" for f in report.findings if f.severity == "error"]
    result.outcome = "failed" if remaining else "recovered"
    result.reasons = (
        [f"The rerun is verified, but the scene still has errors: {'; '.join(remaining[:3])}"] if remaining else []
    )


@contextmanager
def timed(result: RecoveryResult, name: str) -> Iterator[None]:
    """Add the block's wall time to the result."""
    began = time.monotonic()
    try:
        yield
    finally:
        result.seconds[name] = result.seconds.get(name, 0.0) + time.monotonic() - began
