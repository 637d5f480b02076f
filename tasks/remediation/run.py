"""One run of a procedure on its way: what every part, step and kind of action is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tasks.remediation.context import Context
from tasks.remediation.guard import stopped
from tasks.remediation.journal import Journal
from tasks.remediation.lease import Lease
from tasks.remediation.outcome import GOOD, Outcome, Stopped
from tasks.remediation.plan import Plan


class Run:
    """How far a run is and what came of it. A plain class, so that Prefect hands it to tasks as it is."""

    def __init__(self, context: Context, procedure: str, *, additive: bool = False) -> None:
        self.context = context
        self.procedure = procedure
        self.additive = additive
        """It takes nothing away, so neither the kill switch nor the change window stops it."""
        self.id = ""
        """Of this run, or of the interrupted one that it continues; empty while nothing was begun."""
        self.subject = ""
        self.outcome: Outcome = "failed"
        self.reasons: list[str] = []
        """Why it was refused, escalated or failed: one sentence each."""
        self.notes: list[str] = []
        """What else a person should know: one sentence each."""
        self.summary = ""
        """What was or would be done, in one phrase."""
        self.plan: Plan | None = None
        self.facts: Any = None
        """What `observe` has returned; None in a run that is continued."""
        self.done: dict[str, str] = {}
        """What became of each action, by its key."""
        self.details: dict[str, JsonValue] = {}
        """What the procedure's own report shows beside what every report shows."""
        self.seconds: dict[str, float] = {}
        """Wall time of each step."""
        self.continues = ""
        """The interrupted run that is being continued."""
        self.folder = Path()
        """A temporary folder of this run's, gone when it ends."""
        self.leases: list[Lease] = []
        self.report: Callable[[Any], None] = lambda _: None
        """Told now and then how far a long step is."""
        self._journal: Journal | None = None

    @property
    def journal(self) -> Journal:
        """The journal of a run that has begun."""
        if self._journal is None:
            raise RuntimeError(f"The run of {self.procedure} has no journal yet.")
        return self._journal

    @journal.setter
    def journal(self, journal: Journal) -> None:
        self._journal, self.id, self.plan = journal, journal.run, journal.plan()

    @property
    def begun(self) -> bool:
        """Whether it has a journal."""
        return self._journal is not None

    @property
    def good(self) -> bool:
        """Whether nobody needs to do anything now."""
        return self.outcome in GOOD

    def sentence(self) -> str:
        """One line for logs and state messages."""
        more = len(self.reasons) - 3
        parts = [f"{self.subject or self.procedure}: {self.outcome}", self.summary, " ".join(self.reasons[:3])]
        return " - ".join(part for part in parts if part) + (f" And {more} more." if more > 0 else "")

    def end(self, outcome: Outcome, *reasons: str) -> None:
        """Set how it ended and why."""
        self.outcome, self.reasons = outcome, list(reasons)

    def check(self, *, goes_on: bool = False, fresh: bool = False) -> None:
        """Raise `LeaseLost` or `Stopped` when nothing more may be done; asked before every action and every batch.

        `goes_on`: what is about to be done only reads, or gives back what the run holds. `fresh`: read the policy now.
        """
        for lease in self.leases:
            lease.check()
        if not goes_on and not self.additive and (reasons := stopped(self.context.policy(fresh=fresh))):
            raise Stopped(f"{' '.join(reasons)} Nothing more was done.")

    def confirm(self, *, goes_on: bool = False) -> None:
        """Ask the bucket whether every lease is still ours; done directly before what cannot be taken back."""
        for lease in self.leases:
            lease.confirm()
        self.check(goes_on=goes_on, fresh=True)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the block's wall time to the run."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
