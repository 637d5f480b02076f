"""A plan: what a remediation would do, as data, before anything is done.

A plan is a pure function of what was observed. It names every object it would touch with the generation that was seen,
and its digest stands for exactly these actions: an approval carries it, and applying a plan whose digest has changed
since is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Effect = Literal["read", "write", "delete", "start"]
Risk = Literal["low", "medium", "high"]
Kind = Literal[
    "delete_object",
    "restore_object",
    "write_object",
    "start_workflow",
    "run_job",
    "verify_stages",
    "hold_delivery",
    "restore_objects",
    "verify_objects",
    "remove_objects",
    "release_delivery",
    "restore_state",
    "deploy_definition",
    "copy_objects",
    "write_manifest",
    "capture_definitions",
    "capture_terraform",
    "write_summary",
    "delete_night",
    "delete_copies",
]


class PlanModel(BaseModel):
    """Read-only; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(PlanModel):
    """One thing to do, with what must be true first and how to take it back."""

    step: str
    """Name of the step it belongs to. Neighbours with the same step are one task run."""
    kind: Kind
    effect: Effect
    target: str
    """The object, workflow or job, as a person would name it."""
    precondition: str
    undo: str
    why: str
    bytes: int = 0
    params: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """Identity within the plan."""
        return f"{self.kind}:{self.target}"


class Offer(PlanModel):
    """A good copy of a bad object, found in older generations, soft-deleted objects or the backup."""

    object: str
    source: Literal["version", "soft_delete", "backup"]
    bucket: str
    name: str
    generation: int
    size: int
    crc32c: str


class Step(PlanModel):
    """A run of actions that is journalled and carried out together."""

    name: str
    actions: tuple[Action, ...]


class Plan(PlanModel):
    """What would be done to one subject (a scene), or why nothing will be."""

    procedure: str
    subject: str
    actions: tuple[Action, ...] = ()
    escalations: tuple[str, ...] = ()
    """Why a person must act instead. Non-empty means that nothing is done."""
    offers: tuple[Offer, ...] = ()
    risk: Risk = "low"
    fault: str = ""
    """Short name of what is wrong, equal for scenes with the same fault, e.g. 'usd:usd-missing'."""
    restart: tuple[str, ...] = ()
    """The earliest broken stages: where the rerun starts."""
    stages: tuple[str, ...] = ()
    """Every stage that will be made again."""

    @property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) of the canonical JSON of procedure, subject and actions."""
        body = self.model_dump(mode="json", include={"procedure", "subject", "actions"})
        return hashlib.sha256(canonical(body)).hexdigest()[:16]

    def steps(self) -> Iterator[Step]:
        """The actions, grouped by step in their order."""
        for name, actions in groupby(self.actions, key=lambda action: action.step):
            yield Step(name=name, actions=tuple(actions))

    def count(self, effect: Effect) -> int:
        """How many actions have this effect."""
        return sum(action.effect == effect for action in self.actions)

    def deleted_bytes(self) -> int:
        """Bytes that would be removed."""
        return sum(action.bytes for action in self.actions if action.effect == "delete")


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
