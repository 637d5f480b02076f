"""What is deployed, as JSON: workflows by revision, jobs with the digests of their images, triggers, schedulers.

Each state of each is one object, named after its content and created only when it is new. A night's list says which of
them were live. Values are captured as Google's API gives them and never shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, PreconditionFailed
from blocks.job_definitions import JobDefinition
from blocks.storage_bulk import BulkStorage
from blocks.workflow_definitions import WorkflowDefinition
from tasks.remediation.plan import canonical
from tasks.snapshots.layout import DefinitionKind, Layout
from tasks.snapshots.summary import DefinitionRecord

AT_A_TIME = 8
"""Questions to the services at the same time."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One thing that is deployed: its line in the night's list, and its JSON."""

    record: DefinitionRecord
    body: bytes
    new: bool
    """Whether there is no object with this content yet."""


@dataclass(slots=True)
class Deployed:
    """All that is deployed, and what could not be told."""

    found: list[Definition] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def new(self) -> list[Definition]:
        """What must be written."""
        return [one for one in self.found if one.new]


One = tuple[DefinitionKind, str, str, tuple[str, ...], Any]
"""Kind, name, revision, digests, JSON."""
Found = Iterable[One]


def observe_deployed(environment: PipelineEnvironment, layout: Layout) -> Deployed:
    """Ask the services what is deployed. Not deployed is a normal answer; a refusal is a problem that is named."""
    catalogue, deployed = environment.catalogue, Deployed()
    looks: list[tuple[str, Callable[[], Found]]] = [
        *((f"workflow {name}", lambda name=name: workflow(environment, name)) for name in catalogue.workflows),
        *((f"job {name}", lambda name=name: job(environment, name)) for name in catalogue.jobs),
        ("the triggers", lambda: triggers(environment)),
        ("the schedulers", lambda: schedulers(environment)),
    ]
    load_libraries()  # before the threads, which would do it in each other's way
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        answers = [(what, pool.submit(lambda look=look: list(look()))) for what, look in looks]  # type: ignore[misc]
    there = {entry.name for page in existing(environment, layout) for entry in page}
    absent = []
    for what, answer in answers:
        try:
            found = answer.result()
        except OutsideError as error:
            deployed.problems.append(f"{what[0].upper()}{what[1:]} could not be captured: {error}")
            continue
        if not found:
            absent.append(what)
        deployed.found += [definition(layout, there, one) for one in found]
    deployed.notes += by_tag(deployed)
    if absent:
        deployed.notes.append(f"Not deployed, so not captured: {', '.join(absent)}.")
    return deployed


def by_tag(deployed: Deployed) -> list[str]:
    """Say of which jobs nobody can tell the image: a tag can be moved."""
    names = [one.record.name for one in deployed.found if any("@sha256:" not in image for image in one.record.digests)]
    if not names:
        return []
    return [f"The image's digest is not known of {', '.join(names)}: deployed by tag and not run since."]


def existing(environment: PipelineEnvironment, layout: Layout) -> Iterable[Any]:
    """Pages of the definitions that were captured before."""
    return BulkStorage(environment.storage).pages(layout.bucket, layout.definitions_root)


def definition(layout: Layout, there: set[str], found: One) -> Definition:
    """One thing that is deployed, with the name its JSON gets."""
    kind, name, revision, digests, value = found
    body = canonical(value)
    sha256 = hashlib.sha256(body).hexdigest()
    where = layout.definition_name(kind, name, sha256)
    record = DefinitionRecord(kind=kind, name=name, revision=revision, digests=digests, sha256=sha256, object=where)
    return Definition(record, body, where not in there)


def workflow(environment: PipelineEnvironment, name: str) -> Found:
    """A workflow's live revision."""
    live: WorkflowDefinition | None = environment.workflows.definition(name)
    if live is not None:
        yield "workflows", name, live.revision_id, (), asdict(live)


def job(environment: PipelineEnvironment, name: str) -> Found:
    """A job, with its images by digest where that is known."""
    live: JobDefinition | None = environment.jobs.definition(name)
    if live is not None:
        yield "jobs", name, live.etag, tuple(image.pinned for image in live.images), asdict(live)


def triggers(environment: PipelineEnvironment) -> Found:
    """Every trigger of the project and region."""
    for one in environment.triggers.definitions():
        yield "triggers", short(one), str(one.get("etag", "")), (), one


def schedulers(environment: PipelineEnvironment) -> Found:
    """Every scheduler; times of its runs change each day and are not part of what it is."""
    for one in environment.schedulers.list():
        lasting = {key: value for key, value in one.definition.items() if key not in RUN_TIMES}
        yield "schedulers", one.name, "", (), lasting


RUN_TIMES = ("lastAttemptTime", "scheduleTime", "status")
"""What Cloud Scheduler says of a job's runs, among what it says of the job."""


def short(resource: dict[str, Any]) -> str:
    """The last part of a resource's name."""
    return str(resource["name"]).rsplit("/", 1)[-1]


def capture(environment: PipelineEnvironment, layout: Layout, deployed: Deployed) -> int:
    """Write what is new; how many there were. What is there by now was written by an earlier try."""

    def write(one: Definition) -> None:
        with suppress(PreconditionFailed):
            environment.storage.create(layout.bucket, one.record.object, one.body)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(write, deployed.new))
    return len(deployed.new)
