"""GPU capacity: let what can wait wait, raise pools within the policy, and say what only a person can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from tasks.actions.node_pools import set_pool
from tasks.actions.schedulers import set_scheduler
from tasks.actions.work import set_work
from tasks.gpu_capacity.classify import classify, exhausted
from tasks.gpu_capacity.facts import GpuFacts
from tasks.gpu_capacity.in_force import as_wanted, done_words
from tasks.gpu_capacity.left import GPU_CAPACITY, SUBJECT
from tasks.gpu_capacity.look import look_at_gpus
from tasks.gpu_capacity.relief import relief, rules_of
from tasks.gpu_capacity.report import sections, summary
from tasks.gpu_capacity.steps import steps_for_a_person
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run

STEPS, COSTS, STAYS = "steps", "costs", "stays"
"""Where a plan has what a person must do, what it would cost, and whether only a person gives it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRequest(Request):
    """What is asked."""

    stays: bool = False
    """The watch leaves it in force, whatever it sees: a person gives it back."""
    at: datetime | None = None
    """The moment for which waiting times are reckoned; None: now."""


class GpuCapacity(Procedure[GpuRequest, GpuFacts]):
    """Handbook: 'GPU capacity exhaustion'. It deletes nothing, and interrupts only what the policy names."""

    name = GPU_CAPACITY
    kinds = (set_work, set_scheduler, set_pool)

    def subjects(self, context: Context, request: GpuRequest) -> tuple[str, ...]:
        """One at a time. Raises `Refused` without a reason, or without a cluster."""
        if request.mode == "apply" and not request.reason.strip():
            raise Refused("Say why with a reason: whoever finds work suspended must know.")
        if not context.environment.cluster.enabled:
            raise Refused(
                "This installation has no cluster (enabled is off in its cluster block), so there is nothing to make room in."
            )
        return (SUBJECT,)

    def observe(self, run: Run, request: GpuRequest) -> GpuFacts:
        """Nodes, pods, events, pools, quotas, schedulers and the log."""
        return look_at_gpus(run.context.environment, request.at)

    def plan(self, run: Run, facts: GpuFacts, request: GpuRequest) -> Plan:
        """What the policy allows; where that is nothing, or not everything was seen, a person decides."""
        found = classify(facts)
        run.summary = summary(facts, found)
        made = relief(facts, found, rules_of(run.context.environment))
        steps = [*steps_for_a_person(facts, found), *made.short]
        details: dict[str, JsonValue] = {
            STEPS: list(steps),
            COSTS: list(made.costs),
            "reason": request.reason,
            STAYS: request.stays,
        }
        empty = Plan(procedure=self.name, subject=SUBJECT, details=details)
        if facts.unseen:
            blind = "Not everything could be looked at, so nothing is changed"
            return empty.model_copy(update={"escalations": tuple(f"{blind}: {one}" for one in facts.unseen)})
        if not exhausted(found):
            return empty
        if not made.needed:
            run.notes.append("Only work waits that can wait, so nothing is done for it.")
            return empty
        if not made.actions:
            return empty.model_copy(update={"escalations": tuple(steps)})
        run.notes += [*made.costs, *steps]
        return empty.model_copy(update={"actions": made.actions, "risk": made.risk})

    def verify(self, run: Run, facts: GpuFacts | None) -> Verdict:
        """Ask everything again: each setting, and then who still waits. Nodes take minutes, so waiting is no failure."""
        plan = run.journal.plan()
        wrong = tuple(as_wanted(run, plan))
        run.summary = done_words(plan)
        if wrong:
            return Verdict("failed", wrong)
        waiting = run.context.environment.cluster.capacity.pods("Pending")
        still = sum(not pod.node for pod in waiting)
        run.notes.append(
            f"{still} pods wait for GPUs still; a node takes five to ten minutes."
            if still
            else "No pod waits for a GPU now."
        )
        run.notes.append(f"Give it back when GPUs are there: remediate undo {SUBJECT} {run.id} --apply.")
        return Verdict()

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> GpuRequest:
        """The same."""
        return GpuRequest(mode="apply", reason=reason)

    def in_force(self, run: Run) -> Iterable[str]:
        """What it has turned off before it failed."""
        if run.begun and run.done:
            yield f"Done already: {'; '.join(run.done)}: remediate undo {SUBJECT} {run.id} gives it back."

    def sections(self, run: Run) -> Iterable[Section]:
        """The state it was planned for, what it costs, and what a person must do."""
        if isinstance(run.facts, GpuFacts):
            yield from sections(run.facts, classify(run.facts))
        details = run.plan.details if run.plan is not None else {}
        for title, key in (("What it costs", COSTS), ("What a person must do", STEPS)):
            lines = details.get(key)
            if isinstance(lines, list) and lines:
                yield Section(title, "\n".join(f"- {one}" for one in lines))
