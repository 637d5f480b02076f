"""One process that carries an incident on: what it was given, and the record it reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from prefect.input import RunInput

from tasks.incidents.entries import Decided, Entered, Phase
from tasks.incidents.incident import Incident, told
from tasks.incidents.said import Said
from tasks.remediation.attend import Asks
from tasks.remediation.batch import RunOne, Wave, threads
from tasks.remediation.caller import Caller, inline
from tasks.remediation.case import KEY
from tasks.remediation.context import Context
from tasks.remediation.procedure import Procedure, Request
from tasks.remediation.run import Run
from tasks.remediation.runner import run, run_approved
from tasks.response.forms import Ask, F, nobody
from tasks.response.wanted import Wanted

R = TypeVar("R", bound=Request)


@dataclass(slots=True, kw_only=True)
class Means:
    """How it calls, asks and shows; without Prefect by default."""

    ask: Ask = nobody
    call: Caller = inline
    wave: Callable[[RunOne], Wave] = threads
    publish: Callable[[Run], None] = lambda _: None
    """Shows a plan that waits for approval."""
    declared: Callable[[str], None] = lambda _: None
    """Told the id of an incident that was declared just now, so that people hear of it at once."""
    attended: bool = False
    """Somebody is there to approve a plan where the policy wants a person."""


@dataclass(slots=True)
class Response:
    """The incident, and the means to go on with it."""

    one: Run
    """Its leases are asked before each phase."""
    wanted: Wanted
    incident: Incident
    means: Means = field(default_factory=Means)
    answers: dict[str, RunInput] = field(default_factory=dict)
    """What people have answered in this process, by the question's key."""

    @property
    def context(self) -> Context:
        """Environment, and who asks."""
        return self.one.context

    @property
    def id(self) -> str:
        """The incident's."""
        return self.incident.id

    def reread(self) -> Incident:
        """The incident as it stands now, whoever has written meanwhile."""
        self.incident.case.read()
        self.incident = told(self.incident.case)
        return self.incident

    def key(self, what: str) -> str:
        """A key for what is said once each time the response comes to a phase, as in `mitigate-7-ask`.

        The number is that of the entry by which the phase was entered, which no process changes any more.
        """
        return f"{self.incident.phase}-{self.entered()}-{what}"

    def entered(self) -> int:
        """The number of the entry by which the present phase was entered; 1, the declaration, when none was."""
        numbers = [entry.sequence for entry, _ in self.incident.all_of(Entered)]
        return numbers[-1] if numbers else 1

    def say_once(self, key: str, said: Said) -> None:
        """Write an entry unless it is there."""
        self.incident.say_once(key, said)

    def enter(self, phase: Phase) -> None:
        """Come to a phase."""
        self.context.say(f"{self.id}: {phase}")
        self.incident.say(Entered(phase=phase))

    def decisions(self) -> list[tuple[str, Decided]]:
        """What people have told it in the present phase, with their keys, oldest first."""
        start = self.key("")
        every = [(str(entry.data.get(KEY, "")), said) for entry, said in self.incident.all_of(Decided)]
        return [(key, said) for key, said in every if key.startswith(start)]

    def run(self, procedure: Procedure[R, Any], request: R) -> Run:
        """Carry out a procedure, with a person's approval where the policy wants one and somebody is there."""
        if not self.means.attended:
            return run(procedure, self.context, request, self.means.call)
        return run_approved(procedure, self.context, request, self.means.call, publish=self.means.publish)

    def ask(self, form: type[F], number: int, page: str) -> F:
        """What a person has answered; `number` counts the questions of this phase. Raises `Asks` while nobody has."""
        key = f"{self.id}-{self.key(f'ask-{number}')}"
        answer = self.answers.get(key)
        if not isinstance(answer, form):
            raise Asks(form, key, page, self.otherwise())
        return answer

    def otherwise(self) -> str:
        """What a person does whom nobody could ask."""
        return (
            f"{self.id} stands at '{self.incident.phase}' and a person must decide. Run the deployment incident-response "
            f"with this incident and mode apply, and fill in its form; or act by hand, then: remediate incident note "
            f'{self.id} "what you did", and in the end remediate incident resolve {self.id}.'
        )
