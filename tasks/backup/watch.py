"""The morning after: was there a night, did it capture everything, and was it verified?

A schedule that never fired leaves no failed run behind; only its missing result shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from tasks.backup.findings import verifications
from tasks.backup.guard import misplaced
from tasks.backup.scorecard import minutes
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.report import counted
from tasks.snapshots.nights import nights, read_summary
from tasks.snapshots.summary import Summary

CLOCKS = timedelta(minutes=10)
"""Two machines' clocks may differ by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuestion:
    """As of when."""

    now: datetime | None = None
    """By default the moment at which it looks."""


class BackupWatch(Check[WatchQuestion]):
    """A night is missed when the newest one began longer ago than the policy's target_rpo_minutes."""

    name = "backup-watch"

    def look(self, context: Context, question: WatchQuestion) -> Findings:
        """The newest night, and its verification."""
        environment = context.environment
        if wrong := " ".join(misplaced(environment)):
            raise Refused(wrong)
        known = nights(environment)
        if not known:
            raise NotFound(f"gs://{environment.backup_bucket} has no backup at all; run nightly-backup now.")
        newest = read_summary(environment, known[-1], known)
        reasons = complaints(environment, newest, question.now or datetime.now(UTC))
        return Findings(
            outcome="failed" if reasons else "nothing_to_do",
            reasons=reasons,
            summary=f"the newest night is {newest.night}",
            facts=newest,
        )


def complaints(environment: PipelineEnvironment, newest: Summary, now: datetime) -> list[str]:
    """What is wrong with the last night, one sentence each."""
    return late_or_partial(environment, newest, now) + unverified(environment, newest)


def late_or_partial(environment: PipelineEnvironment, newest: Summary, now: datetime) -> list[str]:
    """That it is too old, or has not captured everything."""
    age, target = now - newest.begun_at, timedelta(minutes=environment.backup.target_rpo_minutes)
    found = []
    if age < -CLOCKS:
        found.append(
            f"Night {newest.night} says that it began {minutes(-age.total_seconds() / 60)} from now: the clock of what made "
            "it was wrong, so nobody can tell how old it is. Set the clock, then run nightly-backup."
        )
    if age > target:
        ago = minutes(age.total_seconds() / 60)
        found.append(
            f"A night was missed: the newest one, {newest.night}, began {ago} ago and one is due every "
            f"{minutes(target.total_seconds() / 60)}. Look for the run of nightly-backup, then run it now with mode apply."
        )
    if not newest.good:
        first = f" The first: {newest.problems[0]}" if newest.problems else ""
        found.append(
            f"Night {newest.night} is {newest.outcome}: {counted(newest.missing_count, 'object')} not captured.{first} Run "
            "nightly-backup again; what is there is not copied twice."
        )
    return found


def unverified(environment: PipelineEnvironment, newest: Summary) -> list[str]:
    """That nobody has looked at it, or that somebody has and it was not well."""
    last = next((one for one in verifications(environment) if one.night == newest.night), None)
    if last is None:
        return [f"Night {newest.night} has not been verified; run verify-backup."]
    if last.outcome != "clean":
        return [
            f"Night {newest.night} has {counted(last.findings_count, 'finding')}; see the last run of verify-backup."
        ]
    return []
