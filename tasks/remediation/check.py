"""A check: it looks and judges, and changes nothing of the pipeline. It may keep a record of its own in the ops bucket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from prefect import task

from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome, outcome_of
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.task_settings import STEP_SETTINGS


@dataclass(slots=True)
class Findings:
    """What a check has found."""

    outcome: Outcome = "nothing_to_do"
    """`nothing_to_do` when all is well, `failed` when a person must act, `partial` when not everything was seen."""
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    summary: str = ""
    sections: list[Section] = field(default_factory=list)
    facts: Any = None
    """What was found, for whoever goes on with it."""
    page: str = ""
    """The line of Markdown about the page that the check has kept by itself; empty: it is kept as every check's is."""


Q = TypeVar("Q")


class Check(ABC, Generic[Q]):
    """One look at the pipeline, for a question of type Q."""

    name: ClassVar[str]

    @abstractmethod
    def look(self, context: Context, question: Q) -> Findings:
        """Look and judge. What goes wrong outside is raised and comes to a word as in every run."""


def check(one: Check[Q], context: Context, question: Q, call: Caller = inline) -> Run:
    """Carry out a check. Never raises for what can go wrong; `Run.facts` are the findings, if there are any."""
    run = Run(context, one.name)
    run.subject = one.name
    try:
        with run.timed("look"):
            findings: Findings = call(look.with_options(name=one.name), one, context, question)
        run.facts = findings
        run.end(findings.outcome, *findings.reasons)
        run.notes, run.summary = list(findings.notes), findings.summary
    except Exception as error:
        outcome, sentence = outcome_of(error)
        run.end(outcome, sentence)
    return run


def sections_of(run: Run) -> list[Section]:
    """What the check adds to its run's report."""
    return run.facts.sections if isinstance(run.facts, Findings) else []


@task(name="look", **STEP_SETTINGS)
def look(one: Check[Any], context: Context, question: Any) -> Findings:
    """What a check sees."""
    return one.look(context, question)
