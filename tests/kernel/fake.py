"""A procedure that stands for every other: it deletes, writes and starts, on objects of the ops bucket.

What it does shows in the bucket, so that a test of the kernel can count what was done how often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from blocks.errors import PreconditionFailed
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Doing, Kind, Params
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.runs import past_runs
from tests.kernel.world import Killed, killed_at

OPS = "sandbox-ops"
SUBJECT = "@fake"


class Named(Params):
    """One object."""

    name: str


def apply_put(doing: Doing, params: Named) -> str:
    """Create it once, and count how often that was tried."""
    storage = doing.context.environment.storage
    tried = len(list(storage.list(OPS, f"tried/{params.name}/")))
    storage.create(OPS, f"tried/{params.name}/{tried:04d}", b"")
    try:
        storage.create(OPS, f"put/{params.name}", doing.journal.run.encode())
    except PreconditionFailed:
        return "there already"
    return "put"


def look_put(doing: Doing, params: Named) -> str | None:
    """Whether it is there."""
    return "found there" if doing.context.environment.storage.stat(OPS, f"put/{params.name}") else None


def inverse_of_put(doing: Doing, params: Named, _result: str) -> Action:
    """Take it away."""
    return take.action(params, step="take away", target=params.name, precondition="", undo="", why="undo")


def apply_take(doing: Doing, params: Named) -> str:
    """Delete it."""
    storage = doing.context.environment.storage
    found = storage.stat(OPS, f"put/{params.name}")
    if found is not None:
        storage.delete(OPS, found.name, generation=found.generation)
    return "taken"


put = Kind(name="put", params=Named, effect="write", apply=apply_put, look=look_put, inverse=inverse_of_put)
launch = Kind(name="launch", params=Named, effect="start", apply=apply_put, look=look_put, inverse=inverse_of_put)
take = Kind(name="take", params=Named, effect="delete", apply=apply_take)
release = Kind(name="release", params=Named, effect="configure", apply=apply_put, look=look_put)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRequest(Request):
    """What it shall do."""

    options: str = ""

    def asked(self) -> dict[str, JsonValue]:
        """Its options."""
        return {"options": self.options}


@dataclass
class Fake(Procedure[FakeRequest, str]):
    """Does what a test tells it to."""

    actions: tuple[Action, ...] = ()
    risk: str = "low"
    total: int | None = 100
    refuses: tuple[str, ...] = ()
    escalates: tuple[str, ...] = ()
    verdict: Verdict = field(default_factory=Verdict)
    abandons: bool = False
    lost: int = 0
    word: Outcome = "failed"
    name = "fake"
    kinds = (put, launch, take, release)

    def subjects(self, context: Context, request: FakeRequest) -> tuple[str, ...]:
        """Its own, and a second one."""
        if request.options == "nonsense":
            raise Refused("Nonsense is not done.")
        return (SUBJECT, "@second")

    def observe(self, run: Run, request: FakeRequest) -> str:
        """Nothing."""
        return "seen"

    def plan(self, run: Run, facts: str, request: FakeRequest) -> Plan:
        """As told."""
        return Plan(
            procedure=self.name,
            subject=SUBJECT,
            actions=self.actions,
            escalations=self.escalates,
            risk=self.risk,
            lost=self.lost,
        )

    def scope(self, run: Run, facts: str) -> Scope:
        """As told."""
        return Scope(total_objects=self.total)

    def guard(self, run: Run, facts: str | None, plan: Plan, request: FakeRequest) -> Iterable[str]:
        """As told."""
        return self.refuses

    def verify(self, run: Run, facts: str | None) -> Verdict:
        """As told."""
        return self.verdict

    def failed(self, run: Run) -> Outcome:
        """As told."""
        return self.word

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """As told."""
        return self.abandons


def an_action(kind: Kind[Named], name: str, step: str = "", **more: object) -> Action:
    """One action on one object."""
    told = {"step": step or f"step {name}", "target": name, "precondition": "", "undo": "", "why": "test", **more}
    return kind.action(Named(name=name), **told)


THREE = (
    an_action(put, "a"),
    an_action(launch, "b"),
    an_action(put, "c", step="last"),
    an_action(put, "d", step="last"),
)
APPLY = FakeRequest(mode="apply")


def fake(**more: Any) -> Fake:
    """The procedure with four actions in three steps, or with what a test tells."""
    return Fake(**({"actions": THREE} | more))


def with_put(procedure: Fake, apply: Callable[[Doing, Named], str], **more: Any) -> Fake:
    """The procedure with another way to put."""
    changed = replace(put, **({"apply": apply} | more))
    procedure.kinds = tuple(changed if kind is put else kind for kind in procedure.kinds)
    return procedure


def begun(environment: PipelineEnvironment, procedure: Fake | None = None) -> str:
    """A run that dies after its first step; its id."""
    with pytest.raises(Killed), killed_at(3, before=False):
        run(procedure or fake(), Context(environment, "victim"), APPLY)
    return past_runs(environment.storage, OPS, SUBJECT, 24)[-1].run
