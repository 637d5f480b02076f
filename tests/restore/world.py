"""What the restore's tests share: nights, what is lost, and what ran because of a restore."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from blocks.catalogue_query import class_of_object
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.executions import Execution
from deployments.sandbox.storage.store import ObjectStore, StoredVersion
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.delivery.watch import GiveBack, GiveBackRequest
from tasks.remediation.context import Context
from tasks.remediation.plan import canonical
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.restore.drill import DrillRequest, RestoreDrill
from tasks.restore.request import RestoreRequest, ScopeKind
from tasks.restore.scopes import procedure_for
from tasks.snapshots.layout import layout_of, night_id
from tasks.snapshots.nights import nights
from tasks.snapshots.summary import DefinitionRecord, ManifestEntry, Part, StateRecord, Summary, body_of
from tasks.sync.compare import manifest_line
from tasks.sync.copy_names import copy_key
from tests.recovery.killer import Moment, Victims, Watch
from tests.recovery.world import BACKUP, DATA, OPS, PREFIX, SCENE

__all__ = ["BACKUP", "DATA", "OPS", "PREFIX", "SCENE"]

EXTRA = f"{PREFIX}regen3d/extra.bin"
"""An object that no stage writes."""

NEVER = ("lock", "idempotency_record", "failure_marker")
MARKERS = ("completion_marker", "trigger_object")


def quick(sandbox: Sandbox, **policy: object) -> PipelineEnvironment:
    """The environment of a sandbox, with waits that suit a test."""
    settings: dict[str, object] = {"poll_seconds": 0.02, "settle_seconds": 0.1, "lease_seconds": 120}
    environment = for_sandbox(sandbox.endpoints, quick_policy(**(settings | policy)))
    environment.policy.release_per_minute = 60_000.0
    for trigger in sandbox.eventarc.deployed.names():
        sandbox.eventarc.subscriptions.backlog(trigger).ack_deadline = 1
    return environment


def make_night(
    environment: PipelineEnvironment,
    store: ObjectStore,
    moment: datetime | None = None,
    definitions: Iterable[tuple[DefinitionRecord, bytes]] = (),
    states: Iterable[StateRecord] = (),
    **changes: object,
) -> Summary:
    """A night of everything that is under `scenes/` now, written as a backup writes it."""
    layout, begun = layout_of(environment), moment or datetime.now(UTC)
    night, bucket = night_id(begun), layout.bucket
    known = nights(environment)
    listed = sorted(store.list(DATA, "scenes/"), key=lambda found: copy_key(found.name, found.generation))
    kept = [found for found in listed if kind(environment, found.name) not in ("lock", "idempotency_record")]
    entries = [entry_of(environment, found) for found in kept]
    for found in kept:
        name = layout.copy_name(found.name, found.generation)
        if store.get(bucket, name) is None:
            store.put(bucket, name, found.data)
    lines = [manifest_line(entry, entry.object_class) for entry in entries]  # type: ignore[arg-type]
    parts = (put_part(store, bucket, layout.part_name(night, 0), lines, entries),) if entries else ()
    records = list(definitions)
    for record, body in records:
        store.put(bucket, record.object, body)
    listed_definitions = [canonical(record.model_dump(mode="json")) for record, _ in records]
    listed_states = [canonical(state.model_dump(mode="json")) for state in states]
    summary = Summary.model_validate(
        {
            "night": night,
            "begun_at": begun,
            "ended_at": begun,
            "data_bucket": DATA,
            "prefix": "scenes/",
            "parts": parts,
            "objects": len(entries),
            "bytes": sum(entry.size for entry in entries),
            "outcome": "clean",
            "previous": previous_hash(environment, store, known),
            "previous_night": known[-1] if known else "",
            "definitions": put_part(store, bucket, layout.definitions_name(night), listed_definitions),
            "terraform": put_part(store, bucket, layout.terraform_name(night), listed_states),
        }
        | changes
    )
    store.put(bucket, layout.summary_name(night), body_of(summary))
    return summary


def previous_hash(environment: PipelineEnvironment, store: ObjectStore, known: list[str]) -> str:
    """The hash of the last night's summary."""
    if not known:
        return ""
    found = store.get(BACKUP, layout_of(environment).summary_name(known[-1]))
    assert found is not None
    return hashlib.sha256(found.data).hexdigest()


def put_part(
    store: ObjectStore, bucket: str, name: str, lines: list[bytes], entries: list[ManifestEntry] | None = None
) -> Part:
    """One compressed list."""
    body = gzip.compress(b"".join(line + b"\n" for line in lines))
    store.put(bucket, name, body)
    first, last = (entries[0].name, entries[-1].name) if entries else ("", "")
    sha256 = hashlib.sha256(body).hexdigest()
    return Part(object=name, sha256=sha256, bytes=len(body), objects=len(lines), first=first, last=last)


def entry_of(environment: PipelineEnvironment, found: StoredVersion) -> ManifestEntry:
    """What a manifest says of an object."""
    updated, name_class = found.updated.isoformat(), kind(environment, found.name)
    return ManifestEntry(found.name, found.generation, found.size, found.crc32c, updated, name_class)


def kind(environment: PipelineEnvironment, name: str) -> str:
    """An object's class."""
    return class_of_object(environment.catalogue, name)


def scene(sandbox: Sandbox, scene_id: str = SCENE, *, upto: str = "genie-sim-import", objects: int = 2) -> None:
    """A healthy scene, written without telling anybody."""
    make_scene(sandbox.store, DATA, scene_id, "kitchen", objects=objects, upto=upto)


class Restored:
    """A run of a restore, with what its report shows within reach."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.outcome, self.reasons, self.plan, self.notes = run.outcome, run.reasons, run.plan, run.notes
        details = run.plan.details if run.plan is not None else {}
        self.counts: dict[str, int] = details.get("counts", {})  # type: ignore[assignment]
        self.fires: dict[str, int] = details.get("fires", {})  # type: ignore[assignment]
        self.shown: dict[str, list[str]] = details.get("shown", {})  # type: ignore[assignment]
        self.achieved, self.diff = str(details.get("achieved", "")), str(details.get("diff", ""))
        self.night = str(details.get("night", ""))

    @property
    def id(self) -> str:
        """The run's id; empty when nothing was begun."""
        return self.run.id

    def sentence(self) -> str:
        """As in logs."""
        return " ".join([self.run.sentence(), *self.run.notes])


def restore(context: Context, request: RestoreRequest) -> Restored:
    """One restore."""
    return Restored(run(procedure_for(request.kind), context, request))


def do(environment: PipelineEnvironment, kind: ScopeKind = "scene", name: str = SCENE, **options: object) -> Restored:
    """One restore with a context of its own, as a process of its own would have."""
    settings = {"mode": "apply", "reason": "a test"} | options
    context = Context(environment, "a test", gone=lambda _: True)
    return restore(context, RestoreRequest(kind=kind, name=name, **settings))  # type: ignore[arg-type]


class Killed(BaseException):
    """What stands for a kill between two steps."""


def interrupt(environment: PipelineEnvironment, kind: ScopeKind, name: str, step: str, **options: object) -> None:
    """A restore that dies when it comes to a step: its lease stays, its journal has no end."""

    def say(sentence: str) -> None:
        if sentence.endswith(step):
            raise Killed

    settings = {"mode": "apply", "reason": "a test"} | options
    context = Context(environment, "a test", say=say, gone=lambda _: True)
    with pytest.raises(Killed):
        restore(context, RestoreRequest(kind=kind, name=name, **settings))  # type: ignore[arg-type]


def drill(environment: PipelineEnvironment, *scenes: str) -> Run:
    """One drill."""
    context = Context(environment, "a test", gone=lambda _: True)
    return run(RestoreDrill(), context, DrillRequest(mode="apply", scene_ids=scenes))


def give_back(environment: PipelineEnvironment, run_id: str) -> Run:
    """Give back what a run holds, as hold-watch does when told to."""
    context = Context(environment, "watch", gone=lambda _: True)
    return run(GiveBack(), context, GiveBackRequest(run=run_id, mode="apply", reason="a test"))


def contents(store: ObjectStore, prefix: str = PREFIX, bucket: str = DATA) -> dict[str, bytes]:
    """The bytes of every live object."""
    return {found.name: found.data for found in store.list(bucket, prefix)}


def executions(sandbox: Sandbox) -> list[Execution]:
    """Every execution of every workflow, those that did nothing included."""
    names = sandbox.catalogue.workflows
    return [one for name in names for one in sandbox.workflows.executions.newest_first(name)]


def started_for(sandbox: Sandbox, workflow: str) -> list[str]:
    """The names of the objects that executions of a workflow were started for."""
    found = sandbox.workflows.executions.newest_first(workflow)
    return [str(json.loads(one.argument or "{}").get("data", {}).get("name", "")) for one in found]


def without_history(sandbox: Sandbox, bucket: str = DATA) -> None:
    """The bucket keeps nothing of what is deleted or replaced from now on."""
    settings = sandbox.store.bucket(bucket).settings
    settings.soft_delete_seconds, settings.versioning = 0, False


def delete_all(sandbox: Sandbox, prefix: str = PREFIX) -> None:
    """Everything below is gone."""
    for found in list(sandbox.store.list(DATA, prefix)):
        sandbox.store.delete(DATA, found.name)


def pushing(environment: PipelineEnvironment) -> dict[str, object]:
    """The push configuration of every subscription."""
    return {
        one.subscription: environment.delivery.push_config(one.subscription)
        for one in environment.triggers.list()
        if one.subscription
    }


def killed(victims: Victims, sandbox: Sandbox, moment: Moment, **options: object) -> None:
    """Start a restore in a process of its own and kill it at the moment. `backup` changes the rules of backups."""
    watch = Watch(moment)
    sandbox.faults.draw = watch.draw  # type: ignore[method-assign]
    backup = options.pop("backup", {})
    order = {
        "endpoints": sandbox.endpoints.model_dump(),
        "policy": {
            "poll_seconds": 0.02,
            "settle_seconds": 0.1,
            "lease_seconds": 120,
            "release_per_minute": 60_000.0,
        },
        "backup": dict(backup),  # type: ignore[call-overload]
        "wanted": {"kind": "scene", "name": SCENE, "mode": "apply", "reason": "a test"} | options,
    }
    watch.victim_is(victims.send(order))
    ended = victims.ended()
    assert (ended["exit"], watch.struck.is_set()) == (-9, True), f"it was never killed: {ended}"


USD = f"{PREFIX}usd/scene.usda"


def data_only(environment: PipelineEnvironment, found: dict[str, bytes]) -> dict[str, bytes]:
    """Without what a restore leaves out unless it is asked for markers."""
    return {name: data for name, data in found.items() if kind(environment, name) not in MARKERS}


def now() -> datetime:
    """A moment that differs from those of the writes before and after it."""
    time.sleep(0.01)
    moment = datetime.now(UTC)
    time.sleep(0.01)
    return moment
