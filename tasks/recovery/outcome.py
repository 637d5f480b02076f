"""What came of the recovery of one scene."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tasks.remediation.plan import Plan
from tasks.validation.findings import StageState

PROCEDURE = "export-recovery"
"""What the recovery is called in its plans and journals."""

Outcome = Literal[
    "healthy",
    "planned",
    "recovered",
    "needs_approval",
    "refused",
    "escalated",
    "failed",
    "busy",
    "stopped",
    "unknown",
    "not_started",
]

GOOD: tuple[Outcome, ...] = ("healthy", "planned", "recovered")


class RecoveryResult(BaseModel):
    """The result of one scene's recovery: what was wrong, what was done, and what the scene is like now."""

    scene_id: str
    outcome: Outcome
    reasons: list[str] = Field(default_factory=list)
    """Why it was refused, escalated or failed: one sentence each."""
    plan: Plan | None = None
    run: str = ""
    before: dict[str, StageState] = Field(default_factory=dict)
    after: dict[str, StageState] = Field(default_factory=dict)
    errors: list[str] = Field(default_factory=list)
    """The error findings before, shortened for people."""
    done: dict[str, str] = Field(default_factory=dict)
    """What became of each action."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall time of each step."""

    @property
    def good(self) -> bool:
        """Whether nobody needs to do anything now."""
        return self.outcome in GOOD

    def sentence(self) -> str:
        """One line for logs and state messages."""
        return f"{self.scene_id}: {self.outcome}" + (f" - {' '.join(self.reasons)}" if self.reasons else "")
