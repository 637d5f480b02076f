"""What a restart still owes: the smoke run that proves it, and the scenes that failed meanwhile, if that was asked for.

    remediation/simulator/<run of the restart>/000001.json

A restart proves nothing by itself. That one was made is in the run's journal, so it is owed from then on, whatever becomes of
the process that made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.remediation.context import Context
from tasks.remediation.continuing import LOOKED_BACK_HOURS, UNDOES
from tasks.remediation.debt import Debt, debt_of
from tasks.remediation.journal import read_journal
from tasks.remediation.lease import has_ended, read_holder
from tasks.remediation.report import counted
from tasks.remediation.runs import PastRun, past_runs
from tasks.simulator_outage.request import RECOVER, SERVICE, SIMULATOR_OUTAGE, SMOKE, STEP, SUBJECT, TRIAL

ROOT = "remediation/simulator/"
LEASE = "@simulator-smoke"
"""One process at a time makes what is owed."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A restart, and what it owes."""

    past: PastRun
    debt: Debt

    @property
    def run(self) -> str:
        """The run that has restarted the service."""
        return self.past.run

    @property
    def service(self) -> str:
        """What was restarted."""
        return str(self.past.details[SERVICE])

    @property
    def smoke(self) -> bool:
        """Whether a smoke run is wanted."""
        return self.past.details.get(SMOKE) is True

    @property
    def recover(self) -> bool:
        """Whether the scenes that failed meanwhile shall be made again."""
        return self.past.details.get(RECOVER) is True

    @property
    def trial(self) -> str:
        """The trial that was named; empty: a new one is generated."""
        return str(self.past.details.get(TRIAL) or "")

    @property
    def sentence(self) -> str:
        """What is owed, and by which run."""
        many = f"{counted(len(self.debt.left), 'scene')} that failed meanwhile are owed"
        what = many if self.debt.known else "the smoke run is owed" if self.smoke else "what failed meanwhile is owed"
        since = f"{self.past.begun_at:%Y-%m-%d %H:%M} UTC"
        return f"Run {self.run} has restarted {self.service} at {since}, and {what}"


def owed_now(context: Context) -> list[Owed]:
    """What the newest restart of each service owes; none that was undone, or did not help.

    Raises:
        LedgerDamaged: a run cannot be read; the message names its object.
    """
    environment = context.environment
    if not environment.ops_bucket:
        return []  # without one no run can have been made
    past = past_runs(environment.storage, environment.ops_bucket, SUBJECT, LOOKED_BACK_HOURS)
    undone = {str(one.details[UNDOES]) for one in past if UNDOES in one.details and one.outcome == "done"}
    found = []
    for one in newest_restarts(context, past):
        wanted = one.details.get(SMOKE) is True or one.details.get(RECOVER) is True
        if wanted and one.run not in undone and one.outcome in ("done", "stopped"):
            debt = debt_of(context, ROOT, one.run)
            found += [] if debt.settled else [Owed(one, debt)]
    return found


def newest_restarts(context: Context, past: list[PastRun]) -> Iterator[PastRun]:
    """Of each service the last run that has restarted it: whatever was restarted before is proved, or not, by this one."""
    seen: set[str] = set()
    for one in reversed(past):
        service = str(one.details.get(SERVICE, ""))
        if one.procedure == SIMULATOR_OUTAGE and service not in seen and has_restarted(context, one):
            seen.add(service)
            yield one


def has_restarted(context: Context, one: PastRun) -> bool:
    """Whether a run has begun to restart; one that ended before has done nothing."""
    if one.outcome == "done":
        return True
    environment = context.environment
    journal = read_journal(environment.storage, environment.ops_bucket, SUBJECT, one.run, context.actor)
    return journal.was_begun(STEP)


def at_work(context: Context) -> bool:
    """Whether somebody is just ending an outage, or making what is owed. Raises `LeaseDamaged`."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    held = [read_holder(storage, bucket, subject) for subject in (SUBJECT, LEASE) if bucket]
    return any(one is not None and not has_ended(*one, context.gone) for one in held)
