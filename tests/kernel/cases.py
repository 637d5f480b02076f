"""One small world for each procedure, in which it has something to do: what the conformance suite runs them all in.

A procedure is conformant by being listed here; one that is not listed fails a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.backup.expiry import ExpireBackups, ExpiryRequest
from tasks.backup.leftovers import ExpireLeftovers
from tasks.backup.procedure import NightlyBackup
from tasks.delivery.tickets import open_tickets
from tasks.delivery.watch import GiveBack, GiveBackRequest
from tasks.escalation.procedure import Escalation, EscalationRequest
from tasks.gpu_capacity.end_relief import EndRelief
from tasks.gpu_capacity.procedure import GpuCapacity, GpuRequest
from tasks.gpu_job.facts import JobRequest
from tasks.gpu_job.procedure import DeployGpuJob
from tasks.incidents.entries import Declared
from tasks.incidents.incident import declare
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.intake.reconcile import ReconcileIntake, ReconcileRequest
from tasks.intake.resume import ResumeIntake, ResumeRequest
from tasks.procedures import undo
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.context import Context
from tasks.remediation.procedure import AnyProcedure, Request
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.restore.definitions import RestoreDefinition
from tasks.restore.drill import DrillRequest, RestoreDrill
from tasks.restore.objects import RestoreObjects
from tasks.restore.request import RestoreRequest
from tasks.restore.terraform import RestoreState
from tasks.rollback.procedure import Rollback
from tasks.rollback.request import RollbackRequest
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene
from tasks.simulator_outage.procedure import SimulatorOutage
from tasks.simulator_outage.request import OutageRequest
from tests.gpu_capacity.world import full_pool, policy
from tests.recovery.world import SCENE, ill, without_triggers
from tests.restore.test_definitions import WORKFLOW, captured, change, live_workflow
from tests.restore.test_terraform import BUCKET, NAME, body
from tests.restore.world import interrupt, make_night, now
from tests.rollback.world import JOB as ROLLED_BACK
from tests.rollback.world import broken_job
from tests.simulator_outage.world import deploy_server, goes_out

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


def generating(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A trial that is not there yet."""
    without_triggers(sandbox)
    return GenerateScene(), GenerateRequest(scene_id="test_kitchen", objects=1, mode="apply")


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


def quick_backlogs(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """What waits is given back at once."""
    environment.policy.release_per_minute = 60_000.0
    for trigger in sandbox.eventarc.deployed.names():
        sandbox.eventarc.subscriptions.backlog(trigger).ack_deadline = 0.2  # what a dead process had pulled comes again


def restoring(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A scene of a night with one object lost and one that is spoilt; its delivery is held meanwhile."""
    quick_backlogs(sandbox, environment)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="regen3d")
    spoilt, lost = f"scenes/{SCENE}/regen3d/notes.bin", f"scenes/{SCENE}/regen3d/lost.bin"
    for name in (spoilt, lost):
        sandbox.store.put(DATA, name, b"good", quiet=True)
    make_night(environment, sandbox.store)
    sandbox.store.put(DATA, spoilt, b"spoilt", quiet=True)
    sandbox.store.delete(DATA, lost)
    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test", overwrite="always")
    return RestoreObjects(), request


def restoring_state(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A Terraform state that is to go back by one serial."""
    where = {"terraform_state_bucket": BUCKET, "terraform_state_prefix": "state"}
    environment.backup = environment.backup.model_copy(update=where)
    sandbox.store.create_bucket(BUCKET, versioning=True)
    sandbox.store.put(BUCKET, NAME, body(3))
    at = now()
    sandbox.store.put(BUCKET, NAME, body(4))
    asked = {"kind": "terraform-state", "at": at, "older_serial": True}
    return RestoreState(), RestoreRequest(mode="apply", reason="a test", **asked)  # type: ignore[arg-type]


def redeploying(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A workflow that was changed since the night."""
    live = live_workflow(environment)
    found = captured(environment, "workflows", WORKFLOW, live.revision_id, asdict(live))
    make_night(environment, sandbox.store, definitions=[found])
    change(environment)
    return RestoreDefinition(), RestoreRequest(kind="workflow", name=WORKFLOW, mode="apply", reason="a test")


def drilling(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A night of one scene."""
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="regen3d")
    make_night(environment, sandbox.store)
    return RestoreDrill(), DrillRequest(mode="apply")


def giving_back(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A restore that was killed while it held delivery."""
    _, request = restoring(sandbox, environment)
    assert isinstance(request, RestoreRequest)
    interrupt(environment, request.kind, request.name, "verify data", overwrite="always")
    ((ticket,), _) = open_tickets(environment)
    for lease in ("@restore", SCENE):
        sandbox.store.delete(OPS, f"remediation/leases/{lease}.json")
    return GiveBack(), GiveBackRequest(run=ticket.run, mode="apply")


def pausing(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """Every scheduler and trigger of the catalogue, as they are deployed."""
    quick_backlogs(sandbox, environment)
    return PauseIntake(), PauseRequest(mode="apply", reason="a test")


def resuming(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A pause during which one event came, for one trigger."""
    procedure, request = pausing(sandbox, environment)
    for name in set(sandbox.eventarc.deployed.names()) - {"objects-trigger", "usd-assembly-trigger"}:
        sandbox.eventarc.deployed.put(name, False)
    done = run(procedure, Context(environment, "before"), request)
    assert done.outcome == "done", done.sentence()
    sandbox.store.put(DATA, f"scenes/{SCENE}/layout/scene_layout.json", b"{}")
    return ResumeIntake(), ResumeRequest(run=done.id, mode="apply")


def reconciling(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A pause that was resumed, and of whose time one layout has told nobody."""
    procedure, request = resuming(sandbox, environment)
    sandbox.store.put(DATA, "scenes/lost/layout/scene_layout.json", b"{}", quiet=True)
    done = run(procedure, Context(environment, "before"), request)
    assert done.outcome == "done", done.sentence()
    assert isinstance(request, ResumeRequest)
    return ReconcileIntake(), ReconcileRequest(run=request.run, mode="apply")


def rolling_back(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A job whose new image fails, and a test scene to try the former one on."""
    broken_job(sandbox, environment)
    return Rollback(), RollbackRequest(kind="job", name=ROLLED_BACK, mode="apply", reason="a test")


def escalating(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """An incident that was declared just now, and of which nobody was told."""
    made = declare(Context(environment, "ann"), Declared(title="Exports fail", severity="sev2"))
    return Escalation(), EscalationRequest(mode="apply", incident=made.id)


def making_room(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A full node pool for which critical work waits, and a policy that lets it grow."""
    full_pool(sandbox)
    policy(environment)
    return GpuCapacity(), GpuRequest(mode="apply", reason="a test")


def ending_relief(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A relief that has let work wait and has raised a pool."""
    procedure, request = making_room(sandbox, environment)
    one = run(procedure, Context(environment, "ann"), request)
    assert one.outcome == "done", one.sentence()
    return EndRelief(), UndoRequest(subject="@gpu", run=one.id, mode="apply")


def restarting(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A Deployment of the simulator that has run for an hour and does not answer any more."""
    deploy_server(sandbox)
    goes_out(sandbox)
    return SimulatorOutage(), OutageRequest(mode="apply", reason="a test")


def deploying(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[AnyProcedure, Request]:
    """A scene that has everything before its simulation, and no Job."""
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="regen3d")
    return DeployGpuJob(), JobRequest(scene_id=SCENE, mode="apply", reason="a test")


CASES: tuple[Case, ...] = (
    Case("export-recovery", recovery),
    Case("undo", undoing, takes=False),
    Case("nightly-backup", backing_up, takes=False, stops=False),
    Case("expire-backups", expiring),
    Case("expire-leftovers", clearing),
    Case("restore-objects", restoring),
    Case("restore-state", restoring_state),
    Case("restore-definition", redeploying),
    Case("restore-drill", drilling, takes=False, stops=False),
    Case("give-back", giving_back, takes=False, stops=False),
    Case("pause-intake", pausing, takes=False),
    Case("resume-intake", resuming, takes=False, stops=False),
    Case("reconcile-intake", reconciling, takes=False),
    Case("rollback", rolling_back),
    Case("escalation", escalating, takes=False, stops=False),
    Case("gpu-capacity", making_room, takes=False),
    Case("simulator-outage", restarting, takes=False),
    Case("generate-scene", generating, takes=False),
    Case("end-gpu-relief", ending_relief, takes=False),
    Case("job-deploy", deploying, takes=False),
)
