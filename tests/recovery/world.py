"""What the recovery's tests share: scenes, snapshots of the whole store, and what ran on a scene."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blocks.calls import CallLimits
from blocks.catalogue_query import class_of
from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from blocks.stored_object import WRITE_TOKEN
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.executions import Execution
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.pipeline.scene_view import scene_view
from tasks.procedures import undo
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Mode
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.validation.scene import validate_scene
from tasks.validation.scene_under_test import Depth
from tasks.validation.source import FolderSource

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
SCENE = "kitchen_001"
PREFIX = f"scenes/{SCENE}/"


def Wanted(mode: Mode = "plan", **options: Any) -> RecoveryRequest:
    """What is asked for, of whatever scene."""
    return RecoveryRequest(scene_id=SCENE, mode=mode, **options)


APPLY, PLAN = Wanted("apply"), Wanted("plan")

Live = dict[str, int]
"""Generation of every live object, by name."""


def quick_environment(sandbox: Sandbox, limits: CallLimits | None = None, **policy: object) -> PipelineEnvironment:
    """The environment of a sandbox. The lease outlasts any test: nobody takes it over because a machine is slow."""
    settings: dict[str, object] = {"poll_seconds": 0.02, "settle_seconds": 0.3, "lease_seconds": 120}
    return for_sandbox(sandbox.endpoints, quick_policy(**(settings | policy)), limits)


PATIENT = CallLimits(call_seconds=60.0, total_seconds=300.0, first_wait_seconds=0.05)
"""For benchmarks: what a busy machine answers late is no failure."""


@dataclass(frozen=True)
class Everything:
    """The whole store: live objects, older generations and soft-deleted ones of every bucket."""

    found: frozenset[tuple[str, str, int, str]]


def everything(store: ObjectStore) -> Everything:
    """What two moments are compared by when nothing at all may have changed."""
    found = set()
    for bucket in store.buckets():
        found |= {(bucket.name, o.name, o.generation, "current") for o in store.list(bucket.name, versions=True)}
        if bucket.settings.soft_delete_seconds:
            found |= {(bucket.name, o.name, o.generation, "gone") for o in store.list(bucket.name, soft_deleted=True)}
    return Everything(frozenset(found))


def live(store: ObjectStore, bucket: str = DATA, prefix: str = "") -> Live:
    """The live objects of a bucket."""
    return {found.name: found.generation for found in store.list(bucket, prefix)}


def ours(store: ObjectStore, bucket: str = DATA) -> set[str]:
    """Names of the live objects that this project wrote (its writes carry a token; the pipeline's do not)."""
    return {found.name for found in store.list(bucket) if WRITE_TOKEN in (found.metadata or {})}


def inputs(environment: PipelineEnvironment, found: Live, scene_id: str = SCENE) -> Live:
    """Those of a scene's objects that no stage makes."""
    prefix = f"scenes/{scene_id}/"
    paths = {name: name.removeprefix(prefix) for name in found if name.startswith(prefix)}
    return {name: found[name] for name, path in paths.items() if class_of(environment.catalogue, path) == "input"}


def ill(
    sandbox: Sandbox, name: str, scene_id: str = SCENE, *, upto: str = "genie-sim-import", objects: int = 2
) -> None:
    """A scene with one damage."""
    make_scene(sandbox.store, DATA, scene_id, "kitchen", objects=objects, upto=upto)
    damage(sandbox.store, DATA, scene_id, name)


def without_triggers(sandbox: Sandbox) -> None:
    """From now on no written marker starts a workflow: a scene stays as far as it has got."""
    for name in list(sandbox.eventarc.deployed.names()):
        sandbox.eventarc.deployed.put(name, False)


def recover(
    environment: PipelineEnvironment, scene_id: str = SCENE, wanted: Wanted = APPLY, actor: str = "a test"
) -> Run:
    """One recovery with a context of its own, as a process of its own would have."""
    return recover_scene(Context(environment, actor), scene_id, wanted)


def recover_scene(context: Context, scene_id: str, wanted: RecoveryRequest, call: Caller = inline) -> Run:
    """One recovery."""
    return run(ExportRecovery(), context, replace(wanted, scene_id=scene_id), call)


def undo_run(context: Context, subject: str, run_id: str, mode: Mode = "plan", markers: bool = False) -> Run:
    """One undoing."""
    return run(undo(), context, UndoRequest(subject=subject, run=run_id, mode=mode, markers=markers))


def healthy(environment: PipelineEnvironment, scene_id: str = SCENE, depth: Depth = "full") -> list[str]:
    """The scene's errors; none when it is whole."""
    report = validate_scene(scene_view(environment, scene_id), environment.catalogue, depth)
    return [f"{finding.object}: {finding.message}" for finding in report.findings if finding.severity == "error"]


def copy_out(store: ObjectStore, folder: Path, scene_id: str = SCENE) -> Path:
    """The scene as local files, to be looked at without any of our blocks."""
    for found in store.list(DATA, f"scenes/{scene_id}/"):
        path = folder / found.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found.data)
    return folder / "scenes" / scene_id


def errors_of_folder(environment: PipelineEnvironment, folder: Path) -> list[str]:
    """The errors of a scene copied out of the bucket."""
    report = validate_scene(FolderSource(folder), environment.catalogue, "full")
    return [f"{finding.object}: {finding.message}" for finding in report.findings if finding.severity == "error"]


def worked(sandbox: Sandbox, workflow: str, scene_id: str = SCENE) -> list[Execution]:
    """The executions of a workflow on a scene that did not answer SKIPPED."""
    return [
        one
        for one in sandbox.workflows.executions.newest_first(workflow)
        if not one.skipped and "SKIPPED" not in one.result.upper() and f'"{scene_id}"' in about(one)
    ]


def about(execution: Execution) -> str:
    """The scene an execution was started for, quoted."""
    argument = json.loads(execution.argument or "{}")
    name = str(argument.get("data", {}).get("name", ""))
    return json.dumps(argument.get("scene_id") or [*name.split("/"), ""][1])


def job_runs(sandbox: Sandbox, job: str, scene_id: str = SCENE) -> list[Execution]:
    """The executions of a Cloud Run job that were started for a scene."""
    return [one for one in sandbox.run.executions.newest_first(job) if one.env.get("SCENE_ID") == scene_id]


def journals(environment: PipelineEnvironment, store: ObjectStore, scene_id: str = SCENE) -> list[Journal]:
    """Every run's journal, oldest first; reading them checks their chains."""
    root = f"remediation/journal/{scene_id}/"
    runs = dict.fromkeys(found.name.removeprefix(root).split("/")[0] for found in store.list(OPS, root))
    read = [read_journal(environment.storage, OPS, scene_id, run, "a test") for run in runs]
    return sorted(read, key=lambda journal: journal.begun_at)


def put_json(sandbox: Sandbox, path: str, value: object, scene_id: str = SCENE) -> int:
    """Write one object of a scene without telling anybody; its generation."""
    return sandbox.store.put(DATA, f"scenes/{scene_id}/{path}", json.dumps(value).encode(), quiet=True).generation


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something that must happen soon."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it did not happen within {seconds:g} s"
        time.sleep(0.01)


def stopped_by(environment: PipelineEnvironment, reasons: list[str]) -> RemediationPolicy:
    """The policy with these reasons in its kill switch."""
    return environment.policy.model_copy(update={"kill_switch": list(reasons)})


def plan_undo(environment: PipelineEnvironment, journal: Journal, markers: bool = False) -> Plan:
    """What would take a run back."""
    plan = undo_run(Context(environment, "a test"), journal.subject, journal.run, "plan", markers).plan
    assert plan is not None
    return plan
