"""What every check, the sweep, an overview and a plan leave in a world in which something of everything is the matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE, temporary_settings

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.backup.verify import VerifyBackup, VerifyQuestion
from tasks.backup.watch import BackupWatch, WatchQuestion
from tasks.delivery.watch import HoldWatch
from tasks.diagnosis.check import Diagnose
from tasks.diagnosis.check import Question as Symptoms
from tasks.doctor.check import Doctor
from tasks.doctor.check import Question as Deployed
from tasks.escalation.audit import EscalationAudit
from tasks.gpu_capacity.capacity_record import capacity_over_time
from tasks.gpu_capacity.check import GpuCheck
from tasks.gpu_capacity.watch import GpuWatch
from tasks.intake.watch import IntakeWatch
from tasks.monitoring.check import MonitoringAudit
from tasks.override_audit.check import OverrideAudit
from tasks.override_audit.check import Question as Overrides
from tasks.overview.check import Overview
from tasks.overview.check import Question as Shown
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.recovery.sweep import look_at_all, scene_ids
from tasks.recovery.sweep_page import keep_sweep
from tasks.remediation.check import Check, check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.latest_page import CHECKS, PLANS
from tasks.remediation.report import Section, plan_shown, report_shown
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.response.planned import ShowResponse
from tasks.response.watch import IncidentWatch
from tasks.retention.check import RetentionWatch
from tasks.runtime_report.check import RuntimeReport
from tasks.runtime_report.window import Question as Window
from tasks.simulator_outage.check import SimulatorCheck
from tasks.simulator_outage.look import HealthQuestion
from tasks.survival.watchdog import Watchdog
from tests.override_audit.planted import KINDS
from tests.response.world import wanted
from tests.restore.world import quick
from tests.ui.overview_pages import bodies
from tests.ui.run_reports import LONG, Left

OPS = "sandbox-ops"
HOME = Path(__file__).resolve().parents[2]
CHECKED: tuple[tuple[Check[object], object], ...] = (
    (BackupWatch(), WatchQuestion()),
    (Diagnose(), Symptoms((), 24.0)),
    (Doctor(), Deployed(HOME)),
    (EscalationAudit(), None),
    (GpuCheck(), None),
    (GpuWatch(), None),
    (HoldWatch(), None),
    (IncidentWatch(), None),
    (IntakeWatch(), None),
    (MonitoringAudit(), None),
    (OverrideAudit(), Overrides(keep=True)),
    (RetentionWatch(), None),
    (RuntimeReport(), Window(None, None)),
    (ShowResponse(), wanted(mode="plan")),
    (SimulatorCheck(), HealthQuestion()),
    (VerifyBackup(), VerifyQuestion()),
    (Watchdog(), None),
    (Overview(), Shown()),
)  # type: ignore[assignment]


def looked(prefect: str) -> Iterator[Left]:
    """All of them in one world. Only the watchdog, which needs it, is told of a Prefect server: the doctor finds none, and
    starts none to ask it."""
    alone = temporary_settings({PREFECT_API_URL: None, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False})
    with alone, Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick(sandbox)
        for name, body in bodies(sandbox, environment).items():
            yield name, [], body
        for scene, plant in KINDS.values():
            plant(sandbox, environment, scene)
        ask = Context(environment, "ann")
        yield "export-sweep", [keep_sweep(environment, look_at_all(environment, list(scene_ids(environment))), 99)], b""
        yield from planned(sandbox, ask)
        for one, question in CHECKED:
            with temporary_settings({PREFECT_API_URL: prefect} if isinstance(one, Watchdog) else {}):
                seen = check(one, ask, question)
            yield one.name, [report_shown(seen, shown(environment, seen))], b""
        for root in (CHECKS, PLANS):
            for stored in sandbox.store.list(OPS, root):
                yield stored.name.removeprefix("remediation/"), [], environment.storage.read(OPS, stored.name)
        environment.close()


def shown(environment: PipelineEnvironment, seen: Run) -> list[Section]:
    """What its flow shows of it."""
    more = [capacity_over_time(environment, seen.facts.facts[0])] if seen.procedure == GpuCheck.name else []
    return [*sections_of(seen), *more]


def planned(sandbox: Sandbox, ask: Context) -> Iterator[Left]:
    """The plan of a scene with the longest name."""
    sandbox.store.put("sandbox-scenes", f"scenes/{LONG}/geniesim/.failed", b"{}", quiet=True)
    procedure = ExportRecovery()
    one = run(procedure, ask, RecoveryRequest(scene_id=LONG, mode="plan"))
    assert one.plan is not None
    yield "long", [plan_shown(one.plan), report_shown(one, procedure.sections(one))], b""
