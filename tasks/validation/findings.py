"""What the validator says: findings, and the report of one scene."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from tasks.validation.documents.quoting import plain
from tasks.validation.finding_codes import CODES, Severity

StageState = Literal["complete", "missing", "corrupt", "stale", "failed", "blocked", "expired", "never_ran"]
"""`expired`: whole, but for what the pipeline's own retention has removed since."""
RANK: dict[Severity, int] = {"error": 0, "warning": 1, "unread": 2, "info": 3}
MAX_PER_CODE = 20
"""Findings of one code in one stage that are kept; the rest are counted."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, odd or worth knowing."""

    code: str
    """Stable, kebab-case; the table is in docs/validation.md."""
    severity: Severity
    object: str
    """Path of the object within the scene."""
    path: str
    """JSON path inside that object (`$.objects[3].asset.path`), or empty when it is about the object itself."""
    message: str
    fix: str
    stage: str = ""
    """The stage whose work it is about; not part of the JSON."""

    def to_json(self) -> dict[str, str]:
        """The finding as the command line prints it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "object": self.object,
            "path": self.path,
            "message": self.message,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class SceneReport:
    """The verdict on one scene. Healthy means: no finding is an error, and everything it is judged by was read."""

    scene_id: str
    healthy: bool | None
    """None: unknown, since something of `undecided` could have said otherwise."""
    stages: dict[str, StageState]
    findings: tuple[Finding, ...]
    undecided: tuple[str, ...] = ()
    """Markers and required outputs of which nothing is known."""

    def to_json(self) -> dict[str, object]:
        """The report as the command line prints it: plain values only."""
        return {
            "scene_id": self.scene_id,
            "healthy": self.healthy,
            "stages": dict(self.stages),
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass
class Findings:
    """Collects findings, with a bound on how many of one kind are kept."""

    kept: list[Finding] = field(default_factory=list)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _errors: dict[str, set[str]] = field(default_factory=dict)

    def add(self, code: str, object_path: str, message: str, *, path: str = "", stage: str = "") -> None:
        """Note a finding. `code` must be in the table; it decides the severity and what to do about it."""
        kind = CODES[code]
        self._counts[code, stage] += 1
        if kind.severity == "error":
            self._errors.setdefault(stage, set()).add(code)
        if self._counts[code, stage] <= MAX_PER_CODE:
            shown = plain(object_path, 300)
            fix = kind.fix.replace("{object}", shown).replace("{stage}", stage or "the stage that wrote it")
            self.kept.append(Finding(code, kind.severity, shown, plain(path, 300), plain(message, 400), fix, stage))

    def errors_of(self, stage: str) -> set[str]:
        """The codes of the errors found in a stage."""
        return self._errors.get(stage, set())

    @property
    def healthy(self) -> bool:
        """Whether nothing found so far is an error."""
        return not self._errors

    def sorted(self) -> tuple[Finding, ...]:
        """Everything found, errors first, with a last word for each kind of which only some were kept."""
        return tuple(sorted([*self.kept, *self._more()], key=lambda f: RANK[f.severity]))

    def _more(self) -> list[Finding]:
        more = []
        for (code, stage), count in self._counts.items():
            if count > MAX_PER_CODE:
                kind = CODES[code]
                message = f"… and {count - MAX_PER_CODE} more findings like the {MAX_PER_CODE} above."
                fix = kind.fix.replace("{object}", "each of them").replace("{stage}", stage or "the stage")
                more.append(Finding(code, kind.severity, "", "", message, fix, stage))
        return more
