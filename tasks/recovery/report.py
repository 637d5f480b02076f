"""A recovery's own part of the report: stages before and after, what was wrong, and what could be brought back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.table import Cell

MARK = {
    "complete": "✅ complete",
    "never_ran": "· never ran",
    "expired": "⌛ expired",
    "missing": "❌ missing",
    "corrupt": "❌ corrupt",
    "stale": "⚠️ stale",
    "failed": "❌ failed",
    "blocked": "🔒 blocked",
}


def sections(run: Run) -> Iterator[Section]:
    """The parts of one scene's report."""
    for candidate in run.facts.candidates if run.facts is not None else ():
        yield Section(
            "",
            f"A good copy of `{candidate.object}` is in {candidate.source.replace('_', ' ')}: generation {candidate.generation}, "
            f"{candidate.size:,} bytes. Run with `restore_inputs` to put it back.",
        )
    yield Section("", rows=tuple(stage_rows(states(run, "before"), states(run, "after"))))
    if errors := run.details.get("errors"):
        assert isinstance(errors, list)
        yield Section("What was wrong", "\n".join(f"- {error}" for error in errors[:20]))


def states(run: Run, when: str) -> Mapping[str, str]:
    """The states of the stages `before` or `after`."""
    return cast("Mapping[str, str]", run.details.get(when) or {})


def stage_rows(before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, Cell]]:
    """Stages before and, once there is one, after; stages that never ran are left out."""
    columns = {"before": before} | ({"after": after} if after else {})
    shown = [
        stage
        for stage in {**before, **after}
        if any(column.get(stage, "never_ran") != "never_ran" for column in columns.values())
    ]
    return [{"stage": stage, **{name: word(column.get(stage)) for name, column in columns.items()}} for stage in shown]


def word(state: str | None) -> str:
    """How a state is shown."""
    return MARK.get(state or "", state or "")
