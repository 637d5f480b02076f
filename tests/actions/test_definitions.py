"""A definition is deployed as it was recorded, only over the one that was seen, which is kept; the way back is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from deployments.sandbox.server import Sandbox
from tasks.actions.definitions import (
    Definition,
    DefinitionKind,
    DeployDefinition,
    body_of,
    deploy_definition,
    digest_of,
    keep_definition,
    kept_name,
    live_definition,
    read_definition,
    revision_of,
    same,
)
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tasks.remediation.outcome import Stopped
from tests.kernel.world import policies
from tests.remediation.world import apply, doing, inverse, look
from tests.restore.test_definitions import JOB, WORKFLOW, change, live_job, live_workflow, set_variable

BACKUP, WHERE = "sandbox-backup", "definitions/recorded.json"


def live(environment: PipelineEnvironment, kind: DefinitionKind) -> Definition:
    found = live_definition(environment, kind, WORKFLOW if kind == "workflow" else JOB)
    assert found is not None
    return found


def alter(environment: PipelineEnvironment, kind: DefinitionKind, how: str = "one") -> None:
    if kind == "workflow":
        change(environment, f"main:\n  steps:\n    - done:\n        return: {how}\n")
    else:
        set_variable(environment, how)


def recorded(environment: PipelineEnvironment, sandbox: Sandbox, kind: DefinitionKind) -> DeployDefinition:
    """What is live now, recorded in the backup; then something else is deployed, and that is what was seen."""
    definition = live(environment, kind)
    sandbox.store.put(BACKUP, WHERE, body_of(definition), quiet=True)
    alter(environment, kind)
    seen = live(environment, kind)
    return DeployDefinition(
        kind=kind,
        name=definition.name,
        bucket=BACKUP,
        object=WHERE,
        sha256=digest_of(definition),
        expected=revision_of(seen),
        former=digest_of(seen),
    )


def deploying(context: Context, params: DeployDefinition, **changes: Any) -> Doing:
    return doing(context, deploy_definition, params.model_copy(update=changes), "@restore")


both = pytest.mark.parametrize("kind", ["workflow", "job"])


@both
def test_it_is_deployed_and_what_it_replaced_is_kept_and_comes_back(
    context: Context, sandbox: Sandbox, kind: DefinitionKind
) -> None:
    environment = context.environment
    acting = deploying(context, recorded(environment, sandbox, kind))
    before = live(environment, kind)
    assert look(deploy_definition, acting) is None
    assert apply(deploy_definition, acting) == f"deployed as {revision_of(live(environment, kind))}"
    assert look(deploy_definition, acting) == "found deployed"
    kept = sandbox.store.get("sandbox-ops", kept_name(kind, before.name, digest_of(before)))
    assert kept is not None
    assert kept.data == body_of(before)
    assert apply(deploy_definition, acting) == "found deployed"
    back = inverse(deploy_definition, acting)
    assert back is not None
    apply(deploy_definition, doing(context, deploy_definition, deploy_definition.read(back), "@restore"))
    assert same(before, live(environment, kind))


@both
def test_one_that_was_deployed_since_it_was_seen_is_left_alone(
    context: Context, sandbox: Sandbox, kind: DefinitionKind
) -> None:
    acting = deploying(context, recorded(context.environment, sandbox, kind))
    alter(context.environment, kind, "somebody's")
    theirs = live(context.environment, kind)
    with pytest.raises(PreconditionFailed):
        apply(deploy_definition, acting)
    assert live(context.environment, kind) == theirs
    with pytest.raises(NoWayBack, match="was deployed again since run"):
        inverse(deploy_definition, acting)


@both
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bucket": "sandbox-scenes"}, "which holds no records; look who wrote it"),
        ({"sha256": "0" * 64}, "is not what was recorded; use another record"),
        ({"name": "another"}, "not of another"),
    ],
)
def test_what_is_not_the_approved_record_is_not_deployed(
    context: Context, sandbox: Sandbox, kind: DefinitionKind, changes: dict[str, str], says: str
) -> None:
    params = recorded(context.environment, sandbox, kind)
    sandbox.store.put("sandbox-scenes", WHERE, sandbox.store.get(BACKUP, WHERE).data, quiet=True)  # type: ignore[union-attr]
    before = live(context.environment, kind)
    with pytest.raises(PermanentError, match=says):
        apply(deploy_definition, deploying(context, params, **changes))
    assert live(context.environment, kind) == before


@both
def test_the_switch_stops_it_before_it_is_deployed(context: Context, sandbox: Sandbox, kind: DefinitionKind) -> None:
    acting = deploying(context, recorded(context.environment, sandbox, kind))
    before = live(context.environment, kind)
    policies(context.environment, kill_switch=["by ann: fire"])
    context._asked = float("-inf")
    with pytest.raises(Stopped):
        apply(deploy_definition, acting)
    assert live(context.environment, kind) == before


@both
def test_where_nothing_was_deployed_before_a_person_takes_it_back(
    context: Context, sandbox: Sandbox, kind: DefinitionKind
) -> None:
    acting = deploying(context, recorded(context.environment, sandbox, kind), former="")
    apply(deploy_definition, acting)
    with pytest.raises(NoWayBack, match="delete it by hand if it is wrong"):
        inverse(deploy_definition, acting)


@both
def test_a_record_is_read_back_as_it_was_and_kept_once(
    environment: PipelineEnvironment, sandbox: Sandbox, kind: DefinitionKind
) -> None:
    definition = live(environment, kind)
    sha256 = keep_definition(environment, kind, definition)
    assert keep_definition(environment, kind, definition) == sha256 == digest_of(definition)
    name = kept_name(kind, definition.name, sha256)
    assert read_definition(environment, kind, "sandbox-ops", name, sha256) == definition
    assert sha256 in name
    assert len(list(sandbox.store.list("sandbox-ops", "remediation/definitions/"))) == 1


def test_the_same_is_what_does_the_same_whatever_its_number(environment: PipelineEnvironment) -> None:
    workflow, job = live_workflow(environment), live_job(environment)
    assert same(workflow, replace(workflow, revision_id="other", revision_create_time="other"))
    assert not same(workflow, replace(workflow, source="other"))
    assert not same(workflow, replace(workflow, service_account="other"))
    assert same(job, replace(job, etag="other", generation=99))
    assert not same(job, set_variable(environment, "other"))
    for one, other in ((workflow, job), (job, workflow), (workflow, None), (job, None)):
        assert not same(one, other)


def test_nothing_has_no_revision_and_no_digest(environment: PipelineEnvironment) -> None:
    assert (revision_of(None), digest_of(None)) == ("", "")
    assert live_definition(environment, "workflow", "no-such") is None
    assert live_definition(environment, "job", "no-such") is None
    assert revision_of(live_workflow(environment)) == live_workflow(environment).revision_id != ""
    assert revision_of(live_job(environment)) == live_job(environment).etag != ""
