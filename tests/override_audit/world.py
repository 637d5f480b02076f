"""Scenes with gates that passed or failed, and records of who let what pass, at times that follow from the moment of a test."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import run_v2

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import DATA_BUCKET, LOCATION
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.override_audit.audit import Audited, audit
from tasks.override_audit.records import hash_of
from tasks.remediation.context import Context

IN_FIRESTORE = "gates: {collection: quality_gate_approvals, log_collection: quality_gate_approvals_audit}"
HOUR = timedelta(hours=1)
GATE = "qg-3-usd"
LEAD, ASKER = "lead@example.com", "operator@example.com"
WHY = "The reference is broken in a prop that no robot touches; checked by hand on all cameras."


def environment_of(sandbox: Sandbox) -> PipelineEnvironment:
    """An installation that keeps approvals in Firestore."""
    made = for_sandbox(sandbox.endpoints)
    made.catalogue_overlay = IN_FIRESTORE
    return made


def stamp(at: datetime) -> str:
    """A time as the pipeline writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def audited(environment: PipelineEnvironment, days: int = 30) -> Audited:
    """An audit of now."""
    return audit(Context(environment, "a test"), days)


def codes(seen: Audited, scene: str | None = None) -> set[str]:
    """The codes of its findings, of one scene or of all."""
    return {one.code for one in seen.findings if scene is None or one.scene == scene}


def put(sandbox: Sandbox, name: str, value: object) -> None:
    """An object of the data bucket: JSON, or bytes as they are."""
    sandbox.store.put(DATA_BUCKET, name, dumped(value), quiet=True)


def dumped(value: object) -> bytes:
    """JSON, or bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def report(at: datetime, *gates: str, passed: bool = False, proceed: bool | None = None, **more: Any) -> dict[str, Any]:
    """A gate report in which these gates failed (or passed)."""
    failed = 0 if passed else len(gates)
    results = [
        {"gate_id": gate, "checkpoint": "usd_assembled", "passed": passed, "severity": "error", "message": f"{gate}: 1 of 9"}
        for gate in gates
    ]  # fmt: skip
    can = passed if proceed is None else proceed
    summary = {
        "total_gates": len(gates),
        "failed": failed,
        "blocking_failures": 0 if can else failed,
        "can_proceed": can,
    }
    return {"scene_id": "s", "timestamp": stamp(at), "summary": summary, "results": results, **more}


def put_scene(sandbox: Sandbox, scene: str, at: datetime, gate_report: dict[str, Any], *, went_on: bool = True) -> None:
    """A scene whose USD was made and judged at `at`, and went on to the replicator an hour later."""
    put(sandbox, f"scenes/{scene}/usd-assembly-job/quality_gate_report.json", gate_report | {"scene_id": scene})
    if went_on:
        marker = {"status": "complete", "scene_id": scene, "timestamp": stamp(at + HOUR)}
        put(sandbox, f"scenes/{scene}/replicator/.replicator_complete", marker)


def data_set(sandbox: Sandbox, scene: str, **gates: Any) -> None:
    """Episodes that were exported, and what their `info.json` says of the gates."""
    said = {"summary": None, "report_timestamp": None, "report_path": None, "config_version": "1", "source": {}} | gates
    put(
        sandbox,
        f"scenes/{scene}/episodes/meta/info.json",
        {"codebase_version": "v2.1", "lineage": {"quality_gates": said}},
    )


def fail_export(sandbox: Sandbox, scene: str) -> None:
    """A later stage that fails now."""
    put(sandbox, f"scenes/{scene}/geniesim/.failed", {"scene_id": scene, "status": "failed"})


def metadata(at: datetime, **changes: Any) -> dict[str, Any]:
    """What an override of June says; a change to None takes the field out."""
    said = {
        "approver_id": LEAD,
        "category": "known_issue",
        "ticket": "OPS-12",
        "justification": WHY,
        "timestamp": stamp(at),
    }
    return {key: value for key, value in {**said, **changes}.items() if value is not None}


def january(at: datetime, **changes: Any) -> dict[str, Any]:
    """What an override of January says."""
    said = {"approver_id": LEAD, "ticket_id": "OPS-12", "reason": "a prop nobody touches", "timestamp": stamp(at)}
    return {key: value for key, value in {**said, **changes}.items() if value is not None}


def record(id_: str, scene: str, at: datetime, said: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A record of the pipeline's approval store."""
    said = metadata(at) if said is None else said
    made = {
        "request_id": id_, "gate_id": GATE, "scene_id": scene, "checkpoint": "usd_assembled", "status": "overridden",
        "failure_message": "1 broken reference", "failure_details": {}, "recommendations": [],
        "created_at": stamp(at - HOUR), "expires_at": stamp(at + 23 * HOUR), "approved_by": said.get("approver_id"),
        "approved_at": stamp(at), "override_reason": "", "override_metadata": said, "approval_notes": None,
    }  # fmt: skip
    return made | changes


def log_entry(id_: str, scene: str, at: datetime, said: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """An entry of the pipeline's log of approvals."""
    said = metadata(at) if said is None else said
    made = {
        "timestamp": stamp(at), "action": "OVERRIDDEN", "request_id": id_, "gate_id": GATE, "scene_id": scene,
        "actor": said.get("approver_id"), "reason": "", "metadata": said, "override_metadata_hash": hash_of(said),
    }  # fmt: skip
    return {key: value for key, value in (made | changes).items() if value is not None}


def declared(sandbox: Sandbox, scene: str, at: datetime, said: dict[str, Any] | None = None, **changes: Any) -> str:
    """An override of June in Firestore, with its entry in the log. Its id."""
    id_ = f"apr_{scene}"
    made = record(id_, scene, at, said, **changes)
    sandbox.firestore.put("quality_gate_approvals", id_, made)
    entry = log_entry(id_, scene, at, said)
    if made["status"] != "overridden":
        by_itself = str(made["approved_by"]).startswith("SYSTEM:")
        action = "AUTO_APPROVED_TIMEOUT" if by_itself else str(made["status"]).upper()
        entry = {"timestamp": stamp(at), "action": action, "request_id": id_, "gate_id": GATE, "scene_id": scene,
                 "actor": made["approved_by"], "reason": None, "metadata": None}  # fmt: skip
    sandbox.firestore.put("quality_gate_approvals_audit", f"log-{scene}", entry, at)
    return id_


def job_ran(sandbox: Sandbox, job: str, at: datetime, **env: str) -> None:
    """An execution of a Cloud Run job with these variables."""
    container = {"image": "i@sha256:aa", "env": [{"name": key, "value": value} for key, value in env.items()]}
    number = sum(1 for _ in env) + int(at.timestamp() * 1000)
    made = sandbox.run.executions.add(
        f"{LOCATION}/jobs/{job}/executions/{job}-{number}", job, template=run_v2.TaskTemplate(containers=[container])
    )
    made.created, made.ended, made.state = at, at + HOUR, "SUCCEEDED"


def gpu_job_made(sandbox: Sandbox, name: str, main: dict[str, str] | None = None, **env: str) -> None:
    """A GPU Job of the cluster with these variables in the container that prepares it; the other one has `main` and one that
    comes from a secret."""
    secret = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    own = [{"name": key, "value": value} for key, value in (main or {}).items()]
    first = {"name": "prepare", "image": "i", "env": [{"name": key, "value": value} for key, value in env.items()]}
    pod = {"initContainers": [first], "containers": [{"name": "main", "image": "i", "env": [secret, *own]}]}
    spec = {"template": {"spec": {**pod, "restartPolicy": "Never"}}}
    sandbox.cluster.create("blueprint", {"metadata": {"name": name}, "spec": spec})


def workflow_ran(sandbox: Sandbox, workflow: str, at: datetime, argument: dict[str, Any]) -> None:
    """An execution of a workflow with that argument."""
    name = f"{LOCATION}/workflows/{workflow}/executions/old-{int(at.timestamp() * 1000)}"
    made = sandbox.workflows.executions.add(name, workflow, argument=json.dumps(argument), revision="000001-a")
    made.created, made.ended, made.result, made.state = at, at + HOUR, "{}", "SUCCEEDED"
