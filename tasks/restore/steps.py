"""The steps of a restore as Prefect tasks: one task run for each step, never for each object."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import task

from tasks.remediation.apply import Handlers, Work, nothing_to_look_at, run_step
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.lease import Lease
from tasks.remediation.plan import Kind, Step
from tasks.remediation.task_settings import STEP_SETTINGS
from tasks.restore.definitions import deploy_definition
from tasks.delivery.release import release_delivery
from tasks.delivery.hold import hold_delivery
from tasks.restore.proof import verify_objects
from tasks.restore.putting import Report, remove_objects, restore_objects
from tasks.restore.terraform import restore_state


class RestoreWork(Work):
    """One run, with the lease on restores and, for one scene, the scene's too; `report` is told how far it is."""

    def __init__(self, context: Context, journal: Journal, lease: Lease, scene: Lease | None, report: Report) -> None:
        super().__init__(context, journal, lease)
        self.scene, self.report = scene, report

    def check(self) -> None:
        """Raise `LeaseLost` unless every lease is certainly still ours."""
        self.lease.check()
        if self.scene is not None:
            self.scene.check()


def own(work: RestoreWork) -> Handlers:
    """How a restore's kinds of action are carried out. Each looks by itself at what was done before a kill."""
    check, report = work.check, work.report
    return {
        "hold_delivery": (partial(hold_delivery, check=check), nothing_to_look_at),
        "restore_objects": (partial(restore_objects, check=check, report=report), nothing_to_look_at),
        "verify_objects": (verify_objects, nothing_to_look_at),
        "remove_objects": (partial(remove_objects, check=check, report=report), nothing_to_look_at),
        "release_delivery": (partial(release_delivery, check=check), nothing_to_look_at),
        "restore_state": (restore_state, nothing_to_look_at),
        "deploy_definition": (deploy_definition, nothing_to_look_at),
    }


@task(name="hold_delivery", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def hold_events(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Hold the delivery of events and wait until nothing runs on the scope."""
    return run_step(work, step, own(work))


@task(name="restore_objects", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def put_objects(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Bring the objects of a list back."""
    return run_step(work, step, own(work))


@task(name="verify_objects", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def prove_objects(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Prove every restored object by size and checksum, and the scene by its validation."""
    return run_step(work, step, own(work))


@task(name="remove_objects", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def take_objects(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Remove what was not there at that time."""
    return run_step(work, step, own(work))


@task(name="release_delivery", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def release_events(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Deliver what waits, drop the restore's own events, and let it push as before."""
    return run_step(work, step, own(work))


@task(name="restore_terraform_state", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def put_state(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Put one generation of Terraform's state back, under Terraform's own lock."""
    return run_step(work, step, own(work))


@task(name="redeploy", task_run_name="{scope}: {step_name}", **STEP_SETTINGS)
def redeploy(work: RestoreWork, step: Step, scope: str, step_name: str) -> dict[str, str]:
    """Deploy a recorded definition."""
    return run_step(work, step, own(work))


STEP_TASKS: dict[Kind, Any] = {
    "hold_delivery": hold_events,
    "restore_objects": put_objects,
    "verify_objects": prove_objects,
    "remove_objects": take_objects,
    "release_delivery": release_events,
    "restore_state": put_state,
    "deploy_definition": redeploy,
}
