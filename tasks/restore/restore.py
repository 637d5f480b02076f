"""Restore: observe, plan, guard, approve, apply, verify, report. Reads top to bottom as the handbook does.

Order of what is changed: the ticket, the hold, data, its proof, markers if asked for, their proof, removals if asked
for, and the release of what was held. Whatever fails, nothing after it is done but the release.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue

from blocks.errors import OutsideError, PermanentError, TemporaryError
from tasks.remediation.apply import Stopped
from tasks.remediation.approve import needs_person
from tasks.remediation.calling import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.journal import Journal, JournalTaken, past_runs, read_journal
from tasks.remediation.lease import LeaseBusy, LeaseLost
from tasks.restore.definitions import prepare_definition
from tasks.restore.outcome import RestoreResult
from tasks.restore.plan import PROCEDURE, SUBJECT
from tasks.restore.prepare import Prepared, prepare_objects
from tasks.restore.putting import Report
from tasks.restore.steps import STEP_TASKS, RestoreWork
from tasks.restore.terraform import prepare_state
from tasks.delivery.tickets import is_redeemed, read_ticket
from tasks.restore.wanted import OBJECTS, Wanted, check, scope_of

UNFINISHED_HOURS = 24.0 * 7
"""How far back an unfinished restore is looked for."""


def restore(context: Context, wanted: Wanted, call: Call = plain, report: Report = lambda _: None) -> RestoreResult:
    """Restore what is wanted, or show what that would do. Never raises for what can go wrong with a restore.

    Args:
        context: Environment, actor, and how to speak.
        wanted: Scope, time, mode and options.
        call: How to call a step.
        report: Told now and then how far a long step is.
    """
    result = RestoreResult(scope=f"{wanted.kind} {wanted.name}".strip())
    try:
        asked = check(context.environment, wanted)
        with TemporaryDirectory(prefix="restore-") as folder:
            if asked.mode == "plan":
                look_and_plan(context, asked, Path(folder), result)
            else:
                apply(context, asked, Path(folder), result, (call, report))
    except (LeaseBusy, JournalTaken) as error:
        result.outcome, result.reasons = "refused", [str(error)]
    except (Stopped, LeaseLost, TemporaryError) as error:
        result.outcome, result.reasons = (
            "failed",
            [f"{error} Run it again: it continues where it stopped.", *held(context, result)],
        )
    except (OutsideError, ValueError) as error:
        result.outcome = "refused" if isinstance(error, ValueError) and not result.run else "failed"
        result.reasons = [str(error), *held(context, result)]
    return result


def look_and_plan(context: Context, wanted: Wanted, folder: Path, result: RestoreResult) -> Prepared | None:
    """Observe and plan; fill in the result. None when there is nothing to do or nothing may be done."""
    policy = context.environment.policy
    with timed(result, "observe"):
        prepared = prepare(context, wanted, folder, result)
    plan = result.plan = prepared.plan
    if prepared.refused or plan.escalations:
        result.outcome, result.reasons = "refused", [*plan.escalations, *prepared.refused]
    elif not plan.actions:
        result.outcome = "failed" if prepared.lost else "nothing to do"
        result.reasons = (
            [f"{prepared.lost:,} objects cannot be brought back: no good copy is left."] if prepared.lost else []
        )
    elif wanted.plan_digest and wanted.plan_digest != plan.digest:
        result.outcome = "refused"
        result.reasons = [f"The plan is now {plan.digest}, not {wanted.plan_digest}: something has changed. Review it."]
    elif wanted.mode == "apply" and needs_person(plan, policy) and wanted.approved_digest != plan.digest:
        result.outcome = "needs_approval"
        result.reasons = [f"Plan {plan.digest} has risk {plan.risk}: the policy wants a person's approval for it."]
    else:
        result.outcome = "planned"
        return prepared
    return None


def prepare(context: Context, wanted: Wanted, folder: Path, result: RestoreResult) -> Prepared:
    """The plan for the kind of thing that is wanted."""
    if wanted.kind in OBJECTS:
        return prepare_objects(context, wanted, folder, result)
    if wanted.kind == "terraform-state":
        return prepare_state(context, wanted, result)
    return prepare_definition(context, wanted, result)


def apply(context: Context, wanted: Wanted, folder: Path, result: RestoreResult, how: tuple[Call, Report]) -> None:
    """Under the leases: continue the unfinished restore if there is one, else plan and carry out a new one."""
    run, (call, report) = new_run_id(), how
    scene_id = scope_of(context.environment, wanted).scene_id if wanted.kind in OBJECTS else None
    with ExitStack() as stack:
        lease = stack.enter_context(context.holding(SUBJECT, run))
        scene = stack.enter_context(context.holding(scene_id, run)) if scene_id else None
        journal = unfinished(context)
        if journal is not None and other_than(journal, wanted, scene_id) and given_up(context, journal):
            journal = None
        if journal is None:
            prepared = look_and_plan(context, wanted, folder, result)
            if prepared is None:
                return
            journal = begin(context, wanted, prepared, run)
        elif refusal := other_than(journal, wanted, scene_id):
            result.outcome, result.plan, result.reasons = "refused", journal.plan(), [refusal]
            return
        else:
            context.say(f"{result.scope}: continuing run {journal.run}, which was interrupted")
            result.plan = journal.plan()
        result.run = journal.run
        carry_out(RestoreWork(context, journal, lease, scene, report), result, call)


def begin(context: Context, wanted: Wanted, prepared: Prepared, run: str) -> Journal:
    """Put the lists into the ops bucket and open the journal with the plan."""
    environment = context.environment
    prepared.send(run)
    journal = Journal(environment.storage, environment.ops_bucket, SUBJECT, run, context.actor)
    journal.append(
        "begin",
        {
            "plan": prepared.plan.model_dump(mode="json"),
            "kind": wanted.kind,
            "name": wanted.name,
            "at": wanted.at.isoformat() if wanted.at else "",
            "asked": asked_of(wanted),
            "reason": wanted.reason,
            "lost": prepared.lost,
            "flow_run": context.flow_run_id,
            "approved_by": wanted.approved_by,
        },
    )
    return journal


def unfinished(context: Context) -> Journal | None:
    """The latest restore, if it has no end."""
    environment = context.environment
    past = past_runs(environment.storage, environment.ops_bucket, SUBJECT, UNFINISHED_HOURS)
    if not past or (past[-1].procedure, past[-1].outcome) != (PROCEDURE, "unfinished"):
        return None
    return read_journal(environment.storage, environment.ops_bucket, SUBJECT, past[-1].run, context.actor)


def other_than(journal: Journal, wanted: Wanted, scene_id: str | None) -> str:
    """Why an interrupted restore is not the one that is wanted; empty when it is."""
    data = journal.entries[0].data
    if (data["kind"], data["name"]) != (wanted.kind, wanted.name):
        return (
            f"Restore {journal.run} of {journal.plan().subject} was interrupted: run that one again to finish it, or "
            "hold-watch with mode apply to give it up; then run this."
        )
    if (data.get("asked") or asked_of(wanted)) != asked_of(wanted):
        return (
            f"Restore {journal.run} of {journal.plan().subject} was interrupted, and it was asked for another time or with "
            "other options: run it with those again to finish it, or hold-watch with mode apply to give it up; then run "
            "this."
        )
    if wanted.plan_digest and wanted.plan_digest != journal.plan().digest:
        return (
            f"Restore {journal.run} was interrupted and its plan {journal.plan().digest} must be finished before plan "
            f"{wanted.plan_digest} can be applied; run this without a digest to continue it."
        )
    return ""


def given_up(context: Context, journal: Journal) -> bool:
    """End an interrupted restore of objects that holds no delivery, since hold-watch cannot; whether it was ended."""
    environment, kind = context.environment, journal.entries[0].data["kind"]
    held_on = read_ticket(environment, journal.run) is not None and not is_redeemed(environment, journal.run)
    if kind not in OBJECTS or held_on:
        return False
    journal.append("end", {"outcome": "failed", "reasons": [f"given up: {context.actor} asked for another restore"]})
    return True


def asked_of(wanted: Wanted) -> dict[str, JsonValue]:
    """What decides which objects are restored, beside the scope."""
    return {
        "at": wanted.at.isoformat() if wanted.at else "",
        "overwrite": wanted.overwrite,
        "remove_extra": wanted.remove_extra,
        "markers": wanted.markers,
        "without_hold": wanted.without_hold,
        "older_serial": wanted.older_serial,
    }


def carry_out(work: RestoreWork, result: RestoreResult, call: Call) -> None:
    """Every step of the plan in order; after a failure that is final only the release."""
    journal = work.journal
    try:
        for step in journal.plan().steps():
            do_step(work, result, call, step.name)
    except PermanentError as error:
        result.reasons = [str(error)]
        result.outcome = "partial" if any(key.startswith("restore_objects") for key in journal.outcomes()) else "failed"
        give_back(work, result, call)
    else:
        lost = int(str(journal.entries[0].data.get("lost", 0)))
        result.outcome = "partial" if lost else "clean"
        result.reasons = [f"{lost:,} objects could not be brought back: no good copy is left."] if lost else []
    result.told = journal.outcomes()
    journal.append("end", {"outcome": result.outcome, "reasons": list(result.reasons)})


def do_step(work: RestoreWork, result: RestoreResult, call: Call, name: str) -> None:
    """One step of the plan."""
    step = next(one for one in work.journal.plan().steps() if one.name == name)
    work.context.say(f"{result.scope}: {name}")
    with timed(result, name):
        call(STEP_TASKS[step.actions[0].kind], work, step, scope=result.scope, step_name=name)


def give_back(work: RestoreWork, result: RestoreResult, call: Call) -> None:
    """Release what is held after a failure. What cannot be released is said, and the hold-watch goes on saying it."""
    for step in work.journal.plan().steps():
        if step.actions[0].kind == "release_delivery" and step.actions[0].key not in work.journal.outcomes():
            try:
                do_step(work, result, call, step.name)
            except OutsideError as error:
                result.reasons.append(f"The delivery is still held: {error}")


def held(context: Context, result: RestoreResult) -> list[str]:
    """Says so when the run holds delivery."""
    if not result.run:
        return []
    try:
        ticket = read_ticket(context.environment, result.run)
        if ticket is None or is_redeemed(context.environment, result.run):
            return []
    except OutsideError:
        return []
    return [f"Meanwhile {ticket.sentence()}."]


@contextmanager
def timed(result: RestoreResult, name: str) -> Iterator[None]:
    """Add the block's wall time to the result."""
    began = time.monotonic()
    try:
        yield
    finally:
        result.seconds[name] = result.seconds.get(name, 0.0) + time.monotonic() - began
