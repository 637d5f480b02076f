"""Stages by scenes as a picture: where each scene stands, and where it is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.remediation.grid_picture import Row, State, grid
from tasks.remediation.report import Section, counted

STATES = {
    "complete": State("✓", "good", "complete"),
    "missing": State("✗", "bad", "missing"),
    "corrupt": State("!", "bad", "corrupt"),
    "failed": State("F", "bad", "failed"),
    "stale": State("~", "warn", "stale"),
    "blocked": State("B", "warn", "blocked"),
    "expired": State("e", "calm", "expired"),
    "never_ran": State("·", "none", "never ran"),
}
"""The words of `tasks.validation.findings.StageState`."""


def stage_map(title: str, scenes: Sequence[tuple[str, Mapping[str, str]]], stages: Sequence[str]) -> Section:
    """The picture as a section; one without it when no scene's stages are known.

    Args:
        title: Of the section.
        scenes: Each scene with the states of its stages, in the order in which they are shown.
        stages: The catalogue's stages in their order; those that no scene has are left out.
    """
    known = [(name, states) for name, states in scenes if states]
    shown = [stage for stage in stages if any(states.get(stage, "never_ran") != "never_ran" for _, states in known)]
    if not known or not shown:
        return Section(title, "Of no scene the stages are known.")
    rows = [Row(name, tuple(states.get(stage, "never_ran") for stage in shown)) for name, states in known]
    return Section(title, picture=grid(f"{counted(len(known), 'scene')} by stage", shown, rows, STATES))
