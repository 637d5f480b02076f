"""A CronJob is suspended and put back to what its spec.suspend was, and never what somebody else has set."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PreconditionFailed
from blocks.gke_cron_jobs import CronJobInfo, CronJobs
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.server import Sandbox
from tasks.actions.cron_jobs import TRIES, SetCronJob, cron_job_action, set_cron_job
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tests.remediation.world import apply, begun, inverse, look

NAME, SPACE = "episode-generation-scheduled", "blueprint"


def seen(environment: PipelineEnvironment) -> CronJobInfo:
    found = environment.cluster.cron_jobs.get(NAME)
    assert found is not None
    return found


def suspending(context: Context) -> Doing:
    """The only CronJob of the catalogue runs, and is to be suspended."""
    cron_jobs, now = context.environment.cluster.cron_jobs, seen(context.environment)
    now = cron_jobs.set_suspended(now, False) if now.suspended else now
    return begun(context, cron_job_action(SetCronJob(name=NAME, uid=now.uid, suspend=True), SPACE, "a test"), "@intake")


def starts_a_job(sandbox: Sandbox) -> None:
    """What the controller writes when it starts a Job, which changes the resourceVersion."""

    def how(item: dict[str, object]) -> dict[str, object]:
        return item | {"status": {"lastScheduleTime": f"2026-11-20T02:00:{sandbox_seconds():02d}Z"}}

    sandbox.cluster.registry.change(BY_PLURAL["cronjobs"], SPACE, NAME, how, sub="status")


def sandbox_seconds(_seen: list[int] = []) -> int:  # noqa: B006
    """Another number each time."""
    _seen.append(len(_seen))
    return len(_seen) % 60


def test_it_is_suspended_and_put_back_by_its_inverse(context: Context, environment: PipelineEnvironment) -> None:
    acting = suspending(context)
    assert look(set_cron_job, acting) is None
    assert apply(set_cron_job, acting) == "suspended"
    assert (seen(environment).suspended, look(set_cron_job, acting)) == (True, "suspended")
    back = inverse(set_cron_job, acting)
    assert back is not None
    assert (back.target, back.params["suspend"]) == (f"{SPACE}/{NAME}", False)
    assert apply(set_cron_job, begun(context, back, "@intake")) == "resumed"
    assert not seen(environment).suspended


def test_a_job_that_it_starts_meanwhile_is_no_reason_not_to_suspend_it(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting, real, left = suspending(context), CronJobs.set_suspended, [2]

    def raced(self: CronJobs, now: CronJobInfo, suspended: bool) -> CronJobInfo:
        if left[0]:
            left[0] -= 1
            starts_a_job(sandbox)
        return real(self, now, suspended)

    monkeypatch.setattr(CronJobs, "set_suspended", raced)
    assert apply(set_cron_job, acting) == "suspended"


def test_one_that_changes_whenever_it_is_looked_at_is_said(
    context: Context, sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting, real, tried = suspending(context), CronJobs.set_suspended, list[int]()

    def raced(self: CronJobs, now: CronJobInfo, suspended: bool) -> CronJobInfo:
        tried.append(1)
        starts_a_job(sandbox)
        return real(self, now, suspended)

    monkeypatch.setattr(CronJobs, "set_suspended", raced)
    with pytest.raises(PreconditionFailed):
        apply(set_cron_job, acting)
    assert (len(tried), seen(environment).suspended) == (TRIES, False)


def test_one_that_somebody_suspended_meanwhile_stays_theirs(context: Context, environment: PipelineEnvironment) -> None:
    acting = suspending(context)
    environment.cluster.cron_jobs.set_suspended(seen(environment), True)
    assert apply(set_cron_job, acting) == "has spec.suspend true already"
    assert inverse(set_cron_job, acting) is None


@pytest.mark.parametrize("again", [True, False])
def test_one_that_was_deleted_or_made_again_is_somebody_elses(context: Context, sandbox: Sandbox, again: bool) -> None:
    acting = suspending(context)
    sandbox.cluster.registry.delete(BY_PLURAL["cronjobs"], SPACE, NAME, {})
    if again:
        sandbox.cluster.create_cron_job(SPACE, NAME, "0 2 * * *", suspended=False)
    said = apply(set_cron_job, acting)
    assert ("another one of that name" in said) if again else (said == "is gone: somebody has deleted it")
    assert (look(set_cron_job, acting), inverse(set_cron_job, acting)) == (None, None)
    assert sandbox.cluster.suspended(SPACE).get(NAME) in (None, False)
    if not again:
        sandbox.cluster.create_cron_job(SPACE, NAME, "0 2 * * *", suspended=True)


def test_a_resume_is_not_taken_back(context: Context) -> None:
    acting = suspending(context)
    apply(set_cron_job, acting)
    back = inverse(set_cron_job, acting)
    assert back is not None
    with pytest.raises(NoWayBack, match="pause intake"):
        inverse(set_cron_job, begun(context, back, "@intake"))
