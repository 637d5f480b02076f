"""What the tests of the response share: a pipeline with something wrong, a person who answers, processes that die."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Scope
from tasks.incidents.incident import Incident, read_incident
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.ledger import Ledger
from tasks.remediation.run import Run
from tasks.response.forms import Mitigation, Resolution, Update
from tasks.response.respond import respond
from tasks.response.response import Means
from tasks.response.wanted import Wanted

DATA, OPS = "sandbox-scenes", "sandbox-ops"
SCENE = "kitchen_001"


class Killed(BaseException):
    """The process dies here: nothing after it runs, no lease is given back."""


@dataclass
class Person:
    """Somebody who fills in forms in this order; the same answer under the same key, as Prefect keeps it."""

    answers: Sequence[Any]
    given: dict[str, Any] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)

    def __call__(self, form: type[Any], key: str, page: str, /) -> Any:
        self.pages.append(page)
        if key not in self.given:
            if len(self.given) == len(self.answers):
                return None
            answer = self.answers[len(self.given)]
            assert isinstance(answer, form), f"asked for {form.__name__}, but {answer!r} comes next"
            self.given[key] = answer
        return self.given[key]


GO_ON = Mitigation(choice="go_on", by="bo")
RECOVER = Mitigation(choice="recover", by="bo")
TOLD = Update(impact="one scene has no export", mitigation="recovered", eta="now", by="bo")
OVER = Resolution(choice="resolved", how="the export was made again", by="bo")
ANSWERS = (RECOVER, GO_ON, TOLD, OVER.model_copy(update={"although_paused": True}))
"""Of a person who recovers the scene while intake is paused."""
FLOW_RUN = "one flow run"
QUICK = {"poll_seconds": 0.02, "settle_seconds": 0.3, "lease_seconds": 120}
"""Limits under which no lease ends by itself while a test runs."""


def broken(sandbox: Sandbox, how: str = "export_corrupt") -> str:
    """A scene with one damage."""
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1)
    damage(sandbox.store, DATA, SCENE, how)
    return SCENE


def wanted(**changes: Any) -> Wanted:
    """An incident about the broken scene."""
    settings: dict[str, Any] = {
        "title": "Exports of the kitchen fail",
        "severity": "sev3",
        "scope": Scope(scenes=(SCENE,)),
        "commander": "bo",
        "mode": "apply",
    }
    return Wanted(**settings | changes)


def heir(environment: PipelineEnvironment, actor: str = "ann") -> Context:
    """A process that knows that the earlier one is gone."""
    return Context(environment, actor, gone=lambda _: True)


def carried(environment: PipelineEnvironment, *answers: Any, person: Person | None = None, **changes: Any) -> Run:
    """One process carries an incident on; with these answers of a person."""
    means = Means(ask=person or Person(answers))
    return respond(heir(environment), wanted(**changes), means)


def incident_of(one: Run) -> Incident:
    """The incident of a run, as the record has it now."""
    assert isinstance(one.facts, Incident), one.sentence()
    return read_incident(one.context, one.facts.id)


def objects(sandbox: Sandbox, prefix: str = "remediation/incidents/") -> list[str]:
    """The objects of incidents in the ops bucket."""
    return [found.name for found in sandbox.store.list(OPS, prefix)]


def body(sandbox: Sandbox, name: str) -> Any:
    """A JSON object of the ops bucket."""
    found = sandbox.store.get(OPS, name)
    assert found is not None, name
    return json.loads(found.data)


def kinds(incident: Incident) -> list[str]:
    """The kinds of its entries in their order, evidence once."""
    every = [entry.kind for entry in incident.case.entries]
    return [kind for number, kind in enumerate(every) if kind != "evidence" or every[number - 1] != "evidence"]


@contextmanager
def killed_at(number: int, *, before: bool) -> Iterator[Callable[[], int]]:
    """Let the process die at its `number`th entry of any record or journal, `before` it is written or just after."""
    real, count = Ledger._append, 0

    def dying(ledger: Ledger, kind: str, data: dict[str, Any]) -> object:
        nonlocal count
        count += 1
        if count == number and before:
            raise Killed
        entry = real(ledger, kind, data)
        if count == number:
            raise Killed
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "_append", dying)
        yield lambda: count


def what_it_is(ledger: Ledger, kind: str, data: dict[str, Any]) -> tuple[str, ...]:
    """By which an entry is the same in every process: whose record it is in, its kind, and its step, key or phase."""
    where = ledger.subject if isinstance(ledger, Journal) else "incident"
    return where, kind, *(str(data.get(name, "")) for name in ("step", "key", "phase"))


@contextmanager
def killed_at_each(seen: set[tuple[str, ...]], *, before: bool) -> Iterator[None]:
    """Let a process die at the first entry at which none has died yet, `before` it is written or just after.

    Every entry that is ever written has killed one process, when at last one comes to its end.
    """
    real = Ledger._append

    def dying(ledger: Ledger, kind: str, data: dict[str, Any]) -> object:
        what = what_it_is(ledger, kind, data)
        if (known := what in seen) is False:
            seen.add(what)
            if before:
                raise Killed
        entry = real(ledger, kind, data)
        if not known:
            raise Killed
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "_append", dying)
        yield
