"""What the response to an incident is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from blocks.catalogue import SCENE_ID
from tasks.incidents.entries import Area, Declared, Scope, Severity
from tasks.remediation.outcome import Refused
from tasks.remediation.report import listed

NAME = "incident-response"
LONGEST_TITLE = 200
"""Characters of a title that are kept: it is the headline of pages and messages."""

Pause = Literal["by severity", "yes", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An incident that is there, or what a new one is to be."""

    incident: str = ""
    """Its id; empty: declare a new one."""
    mode: Literal["plan", "apply"] = "plan"
    title: str = ""
    severity: Severity = "sev3"
    area: Area = "pipeline"
    scope: Scope = field(default_factory=Scope)
    commander: str = ""
    channel: str = ""
    pause: Pause = "by severity"
    """Whether intake is paused while stabilising."""

    def pauses(self, severity: Severity) -> bool:
        """Whether intake is to be paused: unless somebody says so, only where something is not delivered."""
        return self.pause == "yes" or (self.pause == "by severity" and severity in ("sev1", "sev2"))

    def declaration(self) -> Declared:
        """What a new incident's record begins with. Raises `Refused` when that is not clear."""
        check_scenes(self.scope.scenes)
        return Declared(
            title=headline(self.title),
            severity=self.severity,
            area=self.area,
            commander=self.commander,
            channel=self.channel,
            scope=self.scope,
        )


def headline(title: str) -> str:
    """A title on one line, cut when it is very long. Raises `Refused` without one."""
    line = " ".join(title.split())
    if not line:
        raise Refused("Give the incident a title: one line that says what is wrong.")
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 4]} ..."


def check_scenes(scenes: tuple[str, ...]) -> None:
    """Raise `Refused` for what can be no scene's id."""
    if odd := [one for one in scenes if not SCENE_ID.fullmatch(one)]:
        raise Refused(
            f"{listed(odd)}: a scene's id has 1 to 128 letters, digits, '_' and '-', as in kitchen_001. Correct the scope."
        )
