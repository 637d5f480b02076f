"""What came of a backup, an expiry or a verification."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.backup.findings import Verification
from tasks.remediation.plan import Plan
from tasks.snapshots.summary import Summary
from tasks.sync.outcome import GOOD, Outcome


class Result(BaseModel):
    """One run: how it ended and why."""

    model_config = ConfigDict(extra="forbid")

    what: str
    """As in `backup` or `expiry`."""
    outcome: Outcome | Literal["planned"] = "failed"
    reasons: list[str] = Field(default_factory=list)
    """Why it was refused, is partial or failed: one sentence each."""
    notes: list[str] = Field(default_factory=list)
    plan: Plan | None = None
    run: str = ""
    told: str = ""
    """What was done, in one phrase."""

    @property
    def good(self) -> bool:
        """Whether nobody needs to do anything now."""
        return self.outcome == "planned" or self.outcome in GOOD

    def sentence(self) -> str:
        """One line for logs and state messages."""
        parts = [f"{self.what}: {self.outcome}", self.told, *self.reasons[:3]]
        more = len(self.reasons) - 3
        return " - ".join(part for part in parts if part) + (f" - and {more} more" if more > 0 else "")


class BackupResult(Result):
    """One night."""

    what: str = "backup"
    night: str = ""
    summary: Summary | None = None
    rows: list[dict[str, str | int]] = Field(default_factory=list)
    """The table by class."""


class VerifyResult(Result):
    """One verification."""

    what: str = "verification"
    night: str = ""
    verification: Verification | None = None
    scorecard: list[dict[str, str]] = Field(default_factory=list)
