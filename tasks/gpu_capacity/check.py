"""The GPUs as a check: is there a shortage, of which class, and who waits? Changes nothing."""

from __future__ import annotations

from datetime import datetime

from tasks.gpu_capacity.classes import Finding
from tasks.gpu_capacity.classify import classify, exhausted
from tasks.gpu_capacity.end_relief import nothing_left
from tasks.gpu_capacity.facts import GpuFacts
from tasks.gpu_capacity.left import capacity_seen, left_in_force, left_sentences
from tasks.gpu_capacity.look import look_at_gpus
from tasks.gpu_capacity.report import sections, summary
from tasks.gpu_capacity.steps import steps_for_a_person
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome
from tasks.remediation.report import Section


class GpuCheck(Check[datetime | None]):
    """Whether GPUs are short. `Findings.facts` are the facts and the shortages. It is asked nothing but the moment."""

    name = "gpu-check"

    def look(self, context: Context, question: datetime | None) -> Findings:
        """Look at everything at the same time; relief that is still in force when GPUs are there again is somebody's to end."""
        facts = look_at_gpus(context.environment, question)
        found = classify(facts)
        steps = steps_for_a_person(facts, found)
        more = [Section("What a person can do", "\n".join(f"- {one}" for one in steps))] if steps else []
        left = list(left_sentences([one for one in left_in_force(context) if not nothing_left(context, one)]))
        overdue = left if capacity_seen(facts, found) else []
        notes = [f"{one.sentence} {one.evidence[0]}" for one in found if not one.blocks and one.kind != "unknown"]
        return Findings(
            outcome="failed" if overdue else word_of(facts, found),
            reasons=[*(f"{one.sentence} {one.evidence[0]}" for one in found if one.blocks), *overdue, *facts.unseen],
            notes=notes if overdue else [*notes, *left],
            summary=summary(facts, found),
            sections=[*sections(facts, found), *more],
            facts=(facts, found),
        )


def word_of(facts: GpuFacts, found: tuple[Finding, ...]) -> Outcome:
    """`failed` when something waits that gets no GPU by itself, `partial` when not everything was seen."""
    return "failed" if exhausted(found) else "partial" if facts.unseen else "nothing_to_do"
