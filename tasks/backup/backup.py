"""Back up one night: observe, plan, guard, apply, verify, report. Reads top to bottom as the handbook does.

Only additions are made, so a backup goes on while the kill switch is on. A backup that was killed leaves copies, which
the next one finds, and perhaps parts without a summary, which nobody reads and expiry removes. It is never continued:
a new night is begun.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from blocks.errors import OutsideError, PermanentError
from tasks.backup.copies import Became
from tasks.backup.guard import misplaced, refusals
from tasks.backup.night import Night
from tasks.backup.observe import new_night
from tasks.backup.outcome import BackupResult
from tasks.backup.plan import SUBJECT, engine_for, plan_backup
from tasks.backup.present import captured_phrase, class_rows, planned_phrase
from tasks.backup.steps import observe_source, rsync_backups, write_records
from tasks.remediation.apply import Work
from tasks.remediation.calling import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.journal import Journal, JournalTaken
from tasks.remediation.lease import Lease, LeaseBusy, LeaseLost
from tasks.snapshots.nights import read_summary
from tasks.snapshots.summary import Summary
from tasks.sync.meter import Progress

Mode = Literal["plan", "apply"]


def back_up(
    context: Context, mode: Mode, call: Call = plain, report: Callable[[Progress], None] = lambda _: None
) -> BackupResult:
    """Record one night, or show what that would do. Never raises for what can go wrong with the outside world.

    Args:
        context: Environment, actor, and how to speak.
        mode: "plan" writes nothing.
        call: How to call a step.
        report: Told now and then how far it is.
    """
    result = BackupResult(reasons=list(misplaced(context.environment)))
    if result.reasons:
        return result.model_copy(update={"outcome": "refused"})
    try:
        with tempfile.TemporaryDirectory(prefix="backup-") as folder:
            night = Night(unstoppable(context), Path(folder), report)
            if mode == "plan":
                look(night, result, call, wait=False)
            else:
                with night.context.holding(SUBJECT, new_run_id()) as lease:
                    night.check = lease.check
                    if look(night, result, call, wait=True):
                        apply(night, lease, result, call)
    except LeaseBusy as error:
        result.outcome, result.reasons = "refused", [str(error)]
    except (LeaseLost, JournalTaken, OutsideError, ValueError, OSError) as error:
        result.outcome, result.reasons = (
            "failed",
            [f"{error} A night without its summary does not exist; run it again."],
        )
    return result


def unstoppable(context: Context) -> Context:
    """The context without its kill switch: a backup takes nothing away, and is most wanted when things go wrong."""
    going_on = copy.copy(context)
    going_on.kill_switch = list
    return going_on


def look(night: Night, result: BackupResult, call: Call, *, wait: bool) -> bool:
    """Observe, plan and guard. Whether to go on."""
    try:
        call(observe_source, night, wait)
        reasons = refusals(night)
    except PermanentError as error:
        reasons = [f"Source or backup cannot be read, so nothing is concluded: {error}"]
        result.outcome, result.reasons = "refused", reasons
        return False
    night.engine = engine_for(night)
    result.plan, result.rows = plan_backup(night), class_rows(night)
    result.notes = [*night.notes, *night.deployed.notes, *night.states.notes]
    result.told = planned_phrase(night)
    result.outcome, result.reasons = ("refused" if reasons else "planned"), reasons
    return not reasons


def apply(night: Night, lease: Lease, result: BackupResult, call: Call) -> None:
    """Under the lease: every step of the plan, then the proof."""
    assert result.plan is not None
    environment, run = night.environment, lease.holder.run
    night.id = result.night = new_night(night)
    result.outcome, result.run = "failed", run
    journal = Journal(environment.storage, environment.ops_bucket, SUBJECT, run, night.context.actor)
    journal.append(
        "begin",
        {"plan": result.plan.model_dump(mode="json"), "night": night.id, "flow_run": night.context.flow_run_id},
    )
    try:
        for step in result.plan.steps():
            night.context.say(f"backup {night.id}: {step.name}")
            do = rsync_backups if step.actions[0].kind == "copy_objects" else write_records
            call(do, Work(night.context, journal, lease), step, night, step_name=step.name)
        finish(night, result, prove(night))
    except OutsideError as error:
        with suppress(OutsideError):
            journal.append("end", {"outcome": "failed", "reason": str(error)})
        raise
    journal.append("end", {"outcome": result.outcome, "reasons": list(result.reasons[:10])})


def finish(night: Night, result: BackupResult, wrong: list[str]) -> None:
    """Fill in the result from what was recorded."""
    assert night.summary is not None
    summary: Summary = night.summary
    result.summary, result.notes = summary, list(summary.notes)
    result.told = captured_phrase(summary)
    result.outcome = "failed" if wrong else summary.outcome
    result.reasons = wrong or list(summary.problems)


def prove(night: Night) -> list[str]:
    """What is wrong with the record that was just written; read back as a restore would."""
    try:
        return disagreements(night)
    except OutsideError as error:
        return [f"Night {night.id} is recorded and could not be read back ({error}); run verify-backup."]


def disagreements(night: Night) -> list[str]:
    """Where summary, parts and what was seen do not agree."""
    summary = read_summary(night.environment, night.id)
    if night.summary != summary:
        return [f"Night {night.id}: the summary reads back differently; do not rely on this night."]
    folder = night.layout.night_prefix(night.id)
    there = {entry.name: entry.size for page in night.bulk.pages(night.layout.bucket, folder) for entry in page}
    parts = [part for part in (*summary.parts, summary.definitions, summary.terraform) if part is not None]
    wrong = [f"gs://{night.layout.bucket}/{part.object} is missing." for part in parts if part.object not in there]
    wrong += [
        f"gs://{night.layout.bucket}/{part.object} has {there[part.object]} bytes, not {part.bytes}."
        for part in parts
        if there.get(part.object, part.bytes) != part.bytes
    ]
    asked, gone = night.source.counts.seen, left_out(night)
    if summary.objects != asked - gone:
        wrong.append(f"The manifest names {summary.objects:,} objects; {asked:,} were seen and {gone:,} left out.")
    return wrong


def left_out(night: Night) -> int:
    """Objects that were to be copied and are not in the manifest."""
    assert night.copying is not None
    return sum(states.count(kind) for states in night.copying.became for kind in (Became.GONE, Became.UNKNOWN))
