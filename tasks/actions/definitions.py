"""The action `deploy_definition`: deploy a workflow or a job as it was recorded, only over the one that was seen.

What is live is kept in the ops bucket before it is replaced, by its content, so that the way back is the same action:

    remediation/definitions/<kind>s/<name>/<sha256>.json        created once
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from blocks.job_definitions import JobDefinition
from blocks.workflow_definitions import WorkflowDefinition
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action, canonical

ROOT = "remediation/definitions/"
DefinitionKind = Literal["workflow", "job"]
Definition = WorkflowDefinition | JobDefinition


class DeployDefinition(Params):
    """A recorded definition, and what it replaces."""

    kind: DefinitionKind
    name: str
    bucket: str
    object: str
    """Where its JSON is."""
    sha256: str
    """Of its JSON."""
    expected: str = ""
    """Revision or etag of the live one; empty: nothing is deployed."""
    former: str = ""
    """SHA-256 of the live one's JSON, as it is kept; empty: nothing is deployed, or nobody keeps it."""


def live_definition(environment: PipelineEnvironment, kind: DefinitionKind, name: str) -> Definition | None:
    """What is deployed now; None when nothing is."""
    return environment.workflows.definition(name) if kind == "workflow" else environment.jobs.definition(name)


def read_definition(
    environment: PipelineEnvironment, kind: DefinitionKind, bucket: str, name: str, sha256: str
) -> Definition:
    """A recorded definition. Raises PermanentError when its bytes are not those that were recorded."""
    value = read_kept(environment, bucket, name, sha256)
    return WorkflowDefinition.from_dict(value) if kind == "workflow" else JobDefinition.from_dict(value)


def read_kept(environment: PipelineEnvironment, bucket: str, name: str, sha256: str) -> dict[str, Any]:
    """A recorded JSON object. Raises PermanentError when its bytes are not those that were recorded."""
    body = environment.storage.read(bucket, name)
    if hashlib.sha256(body).hexdigest() != sha256:
        raise PermanentError(f"gs://{bucket}/{name} is not what was recorded; use another record.")
    value: dict[str, Any] = json.loads(body)
    return value


def same(recorded: Definition, live: Definition | None) -> bool:
    """Whether what is live does what was recorded."""
    if isinstance(recorded, WorkflowDefinition):
        return isinstance(live, WorkflowDefinition) and live.same_as(recorded)
    return isinstance(live, JobDefinition) and live.pinned() == recorded.pinned()


def revision_of(live: Definition | None) -> str:
    """What a deployment's precondition is: a workflow's revision, a job's etag; empty when nothing is deployed."""
    return live.revision_id if isinstance(live, WorkflowDefinition) else live.etag if live else ""


def body_of(definition: Definition) -> bytes:
    """A definition as JSON."""
    return canonical(asdict(definition))


def digest_of(definition: Definition | None) -> str:
    """SHA-256 of a definition's JSON; empty for none."""
    return hashlib.sha256(body_of(definition)).hexdigest() if definition is not None else ""


def kept_name(kind: str, name: str, sha256: str) -> str:
    """Where a definition that is replaced is kept in the ops bucket."""
    return f"{ROOT}{kind}s/{name}/{sha256}.json"


def keep_definition(environment: PipelineEnvironment, kind: DefinitionKind, definition: Definition) -> str:
    """Keep what is about to be replaced; its SHA-256."""
    return keep_body(environment, kind, definition.name, body_of(definition))


@dataclass(frozen=True, slots=True)
class Kept:
    """The JSON of something that is deployed, to be put into the ops bucket before anything is done."""

    kind: str
    name: str
    body: bytes

    @property
    def sha256(self) -> str:
        """By which it is found again."""
        return hashlib.sha256(self.body).hexdigest()


def keep_body(environment: PipelineEnvironment, kind: str, name: str, body: bytes) -> str:
    """Keep the JSON of something that is deployed; its SHA-256."""
    sha256 = hashlib.sha256(body).hexdigest()
    with suppress(PreconditionFailed):  # its name is its content
        environment.storage.create(environment.ops_bucket, kept_name(kind, name, sha256), body)
    return sha256


def apply_deploy(doing: Doing, params: DeployDefinition) -> str:
    """Deploy the recorded definition over the live one that was seen, and read it back.

    Raises:
        PreconditionFailed: another one is live by now; nothing was changed.
        PermanentError: the record is not what was approved, or what is live was not kept.
    """
    environment = doing.context.environment
    if params.bucket not in (environment.backup_bucket, environment.ops_bucket):
        raise PermanentError(f"The plan deploys from gs://{params.bucket}, which holds no records; look who wrote it.")
    recorded = read_definition(environment, params.kind, params.bucket, params.object, params.sha256)
    if recorded.name != params.name:
        raise PermanentError(f"gs://{params.bucket}/{params.object} is of {recorded.name}, not of {params.name}.")
    live = live_definition(environment, params.kind, params.name)
    if same(recorded, live):
        return "found deployed"
    if live is not None:
        keep_definition(environment, params.kind, live)
    doing.check()
    if isinstance(recorded, WorkflowDefinition):
        deployed = environment.workflows.deploy(recorded, expected_revision=params.expected)
        return f"deployed as {deployed.revision_id}"
    return f"deployed as {environment.jobs.deploy(recorded, etag=params.expected).etag}"


def look_deployed(doing: Doing, params: DeployDefinition) -> str | None:
    """Whether what is live does what was recorded."""
    environment = doing.context.environment
    recorded = read_definition(environment, params.kind, params.bucket, params.object, params.sha256)
    return "found deployed" if same(recorded, live_definition(environment, params.kind, params.name)) else None


def inverse_of_deploy(doing: Doing, params: DeployDefinition, _result: str) -> Action | None:
    """Deploy the former one, while what this run deployed is live. Raises `NoWayBack`."""
    environment = doing.context.environment
    live = live_definition(environment, params.kind, params.name)
    recorded = read_definition(environment, params.kind, params.bucket, params.object, params.sha256)
    what = f"{params.kind} {params.name}"
    if not same(recorded, live):
        raise NoWayBack(f"The {what} was deployed again since run {doing.journal.run}: that one is left alone.")
    if not params.former:
        raise NoWayBack(
            f"Nothing was deployed as {what} before run {doing.journal.run}: delete it by hand if it is wrong."
        )
    former = kept_name(params.kind, params.name, params.former)
    return deploy_definition.action(
        DeployDefinition(
            kind=params.kind,
            name=params.name,
            bucket=environment.ops_bucket,
            object=former,
            sha256=params.former,
            expected=revision_of(live),
            former=digest_of(live),
        ),
        step="redeploy",
        target=what,
        precondition=f"the live one is still {revision_of(live)}",
        undo="undo this run",
        why=f"it was so before run {doing.journal.run}",
        replaced=1,
    )


deploy_definition = Kind(
    name="deploy_definition",
    params=DeployDefinition,
    effect="configure",
    apply=apply_deploy,
    look=look_deployed,
    inverse=inverse_of_deploy,
    task="redeploy",
)
