"""Terraform's remote state: the live object and its generations, with lineage and serial, each copied once.

The state is `<prefix>/<workspace>.tfstate`, its lock `<prefix>/<workspace>.tflock` beside it (Terraform: "Backend Type:
gcs"). A lock is waited for, because a run that holds it is about to write another serial; it is never touched.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError, PermanentError, PreconditionFailed
from blocks.storage_bulk import BulkStorage
from blocks.stored_object import StoredObject
from tasks.snapshots.layout import Layout
from tasks.snapshots.summary import StateRecord
from tasks.snapshots.terraform import LOCK, STATE, folder_of


@dataclass(frozen=True, slots=True)
class State:
    """One generation of a state: its line in the night's list, where it is, and whether it must be copied."""

    record: StateRecord
    stored: StoredObject
    new: bool


@dataclass(slots=True)
class States:
    """All generations that there are."""

    found: list[State] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def new(self) -> list[State]:
        """What must be copied."""
        return [one for one in self.found if one.new]


def observe_states(environment: PipelineEnvironment, layout: Layout, known: list[StateRecord], *, wait: bool) -> States:
    """Look at every generation of every state.

    Args:
        environment: The pipeline.
        layout: Names in the backup bucket.
        known: The last good night's list: generations never change, so they are not read again.
        wait: Whether to wait for a lock (for as long as the policy says).
    """
    rules, states = environment.backup, States()
    if not rules.terraform_state_bucket:
        states.notes.append("There is no remote Terraform state (terraform_state_bucket is empty): none was captured.")
        return states
    try:
        locked = locks_held(environment, rules.terraform_lock_wait_seconds if wait else 0.0)
        states.found = find_states(environment, layout, known, locked)
    except OutsideError as error:
        states.problems.append(f"Terraform's state could not be captured: {error}")
        return states
    states.notes += [f"{name} was locked: a run of Terraform may be about to change it." for name in sorted(locked)]
    if not states.found:
        where = f"gs://{rules.terraform_state_bucket}/{folder_of(environment)}"
        states.problems.append(f"{where} holds no {STATE}; correct terraform_state_prefix, or empty the bucket's name.")
    return states


def find_states(
    environment: PipelineEnvironment, layout: Layout, known: list[StateRecord], locked: set[str]
) -> list[State]:
    """Every generation with its record; only those that no earlier night has listed are read."""
    there = copied_already(environment, layout)
    before = {(record.name, record.generation): record for record in known}
    found = []
    for stored in list_states(environment):
        earlier = before.get((stored.name, stored.generation))
        name = layout.terraform_copy(stored.name, stored.generation)
        record = earlier or describe(environment, stored, name, stored.name in locked)
        new = there.get(name) != (stored.size, stored.crc32c)
        found.append(State(record.model_copy(update={"live": stored.is_live}), stored, new))
    return found


def list_states(environment: PipelineEnvironment) -> list[StoredObject]:
    """Every generation of every state in the folder itself."""
    bucket, folder = environment.backup.terraform_state_bucket, folder_of(environment)
    found = environment.storage.list(bucket, folder, versions=True)
    return [one for one in found if one.name.endswith(STATE) and "/" not in one.name[len(folder) :]]


def copied_already(environment: PipelineEnvironment, layout: Layout) -> dict[str, tuple[int, str]]:
    """Size and checksum of the copies that there are."""
    pages = BulkStorage(environment.storage).pages(layout.bucket, layout.terraform_root)
    return {entry.name: (entry.size, entry.crc32c) for page in pages for entry in page}


def locks_held(environment: PipelineEnvironment, seconds: float) -> set[str]:
    """The states that are still locked after waiting so long."""
    bucket, folder = environment.backup.terraform_state_bucket, folder_of(environment)
    deadline = time.monotonic() + seconds
    while True:
        names = [one.name for one in environment.storage.list(bucket, folder) if one.name.endswith(LOCK)]
        if not names or time.monotonic() >= deadline:
            return {name.removesuffix(LOCK) + STATE for name in names}
        time.sleep(min(environment.policy.poll_seconds, max(0.0, deadline - time.monotonic())))


def describe(environment: PipelineEnvironment, stored: StoredObject, copy: str, locked: bool) -> StateRecord:
    """The line of a generation. A state that cannot be understood is captured all the same, without its serial."""
    try:
        body = json.loads(environment.storage.read(stored.bucket, stored.name, generation=stored.generation))
    except (ValueError, NotFound):
        body = {}
    said = body if isinstance(body, dict) else {}
    serial = said.get("serial")
    return StateRecord(
        name=stored.name,
        generation=stored.generation,
        size=stored.size,
        crc32c=stored.crc32c,
        updated=stored.updated.isoformat(),
        live=stored.is_live,
        lineage=str(said.get("lineage") or ""),
        serial=serial if isinstance(serial, int) else 0,
        terraform_version=str(said.get("terraform_version") or ""),
        captured_while_locked=locked and stored.is_live,
        object=copy,
    )


def capture(environment: PipelineEnvironment, layout: Layout, states: States) -> list[StateRecord]:
    """Copy what is new; the records of all generations that are captured. What failed is added to the problems."""
    captured = []
    for one in states.found:
        try:
            if one.new:
                copy_state(environment, layout, one)
        except NotFound:
            states.notes.append(f"{one.stored.uri} went away before it could be copied.")
            continue
        except PermanentError as error:
            states.problems.append(f"{one.stored.uri} could not be copied: {error}")
            continue
        captured.append(one.record)
    return captured


def copy_state(environment: PipelineEnvironment, layout: Layout, state: State) -> None:
    """Copy one generation; an equal copy that is there already is fine, another one is replaced."""
    storage, name = environment.storage, state.record.object
    there = storage.stat(layout.bucket, name)
    if there is not None and (there.size, there.crc32c) == (state.stored.size, state.stored.crc32c):
        return
    try:
        storage.copy(state.stored, layout.bucket, name, generation=there.generation if there else 0)
    except PreconditionFailed:
        there = storage.stat(layout.bucket, name)
        if there is None or (there.size, there.crc32c) != (state.stored.size, state.stored.crc32c):
            raise
