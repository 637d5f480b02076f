"""Quality gates as data: where their reports and approvals are, what an override must say, and what lets a gate be passed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal

from pydantic import Field, field_validator

from blocks.catalogue_rules import Model

ON: Final = ("1", "true", "yes", "on")
OFF: Final = ("0", "false", "no", "off")


class GateSwitch(Model):
    """A variable of a job, or an argument of a workflow, by which a gate is passed without anybody's record.

    Cloud Run gives variables, Workflows takes arguments of the same name in lower case: names are compared without case.
    """

    name: str
    """May end in `*`, as in `BP_QUALITY_*`."""
    when: Literal["on", "off", "set", "value"]
    """Which of its values pass the gate: a true one, a false one, any at all, or one of `values`."""
    values: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    """Names that fit `name` and pass nothing."""
    gates: tuple[str, ...] = ()
    """The gates that it passes; empty: every gate of the job."""
    meaning: str
    """What passes because of it, as the end of a sentence."""

    def is_named(self, variable: str) -> bool:
        """Whether a variable or an argument is this switch."""
        name = variable.upper()
        return fnmatchcase(name, self.name.upper()) and not any(fnmatchcase(name, one.upper()) for one in self.but)

    def passes(self, value: object) -> bool:
        """Whether that value passes the gate."""
        said = str(value).strip().lower()
        if self.when == "set":
            return said != ""
        return said in {"on": ON, "off": OFF, "value": tuple(one.lower() for one in self.values)}[self.when]


class OverrideRules(Model):
    """What an override must say, as the pipeline's own configuration demands it."""

    categories: tuple[str, ...] = ()
    ticket: str = r"https?://.+|[A-Za-z][A-Za-z0-9._-]*-\d+"
    """The regular expression of a ticket: an address, or an id such as `OPS-12`."""
    justification_least: int = Field(default=50, ge=0)
    """Characters."""
    reason_least: int = Field(default=10, ge=0)
    """Characters of the older form's `reason`."""
    allowed_overriders: tuple[str, ...] | None = None
    """Who may approve; None: nobody has said, so it is not judged. An empty list means nobody."""
    longest_days: float = Field(default=30.0, gt=0)
    """How long one may hold that is recorded here."""

    @field_validator("ticket")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    def allows(self, who: str) -> bool | None:
        """Whether that person may approve; None: nobody has said who may."""
        if self.allowed_overriders is None:
            return None
        return who.strip().casefold() in {one.strip().casefold() for one in self.allowed_overriders}


class Gates(Model):
    """Everything about the quality gates that the audit of overrides needs."""

    reports: tuple[str, ...] = ("**/quality_gate_report.json",)
    """Patterns below the scene's root."""
    datasets: tuple[str, ...] = ("episodes/meta/info.json", "episodes/**/meta/info.json")
    """Patterns below the scene's root, of what data sets say of the gates that they passed."""
    checkpoints: dict[str, str] = Field(default_factory=dict)
    """By checkpoint, the stage that is judged there."""
    approvals: tuple[str, ...] = ()
    """Patterns below the scene's root, where an installation keeps the pipeline's approval records and their log."""
    approvals_folder: str = ""
    """The same outside every scene: a folder of the bucket with one folder a scene. Empty: there is none."""
    collection: str = ""
    """Firestore's collection of approval records; empty: the pipeline does not use Firestore for them."""
    log_collection: str = ""
    """Firestore's collection of the log of approvals, to which is only added."""
    rules: OverrideRules = OverrideRules()
    switches: tuple[GateSwitch, ...] = ()

    def passed_by(self, variables: Mapping[str, object]) -> list[tuple[GateSwitch, str, str]]:
        """Every switch among these variables or arguments that passes a gate, with its name and its value there."""
        return [
            (switch, name, str(value))
            for name, value in variables.items()
            for switch in self.switches
            if switch.is_named(name) and switch.passes(value)
        ]


def told(passed: Iterable[tuple[GateSwitch, str, str]]) -> list[str]:
    """`BYPASS_QUALITY_GATES=true`, one for each."""
    return [f"{name}={value}" for _, name, value in passed]
