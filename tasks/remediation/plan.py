"""A plan: what a procedure would do, as data, before anything is done.

A plan is a pure function of what was observed. It names every object it would touch with the generation that was seen,
and its digest stands for all that is approved: an approval carries it, and applying a plan whose digest has changed
since is refused.

Plans are read tolerantly, because a journal may have been written by another version: a kind, an effect or a field
that this version does not know can be read and shown. Only carrying it out is refused (`tasks.remediation.kind`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Effect = Literal["read", "write", "delete", "start", "configure", "notify"]
"""What an action does to the world. Closed: guard and tables count by it."""
Risk = Literal["low", "medium", "high"]
NOT_IN_DIGEST = {"details", "escalations"}
"""What is shown beside a plan and not approved by its digest: a plan with escalations is never carried out."""


class Stored(BaseModel):
    """Read-only; what another version has written beside the fields is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Action(Stored):
    """One thing to do, with what must be true first and how to take it back."""

    step: str
    """Name of the step it belongs to. Neighbours with the same step are one task run."""
    kind: str
    """Name of a kind of action; which there are, each procedure says."""
    effect: str
    """An `Effect`, or a word of a newer version."""
    target: str
    """The object, workflow or job, as a person would name it."""
    precondition: str
    undo: str
    why: str
    objects: int = 1
    """How many objects it is about: a list of 40,000 objects is one action and 40,000 objects."""
    bytes: int = 0
    """How many bytes those have."""
    replaced: int = 0
    """How many live objects it overwrites (a deletion counts by `objects`)."""
    replaced_bytes: int = 0
    always: bool = False
    """Carried out after a final failure too: it gives back what the run holds."""
    params: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """Identity within the plan."""
        return f"{self.kind}:{self.target}"


class Step(Stored):
    """A run of actions that is journalled and carried out together."""

    name: str
    actions: tuple[Action, ...]


class Plan(Stored):
    """What would be done to one subject, or why nothing will be."""

    procedure: str
    subject: str
    actions: tuple[Action, ...] = ()
    escalations: tuple[str, ...] = ()
    """Why a person must act instead. Non-empty means that nothing is done."""
    risk: str = "low"
    """A `Risk`; a word that the policy does not know needs a person."""
    lost: int = 0
    """How many objects nobody can bring back; a run that does all it can then ends `partial`."""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """What the procedure itself wants to find again or to show; not in the digest."""

    @property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) of the canonical JSON of everything that is approved.

        That is the procedure, the subject, the risk, what is lost, and every action with all its parameters: the
        generations of objects, the SHA-256 of lists, the arguments of starts.
        """
        body = self.model_dump(mode="json", exclude=NOT_IN_DIGEST)
        return hashlib.sha256(canonical(body)).hexdigest()[:16]

    def steps(self) -> Iterator[Step]:
        """The actions, grouped by step in their order."""
        for name, actions in groupby(self.actions, key=lambda action: action.step):
            yield Step(name=name, actions=tuple(actions))

    def without(self, done: set[str]) -> Plan:
        """What is left of it once the actions with these keys are done."""
        return self.model_copy(update={"actions": tuple(one for one in self.actions if one.key not in done)})

    def count(self, effect: Effect) -> int:
        """How many objects the actions with this effect are about."""
        return sum(action.objects for action in self.actions if action.effect == effect)

    def deleted_bytes(self) -> int:
        """Bytes that would be removed."""
        return sum(action.bytes for action in self.actions if action.effect == "delete")

    def replaced(self) -> int:
        """Live objects that would be overwritten."""
        return sum(action.replaced for action in self.actions)

    def replaced_bytes(self) -> int:
        """Bytes of those."""
        return sum(action.replaced_bytes for action in self.actions)


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
