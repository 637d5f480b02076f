"""The action `restore_state`: one generation of Terraform's remote state, under Terraform's own lock. Nothing is applied.

The state is `<prefix>/<workspace>.tfstate`, its history the object's generations, its lock `<prefix>/<workspace>.tflock`,
made only if there is none and removed by its generation (Terraform: "Backend Type: gcs").
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.stored_object import StoredObject
from tasks.actions.history import keep, quarantine_name
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action, canonical
from tasks.snapshots.terraform import LOCK, STATE, folder_of


@dataclass(frozen=True, slots=True)
class StateVersion:
    """One generation of a state, with what it says of itself. Its content is secret and never shown."""

    stored: StoredObject
    source_kind: str
    lineage: str
    serial: int


class PutState(Params):
    """One generation of a state, and what it replaces."""

    name: str
    source_bucket: str
    source_name: str
    generation: int
    size: int
    crc32c: str
    live_generation: int = 0
    """0: there is no state."""


def read_state(environment: PipelineEnvironment, stored: StoredObject, source_kind: str) -> StateVersion:
    """Lineage and serial of a generation. Raises PermanentError when it is no state."""
    try:
        body = json.loads(environment.storage.read(stored.bucket, stored.name, generation=stored.generation))
        return StateVersion(stored, source_kind, str(body["lineage"]), int(body["serial"]))
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"{stored.uri} is no Terraform state; choose another time.") from error


def put_action(name: str, target: StateVersion, live: StateVersion | None) -> Action:
    """Put a generation in the place of the live one."""
    stored = target.stored
    params = PutState(
        name=name,
        source_bucket=stored.bucket,
        source_name=stored.name,
        generation=stored.generation,
        size=stored.size,
        crc32c=stored.crc32c,
        live_generation=live.stored.generation if live else 0,
    )
    return restore_state.action(
        params,
        step="1 put the state back",
        target=f"{name} generation {stored.generation}, serial {target.serial}",
        precondition=f"Terraform's lock is free; the live one is serial {live.serial if live else 'none'}",
        undo="undo this run: the replaced generation stays in the bucket's versions, else in the ops bucket",
        why=f"from {target.source_kind}",
        bytes=stored.size,
        replaced=1 if live else 0,
        replaced_bytes=live.stored.size if live else 0,
    )


def apply_state(doing: Doing, params: PutState) -> str:
    """Take the lock, put the generation back, give the lock back by its generation.

    Raises:
        PermanentError: somebody holds the lock, or the live state is not the one that was seen.
    """
    environment = doing.context.environment
    bucket, folder = environment.backup.terraform_state_bucket, folder_of(environment)
    places = (bucket, environment.backup_bucket, environment.ops_bucket)
    if not params.name.startswith(folder) or not params.name.endswith(STATE) or params.source_bucket not in places:
        raise PermanentError(
            f"The plan puts gs://{params.source_bucket}/{params.source_name} to {params.name}, which is no state of "
            f"gs://{bucket}/{folder}. Nothing was done; look who wrote it."
        )
    lock = take_lock(doing, bucket, lock_name(params.name))
    try:
        return put_generation(doing, params, bucket)
    finally:
        environment.storage.delete(bucket, lock.name, generation=lock.generation)


def put_generation(doing: Doing, params: PutState, bucket: str) -> str:
    """Copy the wanted generation over the one that was seen."""
    storage, name = doing.context.environment.storage, params.name
    live = storage.stat(bucket, name)
    if live is not None and live.generation != params.live_generation and holds_state(live, params):
        return f"found there as generation {live.generation}"
    source = storage.stat(params.source_bucket, params.source_name, params.generation)
    if source is None:
        raise NotFound(f"{doing.action.target} is gone; plan again.")
    if not holds_state(source, params):
        raise PermanentError(f"{source.uri} is not what the plan was approved with; plan again.")
    if live is not None and not storage.protection(bucket).undoable:
        keep(doing.context.environment, live, kept_state(name, live.generation))
    doing.check()
    made = storage.copy(source, bucket, name, generation=params.live_generation)
    return f"put back as generation {made.generation}"


def holds_state(stored: StoredObject, params: PutState) -> bool:
    """Whether an object has the wanted bytes."""
    return (stored.size, stored.crc32c) == (params.size, params.crc32c)


def kept_state(name: str, generation: int) -> str:
    """Where a replaced state is kept when its own bucket keeps no history."""
    return quarantine_name("terraform", name, generation)


def inverse_of_state(doing: Doing, params: PutState, _result: str) -> Action | None:
    """Put the replaced generation back, while the one that this run put there is live. Raises `NoWayBack`."""
    environment = doing.context.environment
    bucket, storage = environment.backup.terraform_state_bucket, environment.storage
    live = storage.stat(bucket, params.name)
    if live is None or live.generation == params.live_generation or not holds_state(live, params):
        return None
    if not params.live_generation:
        raise NoWayBack(f"There was no state {params.name} before: remove it by hand, after `terraform plan`.")
    former = storage.stat(bucket, params.name, params.live_generation) or storage.stat(
        environment.ops_bucket, kept_state(params.name, params.live_generation)
    )
    if former is None:
        raise NoWayBack(f"{params.name} generation {params.live_generation} is not kept any more.")
    versions = (read_state(environment, one, "the state before") for one in (former, live))
    return put_action(params.name, *versions)


def lock_name(name: str) -> str:
    """The lock of a state."""
    return name.removesuffix(STATE) + LOCK


def lock_of(environment: PipelineEnvironment, journal: Journal) -> StoredObject | None:
    """Terraform's lock, if that run holds it."""
    for action in journal.plan().actions:
        name = str(action.params.get("name", ""))
        found = environment.storage.stat(environment.backup.terraform_state_bucket, lock_name(name)) if name else None
        if found is not None and read_lock(environment, found).get("ID") == journal.run:
            return found
    return None


def take_lock(doing: Doing, bucket: str, name: str) -> StoredObject:
    """Terraform's lock, held by this run. Raises PermanentError with who has it, after the policy's waiting time."""
    environment, run = doing.context.environment, doing.journal.run
    body = lock_info(run, doing.context.actor, f"gs://{bucket}/{name}")
    until = time.monotonic() + environment.backup.terraform_lock_wait_seconds
    while True:
        try:
            return environment.storage.create(bucket, name, body)
        except PreconditionFailed:
            found = environment.storage.stat(bucket, name)
        if found is None:
            continue
        holder = read_lock(environment, found)
        if holder.get("ID") == run:
            return found  # taken before this process was killed
        if time.monotonic() > until:
            raise PermanentError(
                f"Terraform's lock gs://{bucket}/{name} is held by {holder.get('Who') or 'somebody'} since "
                f"{holder.get('Created') or 'an unknown time'} ({holder.get('Operation') or 'no operation given'}); "
                "wait until that ends."
            )
        time.sleep(environment.policy.poll_seconds)


def lock_info(run: str, actor: str, where: str) -> bytes:
    """What the lock says: Terraform's own JSON (`statemgr.LockInfo`), so that its error message names us."""
    info = {
        "ID": run,
        "Operation": "remediation-restore",
        "Info": "",
        "Who": actor,
        "Version": "",
        "Created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "Path": where,
    }
    return canonical(info)


def read_lock(environment: PipelineEnvironment, lock: StoredObject) -> dict[str, str]:
    """What a lock says of its holder; empty when it says nothing that can be read."""
    try:
        info = json.loads(environment.storage.read(lock.bucket, lock.name, generation=lock.generation))
    except (ValueError, NotFound):
        return {}
    return {key: str(value) for key, value in info.items()} if isinstance(info, dict) else {}


restore_state = Kind(
    name="restore_state",
    params=PutState,
    effect="write",
    apply=apply_state,
    inverse=inverse_of_state,
    by_parts=True,
    task="restore_terraform_state",
)
