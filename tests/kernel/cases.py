"""One small world for each procedure, in which it has something to do: what the conformance suite runs them all in.

A procedure is conformant by being listed here; one that is not listed fails a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.backup.expiry import ExpireBackups, ExpiryRequest
from tasks.backup.leftovers import ExpireLeftovers
from tasks.backup.procedure import NightlyBackup
from tasks.procedures import undo
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.context import Context
from tasks.remediation.procedure import AnyProcedure, Request
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tests.recovery.world import SCENE, ill, without_triggers

DATA, OPS = "sandbox-scenes", "sandbox-ops"


@dataclass(frozen=True)
class World:
    """A procedure that has something to do."""

    sandbox: Sandbox
    environment: PipelineEnvironment
    procedure: AnyProcedure
    request: Request

    def asked(self, **changes: object) -> Request:
        """What it is asked, with changes."""
        return replace(self.request, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    """How a procedure's world is made, and what it must show afterwards."""

    name: str
    make: Callable[[Sandbox, PipelineEnvironment], tuple[AnyProcedure, Request]]
    takes: bool = True
    """It deletes or replaces objects, so a cap of nothing refuses it."""
    stops: bool = True
    """Kill switch and window stop it."""


def environment_of(sandbox: Sandbox) -> PipelineEnvironment:
    """Quick limits; the lease outlasts any test."""
    made = for_sandbox(sandbox.endpoints, quick_policy(poll_seconds=0.02, settle_seconds=0.3, lease_seconds=120))
    made.backup = BackupPolicy(workers=2, keep_nights=1, keep_at_least=1)
    return made


def recovery(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A scene whose Isaac Lab bundle is missing: markers to clear, a job to run, outputs to prove."""
    without_triggers(sandbox)
    ill(sandbox, "isaac_missing", upto="isaac-lab", objects=1)
    return ExportRecovery(), RecoveryRequest(scene_id=SCENE, mode="apply")


def undoing(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A recovery that has cleared outputs and whose rerun failed."""
    without_triggers(sandbox)
    ill(sandbox, "export_corrupt", objects=1)
    sandbox.simulator.behave(SimulatorFault(workflow="genie-sim-export-pipeline", kind="raise"))
    failed = run(ExportRecovery(), Context(environment, "before"), RecoveryRequest(scene_id=SCENE, mode="apply"))
    assert failed.outcome == "failed", failed.sentence()
    sandbox.simulator.forgive()
    return undo(), UndoRequest(subject=SCENE, run=failed.id, mode="apply")


def fill(sandbox: Sandbox, count: int, first: int = 0) -> None:
    """Small objects in two scenes."""
    for number in range(first, first + count):
        name = f"scenes/s_{number % 2}/assets/a_{number:03d}.bin"
        sandbox.store.put(DATA, name, f"{number:08d}".encode(), quiet=True)


def backing_up(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """Twelve objects and no copy of them."""
    fill(sandbox, 12)
    return NightlyBackup(), Request(mode="apply")


def expiring(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """Three nights of which one is kept, years later."""
    for number in range(3):
        fill(sandbox, 4, first=4 * number)
        done = run(NightlyBackup(), Context(environment, "before"), Request(mode="apply"))
        assert done.outcome == "done", done.sentence()
        sandbox.store.delete(DATA, f"scenes/s_0/assets/a_{4 * number:03d}.bin")
    return ExpireBackups(), ExpiryRequest(mode="apply", now=datetime.now(UTC) + timedelta(days=900))


def clearing(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """Copies that a run of long ago has left in quarantine."""
    undoing(sandbox, environment)
    for number in range(3):
        name = f"remediation/quarantine/{SCENE}/scenes/{SCENE}/usd/x_{number}#1"
        sandbox.store.put(OPS, name, b"left over", quiet=True)
    return ExpireLeftovers(), ExpiryRequest(mode="apply", now=datetime.now(UTC) + timedelta(days=900))


CASES: tuple[Case, ...] = (
    Case("export-recovery", recovery),
    Case("undo", undoing, takes=False),
    Case("nightly-backup", backing_up, takes=False, stops=False),
    Case("expire-backups", expiring),
    Case("expire-leftovers", clearing),
)
