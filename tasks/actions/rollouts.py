"""The action `roll_deployment`: give a Deployment another Pod template, and only in place of the one that was seen.

Both templates are kept in the ops bucket by their content, so that the way back is the same action:

    remediation/definitions/deployments/<name>/<sha256>.json        created once
"""

from __future__ import annotations

import hashlib
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PreconditionFailed
from blocks.gke_manifests import Deployment
from tasks.actions.definitions import keep_body, kept_name, read_kept
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action, canonical

DEPLOYMENT = "deployment"
"""What the kept templates are called in the ops bucket."""


class RollDeployment(Params):
    """A kept template, and the one that it replaces."""

    name: str
    template: str
    """SHA-256 of the wanted template's JSON, as it is kept."""
    former: str
    """SHA-256 of the live template's JSON when this was planned: the precondition."""
    cause: str
    """What `kubectl rollout history` shows of it."""


def template_digest(template: dict[str, Any]) -> str:
    """SHA-256 of a template's JSON."""
    return hashlib.sha256(canonical(template)).hexdigest()


def keep_template(environment: PipelineEnvironment, name: str, template: dict[str, Any]) -> str:
    """Keep a template; its SHA-256."""
    return keep_body(environment, DEPLOYMENT, name, canonical(template))


def live_deployment(environment: PipelineEnvironment, name: str) -> Deployment:
    """The Deployment as it is now. Raises NotFound."""
    found = environment.cluster.workloads.deployment(name)
    if found is None:
        raise NotFound(f"Deployment {name} is gone from namespace {environment.cluster.namespace}; who has deleted it?")
    return found


def apply_roll(doing: Doing, params: RollDeployment) -> str:
    """Put the wanted template in the place of the one that was seen.

    The resource version changes with every Pod that comes or goes, so the template is compared, and the resource
    version that was read with it is the API's precondition.

    Raises:
        PreconditionFailed: another template is live by now; nothing was changed.
        PermanentError: the Deployment is gone, or the kept template is not what was approved.
    """
    environment = doing.context.environment
    where = kept_name(DEPLOYMENT, params.name, params.template)
    wanted = read_kept(environment, environment.ops_bucket, where, params.template)
    live = live_deployment(environment, params.name)
    if template_digest(live.template) == params.template:
        return f"found at revision {live.revision}"
    if template_digest(live.template) != params.former:
        raise PreconditionFailed(
            f"Deployment {params.name} was changed since it was looked at: it is at revision {live.revision} with another "
            "template. Nothing was changed; look at it and plan again."
        )
    keep_template(environment, params.name, live.template)
    doing.check()
    rolled = environment.cluster.workloads.roll(
        params.name, wanted, resource_version=live.resource_version, cause=f"{params.cause} ({doing.journal.run})"
    )
    return f"rolled to generation {rolled.generation}"


def look_rolled(doing: Doing, params: RollDeployment) -> str | None:
    """Whether the wanted template is live."""
    found = doing.context.environment.cluster.workloads.deployment(params.name)
    is_so = found is not None and template_digest(found.template) == params.template
    return f"found at revision {found.revision}" if found is not None and is_so else None


def inverse_of_roll(doing: Doing, params: RollDeployment, _result: str) -> Action | None:
    """Put the former template back, while the one that this run put there is live. Raises `NoWayBack`."""
    if look_rolled(doing, params) is None:
        raise NoWayBack(
            f"Deployment {params.name} was changed again since run {doing.journal.run}: that change is left alone."
        )
    back = RollDeployment(name=params.name, template=params.former, former=params.template, cause="undone")
    return roll_action(back, f"it was so before run {doing.journal.run}")


def roll_action(params: RollDeployment, why: str, step: str = "redeploy") -> Action:
    """The action that puts a template in its place."""
    return roll_deployment.action(
        params,
        step=step,
        target=f"deployment {params.name}",
        precondition=f"its template is still the one that was seen (sha256 {params.former[:12]})",
        undo="undo this run: it puts the former template back, which is kept in the ops bucket",
        why=why,
        replaced=1,
    )


roll_deployment = Kind(
    name="roll_deployment",
    params=RollDeployment,
    effect="configure",
    apply=apply_roll,
    look=look_rolled,
    inverse=inverse_of_roll,
    task="redeploy",
)
