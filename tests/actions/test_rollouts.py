"""A Deployment gets the kept template only in place of the one that was seen, and the way back is the same action."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed, UnknownOutcome
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.actions.rollouts import (
    RollDeployment,
    keep_template,
    live_deployment,
    roll_action,
    roll_deployment,
    template_digest,
)
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tasks.remediation.outcome import Stopped
from tests.kernel.world import policies
from tests.remediation.world import apply, begun, inverse, look
from tests.rollback.world import SPACE, apps, deploy

SUBJECT = "@rollback.deployment.web"


def planned(environment: PipelineEnvironment, to: str = "x:1") -> RollDeployment:
    """Of a Deployment that runs x:2: what it runs, and what it shall."""
    deploy(environment, "x:2")
    live = live_deployment(environment, "web").template
    wanted = copy.deepcopy(live)
    wanted["spec"]["containers"][0]["image"] = to
    return RollDeployment(
        name="web", template=keep_template(environment, "web", wanted), former=template_digest(live), cause="a test"
    )


def acting(context: Context, params: RollDeployment, **changes: Any) -> Doing:
    return begun(context, roll_action(params.model_copy(update=changes), "why"), SUBJECT)


def image(environment: PipelineEnvironment) -> str:
    return str(live_deployment(environment, "web").template["spec"]["containers"][0]["image"])


def test_it_is_rolled_and_comes_back_by_its_inverse(context: Context, environment: PipelineEnvironment) -> None:
    doing = acting(context, planned(environment))
    assert look(roll_deployment, doing) is None
    assert apply(roll_deployment, doing) == "rolled to generation 2"
    assert image(environment) == "x:1"
    assert look(roll_deployment, doing) == "found at revision 2"
    assert apply(roll_deployment, doing) == "found at revision 2"
    back = inverse(roll_deployment, doing)
    assert back is not None
    apply(roll_deployment, begun(context, back, SUBJECT))
    assert image(environment) == "x:2"


def test_what_it_replaces_is_kept_although_the_plan_forgot(context: Context, environment: PipelineEnvironment) -> None:
    params = planned(environment)
    apply(roll_deployment, acting(context, params))
    name = f"remediation/definitions/deployments/web/{params.former}.json"
    assert environment.storage.stat(environment.ops_bucket, name) is not None


def test_another_template_than_was_seen_is_left_alone(context: Context, environment: PipelineEnvironment) -> None:
    doing = acting(context, planned(environment))
    deploy(environment, "theirs:1")
    with pytest.raises(PreconditionFailed, match="was changed since it was looked at: it is at revision 2"):
        apply(roll_deployment, doing)
    with pytest.raises(NoWayBack, match="was changed again since run"):
        inverse(roll_deployment, doing)
    assert image(environment) == "theirs:1"


def test_a_change_between_the_look_and_the_patch_is_seen_by_the_cluster(
    context: Context, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resource version that was read with the template is the patch's precondition."""
    doing = acting(context, planned(environment))
    monkeypatch.setattr("tasks.actions.rollouts.keep_template", lambda *_: deploy(environment, "theirs:1"))
    with pytest.raises(PreconditionFailed, match="changed by somebody else"):
        apply(roll_deployment, doing)
    assert image(environment) == "theirs:1"


def test_one_that_is_gone_and_a_record_that_is_not_the_approved_one(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    params = planned(environment)
    where = f"remediation/definitions/deployments/web/{params.template}.json"
    sandbox.store.put("sandbox-ops", where, b"{}", quiet=True)
    with pytest.raises(PermanentError, match="is not what was recorded"):
        apply(roll_deployment, acting(context, params))
    apps(environment).delete_namespaced_deployment("web", SPACE)
    with pytest.raises(NotFound, match="who has deleted it"):
        live_deployment(environment, "web")
    assert look(roll_deployment, acting(context, params)) is None


def test_the_switch_stops_it_before_it_is_rolled(context: Context, environment: PipelineEnvironment) -> None:
    doing = acting(context, planned(environment))
    policies(environment, kill_switch=["by ann: fire"])
    context._asked = float("-inf")
    with pytest.raises(Stopped):
        apply(roll_deployment, doing)
    assert image(environment) == "x:2"


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "status"])
def test_one_fault_of_the_cluster_is_not_noticed(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, kind: str
) -> None:
    doing = acting(context, planned(environment))
    sandbox.faults.add(
        FaultRule.model_validate({"service": "kubernetes", "method": "deployments.patch", "kind": kind, "times": 1})
    )
    apply(roll_deployment, doing)
    assert image(environment) == "x:1"


def test_answers_that_are_all_lost_are_an_unknown_outcome_and_then_found(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.cluster.limits = environment.cluster.limits.model_copy(update={"attempts": 1})
    doing = acting(context, planned(environment))
    sandbox.faults.add(FaultRule(service="kubernetes", method="deployments.patch", kind="lost_answer"))
    with pytest.raises(UnknownOutcome):
        apply(roll_deployment, doing)
    sandbox.faults.clear()
    assert look(roll_deployment, doing) == "found at revision 2"
