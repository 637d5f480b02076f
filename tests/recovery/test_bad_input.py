"""Bad input: one clear sentence, nothing changed, nothing left behind, never a traceback."""

from __future__ import annotations

import re

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome
from tests.recovery.world import APPLY, OPS, PLAN, SCENE, Wanted, everything, ill, live, recover, undo_run

MODES = pytest.mark.parametrize("wanted", [PLAN, APPLY], ids=["plan", "apply"])


def one_sentence(reasons: list[str]) -> str:
    """The only reason: it begins like a sentence, ends like one, and is no traceback."""
    (reason,) = reasons
    assert re.fullmatch(r"[A-Z'\"].{20,600}[.`]", reason), reason
    assert "Traceback" not in reason
    assert not re.search(r"\w+(Error|Exception)\b: ", reason), reason
    return reason


def refused(
    environment: PipelineEnvironment, sandbox: Sandbox, scene_id: str, wanted: Wanted, outcome: Outcome = "failed"
) -> str:
    """Recover it: that fails with one sentence, and the store is what it was (a lease may have come and gone)."""
    before = {bucket.name: live(sandbox.store, bucket.name) for bucket in sandbox.store.buckets()}
    whole = everything(sandbox.store)
    result = recover(environment, scene_id, wanted)
    assert result.outcome == outcome
    assert {bucket.name: live(sandbox.store, bucket.name) for bucket in sandbox.store.buckets()} == before
    if wanted.mode == "plan":
        assert everything(sandbox.store) == whole
    return one_sentence(result.reasons)


BAD_IDS = [
    "",
    "..",
    "../kitchen_001",
    "kitchen_001/",
    "kitchen_001/geniesim",
    "*",
    "kitchen*",
    "a b",
    "kitchen_001\n",
    "x" * 129,
    "küche",
    ".",
]


@MODES
@pytest.mark.parametrize("scene_id", BAD_IDS, ids=repr)
def test_what_is_no_scene_id_is_refused_and_not_looked_for(
    environment: PipelineEnvironment, sandbox: Sandbox, scene_id: str, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    sandbox.requests.reset()
    assert "is not a scene id" in refused(environment, sandbox, scene_id, wanted, "refused")
    assert sandbox.requests.snapshot() == {}


@MODES
@pytest.mark.parametrize("scene_id", ["kitchen_002", "kitchen_00", "kitchen", "x" * 128])
def test_a_scene_that_is_not_there_is_said_with_the_bucket(
    environment: PipelineEnvironment, sandbox: Sandbox, scene_id: str, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    reason = refused(environment, sandbox, scene_id, wanted)
    assert f"There is no scene '{scene_id}' in gs://sandbox-scenes/scenes/" in reason


@MODES
@pytest.mark.parametrize("field", ["data_bucket", "ops_bucket"])
def test_a_missing_bucket_is_named_with_the_field_to_correct(
    environment: PipelineEnvironment, sandbox: Sandbox, field: str, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    setattr(environment, field, "no-such-bucket")
    before_a_lease = field == "ops_bucket" and wanted.mode == "apply"
    reason = refused(environment, sandbox, SCENE, wanted, "refused" if before_a_lease else "failed")
    assert "no-such-bucket" in reason
    assert field in reason


@MODES
@pytest.mark.parametrize(
    ("overlay", "says"),
    [
        ("stages: [", "overlay"),
        ("stages: {usd: {surprise: 1}}", "stages.usd.surprise"),
        ("workflows: {usd-assembly-pipeline: {stages: [no-such-stage]}}", "no-such-stage"),
        ("42", "overlay"),
    ],
)
def test_a_malformed_overlay_of_the_catalogue_is_said_with_its_place(
    environment: PipelineEnvironment, sandbox: Sandbox, overlay: str, says: str, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    made = environment.model_copy(deep=True, update={"catalogue_overlay": overlay})
    before = everything(sandbox.store)
    result = recover(made, wanted=wanted)
    assert result.outcome == "failed"
    assert everything(sandbox.store) == before
    assert says in result.reasons[0]
    assert "Traceback" not in result.reasons[0]


@MODES
@pytest.mark.parametrize(
    ("service", "permission"),
    [
        ("storage", "storage."),
        ("workflows", "workflows.workflows.get"),
        ("executions", "workflows.executions.list"),
        ("run", "run."),
        ("eventarc", "eventarc.triggers.list"),
        ("kubernetes", "list"),
    ],
)
def test_a_missing_permission_is_said_with_its_name(
    environment: PipelineEnvironment, sandbox: Sandbox, service: str, permission: str, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    sandbox.faults.add(FaultRule(service=service, kind="status", status=403))
    reason = refused(environment, sandbox, SCENE, wanted)
    assert "is forbidden" in reason
    assert permission in reason


@MODES
def test_a_genie_sim_that_refuses_is_escalated(
    environment: PipelineEnvironment, sandbox: Sandbox, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    sandbox.faults.add(FaultRule(service="genie_sim", kind="status", status=403))
    before = live(sandbox.store)
    result = recover(environment, wanted=wanted)
    assert result.outcome == "escalated"
    assert "PERMISSION_DENIED" in one_sentence(result.reasons)
    assert live(sandbox.store) == before


@MODES
def test_a_workflow_that_is_not_deployed_is_escalated(
    environment: PipelineEnvironment, sandbox: Sandbox, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    sandbox.workflows.deployed.put("genie-sim-export-pipeline", False)
    before = live(sandbox.store)
    result = recover(environment, wanted=wanted)
    assert result.outcome == "escalated"
    assert "genie-sim-export-pipeline is not deployed" in result.reasons[0]
    assert live(sandbox.store) == before


@pytest.mark.parametrize("run", ["", "no-such-run", "../../leases", "*"])
def test_an_unknown_run_cannot_be_undone(environment: PipelineEnvironment, sandbox: Sandbox, run: str) -> None:
    ill(sandbox, "export_missing", objects=1)
    before = live(sandbox.store), live(sandbox.store, OPS)
    result = undo_run(Context(environment, "a test"), SCENE, run, "apply", markers=False)
    assert result.outcome == "refused"
    assert re.search(r"There is no run|Name the subject", one_sentence(result.reasons))
    assert (live(sandbox.store), live(sandbox.store, OPS)) == before


@MODES
def test_a_foreign_object_among_the_journals_is_pointed_out(
    environment: PipelineEnvironment, sandbox: Sandbox, wanted: Wanted
) -> None:
    ill(sandbox, "export_missing", objects=1)
    name = f"remediation/journal/{SCENE}/20990101t000000z-1/000001-begin.json"
    sandbox.store.put(OPS, name, b"{}")
    assert name in refused(environment, sandbox, SCENE, wanted)
