"""Resume intake: the undo of a pause. What was enabled is enabled again, what was paused before stays paused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tasks.delivery.kinds import release_action, release_delivery
from tasks.delivery.pauses import SUBJECT, open_pauses, resumed_of, runs_of_intake, the_open_pause
from tasks.delivery.release import ReleaseDelivery
from tasks.delivery.tickets import open_ticket, read_ticket
from tasks.intake.pause import PauseIntake
from tasks.intake.report import resumed_sections
from tasks.intake.verify import clocks_not_as_wanted, not_pushing, still_set
from tasks.pipeline.own_pause import own_pause, paused_by_others
from tasks.remediation.context import Context
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.undo import Reversal, UndoRequest, UndoRun, undone_journal


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest(UndoRequest):
    """Which pause is to be ended."""

    subject: str = SUBJECT
    run: str = ""
    """Empty: the latest one that is open."""


class ResumeIntake(UndoRun):
    """Handbook: 'Recover: re-enable triggers'. What waits is delivered before anything runs by the clock again."""

    name = "resume-intake"
    kinds = PauseIntake.kinds
    additive = True  # a hold that stays loses events: neither the kill switch nor the window may keep it

    def __init__(self) -> None:
        """It undoes pauses and nothing else, whatever is at work."""
        super().__init__(lambda _: PauseIntake.kinds, lambda _context, _subject: ())

    def subjects(self, context: Context, request: UndoRequest) -> tuple[str, ...]:
        """What the pause had leased."""
        return super().subjects(context, named(context, request))

    def observe(self, run: Run, request: UndoRequest) -> Reversal:
        """What takes the pause back, as it stands now that nobody else works on it."""
        request = named(run.context, request)
        if was_resumed(run.context, request.run):
            run.notes.append(f"The pause of run {request.run} was resumed already.")
            return Reversal(undone_journal(run.context, request))
        tell_own_pause(run)
        return super().observe(run, request)

    def plan(self, run: Run, facts: Reversal, request: UndoRequest) -> Plan:
        """Its inverses; the ticket is given back too when the pause died before it held anything."""
        undone = facts.journal.run
        plan = super().plan(run, facts, replace(request, run=undone))
        ticket = open_ticket(run.context.environment, undone)
        actions = plan.actions
        if ticket is not None and not any(one.kind == release_delivery.name for one in actions):
            actions = (release_action(ReleaseDelivery(run=undone), ticket.triggers), *actions)
        run.summary = f"the pause of run {undone}"
        return plan.model_copy(update={"risk": "medium", "actions": actions})

    def verify(self, run: Run, facts: Reversal | None) -> Verdict:
        """Ask everything again, and say which pauses are left."""
        environment, plan = run.context.environment, run.journal.plan()
        undone = str(plan.details["undoes"])
        ticket = read_ticket(environment, undone)
        wrong = [
            *clocks_not_as_wanted(environment, plan),
            *still_set(environment, undone),
            *(not_pushing(environment, ticket) if ticket is not None else ()),
        ]
        if wrong:
            return Verdict("failed", tuple(wrong))
        tell_own_pause(run)
        run.notes += [f"Still {one.sentence()}" for one in open_pauses(run.context) if one.run != undone]
        return super().verify(run, facts)

    def sections(self, run: Run) -> Iterable[Section]:
        """What became of everything that was paused."""
        return resumed_sections(run)


def tell_own_pause(run: Run) -> None:
    """Say that the pipeline, or a person, has paused the daily automation too: that pause is theirs to lift."""
    said = paused_by_others(own_pause(run.context.environment))
    if said and said not in run.notes:
        run.notes.append(said)


def named(context: Context, request: UndoRequest) -> UndoRequest:
    """The request with the pause it means. Raises `Refused` when none is open, and for a run that is no pause."""
    if was_resumed(context, request.run):
        return replace(request, subject=SUBJECT)
    return replace(request, subject=SUBJECT, run=the_open_pause(context, request.run).run)


def was_resumed(context: Context, run: str) -> bool:
    """Whether a pause was taken back to its end: to ask for that once more is to ask for nothing."""
    return run in resumed_of(runs_of_intake(context))
