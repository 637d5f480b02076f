"""The steps of a backup as Prefect tasks: a few task runs a night, however many objects there are."""

from __future__ import annotations

from collections.abc import Callable

from prefect import task

from tasks.backup.copies import Copying, copy_objects
from tasks.backup.manifest import capture_definitions, capture_terraform, write_manifest, write_summary
from tasks.backup.night import Night
from tasks.backup.observe import observe
from tasks.remediation.actions import Doing
from tasks.remediation.apply import Handlers, Work, nothing_to_look_at, run_step
from tasks.remediation.plan import Kind, Step
from tasks.remediation.task_settings import STEP_SETTINGS

DO: dict[Kind, Callable[[Night], str]] = {
    "copy_objects": copy_objects,
    "write_manifest": write_manifest,
    "capture_definitions": capture_definitions,
    "capture_terraform": capture_terraform,
    "write_summary": write_summary,
}


def handlers(night: Night) -> Handlers:
    """How this night carries out its actions. What an earlier try has done is found by each of them itself."""

    def doing(kind: Kind) -> Callable[[Doing], str]:
        return lambda _: DO[kind](night)

    return {kind: (doing(kind), nothing_to_look_at) for kind in DO}


@task(name="observe_source", task_run_name="observe the source, its copies and what is deployed", **STEP_SETTINGS)
def observe_source(night: Night, wait: bool) -> None:
    """Compare source and copies, range by range; read what is deployed. Changes nothing."""
    night.notes.clear()
    observe(night, wait=wait)


@task(name="rsync_backups", task_run_name="{step_name}", **STEP_SETTINGS)
def rsync_backups(work: Work, step: Step, night: Night, step_name: str) -> dict[str, str]:
    """Copy every captured generation once, server-side."""
    return carry_out(work, step, night)


@task(name="write_records", task_run_name="{step_name}", **STEP_SETTINGS)
def write_records(work: Work, step: Step, night: Night, step_name: str) -> dict[str, str]:
    """Write the manifest, a list, or the summary."""
    return carry_out(work, step, night)


def carry_out(work: Work, step: Step, night: Night) -> dict[str, str]:
    """One step; a night without anything to copy has nothing to settle either."""
    if night.copying is None:
        night.copying = Copying(night)
    return run_step(work, step, handlers(night))
