"""What a recovery is asked beside what every procedure is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from tasks.remediation.procedure import Request

PROCEDURE = "export-recovery"
"""What the recovery is called in its plans and journals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRequest(Request):
    """Which scene, and how boldly."""

    scene_id: str
    make: str = ""
    """A stage that shall exist though it never ran; what it needs and never ran either is made first."""
    restore_inputs: bool = False
    """Put good copies of bad inputs back first, where the plan offers them."""
    accept_systematic: bool = False
    """Go on although many scenes show the same fault."""
    unattended: bool = False
    """Nobody watches: an event asked for it. Beyond so many scenes an hour it escalates instead of acting."""

    def asked(self) -> dict[str, JsonValue]:
        """An interrupted run is only continued for the same stage to be made; most are asked for none."""
        return {"make": self.make} if self.make else {}
