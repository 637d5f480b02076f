"""A report from what was read: a function of the log, of the executions and of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.service_levels import ServiceLevels
from tasks.remediation.report import counted
from tasks.runtime_report.changes import Change, Compared, changes_of, compared
from tasks.runtime_report.entries import Log, ended, read_log
from tasks.runtime_report.executions import Executions, gather
from tasks.runtime_report.levels import Level, complaints, levels_of
from tasks.runtime_report.proposals import Proposal, proposals
from tasks.runtime_report.stages import StageTotal, stages_of
from tasks.runtime_report.starts import JobRuns, Started, job_runs, looked_failed, starts_of
from tasks.runtime_report.steps import Step, steps_of
from tasks.runtime_report.window import MOST, Window

if TYPE_CHECKING:
    import pandas as pd

DAY = timedelta(days=1)


@dataclass(slots=True)
class Report:
    """Everything a runtime report says."""

    window: Window
    made_at: datetime
    service: ServiceLevels
    entries: int | None = None
    """Events of the window; None: the log could not be read."""
    scenes: int | None = None
    sla_violations: int | None = None
    steps: list[Step] = field(default_factory=list)
    stages: list[StageTotal] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    starts: list[Started] = field(default_factory=list)
    job_runs: list[JobRuns] = field(default_factory=list)
    executions: Executions = field(default_factory=Executions)
    unknown: list[str] = field(default_factory=list)
    """What could not be asked, one sentence each."""
    notes: list[str] = field(default_factory=list)
    runs: pd.DataFrame | None = None
    """Every run whose duration is known, of the window (`now`) and of the time before; None: the log could not be read."""

    def in_window(self) -> pd.DataFrame | None:
        """The runs of the window."""
        return None if self.runs is None else self.runs[self.runs["now"]]

    def critical(self) -> list[Step]:
        """Steps that come too close to their timeout, or were ended by it."""
        limit = self.service.usage_critical_percent
        return [one for one in self.steps if one.timed_out or self._uses(one) > limit]

    def warned(self) -> list[Step]:
        """Steps that come close to it."""
        critical = self.critical()
        limit = self.service.usage_warning_percent
        return [one for one in self.steps if one not in critical and self._uses(one) > limit]

    def _uses(self, step: Step) -> float:
        enough = step.usage_p95 is not None and step.runs >= self.service.enough_runs
        return 100 * (step.usage_p95 or 0.0) if enough else 0.0

    def reasons(self) -> list[str]:
        """What a person must do something about, one sentence each."""
        return [*complaints(self.levels), *self._about_timeouts(), *self._about_starts()]

    def _about_timeouts(self) -> Iterator[str]:
        for one in self.critical():
            usage = f"{100 * (one.usage_p95 or 0):.0f} %"
            took = f"{counted(one.timed_out, 'run')} took all of its timeout" if one.timed_out else "it comes too close"
            yield f"{one.name}: {took}; P95 uses {usage} of it. See the proposal below, and look why it takes so long."

    def _about_starts(self) -> Iterator[str]:
        for one in self.starts:
            if one.not_started >= 3:
                yield (
                    f"{one.job} in {one.workflow or 'an unknown workflow'}: {counted(one.not_started, 'start')} failed for "
                    "good (job_retry_exhausted): remediate diagnose says why."
                )
            if one.overdue:
                yield (
                    f"{one.job} in {one.workflow or 'an unknown workflow'}: of {counted(one.overdue, 'start')} no end was "
                    "logged within the timeout: the workflow was ended, or waits for ever (remediate diagnose)."
                )


def make_report(environment: PipelineEnvironment, window: Window, now: datetime) -> Report:
    """Ask everything and judge it. What cannot be asked is in `unknown`, and what depends on it is unknown."""
    report = Report(window, now, environment.service_levels)
    report.executions = gather(environment, window)
    report.unknown += report.executions.unknown
    report.job_runs = job_runs(report.executions, window)
    log: Log | None = None
    try:
        log = read_log(environment.logs, window)
    except OutsideError as error:
        report.unknown.append(f"The log of the pipeline: {error}")
    if log is not None:
        if log.cut:
            report.unknown.append("The oldest entries were not read, there are too many: name a shorter window.")
        _from_log(report, log, environment)
    return report


def _from_log(report: Report, log: Log, environment: PipelineEnvironment) -> None:
    service, catalogue = report.service, environment.catalogue
    entries, window = log.entries, report.window
    now = entries[entries["now"]]
    runs = ended(entries)
    mine = runs[runs["now"]]
    report.runs = runs
    report.entries, report.scenes = len(now), int(now["scene_id"][now["scene_id"] != ""].nunique())
    report.sla_violations = int((now["bp_metric"] == "geniesim_sla_violation").sum())
    report.steps, report.stages = steps_of(mine, catalogue), stages_of(mine, catalogue)
    before = steps_of(runs[~runs["now"]], catalogue)
    report.compared = compared(report.steps, before, runs, service.enough_runs)
    report.changes = changes_of(runs, report.executions.ran, report.steps, service.enough_runs)
    report.levels = levels_of(mine, report.executions, window, service)
    report.proposals = proposals(report.steps, service)
    report.starts = starts_of(now, window)
    report.notes += looked_failed(report.starts, report.executions, window)
    if said := past_sentence(entries, runs, window, report.made_at):
        report.notes.append(said)


def past_sentence(entries: pd.DataFrame, runs: pd.DataFrame, window: Window, now: datetime) -> str:
    """What the log lacks of the time before the window; empty: nothing. Older entries than 30 days show that it keeps more."""
    if runs[~runs["now"]].empty:
        return "Nothing is known of the time before the window, so nothing can be compared with it."
    kept_from = now - MOST
    oldest = float(entries["at"].min())
    if window.before >= kept_from - DAY or oldest < (kept_from - DAY).timestamp():
        return ""
    return (
        f"The time before the window is {window.days:.1f} days long, and the log has only {(window.since - kept_from) / DAY:.1f} "
        f"of them (it keeps {MOST.days} days): numbers of runs cannot be compared, and percentiles before are of these days alone."
    )
