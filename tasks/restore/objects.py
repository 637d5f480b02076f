"""Restore of objects, as the parts the runner puts together. Reads top to bottom as the handbook does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.object_protection import NAMED
from tasks.actions.object_lists import send
from tasks.delivery.hold import cannot_hold
from tasks.delivery.kinds import hold_delivery, release_delivery
from tasks.delivery.tickets import open_ticket
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.journal import Journal
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.restore.list_kinds import LIST_KINDS
from tasks.restore.observe import ObjectFacts, at_work, observe_objects
from tasks.restore.plan import OBJECTS_PROCEDURE, plan_objects
from tasks.restore.report import sections, summary
from tasks.restore.request import OBJECTS, SUBJECT, RestoreRequest, check, scope_of
from tasks.restore.unfinished import unfinished_others


class RestoreObjects(Procedure[RestoreRequest, ObjectFacts]):
    """Handbook: 'Backup and restore'. Objects of the data bucket, without starting the pipeline."""

    name = OBJECTS_PROCEDURE
    kinds = (hold_delivery, *LIST_KINDS, release_delivery)

    def subjects(self, context: Context, request: RestoreRequest) -> tuple[str, ...]:
        """Restores, since two would hold the same delivery; then the scene, where it is about one."""
        check(context.environment, request)
        if request.kind not in OBJECTS:
            raise Refused(f"The scope {request.kind} is not about objects.")
        scene_id = scope_of(context.environment, request).scene_id
        return (SUBJECT, scene_id) if scene_id else (SUBJECT,)

    def observe(self, run: Run, request: RestoreRequest) -> ObjectFacts:
        """Survey the scope against the night and the bucket's history."""
        return observe_objects(run, request)

    def plan(self, run: Run, facts: ObjectFacts, request: RestoreRequest) -> Plan:
        """Hold, restore, prove, release."""
        plan = plan_objects(facts, request, run.context.environment.data_bucket)
        run.summary = summary(plan)
        return plan

    def scope(self, run: Run, facts: ObjectFacts) -> Scope:
        """What is there and what should be, and who works there."""
        objects = facts.found.objects
        return Scope(total_objects=objects["live"] + objects["missing"], at_work=facts.at_work)

    def guard(self, run: Run, facts: ObjectFacts | None, plan: Plan, request: RestoreRequest) -> Iterable[str]:
        """Delivery that cannot be held; of a run that is continued, who works there by now."""
        if facts is None:
            busy, _ = at_work(run.context, scope_of(run.context.environment, request))
            yield from (f"{one} is at work; wait until it ends." for one in busy)
            return
        yield from unfinished_others(run)
        yield from kept(run.context.environment, facts)
        if request.without_hold:
            return
        for why in facts.unlisted or cannot_hold(run.context.environment, facts.to_hold):
            yield f"{why} Or run it with without_hold, which lets every event through."

    def stage(self, run: Run, facts: ObjectFacts, plan: Plan) -> Mapping[str, JsonValue]:
        """Puts the lists into the ops bucket."""
        for which, files in facts.found.lists.items():
            send(run.context.environment, run.id, which, files)
        return {}

    def verify(self, run: Run, facts: ObjectFacts | None) -> Verdict:
        """Every list has been proved by its own step; what nobody can bring back is said."""
        plan = run.journal.plan()
        run.summary = summary(plan)
        if plan.lost:
            return Verdict("partial", (f"{plan.lost:,} objects could not be brought back: no good copy is left.",))
        return Verdict()

    def failed(self, run: Run) -> Outcome:
        """`partial` as soon as one object was written or removed."""
        run.summary = summary(run.journal.plan())
        return "partial" if changed_something(run) else "failed"

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """One that holds nothing gives way; one that holds delivery is finished, or given back by hold-watch."""
        return open_ticket(run.context.environment, journal.run) is None

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> RestoreRequest:
        """The same restore."""
        return RestoreRequest.of(asked, reason)

    def in_force(self, run: Run) -> Iterable[str]:
        """The delivery that it holds."""
        return holds(run)

    def sections(self, run: Run) -> Iterable[Section]:
        """What it would set off, what was found, and what came of it."""
        return sections(run)


def kept(environment: PipelineEnvironment, facts: ObjectFacts) -> Iterator[str]:
    """Objects that the service would not let be replaced or removed: seen now, not when half of it is done."""
    shown, count = facts.found.shown.get("kept", [])[:NAMED], facts.found.objects["kept"]
    yield from (f"gs://{environment.data_bucket}/{one}; nothing was changed." for one in shown)
    if count > len(shown):
        yield f"{count - len(shown):,} more objects are kept likewise."


def changed_something(run: Run) -> bool:
    """Whether a list was carried out, or a part of one, before the error."""
    changing = tuple(a.key for a in run.journal.plan().actions if a.kind in ("restore_list", "remove_list"))
    if any(key in run.journal.outcomes() for key in changing):
        return True
    if any(entry.data.get("restored") for key in changing for entry in run.journal.notes(key)):
        return True
    environment, root = run.context.environment, f"remediation/restore/{run.id}/"
    return any(
        found.name.endswith(".done.jsonl.gz") for found in environment.storage.list(environment.ops_bucket, root)
    )


def holds(run: Run) -> Iterator[str]:
    """Says so when the run, or the one it continues, holds delivery."""
    if not (run.id or run.continues):
        return
    try:
        ticket = open_ticket(run.context.environment, run.id or run.continues)
    except OutsideError as error:
        yield f"Whether delivery is still held could not be asked ({error}); look with hold-watch."
        return
    if ticket is not None:
        yield f"Meanwhile {ticket.sentence()}."
