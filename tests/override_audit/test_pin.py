"""Evidence of overrides outlives what it was taken from: it is kept once, with checksums, without secrets, and within bounds."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET, OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.override_audit import pin as pin_module
from tasks.override_audit.audit import audit
from tasks.override_audit.check import OverrideAudit, Question
from tasks.override_audit.evidence import pieces_of
from tasks.override_audit.follow_up import follow_up
from tasks.override_audit.pin import ROOT
from tasks.pipeline.override_findings import read_known
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.doctor.world import job
from tests.override_audit.planted import log_edited, recorded
from tests.override_audit.planted_switches import (
    ago,
    in_argument,
    in_config_map,
    in_definition,
    in_run,
    in_schedule,
    in_variables,
    on_gpu,
    on_job,
)
from tests.override_audit.world import GATE, declared, put, put_scene, report, workflow_ran

REPORT = "scenes/kitchen_001/usd-assembly-job/quality_gate_report.json"


def audited(context: Context) -> Any:
    """An audit of now that keeps what it finds."""
    return check(OverrideAudit(), context, Question(keep=True)).facts.facts


def bundle(context: Context, id_: str) -> dict[str, bytes]:
    """The files of one, by the last part of their names."""
    environment = context.environment
    names = [one.name for one in environment.storage.list(OPS_BUCKET, f"{ROOT}{id_}/")]
    assert len({name.rpartition("/")[0] for name in names}) == 1
    return {name.rpartition("/")[2]: environment.storage.read(OPS_BUCKET, name) for name in names}


def manifest(context: Context, id_: str) -> Any:
    return json.loads(bundle(context, id_)["manifest.json"])


def test_a_report_is_kept_as_it_was_when_its_scene_is_made_again(context: Context, sandbox: Sandbox) -> None:
    before = report(ago(10), GATE)
    put_scene(sandbox, "kitchen_001", ago(10), before)
    (one,) = audited(context).seen.findings
    put(sandbox, REPORT, report(ago(1), GATE, passed=True))
    kept = bundle(context, one.id)
    assert json.loads(kept["1-quality_gate_report.json"])["timestamp"] == before["timestamp"]
    assert json.loads(kept["told.json"])["sentence"] == one.sentence


def test_the_manifest_has_each_file_s_checksum_and_the_record_has_the_manifest_s(
    context: Context, sandbox: Sandbox
) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    (one,) = audited(context).seen.findings
    files = manifest(context, one.id)["files"]
    kept = bundle(context, one.id)
    assert {each["name"].rpartition("/")[2] for each in files} | {"manifest.json"} == set(kept)
    for each in files:
        assert hashlib.sha256(kept[each["name"].rpartition("/")[2]]).hexdigest() == each["sha256"]
    chain = read_known(context).chain
    assert chain is not None
    (pinned,) = [entry.data for entry in chain.entries if entry.kind == "pinned"]
    assert pinned["rows"][0]["sha256"] == hashlib.sha256(kept["manifest.json"]).hexdigest()


@pytest.mark.parametrize("plant", [in_run(BYPASS_QUALITY_GATES="true"), in_argument(enforce_quality_gates=False)])
def test_an_execution_is_kept_with_what_it_logged(context: Context, sandbox: Sandbox, plant: Any) -> None:
    plant(sandbox, context.environment, "kitchen_001")
    (one,) = audited(context).seen.findings
    kept = bundle(context, one.id)
    assert json.loads(kept["1-execution.json"])["name"] == one.where
    assert isinstance(json.loads(kept["1-log.json"]), list)


@pytest.mark.parametrize(
    ("plant", "label"),
    [
        (in_argument(enforce_quality_gates=False), "workflows.googleapis.com/execution_id"),
        (in_run(BYPASS_QUALITY_GATES="true"), "run.googleapis.com/execution_name"),
    ],
    ids=["workflow", "job"],
)
def test_what_an_execution_logged_is_of_that_execution_alone(
    context: Context, sandbox: Sandbox, plant: Any, label: str
) -> None:
    plant(sandbox, context.environment, "kitchen_001")
    (one,) = audit(context).findings
    for text, of in (("mine", one.where.rpartition("/")[2]), ("another's", "x")):
        entry = {"textPayload": text, "labels": {label: of}, "timestamp": datetime.now(UTC).isoformat()}
        sandbox.log.write(entry | {"logName": "projects/p/logs/x", "resource": {"type": "x"}})
    (_, log) = pieces_of(context, [one.where], [])
    texts = [line["text"] for line in json.loads(log.body)]
    assert "mine" in texts and "another's" not in texts


def test_who_was_at_work_when_a_gate_was_passed_silently_is_kept(context: Context, sandbox: Sandbox) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    data = {"bucket": context.environment.data_bucket, "name": "scenes/kitchen_001/assets/.regen3d_complete"}
    for began in (9.5, 4.0):
        workflow_ran(sandbox, "usd-assembly-pipeline", ago(began), {"data": data})
    (one,) = audited(context).seen.findings
    executions = [name for name in bundle(context, one.id) if name.endswith("execution.json")]
    assert len(executions) == 1
    assert json.loads(bundle(context, one.id)[executions[0]])["workflow"] == "usd-assembly-pipeline"


@pytest.mark.parametrize(
    ("plant", "holds"),
    [
        (on_job, b"BYPASS_QUALITY_GATES"),
        (in_config_map, b"GENIESIM_MOCK"),
        (in_variables, b"MONITORING_GATE_STRICT"),
        (in_definition, b"REQUIRE_QUALITY_GATES"),
        (in_schedule, b"genie-sim-import-poller"),
        (on_gpu(ALLOW_GENIESIM_MOCK="true"), b"ALLOW_GENIESIM_MOCK"),
    ],
    ids=["job", "ConfigMap", "variables", "source", "schedule", "GPU Job"],
)
def test_a_definition_that_holds_a_switch_is_kept(context: Context, sandbox: Sandbox, plant: Any, holds: bytes) -> None:
    plant(sandbox, context.environment, "kitchen")
    (one,) = audited(context).seen.findings
    assert holds in bundle(context, one.id)["1-definition.json"]


def test_an_entry_of_the_log_that_was_edited_is_kept_as_it_is(context: Context, sandbox: Sandbox) -> None:
    log_edited(sandbox, context.environment, "kitchen_001")
    (one,) = audited(context).seen.findings
    assert json.loads(bundle(context, one.id)["1-record.json"])["action"] == "OVERRIDDEN"


def test_what_is_over_and_comes_again_has_evidence_of_its_own(context: Context, sandbox: Sandbox) -> None:
    on_job(sandbox, context.environment, "")
    (one,) = audited(context).seen.findings
    job("simready-job", BYPASS_QUALITY_GATES="false")(sandbox, context.environment)
    audited(context)
    on_job(sandbox, context.environment, "")
    assert audited(context).seen.findings[0].id == one.id
    names = [each.name for each in context.environment.storage.list(OPS_BUCKET, f"{ROOT}{one.id}/")]
    assert len({name.rpartition("/")[0] for name in names}) == 2


def test_no_secret_of_an_execution_is_kept(context: Context, sandbox: Sandbox) -> None:
    in_run(BYPASS_QUALITY_GATES="true", SLACK_TOKEN="hunter2-hunter2")(sandbox, context.environment, "kitchen_001")
    (one,) = audited(context).seen.findings
    assert b"hunter2" not in b"".join(bundle(context, one.id).values())


def test_an_override_in_good_order_has_its_record_and_report_kept_too(context: Context, sandbox: Sandbox) -> None:
    at = ago(10)
    put_scene(sandbox, "kitchen_001", at, report(at, GATE))
    declared(sandbox, "kitchen_001", at)
    seen = audited(context).seen
    assert seen.findings == []
    (one,) = [pin_module.id_of(each) for each in seen.decisions]
    files = {"told.json", "1-record.json", "2-quality_gate_report.json", "manifest.json"}
    assert set(bundle(context, one)) == files
    assert json.loads(bundle(context, one)["1-record.json"])["request_id"] == "apr_kitchen_001"
    assert json.loads(bundle(context, one)["told.json"])["metadata"]["ticket"] == "OPS-12"


def test_what_an_override_of_ours_names_as_evidence_is_kept_and_what_is_elsewhere_is_named(
    context: Context, sandbox: Sandbox
) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE), went_on=False)
    put(sandbox, "scenes/kitchen_001/shots/one.png", b"\x89PNG")
    named = (f"gs://{DATA_BUCKET}/scenes/kitchen_001/shots/one.png", "gs://another-bucket/x", "https://example.com/x")
    recorded(context.environment, "kitchen_001", evidence=named)
    (one,) = [pin_module.id_of(each) for each in audited(context).seen.decisions]
    assert bundle(context, one)["3-one.png"] == b"\x89PNG"
    assert manifest(context, one)["missing"] == [
        "gs://another-bucket/x is not in the buckets of this installation, and was not read.",
        "https://example.com/x is no place that evidence can be taken from.",
    ]


def test_what_is_gone_or_too_large_is_said_and_hides_nothing_else(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.override_audit.evidence.MOST_BYTES", 3)
    put(sandbox, "scenes/a/large", b"1234")
    put(sandbox, "scenes/a/small", b"123")
    missing: list[str] = []
    places = [f"gs://{DATA_BUCKET}/scenes/a/{name}" for name in ("large", "small", "gone", "small#7")]
    assert [one.body for one in pieces_of(context, places, missing)] == [b"123"]
    assert [one.rpartition(" is ")[2] for one in missing] == ["too large (4 bytes).", "gone.", "gone."]


def test_it_is_kept_once(context: Context, sandbox: Sandbox) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    audited(context)
    sandbox.requests.reset()
    audited(context)
    assert sandbox.requests.mutating()["total"] == 0


def test_what_another_audit_has_just_kept_is_the_evidence(context: Context, sandbox: Sandbox) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE))
    seen = audit(context)
    (subject,) = pin_module.subjects(seen, read_known(context))
    first = pin_module.keep(context, subject, seen, (), seen.facts.now)
    put(sandbox, REPORT, report(ago(1), GATE, passed=True))
    assert pin_module.keep(context, subject, seen, (), datetime.now(UTC)) == first


@pytest.mark.parametrize("status", [503, 403], ids=["not now", "not allowed yet"])
def test_a_service_that_does_not_answer_is_asked_again_by_the_next_audit(
    context: Context, sandbox: Sandbox, status: int
) -> None:
    in_run(BYPASS_QUALITY_GATES="true")(sandbox, context.environment, "kitchen_001")
    seen = audit(context)
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=status))
    context.environment.logs.limits = context.environment.logs.limits.model_copy(update={"attempts": 1})
    followed = follow_up(context, seen, keep=True)
    assert "is tried again by the next audit" in " ".join(followed.seen.facts.notes)
    sandbox.faults.clear()
    (one,) = follow_up(context, audit(context), keep=True).seen.findings
    assert one.id in read_known(context).pinned


def test_only_so_many_at_a_time_the_oldest_first(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pin_module, "AT_ONCE", 1)
    for hours in (2, 9):
        in_run(hours, BYPASS_QUALITY_GATES="true")(sandbox, context.environment, f"scene-{hours}")
    followed = audited(context)
    by_scene = {one.scene: one.id for one in followed.seen.findings}
    assert read_known(context).pinned == {by_scene["scene-9"]}
    assert any("1 more finding or decision" in note for note in followed.seen.facts.notes)
    audited(context)
    assert read_known(context).pinned == set(by_scene.values())
