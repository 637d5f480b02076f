"""A rule, as data: which messages it is about, what it keeps of them, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from deployments.receiver.facts import ASKS, CHECKS
from deployments.receiver.message import Kind

_PIECE = re.compile(r'"([^"]+)"|([^."]+)')
_NAME = re.compile(r"\{(\w+)\}")
SEARCHED = 20_000
"""Letters of a text that is searched at most: longer ones match nothing. Whoever may write a log could else keep the receiver
busy for minutes with one entry."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression. Raises ValueError."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}.") from error


class RuleModel(BaseModel):
    """Strict and frozen: a typing error in rules.yaml is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fits(RuleModel):
    """A condition on a text: it holds what the regular expression matches somewhere."""

    matches: str

    @field_validator("matches")
    @classmethod
    def _compiles(cls, value: str) -> str:
        compiled(value)
        return value


class Part(RuleModel):
    """A part of a text in the message: the only group of a regular expression."""

    path: str
    matches: str

    @field_validator("matches")
    @classmethod
    def _has_one_group(cls, value: str) -> str:
        if compiled(value).groups != 1:
            raise ValueError(f"{value!r} must have one group: what is to be kept.")
        return value


class FlowRun(RuleModel):
    """The flow run that follows."""

    deployment: str = Field(pattern=r"^[^/]+/[^/]+$", description="`flow/deployment`, as Prefect names it.")
    parameters: dict[str, str | list[str]] = Field(default_factory=dict, description="Templates.")


class Rule(RuleModel):
    """One rule. Templates are texts with `{name}` for what `values` and `asks` give."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    about: str = Field(description="One sentence: what has happened.")
    kind: Kind
    when: dict[str, str | list[str] | Fits] = Field(
        min_length=1, description="Path in the message: the value it has, those it may have, or what it matches."
    )
    values: dict[str, str | Part] = Field(
        min_length=1, description="What is kept, each by its path. All must be there."
    )
    identity: tuple[str, ...] = Field(min_length=1, description="The values that tell this event from every other.")
    asks: tuple[str, ...] = Field((), description="Facts that give further values (facts.py).")
    unless: tuple[str, ...] = Field((), description="Facts that, when true, end it: nothing is started (facts.py).")
    event: str = Field(pattern=r"^pipeline\.[a-z0-9.{}_-]+$", description="The Prefect event's name; a template.")
    resource: str = Field(description="The Prefect event's resource id; a template.")
    run: FlowRun | None = None
    quiet_seconds: float = Field(
        0.0, ge=0, description="One event of a resource; those that follow so soon are covered."
    )

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Rule:
        for kind, wanted, known in (("asks", self.asks, ASKS), ("unless", self.unless, CHECKS)):
            if unknown := set(wanted) - set(known):
                raise ValueError(f"rule {self.name}: {kind} knows no {', '.join(sorted(unknown))}.")
        given = {*self.values, *(name for ask in self.asks for name in ASKS[ask].gives)}
        needed = {*self.identity, *(name for template in self._templates() for name in _names(template))}
        needed |= {name for fact in self.asks for name in ASKS[fact].needs}
        needed |= {name for fact in self.unless for name in CHECKS[fact].needs}
        if missing := needed - given:
            raise ValueError(f"rule {self.name} uses {', '.join(sorted(missing))}, which nothing gives.")
        if others := set(self.identity) - set(self.values):
            raise ValueError(f"rule {self.name}: the identity {', '.join(sorted(others))} is not in the message.")
        return self

    def _templates(self) -> Iterator[str]:
        yield from (self.resource, self.event)
        for value in self.run.parameters.values() if self.run else ():
            yield from [value] if isinstance(value, str) else value

    def fits(self, data: Mapping[str, Any]) -> bool:
        """Whether a message of the rule's kind, with this data, is one it is about."""
        return all(_holds(condition, at(data, path)) for path, condition in self.when.items())


def at(data: Any, path: str) -> Any:
    """What is at a path such as `resource.labels.job_name`, `labels."a.b/c"`, `results.0.id`, or `results.*.id` (the first
    that has one); None when nothing is."""
    return _walk(data, [quoted or plain for quoted, plain in _PIECE.findall(path)])


def _walk(data: Any, pieces: list[str]) -> Any:
    if not pieces:
        return data
    piece, rest = pieces[0], pieces[1:]
    if isinstance(data, Mapping):
        return _walk(data.get(piece), rest)
    if isinstance(data, list) and piece == "*":
        return next((found for item in data if (found := _walk(item, rest)) is not None), None)
    if isinstance(data, list) and piece.isdecimal() and int(piece) < len(data):
        return _walk(data[int(piece)], rest)
    return None


def kept(data: Any, value: str | Part) -> Any:
    """What a rule keeps of a message: what is at a path, or a part of it; None when it is not there."""
    if isinstance(value, str):
        return at(data, value)
    whole = at(data, value.path)
    found = _searched(value.matches, whole) if isinstance(whole, str) else None
    return found.group(1) if found else None


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A template (or a list or table of them) with the values in it."""
    if isinstance(template, str):
        return _NAME.sub(lambda found: values[found.group(1)], template)
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    return [filled(item, values) for item in template]


def _holds(condition: str | list[str] | Fits, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if isinstance(condition, Fits):
        return _searched(condition.matches, value) is not None
    return value == condition if isinstance(condition, str) else value in condition


def _searched(pattern: str, text: str) -> re.Match[str] | None:
    return re.search(pattern, text) if len(text) <= SEARCHED else None


def _names(template: str) -> list[str]:
    """The names in a template. Raises ValueError for a brace that belongs to none."""
    if set("{}") & set(_NAME.sub("", template)):
        raise ValueError(f"{template!r} has a brace that is not part of a {{name}}.")
    return _NAME.findall(template)
