"""Every procedure of this product, by name: the one list, for undo, for the command line and for the tests of them all.

A procedure that is not listed here cannot be undone and fails a test.
"""

from __future__ import annotations

from tasks.actions.objects import OBJECT_KINDS
from tasks.backup.expiry import ExpireBackups
from tasks.backup.leftovers import ExpireLeftovers
from tasks.backup.procedure import NightlyBackup
from tasks.delivery.pauses import open_pauses
from tasks.delivery.watch import GiveBack
from tasks.escalation.procedure import Escalation
from tasks.gpu_capacity.end_relief import EndRelief
from tasks.gpu_capacity.left import SUBJECT as RELIEFS
from tasks.gpu_capacity.procedure import GpuCapacity
from tasks.gpu_job.procedure import DeployGpuJob
from tasks.intake.pause import PauseIntake
from tasks.intake.reconcile import ReconcileIntake
from tasks.intake.resume import ResumeIntake
from tasks.pipeline.activity import phrases_on
from tasks.recovery.procedure import ExportRecovery
from tasks.remediation.context import Context
from tasks.remediation.kind import Kinds
from tasks.remediation.outcome import Refused
from tasks.remediation.procedure import AnyProcedure
from tasks.remediation.undo import UndoRun
from tasks.restore.definitions import RestoreDefinition
from tasks.restore.drill import RestoreDrill
from tasks.restore.objects import RestoreObjects
from tasks.restore.terraform import RestoreState
from tasks.rollback.procedure import Rollback
from tasks.scene_generation.procedure import GenerateScene
from tasks.simulator_outage.procedure import SimulatorOutage

PROCEDURES: tuple[type[AnyProcedure], ...] = (
    ExportRecovery,
    NightlyBackup,
    ExpireBackups,
    ExpireLeftovers,
    RestoreObjects,
    RestoreState,
    RestoreDefinition,
    RestoreDrill,
    GiveBack,
    PauseIntake,
    ResumeIntake,
    ReconcileIntake,
    Rollback,
    Escalation,
    GpuCapacity,
    SimulatorOutage,
    GenerateScene,
    EndRelief,
    DeployGpuJob,
)


def kinds_of(procedure: str) -> Kinds:
    """The kinds of the procedure of that name, and of the objects its inverses restore. Raises `Refused`."""
    if procedure == UndoRun.name:
        return OBJECT_KINDS
    known = next((one for one in PROCEDURES if one.name == procedure), None)
    if known is None:
        raise Refused(f"This version knows no procedure {procedure!r}; undo its runs with the version that made them.")
    return tuple({kind.name: kind for kind in (*known.kinds, *OBJECT_KINDS)}.values())


def procedure_named(name: str) -> AnyProcedure:
    """A procedure, ready to run. Raises `Refused` for one that this version does not know."""
    if name == UndoRun.name:
        return undo()
    known = next((one for one in PROCEDURES if one.name == name), None)
    if known is None:
        raise Refused(f"This version knows no procedure {name!r}: continue its run with the version that began it.")
    return known()


def undo() -> UndoRun:
    """The procedure that undoes a run of any of them."""
    return UndoRun(kinds_of, at_work)


def at_work(context: Context, subject: str) -> tuple[str, ...]:
    """What is at work on a subject: of reliefs of GPUs a pause of intake, which may hold the schedulers they had paused."""
    pauses = open_pauses(context) if subject == RELIEFS else []
    return (*phrases_on(context, subject), *(f"The pause of intake of run {one.run}" for one in pauses))
