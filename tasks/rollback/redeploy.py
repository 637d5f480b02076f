"""The action that deploys a job or a workflow as it was, from what is kept in the ops bucket."""

from __future__ import annotations

from blocks.job_definitions import JobDefinition
from tasks.actions.definitions import (
    Definition,
    DefinitionKind,
    DeployDefinition,
    body_of,
    deploy_definition,
    digest_of,
    kept_name,
    revision_of,
)
from tasks.remediation.plan import Action
from tasks.rollback.facts import STEP


def seen(live: Definition) -> str:
    """What was seen, in words: a job's etag says nothing to anybody."""
    return f"generation {live.generation}" if isinstance(live, JobDefinition) else f"revision {live.revision_id}"


def redeploy(bucket: str, kind: DefinitionKind, wanted: Definition, live: Definition, why: str) -> Action:
    """Deploy `wanted`, which is kept in `bucket` before, over the live definition that was seen."""
    sha256 = digest_of(wanted)
    return deploy_definition.action(
        DeployDefinition(
            kind=kind,
            name=wanted.name,
            bucket=bucket,
            object=kept_name(kind, wanted.name, sha256),
            sha256=sha256,
            expected=revision_of(live),
            former=digest_of(live),
        ),
        step=STEP,
        target=f"{kind} {wanted.name}",
        precondition=f"the live one is still {seen(live)}",
        undo="undo this run: it deploys the former one, which is kept in the ops bucket",
        why=why,
        replaced=1,
        replaced_bytes=len(body_of(live)),
    )
