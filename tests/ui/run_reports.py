"""What is left by every procedure that has done its work, by a batch and by an incident: for the browser to look at."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.recovery.batch_report import batch_markdown
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.context import Context
from tasks.remediation.procedure import AnyProcedure
from tasks.remediation.report import plan_shown, report_shown
from tasks.remediation.run import Run
from tasks.remediation.run_page import page_name
from tasks.remediation.runner import run
from tasks.response.respond import sections
from tasks.response.show import review_markdown
from tests.kernel.cases import CASES, environment_of
from tests.recovery.world import SCENE, ill
from tests.response.world import GO_ON, OVER, RECOVER, TOLD, broken, carried, incident_of

Left = tuple[str, list[str], bytes]
"""Whose, its artifacts, its page."""
LONG = "a-scene-with-a-name-that-is-as-long-as-a-name-may-be-and-has-no-place-to-be-broken-at"


def done() -> Iterator[Left]:
    """Each in a world of its own."""
    for case in CASES:
        with Sandbox(job_seconds=0.02, seed=7) as sandbox:
            environment = environment_of(sandbox)
            procedure, request = case.make(sandbox, environment)
            one = run(procedure, Context(environment, "ann"), request)
            assert one.outcome == "done", one.sentence()
            yield case.name, [*artifacts(procedure, one)], page(environment, one)
            environment.close()
    for make in (batch, incident):
        with Sandbox(job_seconds=0.02, seed=7) as sandbox:
            environment = environment_of(sandbox)
            yield make(sandbox, environment)
            environment.close()


def artifacts(procedure: AnyProcedure, one: Run) -> Iterator[str]:
    """As a flow publishes them."""
    if one.plan is not None and one.plan.actions:
        yield plan_shown(one.plan)
    yield report_shown(one, procedure.sections(one))


def page(environment: PipelineEnvironment, one: Run) -> bytes:
    """That was kept with the report."""
    return environment.storage.read(environment.ops_bucket, page_name(one))


def batch(sandbox: Sandbox, environment: PipelineEnvironment) -> Left:
    """One scene that is mended, one with the longest name for which nothing can be done, one that is not there."""
    ill(sandbox, "export_missing", objects=1)
    sandbox.store.put("sandbox-scenes", f"scenes/{LONG}/geniesim/.failed", b"{}", quiet=True)
    procedure, context = ExportRecovery(), Context(environment, "ann")
    runs = [run(procedure, context, RecoveryRequest(scene_id=name, mode="apply")) for name in (SCENE, LONG, "absent")]
    assert [one.good for one in runs] == [True, False, False]
    shown = [report_shown(one, procedure.sections(one)) for one in runs]
    return "batch", [batch_markdown(runs, environment), *shown], page(environment, runs[0])


def incident(sandbox: Sandbox, environment: PipelineEnvironment) -> Left:
    """One that a person has taken to its end, and its post-incident report."""
    broken(sandbox)
    one = carried(environment, RECOVER, GO_ON, TOLD, OVER)
    assert one.outcome == "done", one.sentence()
    review = review_markdown(one, incident_of(one))
    assert "# " in review
    name = ""
    for stored in environment.storage.list(environment.ops_bucket, "remediation/incidents/"):
        name = stored.name if stored.name.endswith(".html") else name
    return (
        "incident",
        [report_shown(one, sections(one)), review],
        environment.storage.read(environment.ops_bucket, name),
    )
