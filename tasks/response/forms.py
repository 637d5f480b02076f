"""What a person is asked while an incident is worked on, as forms of Prefect.

A deployed run is suspended: its process ends, and the flow starts again from the top when the form is filled in, days later
if need be. A run without a deployment waits in its process. Prefect's open-source server knows no identities, so the name
is what was typed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol, TypeVar

from prefect import runtime
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

WAIT_SECONDS = 30 * 24 * 3600
"""How long a form waits: an incident lives for days."""


class Mitigation(RunInput):
    """What is to be done about it."""

    choice: Literal["wait", "recover", "roll_back", "by_hand", "go_on"] = Field(
        default="wait",
        description="recover: recover the scenes below; roll_back: roll back the thing below; by_hand: you have done "
        "something; go_on: nothing more is to be done; wait: look whether it is right again, then ask again",
    )
    scenes: list[str] = Field(
        default_factory=list, description="Scenes to recover; empty: those of the incident's scope"
    )
    restore_inputs: bool = Field(default=False, description="Put good copies of bad inputs back first, where offered")
    accept_systematic: bool = Field(default=False, description="Go on although many scenes show the same fault")
    thing: str = Field(default="", description="With roll_back: its kind and name, as in `job simready-job`")
    text: str = Field(default="", description="With by_hand: what you did, one sentence; it is recorded")
    by: str = Field(default="", description="Your name; recorded")


class Update(RunInput):
    """A status update: the handbook asks for scope, impact, mitigation, ETA and when the next one comes."""

    impact: str = Field(default="", description="What does not work for whom; empty: no update is given")
    mitigation: str = Field(default="", description="What is done about it")
    eta: str = Field(default="unknown", description="When it will be over, as far as is known")
    next_update_minutes: int = Field(
        default=0, ge=0, description="When the next update comes, in minutes; 0: none is promised"
    )
    by: str = Field(default="", description="Your name; recorded")


class Resolution(RunInput):
    """Whether it is over."""

    choice: Literal["wait", "resolved", "not_yet"] = Field(
        default="wait", description="resolved: it is over; not_yet: go back to mitigating; wait: ask again"
    )
    how: str = Field(default="", description="What ended it, one sentence; needed with resolved")
    at: datetime | None = Field(default=None, description="When it was over, if not now, with its time zone")
    although_paused: bool = Field(
        default=False, description="Resolve although this incident's pause of intake is in force"
    )
    by: str = Field(default="", description="Your name; recorded")


F = TypeVar("F", bound=RunInput)


class Ask(Protocol):
    """How a person is asked. None: nobody is there to answer."""

    def __call__(self, form: type[RunInput], key: str, page: str, /) -> RunInput | None:
        """The answer to a form, under the same key the same answer; `page` is shown above it."""


def nobody(_form: type[RunInput], _key: str, _page: str, /) -> None:
    """A command line or a schedule: nobody answers."""


def ask_in_prefect(form: type[RunInput], key: str, page: str, /) -> RunInput:
    """Stop the flow run until somebody fills in the form."""
    filled = form.with_initial_data(description=page)
    answer: RunInput
    if runtime.deployment.id:
        answer = suspend_flow_run(wait_for_input=filled, timeout=WAIT_SECONDS, key=key)
    else:
        answer = pause_flow_run(wait_for_input=filled, timeout=WAIT_SECONDS, key=key, poll_interval=1)
    return answer
