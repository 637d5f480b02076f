"""What came of a restore."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tasks.remediation.plan import Plan
from tasks.sync.outcome import GOOD, Outcome


class RestoreResult(BaseModel):
    """What was found, what would be or was done, and how it ended."""

    scope: str
    outcome: Outcome | Literal["planned", "needs_approval"] = "failed"
    reasons: list[str] = Field(default_factory=list)
    """Why it was refused, failed or is partial: one sentence each."""
    plan: Plan | None = None
    run: str = ""
    night: str = ""
    achieved: str = ""
    """Which time is brought back, in a sentence."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Objects by what was found."""
    shown: dict[str, list[str]] = Field(default_factory=dict)
    """The first names of what was left alone, lost, replaced, withheld or extra."""
    fires: dict[str, int] = Field(default_factory=dict)
    """Executions the restore would set off were nothing held, by trigger."""
    diff: str = ""
    """Of a definition: from what is live to what was recorded."""
    notes: list[str] = Field(default_factory=list)
    told: dict[str, str] = Field(default_factory=dict)
    """What became of each step."""
    seconds: dict[str, float] = Field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nobody needs to do anything now."""
        return self.outcome in (*GOOD, "planned")

    def sentence(self) -> str:
        """One line for logs and state messages."""
        words = [f"{self.scope}: {self.outcome}"]
        if self.reasons:
            words.append(" ".join(self.reasons))
        elif self.achieved and self.outcome in ("clean", "planned"):
            words.append(self.achieved)
        elif self.notes and self.outcome == "nothing to do":
            words.append(" ".join(self.notes))
        return " - ".join(words)
