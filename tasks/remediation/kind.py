"""A kind of action: what it needs, what it does, whether it took effect already, and what takes it back.

A kind lives with its family (objects, starts, delivery, ...), and a procedure names the kinds it uses. There is no
central list: a procedure that carries out a kind has it, and undo asks the kinds of the procedure it undoes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action, Effect, Plan
from tasks.remediation.run import Run


class Params(BaseModel):
    """What a kind of action needs to be carried out. An unknown name is an error: it would not be done."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Doing:
    """An action being carried out: the run, and the action."""

    run: Run
    action: Action

    @property
    def context(self) -> Context:
        """The run's surroundings."""
        return self.run.context

    @property
    def journal(self) -> Journal:
        """The run's journal."""
        return self.run.journal

    def check(self) -> None:
        """Raise `LeaseLost` or `Stopped` when nothing more may be done; long actions ask it again and again."""
        self.run.check(goes_on=self.action.always or self.action.effect == "read")

    def confirm(self) -> None:
        """Ask the bucket whether every lease is still ours, directly before a start that the action makes by itself."""
        self.run.confirm(goes_on=self.action.always or self.action.effect == "read")

    def note(self, **data: JsonValue) -> None:
        """Write something about the action into the journal."""
        self.journal.append("note", {"action": self.action.key, **data})


class NoWayBack(Exception):
    """What an action has done cannot be undone any more; the sentence says why."""


def not_seen(_doing: Doing, _params: Any) -> None:
    """Nothing tells whether it took effect; it is simply done again, which its preconditions make safe."""


def nothing_to_undo(_doing: Doing, _params: Any, _result: str) -> None:
    """It left nothing behind that could be taken back."""


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[P]):
    """One kind of action."""

    name: str
    params: type[P]
    effect: Effect
    apply: Callable[[Doing, P], str]
    """Does it, with its precondition; returns what became of it."""
    look: Callable[[Doing, P], str | None] = not_seen
    """What became of it if it took effect already, asked after a kill; None: it did not, or nobody can tell."""
    inverse: Callable[[Doing, P, str], Action | None] = nothing_to_undo
    """The action that undoes what was done, from its parameters and its recorded result. Raises `NoWayBack`."""
    by_parts: bool = False
    """It can have taken effect in part, so undo asks for the inverse of whatever was begun."""
    task: str = "step"
    """Name of the Prefect task of a step that begins with it, as in `clear_completion_markers`."""

    def action(self, params: P, **fields: Any) -> Action:
        """An action of this kind; `fields` are those of `Action` beside kind, effect and params."""
        return Action(
            kind=self.name, effect=self.effect, params=params.model_dump(mode="json", exclude_defaults=True), **fields
        )

    def read(self, action: Action) -> P:
        """The parameters of an action. Raises `Refused` when they are not this kind's."""
        try:
            return self.params.model_validate(action.params)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
            raise Refused(
                f"{action.target}: this version cannot carry out the action {action.kind} as it is written ({wrong}). "
                "Plan again, or use the version that planned it."
            ) from error


Kinds = tuple[Kind[Any], ...]


def kind_of(kinds: Kinds, action: Action) -> Kind[Any]:
    """The kind of an action. Raises `Refused` when it is none of these, or says another effect than the kind has."""
    found = next((kind for kind in kinds if kind.name == action.kind), None)
    if found is None:
        raise Refused(
            f"{action.target}: this version knows no action {action.kind}. Use the version that planned it, or undo the "
            "run and plan again."
        )
    if action.effect != found.effect:
        raise Refused(f"{action.target}: the action {action.kind} has the effect {found.effect}, not {action.effect}.")
    return found


def check_plan(kinds: Kinds, plan: Plan) -> None:
    """Refuse a plan that could not be carried out to its end: unknown kinds, wrong effects or parameters."""
    for action in plan.actions:
        kind_of(kinds, action).read(action)
    keys = [action.key for action in plan.actions]
    if twice := {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else set():
        raise Refused(f"The plan names {sorted(twice)[0]} twice; plan again.")
