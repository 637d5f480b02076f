"""Back up one night, as the parts the runner puts together. Reads top to bottom as the handbook does.

Only additions are made, so a backup goes on while the kill switch is on. A backup that was killed leaves copies, which
the next one finds, and perhaps parts without a summary, which nobody reads and expiry removes. It is never continued:
a new night is begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from blocks.errors import OutsideError, PermanentError
from tasks.backup.calendar import calendar_now
from tasks.backup.copies import Copying
from tasks.backup.disagreements import disagreements
from tasks.backup.guard import misplaced, suspicious, too_much
from tasks.backup.kinds import NIGHT_KINDS
from tasks.backup.night import Night
from tasks.backup.observe import new_night, observe
from tasks.backup.plan import PROCEDURE, SUBJECT, engine_for, plan_backup
from tasks.backup.report import captured_phrase, class_rows, planned_phrase
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run


class NightlyBackup(Procedure[Request, Night]):
    """Handbook: 'Backup'."""

    name = PROCEDURE
    kinds = NIGHT_KINDS
    unfinished = "replan"
    additive = True
    observe_task = "observe_source"

    def subjects(self, context: Context, request: Request) -> tuple[str, ...]:
        """The backup: one night at a time, and none while old nights go."""
        if wrong := " ".join(misplaced(context.environment)):
            raise Refused(wrong)
        return (SUBJECT,)

    def observe(self, run: Run, request: Request) -> Night:
        """Compare source and copies, range by range; read what is deployed."""
        night = Night(run.context, run.folder, run.report)
        night.check = run.check
        try:
            observe(night, wait=request.mode == "apply")
        except PermanentError as error:
            raise Refused(f"Source or backup cannot be read, so nothing is concluded: {error}") from error
        night.engine = engine_for(night)
        run.notes = night.all_notes()
        return night

    def plan(self, run: Run, facts: Night, request: Request) -> Plan:
        """Copies by class, the manifest, the lists, and last the summary."""
        run.summary = planned_phrase(facts)
        return plan_backup(facts)

    def guard(self, run: Run, facts: Night | None, plan: Plan, request: Request) -> Iterable[str]:
        """A source that looks wrong, or a night too large."""
        if facts is not None:
            yield from suspicious(facts)
            yield from too_much(facts)

    def stage(self, run: Run, facts: Night, plan: Plan) -> Mapping[str, JsonValue]:
        """Give the night its name, and record it."""
        facts.id, facts.copying = new_night(facts), Copying(facts)
        return {"night": facts.id}

    def verify(self, run: Run, facts: Night | None) -> Verdict:
        """Read the record back as a restore would; a night that has not captured everything is partial."""
        assert facts is not None
        assert facts.summary is not None
        run.summary, run.notes = captured_phrase(facts.summary), list(facts.summary.notes)
        try:
            wrong = disagreements(facts)
        except OutsideError as error:
            wrong = [f"Night {facts.id} is recorded and could not be read back ({error}); run verify-backup."]
        if wrong:
            return Verdict("failed", tuple(wrong))
        return Verdict("done" if facts.summary.good else "partial", facts.summary.problems)

    def failed(self, run: Run) -> Outcome:
        """What was copied is found by the next night; there is no such night otherwise."""
        run.notes.append("A night without its summary does not exist; run it again.")
        return "failed"

    def sections(self, run: Run) -> Iterable[Section]:
        """What the source holds, by class."""
        if run.facts is not None:
            yield Section("By class", rows=tuple(class_rows(run.facts)))
        if run.begun:
            yield calendar_now(run.context.environment, datetime.now(UTC))
