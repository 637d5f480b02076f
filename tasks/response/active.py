"""What is running now, and the lock that each execution would leave behind if somebody cancelled it.

The response cancels nothing: an execution that is cancelled never removes its lock, and a lock without a holder makes every
later run of its workflow answer SKIPPED.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from blocks.catalogue_query import lock_of
from blocks.catalogue_rules import Lock
from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.execution import LIVE_STATES, Execution
from tasks.pipeline.activity import scene_of_argument, short
from tasks.pipeline.locks import holder_of
from tasks.remediation.report import counted
from tasks.remediation.table import Cell

AT_A_TIME = 8
MOST = 200
"""Executions that a table shows."""
NAMED = 5
"""Executions that the sentence names; it counts the others, and the evidence has them all."""


@dataclass(frozen=True, slots=True)
class Active:
    """One execution that has not ended."""

    execution: str
    """Its full name."""
    workflow: str
    scene: str
    since: datetime
    locks: tuple[str, ...] = ()
    """Objects that name it as their holder."""
    unknown: str = ""
    """Why its locks could not be looked for."""

    def row(self) -> dict[str, Cell]:
        """One line of a table."""
        return {
            "workflow": self.workflow,
            "execution": short(self.execution),
            "scene": self.scene or "-",
            "since": f"{self.since:%Y-%m-%d %H:%M:%S} UTC",
            "cancelled, it would leave": self.left(),
        }

    def left(self) -> str:
        """What a cancelled one would leave."""
        return ", ".join(self.locks) or self.unknown or "no lock that is known"


def active_executions(environment: PipelineEnvironment) -> tuple[list[Active], list[str]]:
    """Every execution that has not ended, newest first, and a sentence for each workflow that could not be asked."""
    load_libraries()  # before the threads, which would do it in each other's way
    found: list[Active] = []
    unknown: list[str] = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        asked = [pool.submit(of_workflow, environment, name) for name in environment.catalogue.workflows]
        for one in asked:
            try:
                found += one.result()
            except OutsideError as error:
                unknown.append(str(error))
    return sorted(found, key=lambda one: one.since, reverse=True), unknown


def of_workflow(environment: PipelineEnvironment, workflow: str) -> list[Active]:
    """The executions of one workflow that have not ended."""
    found = []
    for state in LIVE_STATES:
        for one in environment.workflows.executions(workflow, state=state):
            scene = scene_of_argument(one, environment) or ""
            try:
                locks, unknown = tuple(locks_of(environment, one, scene)), ""
            except (OutsideError, ValueError) as error:
                locks, unknown = (), f"unknown: {error}"
            found.append(Active(one.name, workflow, scene, one.created, locks, unknown))
    return found


def locks_of(environment: PipelineEnvironment, one: Execution, scene: str) -> Iterator[str]:
    """The lock objects of its scene that name it."""
    catalogue = environment.catalogue
    if not scene or not catalogue.locks:
        return
    root = catalogue.scene_prefix(scene)
    folders = {root + lock.path.partition("*")[0] for lock in catalogue.locks}
    names = {found.name for folder in folders for found in environment.storage.list(environment.data_bucket, folder)}
    for name in sorted(names):
        lock = lock_of(catalogue, name.removeprefix(root))
        if lock is not None and short(holder(environment, name, lock)) == short(one.name):
            yield f"gs://{environment.data_bucket}/{name}"


def holder(environment: PipelineEnvironment, name: str, lock: Lock) -> str:
    """Whom a lock names; nobody when it was removed just now."""
    try:
        return holder_of(environment.storage.read(environment.data_bucket, name), lock)
    except NotFound:
        return ""


def active_sentence(found: list[Active], unknown: list[str]) -> str:
    """What runs, with the locks that it would leave, and that nothing was cancelled."""
    told = [
        f"{one.workflow} {short(one.execution)} on {one.scene or 'no scene'} (cancelled, it would leave {one.left()})"
        for one in found[:NAMED]
    ]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    said = (
        f"{counted(len(found), 'execution')} running, none was cancelled: {'; '.join(told)}{more}."
        if found
        else "No execution is running."
    )
    return " ".join([said, *(f"Not known: {one}" for one in unknown)])
