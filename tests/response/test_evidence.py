"""Evidence is kept once, with checksums, without secrets; what could not be asked is named and is no empty list."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.pipeline.redact import LEFT_OUT
from tasks.response import asked as asked_module
from tasks.response.asked import MOST_LINES, QUESTIONS, Asked, Question
from tasks.response.evidence import MANIFEST, capture, evidence_name, is_captured
from tests.kernel.world import policies
from tests.response.world import OPS, Killed, body, carried, heir, incident_of, objects, wanted

KINDS = [one.name for one in QUESTIONS]
FLOW = "usd-assembly-pipeline"


@pytest.fixture
def incident(environment: PipelineEnvironment) -> Incident:
    return declare(heir(environment), wanted().declaration())


def file(sandbox: Sandbox, incident: Incident, kind: str) -> dict:  # type: ignore[type-arg]
    return body(sandbox, evidence_name(incident.id, kind))  # type: ignore[no-any-return]


def test_every_kind_is_a_file_and_the_manifest_and_the_record_have_its_checksum(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    assert not is_captured(heir(environment), incident)
    captured = capture(heir(environment), incident)
    assert is_captured(heir(environment), incident)
    assert captured.unknown == {}
    manifest = file(sandbox, incident, MANIFEST)
    read = read_incident(heir(environment), incident.id)
    said = {one.name: (one.sha256, one.bytes) for one in read.evidence}
    assert sorted(said) == sorted(evidence_name(incident.id, kind) for kind in (*KINDS, MANIFEST))
    for kind in KINDS:
        found = sandbox.store.get(OPS, evidence_name(incident.id, kind))
        assert found is not None
        sha256 = hashlib.sha256(found.data).hexdigest()
        assert said[found.name] == (sha256, len(found.data))
        assert (manifest["files"][kind]["sha256"], manifest["files"][kind]["bytes"]) == said[found.name]
    assert manifest["unknown"] == {}


def test_executions_are_kept_with_state_argument_and_result(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    event = {"data": {"bucket": DATA_BUCKET, "name": "scenes/kitchen_001/assets/.regen3d_complete"}}
    started = environment.workflows.start(FLOW, event, labels={"who": "ann"})
    deadline = time.monotonic() + 30
    while environment.workflows.execution(started.name).live and time.monotonic() < deadline:
        time.sleep(0.02)
    ended = environment.workflows.execution(started.name)
    capture(heir(environment), incident)
    (row,) = [one for one in file(sandbox, incident, "executions")["rows"] if one["name"] == started.name]
    assert (row["state"], row["argument"], row["workflow"]) == (ended.state, event, FLOW)
    assert row["result"] == ended.result
    assert (row["error"] or "") == (ended.error or "")


def test_what_is_deployed_is_told_by_revision_and_digest_and_what_is_not_is_told_too(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    capture(heir(environment), incident)
    live = {row["name"]: row for row in file(sandbox, incident, "workflows")["rows"] if row.get("live")}
    known = environment.workflows.definition(FLOW)
    assert known is not None
    assert live[FLOW]["revision_id"] == known.revision_id
    assert live[FLOW]["source"] == {"sha256": hashlib.sha256(known.source.encode()).hexdigest()}
    jobs = file(sandbox, incident, "jobs")["rows"]
    assert {row["name"] for row in jobs} == set(environment.catalogue.jobs)
    assert all("images" in row for row in jobs if row["deployed"])
    assert len(file(sandbox, incident, "triggers")["rows"]) == len(environment.triggers.list())
    assert {row["name"] for row in file(sandbox, incident, "schedulers")["rows"]} == set(
        environment.catalogue.schedulers
    )


def test_pods_say_why_they_do_not_run(environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident) -> None:
    container = {"name": "main", "image": "gcr.io/p/genie:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    template = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    sandbox.cluster.create("blueprint", {"metadata": {"name": "geniesim-gpu-k-1"}, "spec": {"template": template}})
    capture(heir(environment), incident)
    rows = file(sandbox, incident, "cluster")["rows"]
    assert {row["kind"] for row in rows} == {"Job", "Pod"}
    assert next(row for row in rows if row["kind"] == "Pod")["job"] == "geniesim-gpu-k-1"


def test_error_lines_of_the_last_day_are_kept_newest_first_and_others_are_not(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    now = datetime.now(UTC)
    for minutes, severity, text in (
        (5, "ERROR", "late"),
        (60, "CRITICAL", "early"),
        (1, "INFO", "fine"),
        (60 * 25, "ERROR", "old"),
    ):
        sandbox.log.write(
            {"severity": severity, "textPayload": text, "timestamp": (now - timedelta(minutes=minutes)).isoformat()}
        )
    capture(heir(environment), incident)
    assert [row["text"] for row in file(sandbox, incident, "errors")["rows"]] == ["late", "early"]


def test_of_too_many_log_lines_the_newest_are_kept_and_that_is_said(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    for number in range(MOST_LINES + 5):
        sandbox.log.write({"severity": "ERROR", "textPayload": f"line {number}"})
    capture(heir(environment), incident)
    kept = file(sandbox, incident, "errors")
    assert (kept["count"], kept["rows"][0]["text"]) == (MOST_LINES, f"line {MOST_LINES + 4}")
    assert "there are more" in kept["notes"][0]


@pytest.mark.parametrize(
    ("service", "method", "kind"),
    [("logging", "ListLogEntries", "errors"), ("scheduler", "ListJobs", "schedulers"), ("eventarc", "ListTriggers", "triggers")],
)  # fmt: skip
def test_what_could_not_be_asked_is_named_with_its_reason_and_hides_nothing_else(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident, service: str, method: str, kind: str
) -> None:
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    captured = capture(heir(environment), incident)
    manifest = file(sandbox, incident, MANIFEST)
    assert list(manifest["unknown"]) == [kind]
    assert manifest["unknown"][kind][0].startswith("Could not ")
    assert kind not in manifest["files"]
    assert set(manifest["files"]) == set(KINDS) - {kind}
    assert f"could not be asked: {kind}" in captured.sentence()


def test_one_workflow_that_does_not_answer_hides_no_other() -> None:
    from blocks.errors import PermanentError

    def look(name: str) -> list[dict[str, str]]:
        if name == "b":
            raise PermanentError("Could not list the executions of workflow b: it was refused.")
        return [{"name": name}]

    found = asked_module.of_each(["a", "b", "c"], look, 10, "executions")
    assert [row["name"] for row in found.rows] == ["a", "c"]
    assert found.unknown == ["Could not list the executions of workflow b: it was refused."]


def test_of_one_workflow_only_the_newest_are_kept_and_that_is_said() -> None:
    found = asked_module.of_each(["a"], lambda _: [{"n": str(number)} for number in range(4)], 3, "executions")
    assert [row["n"] for row in found.rows] == ["0", "1", "2"]
    assert found.notes == ["a: only the newest 3 executions are here; there are more."]


def test_a_question_that_fails_by_a_fault_of_its_own_loses_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> Asked:
        raise KeyError("odd")

    monkeypatch.setattr("tasks.response.evidence.QUESTIONS", (Question("odd", "odd", odd), *QUESTIONS[-1:]))
    captured = capture(heir(environment), incident)
    assert set(captured.files) == {"versions", MANIFEST}
    assert "KeyError" in captured.unknown["odd"][0]


def test_what_is_kept_is_not_asked_or_written_again(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    capture(heir(environment), incident)
    before = {name: sandbox.store.get(OPS, name).generation for name in objects(sandbox)}  # type: ignore[union-attr]
    sandbox.requests.reset()
    capture(heir(environment), read_incident(heir(environment), incident.id))
    assert {name: sandbox.store.get(OPS, name).generation for name in objects(sandbox)} == before  # type: ignore[union-attr]
    assert sandbox.requests.count("executions", "ListExecutions") == 0


def test_killed_before_any_file_it_goes_on_and_each_file_has_one_entry(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for number in range(1, len(KINDS) + 2):
        incident = declare(heir(environment), wanted().declaration())
        count = 0

        def die() -> None:
            nonlocal count
            count += 1
            if count == number:  # noqa: B023
                raise Killed

        with pytest.raises(Killed):
            capture(heir(environment), incident, each=die)
        assert not is_captured(heir(environment), incident)
        capture(heir(environment), read_incident(heir(environment), incident.id))
        names = [one.name for one in read_incident(heir(environment), incident.id).evidence]
        assert sorted(names) == sorted(evidence_name(incident.id, kind) for kind in (*KINDS, MANIFEST)), number


def test_a_file_written_just_before_a_kill_is_the_evidence_and_gets_its_entry(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    left = b'{"rows": [], "unknown": []}'
    sandbox.store.put(OPS, evidence_name(incident.id, "jobs"), left)
    capture(heir(environment), incident)
    (said,) = [one for one in incident.evidence if one.name.endswith("/jobs.json")]
    assert said.sha256 == hashlib.sha256(left).hexdigest()


def test_no_value_that_may_be_secret_is_in_any_file(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    secrets = {"hunter2-in-a-log", "s3cr3t-argument", "abcdefgh.ijklmnop"}
    sandbox.log.write({"severity": "ERROR", "textPayload": "login failed: password=hunter2-in-a-log for ann"})
    sandbox.log.write({"severity": "ERROR", "jsonPayload": {"headers": {"Authorization": "Bearer abcdefgh.ijklmnop"}}})
    environment.workflows.start(FLOW, {"scene_id": "kitchen_001", "api_key": "s3cr3t-argument"}, labels={})
    capture(heir(environment), incident)
    assert file(sandbox, incident, "errors")["count"] >= 2
    for name in objects(sandbox):
        found = sandbox.store.get(OPS, name)
        assert found is not None
        for secret in secrets:
            assert secret.encode() not in found.data, name
    (row,) = [row for row in file(sandbox, incident, "executions")["rows"] if "api_key" in row["argument"]]
    assert row["argument"] == {"scene_id": "kitchen_001", "api_key": LEFT_OUT}


def test_files_are_json_of_stable_names_in_utc(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    at = datetime(2026, 1, 18, 13, 0, tzinfo=UTC)
    capture(heir(environment), incident, now=at)
    for kind in KINDS:
        said = file(sandbox, incident, kind)
        assert {"incident", "kind", "what", "asked_at", "notes", "unknown", "count", "rows"} == set(said)
        assert said["asked_at"] == "2026-01-18T13:00:00+00:00"
        assert said["count"] == len(said["rows"])
        json.dumps(said)


def test_a_pipeline_without_a_cluster_says_so(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    environment.cluster.enabled = False
    capture(heir(environment), incident)
    assert file(sandbox, incident, "cluster")["notes"] == ["The environment says that there is no cluster."]


def test_a_pause_is_kept_with_what_it_holds_and_what_was_before(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = incident_of(carried(environment, pause="yes"))
    (row,) = file(sandbox, incident, "intake")["rows"]
    assert row["run"] == incident.actions[0][1].run
    assert {held["trigger"] for held in row["held"]} == set(sandbox.eventarc.deployed.names())
    assert set(row["schedulers_before"].values()) <= {"ENABLED", "PAUSED"}
    assert row["half_resumed"] is False


def test_the_kill_switch_and_the_versions_are_kept(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    policies(environment, kill_switch=["by bo: fire"])
    capture(heir(environment), incident)
    (switch,) = file(sandbox, incident, "switches")["rows"]
    assert (switch["kill_switch"], switch["window_open"]) == (["by bo: fire"], True)
    (known,) = file(sandbox, incident, "versions")["rows"]
    assert known["prefect"] == version("prefect")
    assert known["data_bucket"] == DATA_BUCKET
    assert len(known["catalogue_sha256"]) == 64
