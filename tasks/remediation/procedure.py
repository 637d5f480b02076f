"""What a procedure is: typed parts that the runner puts together.

A procedure takes no lease, opens no journal, maps no error, asks neither the guard nor for approval: what it cannot
forget it cannot get wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import JsonValue

from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Kinds
from tasks.remediation.outcome import Outcome
from tasks.remediation.plan import Plan
from tasks.remediation.report import Section
from tasks.remediation.run import Run

Mode = Literal["plan", "apply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for, the same for every procedure; each adds its own fields."""

    mode: Mode = "plan"
    """`plan` changes nothing."""
    reason: str = ""
    """Why; recorded."""
    plan_digest: str = ""
    """Apply only the plan with this digest, the one that was reviewed."""
    approval: Approval | None = None
    """A person's yes to one plan."""
    case: str = ""
    """The incident it belongs to."""

    def asked(self) -> dict[str, JsonValue]:
        """What decides the plan beside the subject: an interrupted run is only continued for the same."""
        return {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the final look has found."""

    outcome: Outcome = "done"
    reasons: tuple[str, ...] = ()


R = TypeVar("R", bound=Request)
F = TypeVar("F")


class Procedure(ABC, Generic[R, F]):
    """One procedure of the handbook that changes something."""

    name: ClassVar[str]
    kinds: Kinds
    """The kinds of action its plans are made of."""
    unfinished: ClassVar[Literal["continue", "replan"]] = "continue"
    """What becomes of a run that was killed: its plan is carried on, or it is ended and a new plan is made."""
    additive: ClassVar[bool] = False
    """It takes nothing away, so neither the kill switch nor the change window stops it."""
    observe_task: ClassVar[str] = "observe"
    """Name of the Prefect task that observes, as in `validate_manifests`."""

    @abstractmethod
    def subjects(self, context: Context, request: R) -> tuple[str, ...]:
        """What is leased, in this order; the first has the journal. Names that are no scene ids begin with '@'.

        Raises `Refused` for what is not clear or not allowed.
        """

    @abstractmethod
    def observe(self, run: Run, request: R) -> F:
        """Everything the plan depends on. Changes nothing."""

    @abstractmethod
    def plan(self, run: Run, facts: F, request: R) -> Plan:
        """What would be done, or why a person must act. A function of the facts; asks nobody."""

    def scope(self, run: Run, facts: F) -> Scope:
        """What the kernel's guard weighs the plan against. By default nothing may be deleted."""
        return Scope()

    def guard(self, run: Run, facts: F | None, plan: Plan, request: R) -> Iterable[str]:
        """Reasons of its own not to go, one sentence each. Without facts: before an interrupted run is continued."""
        return ()

    def stage(self, run: Run, facts: F, plan: Plan) -> Mapping[str, JsonValue]:
        """What is put in place under the run's id before its journal begins; what the beginning shall record."""
        return {}

    def verify(self, run: Run, facts: F | None) -> Verdict:
        """The final look, after every step. Without facts: in a run that was continued."""
        return Verdict()

    def failed(self, run: Run) -> Outcome:
        """The word for a run that a final error has ended, after what gives back has been done."""
        return "failed"

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """Whether an interrupted run that this request cannot continue may be ended, so that a new plan is made."""
        return False

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> R | None:
        """The request that continues a run that was left, as it was asked for. None: the next run of its schedule does
        it, or its watch, or a person."""
        return None

    def in_force(self, run: Run) -> Iterable[str]:
        """What a run that did not end well leaves in force, one sentence each."""
        return ()

    def sections(self, run: Run) -> Iterable[Section]:
        """Its part of the report."""
        return ()


AnyProcedure = Procedure[Any, Any]
