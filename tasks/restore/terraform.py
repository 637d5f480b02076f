"""Put one generation of Terraform's remote state back, under Terraform's own lock. Nothing is ever applied.

The state is `<prefix>/<workspace>.tfstate`, its history the object's generations, its lock `<prefix>/<workspace>.tflock`,
made only if there is none and removed by its generation (Terraform: "Backend Type: gcs").
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.stored_object import StoredObject
from tasks.remediation.actions import Doing
from tasks.remediation.context import Context
from tasks.remediation.guard import Surroundings, stopped
from tasks.remediation.plan import Action, Plan, canonical
from tasks.restore.outcome import RestoreResult
from tasks.restore.plan import PROCEDURE
from tasks.restore.prepare import Prepared, night_of
from tasks.restore.wanted import BadRequest, Wanted
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import read_states
from tasks.snapshots.summary import StateRecord, Summary
from tasks.snapshots.terraform import LOCK, STATE, folder_of

_WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,90}")
NEXT = "Now run `terraform plan` in the workspace and read it: nothing was applied."


@dataclass(frozen=True, slots=True)
class StateVersion:
    """One generation of a state, with what it says of itself. Its content is secret and never shown."""

    stored: StoredObject
    rung: str
    lineage: str
    serial: int


def prepare_state(context: Context, wanted: Wanted, result: RestoreResult) -> Prepared:
    """Find the generation of that time and check it against the live one. Raises `BadRequest`, `OutsideError`."""
    environment, workspace = context.environment, wanted.name or "default"
    bucket, name = environment.backup.terraform_state_bucket, folder_of(environment) + workspace + STATE
    if not bucket:
        raise BadRequest(
            "There is no remote Terraform state: terraform_state_bucket of the backup policy is empty. A local state "
            "is a file of whoever ran Terraform; ask them, or name the bucket of the gcs backend there."
        )
    if not _WORKSPACE.fullmatch(workspace):
        raise BadRequest(f"{workspace!r} is no workspace; give its name, as in 'default'.")
    result.scope = f"Terraform state {workspace}"
    live = environment.storage.stat(bucket, name)
    target = state_at(environment, wanted, bucket, name)
    if target is None:
        raise BadRequest(f"No generation of gs://{bucket}/{name} of that time is left; give another time.")
    written = f"{target.stored.updated:%Y-%m-%d %H:%M:%S} UTC"
    result.achieved = (
        f"Generation {target.stored.generation} (serial {target.serial}), written {written}, from {target.rung}."
    )
    if live is not None and (live.size, live.crc32c) == (target.stored.size, target.stored.crc32c):
        return Prepared(Plan(procedure=PROCEDURE, subject=result.scope))
    now = read_state(environment, live, "live") if live is not None else None
    refused = [*forbidden(now, target, wanted.older_serial), *stopped(environment.policy, Surroundings(0))]
    result.notes.append(NEXT)
    return Prepared(plan_state(result.scope, name, now, target), refused)


def state_at(environment: PipelineEnvironment, wanted: Wanted, bucket: str, name: str) -> StateVersion | None:
    """The generation that was live then: from the bucket's versions, else the night's copy."""
    held = [one for one in environment.storage.list(bucket, name, versions=True) if one.name == name]
    if wanted.at is not None:
        at = wanted.at
        there = [one for one in held if one.created <= at and (one.noncurrent_at is None or at < one.noncurrent_at)]
        if there:
            return read_state(environment, there[-1], "the bucket's versions")
    night = night_of(environment, wanted)
    record = recorded_state(environment, night, name) if night is not None else None
    if record is None or night is None:
        return None
    there = [one for one in held if one.generation == record.generation]
    if there:
        return read_state(environment, there[0], "the bucket's versions")
    copy = environment.storage.stat(layout_of(environment).bucket, record.object)
    if copy is None or (copy.size, copy.crc32c) != (record.size, record.crc32c):
        return None
    return read_state(environment, copy, f"the copy of night {night.night}")


def recorded_state(environment: PipelineEnvironment, night: Summary, name: str) -> StateRecord | None:
    """The generation that was live that night."""
    return next((one for one in read_states(environment, night) if one.name == name and one.live), None)


def read_state(environment: PipelineEnvironment, stored: StoredObject, rung: str) -> StateVersion:
    """Lineage and serial of a generation. Raises PermanentError when it is no state."""
    try:
        body = json.loads(environment.storage.read(stored.bucket, stored.name, generation=stored.generation))
        return StateVersion(stored, rung, str(body["lineage"]), int(body["serial"]))
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"{stored.uri} is no Terraform state; choose another time.") from error


def forbidden(live: StateVersion | None, target: StateVersion, older_serial: bool) -> list[str]:
    """Why this generation may not take the live one's place."""
    if live is None:
        return []
    if live.lineage != target.lineage:
        return [
            f"The wanted state has lineage {target.lineage}, the live one {live.lineage}: they are different "
            "infrastructures, so it is not put there."
        ]
    if target.serial < live.serial and not older_serial:
        return [
            f"The wanted state has serial {target.serial}, the live one {live.serial}: Terraform would forget what it "
            "made since. Run it with older_serial if that is what you want."
        ]
    return []


def plan_state(subject: str, name: str, live: StateVersion | None, target: StateVersion) -> Plan:
    """One action: lock, look, copy, unlock."""
    stored = target.stored
    action = Action(
        step="1 put the state back",
        kind="restore_state",
        effect="write",
        target=f"{name} generation {stored.generation}, serial {target.serial}",
        precondition=f"Terraform's lock is free; the live one is serial {live.serial if live else 'none'}",
        undo="the replaced generation stays in the bucket's versions",
        why=f"from {target.rung}",
        bytes=stored.size,
        params={
            "name": name,
            "source_bucket": stored.bucket,
            "source_name": stored.name,
            "generation": stored.generation,
            "crc32c": stored.crc32c,
            "live_generation": live.stored.generation if live else 0,
        },
    )
    return Plan(procedure=PROCEDURE, subject=subject, actions=(action,), risk="high")


def restore_state(doing: Doing) -> str:
    """Take the lock, put the generation back, give the lock back by its generation.

    Raises:
        PermanentError: somebody holds the lock, or the live state is not the one that was seen.
    """
    environment = doing.context.environment
    bucket, name = environment.backup.terraform_state_bucket, doing.text("name")
    lock = take_lock(doing, bucket, name.removesuffix(STATE) + LOCK)
    try:
        return put_generation(doing, bucket, name)
    finally:
        environment.storage.delete(bucket, lock.name, generation=lock.generation)


def put_generation(doing: Doing, bucket: str, name: str) -> str:
    """Copy the wanted generation over the one that was seen."""
    storage, wanted = doing.context.environment.storage, doing.number("live_generation")
    live = storage.stat(bucket, name)
    if live is not None and live.generation != wanted and live.crc32c == doing.text("crc32c"):
        return f"found there as generation {live.generation}. {NEXT}"
    source = storage.stat(doing.text("source_bucket"), doing.text("source_name"), doing.number("generation"))
    if source is None:
        raise NotFound(f"{doing.action.target} is gone; plan again.")
    if live is not None and not storage.protection(bucket).undoable:
        keep_state(doing, live)
    made = storage.copy(source, bucket, name, generation=wanted)
    return f"put back as generation {made.generation}. {NEXT}"


def keep_state(doing: Doing, live: StoredObject) -> None:
    """Copy the live state into the ops bucket, where its own bucket keeps no history."""
    environment = doing.context.environment
    try:
        name = f"remediation/quarantine/terraform/{live.name}#{live.generation}"
        environment.storage.copy(live, environment.ops_bucket, name)
    except PreconditionFailed:
        return  # kept by an earlier attempt


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
