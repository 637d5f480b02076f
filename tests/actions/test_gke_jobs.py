"""A Job that has ended is deleted by its uid and created again, once, known by the run's id."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed, TemporaryError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.actions.gke_jobs import RecreateJob, keep_manifest, recreate_action, recreate_gke_job
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tests.remediation.world import apply, begun, inverse, look
from tests.rollback.world import SPACE, gpu_job

NAME, SUBJECT = "geniesim-gpu-kitchen-2", "@rollback.gke-job.geniesim-gpu-kitchen-2"


def planned(environment: PipelineEnvironment, sandbox: Sandbox, state: str = "failed") -> RecreateJob:
    """Of a Job with x:2 that shall have x:1."""
    gpu_job(sandbox, NAME, "x:2", state)
    live = environment.cluster.workloads.job(NAME)
    assert live is not None
    return RecreateJob(name=NAME, manifest=keep_manifest(environment, live), images={"x:2": "x:1"}, uid=live.uid)


def acting(context: Context, params: RecreateJob, **changes: Any) -> Doing:
    return begun(context, recreate_action(params.model_copy(update=changes), "why"), SUBJECT)


def there(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.cluster.get(SPACE, NAME)


def image(sandbox: Sandbox) -> str:
    return str(there(sandbox)["spec"]["template"]["spec"]["containers"][0]["image"])


def test_it_is_deleted_and_created_with_the_runs_id(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    doing = acting(context, planned(environment, sandbox))
    assert look(recreate_gke_job, doing) is None
    done = apply(recreate_gke_job, doing)
    made = there(sandbox)
    assert done == f"created with uid {made['metadata']['uid']}"
    assert (image(sandbox), made["metadata"]["labels"][RUN_LABEL]) == ("x:1", doing.journal.run)
    assert look(recreate_gke_job, doing) == f"found with uid {made['metadata']['uid']}"
    assert apply(recreate_gke_job, doing) == f"found with uid {made['metadata']['uid']}"
    assert there(sandbox)["metadata"]["uid"] == made["metadata"]["uid"], "not created twice"


def test_the_way_back_creates_the_former_one_suspended(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    doing = acting(context, planned(environment, sandbox))
    apply(recreate_gke_job, doing)
    with pytest.raises(NoWayBack, match="is at work with the image"):
        inverse(recreate_gke_job, doing)
    sandbox.cluster.set_state(SPACE, NAME, "succeeded")
    back = inverse(recreate_gke_job, doing)
    assert back is not None
    apply(recreate_gke_job, begun(context, back, SUBJECT))
    assert (image(sandbox), there(sandbox)["spec"]["suspend"]) == ("x:2", True)


def test_what_was_not_touched_needs_no_way_back(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    doing = acting(context, planned(environment, sandbox))
    assert inverse(recreate_gke_job, doing, "begun") is None


def test_what_was_only_deleted_comes_back(context: Context, environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    doing = acting(context, planned(environment, sandbox))
    sandbox.cluster.delete(SPACE, NAME, {})
    back = inverse(recreate_gke_job, doing, "begun")
    assert back is not None
    apply(recreate_gke_job, begun(context, back, SUBJECT))
    assert image(sandbox) == "x:2"


def test_another_one_of_that_name_is_left_alone(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    doing = acting(context, planned(environment, sandbox))
    sandbox.cluster.delete(SPACE, NAME, {})
    gpu_job(sandbox, NAME, "theirs:1", "failed")
    with pytest.raises(PreconditionFailed, match="somebody has created it again"):
        apply(recreate_gke_job, doing)
    with pytest.raises(NoWayBack, match="was created again since"):
        inverse(recreate_gke_job, doing)
    assert image(sandbox) == "theirs:1"


def test_one_at_work_is_not_deleted(context: Context, environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    doing = acting(context, planned(environment, sandbox, "running"))
    with pytest.raises(PermanentError, match="is at work; wait"):
        apply(recreate_gke_job, doing)
    assert image(sandbox) == "x:2"


def test_one_that_is_suspended_may_be_replaced(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    params = planned(environment, sandbox)
    sandbox.cluster.delete(SPACE, NAME, {})
    gpu_job(sandbox, NAME, "x:2", "running", suspend=True)
    doing = acting(context, params, uid=there(sandbox)["metadata"]["uid"])
    apply(recreate_gke_job, doing)
    assert (image(sandbox), there(sandbox)["spec"]["suspend"]) == ("x:1", False)


def test_a_record_that_is_not_the_approved_one_deletes_nothing(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    params = planned(environment, sandbox)
    where = f"remediation/definitions/gke-jobs/{NAME}/{params.manifest}.json"
    sandbox.store.put("sandbox-ops", where, b"{}", quiet=True)
    with pytest.raises(PermanentError, match="is not what was recorded"):
        apply(recreate_gke_job, acting(context, params))
    assert image(sandbox) == "x:2"


def test_a_cluster_that_does_not_answer_deletes_nothing(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.cluster.limits = environment.cluster.limits.model_copy(update={"attempts": 2})
    doing = acting(context, planned(environment, sandbox))
    sandbox.faults.add(FaultRule(service="kubernetes", method="jobs.delete", kind="status", status=503))
    with pytest.raises(TemporaryError):
        apply(recreate_gke_job, doing)
    assert image(sandbox) == "x:2"
