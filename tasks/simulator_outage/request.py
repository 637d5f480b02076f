"""What the end of an outage is asked beside what every procedure is, and the names under which its plans keep it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from tasks.remediation.procedure import Request

SIMULATOR_OUTAGE, SUBJECT = "simulator-outage", "@simulator"
GENIE_SIM = "genie-sim"
STEP = "2 restart"
"""The step of a plan that restarts."""
FAILED, SERVICE, SMOKE, RECOVER, TRIAL = "failed", "service", "smoke", "recover", "trial"
"""Where a plan has the scenes that failed meanwhile, the service, and what shall follow its restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRequest(Request):
    """What is asked."""

    service: str = GENIE_SIM
    """A service of the catalogue."""
    smoke: bool = True
    """Whether a smoke run shall follow the restart, where the service simulates."""
    trial: str = ""
    """The scene on which it is tried after the restart; empty: a new one."""
    recover: bool = False
    """Whether the scenes that failed meanwhile shall be made again after a good smoke run."""

    def asked(self) -> dict[str, JsonValue]:
        """Whoever plans an interrupted run anew wants the same of it."""
        return {SERVICE: self.service, SMOKE: self.smoke, TRIAL: self.trial, RECOVER: self.recover}
