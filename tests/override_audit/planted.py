"""Every kind of override that is wrong, planted in a scene of its own, with the one code by which it must be found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.override_audit.recording import Person, approve, request, revoke
from tasks.pipeline.override_ledger import ROOT, Requested
from tasks.remediation.context import Context
from tests.override_audit.planted_switches import (
    SWITCHES,
    Plant,
    ago,
    in_argument,
    in_config_map,
    in_definition,
    in_schedule,
    in_variables,
    on_gpu,
    on_job,
)
from tests.override_audit.world import (
    ASKER,
    GATE,
    HOUR,
    LEAD,
    WHY,
    data_set,
    declared,
    dumped,
    fail_export,
    january,
    log_entry,
    metadata,
    put,
    put_scene,
    record,
    report,
    stamp,
)

ALLOWED = (
    "gates: {collection: quality_gate_approvals, log_collection: quality_gate_approvals_audit, "
    f"rules: {{allowed_overriders: [{LEAD}]}}}}"
)
"""The overlay of an installation that says who may override."""
WITHOUT_A_SCENE = ("switch-on-job", "switch-in-variables", "switch-in-definition", "switch-in-schedule", "record-unreadable",
                   "record-misplaced", "ledger-damaged")  # fmt: skip
"""Codes of what is about every scene, or of a record that does not say of which."""


def said(*, gone_on: bool = True, **changes: Any) -> Plant:
    """A declared override of June whose metadata is otherwise than it should be."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        at = ago(10)
        put_scene(sandbox, scene, at, report(at, GATE), went_on=gone_on)
        declared(sandbox, scene, at, metadata(at, **changes))

    return plant


def kept(**changes: Any) -> Plant:
    """A declared override of June whose record is otherwise than it should be, and not its metadata."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        at = ago(10)
        put_scene(sandbox, scene, at, report(at, GATE))
        declared(sandbox, scene, at, **changes)

    return plant


def old_form(**changes: Any) -> Plant:
    """A declared override of January in a file of the scene."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        at = ago(10)
        put_scene(sandbox, scene, at, report(at, GATE))
        put(sandbox, f"scenes/{scene}/approvals/apr_1.json", record(f"apr_{scene}", scene, at, january(at, **changes)))

    return plant


def silent(gate_report: Callable[[datetime], dict[str, Any]]) -> Plant:
    """A scene that has such a report and went on."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        put_scene(sandbox, scene, ago(10), gate_report(ago(10)))

    return plant


def logged(**changes: Any) -> Plant:
    """A declared override of June whose entry in the log is otherwise than it should be."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        at = ago(10)
        put_scene(sandbox, scene, at, report(at, GATE))
        id_ = declared(sandbox, scene, at)
        sandbox.firestore.remove("quality_gate_approvals_audit", f"log-{scene}")
        sandbox.firestore.put("quality_gate_approvals_audit", f"log-{scene}", log_entry(id_, scene, at, **changes), at)

    return plant


def record_edited(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    id_ = declared(sandbox, scene, at)
    changed = metadata(at, ticket="OPS-99")
    sandbox.firestore.put("quality_gate_approvals", id_, record(id_, scene, at, changed))


def expiry_edited(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """The log says when it was to end, with a right hash; the record says later, and the end is still to come."""
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    id_ = declared(sandbox, scene, at, metadata(at, expires_at=stamp(at + 20 * HOUR)))
    changed = metadata(at, expires_at=stamp(at + 900 * HOUR))
    sandbox.firestore.put("quality_gate_approvals", id_, record(id_, scene, at, changed))


def turned_rejected(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """The log says that it was overridden, and the record that it was rejected."""
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    id_ = declared(sandbox, scene, at)
    sandbox.firestore.put("quality_gate_approvals", id_, record(id_, scene, at, status="rejected"))


def requester_edited(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    id_ = declared(sandbox, scene, at, metadata(at, requester=LEAD.replace("lead", "second")))
    changed = metadata(at, requester=ASKER)
    sandbox.firestore.put("quality_gate_approvals", id_, record(id_, scene, at, changed))


def log_edited(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    id_ = declared(sandbox, scene, at)
    sandbox.firestore.put("quality_gate_approvals_audit", f"log-{scene}", log_entry(id_, scene, at), at + HOUR)


def not_in_log(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    declared(sandbox, scene, ago(10))
    sandbox.firestore.remove("quality_gate_approvals_audit", f"log-{scene}")


def unreadable(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    put(sandbox, f"scenes/{scene}/approvals/apr_1.json", b'{"request_id": "apr_1", ')


def misplaced(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = ago(10)
    put(sandbox, f"approvals/{scene}/apr_1.json", record(f"apr_{scene}", "another-scene", at, january(at)))


def too_late(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    put_scene(sandbox, scene, ago(10), report(ago(10), GATE))
    declared(sandbox, scene, ago(2))


def over_by_now(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """It held when the scene went on, and has ended since; the gate does not pass yet."""
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    declared(sandbox, scene, at, metadata(at, expires_at=stamp(at + 5 * HOUR)))


def regressed(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    said()(sandbox, environment, scene)
    fail_export(sandbox, scene)


def made_without_gates(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    data_set(sandbox, scene, bypass_enabled=True)


def turned_green(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """A report that had failed when the data set was made, and says now that it passed."""
    at, where = ago(10), "episode-generation-job/quality_gate_report.json"
    before = report(at, "qg-6-episodes", scene_id=scene)
    data_set(
        sandbox,
        scene,
        bypass_enabled=None,
        report_timestamp=before["timestamp"],
        report_hash=hashlib.sha256(dumped(before)).hexdigest(),
        report_path=f"/mnt/gcs/scenes/{scene}/{where}",
    )
    put(sandbox, f"scenes/{scene}/{where}", report(at, "qg-6-episodes", passed=True, scene_id=scene))


def recorded(environment: PipelineEnvironment, scene: str, **changes: Any) -> str:
    """An override that is recorded here and approved. Its id."""
    context = Context(environment, "a test")
    wanted = {
        "scene": scene, "gate": GATE, "requester": ASKER, "category": "known_issue", "ticket": "OPS-12", "justification": WHY,
        "failing": "1 broken reference", "until": datetime.now(UTC) + 24 * HOUR,
    } | changes  # fmt: skip
    made = request(context, Requested.model_validate(wanted))
    approve(context, made.case.id, Person(LEAD))
    return made.case.id


def revoked(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """Revoked, and then the scene goes on."""
    put_scene(sandbox, scene, ago(10), report(ago(10), GATE), went_on=False)
    id_ = recorded(environment, scene)
    revoke(Context(environment, "a test"), id_, LEAD, "it was wrong")
    later = datetime.now(UTC) + timedelta(seconds=2)
    marker = {"status": "complete", "timestamp": stamp(later)}
    put(sandbox, f"scenes/{scene}/replicator/.replicator_complete", marker)


def damaged_ledger(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    id_ = recorded(environment, scene)
    name = f"{ROOT}{id_}/000001.json"
    found = sandbox.store.get(OPS_BUCKET, name)
    assert found is not None
    body = environment.storage.read(OPS_BUCKET, name).replace(b"OPS-12", b"OPS-13")
    environment.storage.replace(OPS_BUCKET, name, body, generation=found.generation)


KINDS: dict[str, tuple[str, Plant]] = {
    "gate-passed-silently": ("blocked-and-went-on", silent(lambda at: report(at, GATE))),
    "gate-passed-silently-nameless": ("blocked-without-names", silent(lambda at: report(at, GATE) | {"results": []})),
    "report-contradicts": ("summary-turned", silent(lambda at: report(at, GATE, proceed=True))),
    "report-edited": ("turned-green", turned_green),
    "dataset-bypassed": ("made-without-gates", made_without_gates),
    "override-too-late": ("decided-afterwards", too_late),
    "no-approver": ("nobody-approved", said(approver_id=None)),
    "no-time": ("no-time", said(timestamp=None)),
    "no-time-unreadable": ("yesterday", said(timestamp="yesterday")),
    "time-to-come": ("tomorrow", said(gone_on=False, timestamp=stamp(datetime.max.replace(tzinfo=UTC, microsecond=0)))),
    "no-category": ("no-category", said(category=None)),
    "unknown-category": ("category-of-nobody", said(category="because")),
    "no-ticket": ("no-ticket", said(ticket=None)),
    "bad-ticket": ("ticket-none", said(ticket="see chat")),
    "no-justification": ("no-reason", said(justification=None)),
    "thin-justification": ("thin", said(justification="it is fine")),
    "thin-justification-january": ("thin-january", old_form(reason="fine")),
    "no-ticket-january": ("no-ticket-january", old_form(ticket_id=None)),
    "nothing-failing": ("nothing-failed", lambda s, e, scene: declared(s, scene, ago(10), failure_message="")),
    "self-approved": ("self", kept(requester=LEAD)),
    "no-requester": ("nobody-asked", kept(requester="")),
    "approved-after-expiry": (
        "late-yes",
        kept(status="approved", override_metadata=None, approved_by=LEAD, expires_at=stamp(datetime(2026, 1, 1, tzinfo=UTC))),
    ),
    "auto-approved": (
        "by-itself",
        kept(status="approved", override_metadata=None, approved_by="SYSTEM:auto_timeout"),
    ),
    "override-expired": ("over", over_by_now),
    "gate-passed-silently-after-expiry": ("over-before", said(expires_at=stamp(datetime(2026, 1, 1, tzinfo=UTC)))),
    "hash-forged": ("forged", logged(override_metadata_hash="0" * 64)),
    "hash-missing": ("without-hash", logged(override_metadata_hash=None)),
    "record-edited": ("edited", record_edited),
    "record-edited-expiry": ("edited-expiry", expiry_edited),
    "record-edited-requester": ("edited-requester", requester_edited),
    "record-edited-status": ("edited-status", turned_rejected),
    "log-edited": ("log-edited", log_edited),
    "not-in-log": ("unlogged", not_in_log),
    "record-unreadable": ("cut-off", unreadable),
    "record-misplaced": ("misplaced", misplaced),
    "went-on-after-revoke": ("revoked", revoked),
    "regressed-downstream": ("regressed", regressed),
    "ledger-damaged": ("ledger", damaged_ledger),
    "switch-on-job": ("job", on_job),
    "switch-on-job-config-map": ("config-map", in_config_map),
    "switch-in-variables": ("variables", in_variables),
    "switch-in-definition": ("definition", in_definition),
    "switch-in-schedule": ("schedule", in_schedule),
    "not-allowed": ("a-stranger", said(approver_id="stranger@example.com")),
    **SWITCHES,
    "switch-in-run-gpu-job": ("gpu", on_gpu(ALLOW_GENIESIM_MOCK="true")),
    "switch-in-run-gpu-first": ("gpu-first", on_gpu({"BYPASS_QUALITY_GATES": "false"}, BYPASS_QUALITY_GATES="true")),
    "switch-in-argument": ("argument", in_argument(enforce_quality_gates=False)),
}  # fmt: skip
"""By code (with a word behind it where one code has several kinds): the scene, and what is planted there."""


def code_of(kind: str) -> str:
    """The code by which a kind must be found."""
    from tasks.override_audit.finding import CODES

    return max((code for code in CODES if kind.startswith(code)), key=len)
