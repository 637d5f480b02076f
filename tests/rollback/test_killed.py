"""Killed anywhere, somebody else brings a rollback to its end, once; and two of one thing exclude each other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_workloads import Workloads
from deployments.sandbox.server import Sandbox
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.kernel.world import Killed, deaths, journals, killed_at
from tests.restore.world import quick
from tests.rollback.world import (
    JOB,
    WORKFLOW,
    broken_gpu_job,
    broken_job,
    broken_workflow,
    deploy,
    live_deployment,
    live_digest,
    live_workflow,
    rollback,
    source,
    undone,
)

Start = Callable[[PipelineEnvironment], Run]


def a_workflow(sandbox: Sandbox, environment: PipelineEnvironment) -> Start:
    """A workflow whose last revision is broken."""
    broken_workflow(sandbox, environment, good=1)
    return lambda one: rollback(one, "workflow", WORKFLOW)


def a_deployment(sandbox: Sandbox, environment: PipelineEnvironment) -> Start:
    """A Deployment at its second revision."""
    deploy(environment, "x:1")
    deploy(environment, "x:2")
    return lambda one: rollback(one, "deployment", "web", to="1")


def a_gke_job(sandbox: Sandbox, environment: PipelineEnvironment) -> Start:
    """A GPU Job that has failed."""
    _, bad = broken_gpu_job(sandbox, environment)
    return lambda one: rollback(one, "gke-job", bad)


def state(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[object, ...]:
    """What is deployed, without what is numbered anew."""
    deployment = environment.cluster.workloads.deployment("web")
    jobs = environment.cluster.workloads.jobs("geniesim-gpu-kitchen")
    return (
        live_workflow(environment).source,
        deployment.template if deployment is not None else None,
        [(job.name, job.images, job.state) for job in jobs],
    )


@pytest.mark.parametrize("make", [a_workflow, a_deployment, a_gke_job])
def test_killed_at_any_entry_of_its_journal_it_is_continued_to_the_same_end(
    make: Callable[[Sandbox, PipelineEnvironment], Start],
) -> None:
    with Sandbox(job_seconds=0.01, seed=7) as sandbox:
        environment = quick(sandbox)
        start = make(sandbox, environment)
        *moments, _ = deaths(sandbox, lambda: start(environment))  # after the last one nothing is left to continue
        wanted = state(sandbox, environment)
        environment.close()
    assert len(moments) >= 6
    for number, before in moments:
        with Sandbox(job_seconds=0.01, seed=7) as sandbox:
            environment = quick(sandbox)
            start = make(sandbox, environment)
            with pytest.raises(Killed), killed_at(number, before=before):
                start(environment)
            one = start(environment)
            assert one.outcome in ("done", "nothing_to_do"), (number, one.sentence())
            assert state(sandbox, environment) == wanted, number
            assert all(journal.ended for journal in journals(environment, sandbox, one.subject))
            environment.close()


def test_killed_between_deleting_and_creating_a_gpu_job_the_next_one_creates_it(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = a_gke_job(sandbox, environment)

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Workloads, "create_job", dies)
        with pytest.raises(Killed):
            start(environment)
    assert environment.cluster.workloads.jobs("geniesim-gpu-kitchen") == []
    one = start(environment)
    assert (one.outcome, bool(one.continues)) == ("done", True), one.sentence()
    (job,) = environment.cluster.workloads.jobs("geniesim-gpu-kitchen")
    assert job.labels[RUN_LABEL] == one.id


def test_a_run_that_was_killed_after_it_deployed_can_be_undone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    start = a_workflow(sandbox, environment)
    with pytest.raises(Killed), killed_at(3, before=True):  # deployed, and the outcome not written
        start(environment)
    assert live_workflow(environment).source != source("changed")
    (journal,) = journals(environment, sandbox, f"@rollback.workflow.{WORKFLOW}")
    one = Run(Context(environment, "x"), "rollback")
    one.subject, one.id = journal.subject, journal.run
    assert undone(environment, one).outcome == "done"
    assert live_workflow(environment).source == source("changed")


def test_another_target_gives_an_interrupted_one_up(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    start = a_deployment(sandbox, environment)
    deploy(environment, "x:3")
    with pytest.raises(Killed), killed_at(2, before=False):
        start(environment)
    one = rollback(environment, "deployment", "web", to="2")
    assert one.outcome == "done", one.sentence()
    assert live_deployment(environment).template["spec"]["containers"][0]["image"] == "x:2"
    assert all(journal.ended for journal in journals(environment, sandbox, one.subject))


def test_of_two_at_once_one_works_and_the_other_is_told_who(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_job(sandbox, environment)
    sandbox.requests.reset()
    barrier, ended = threading.Barrier(2), []

    def start(actor: str) -> None:
        barrier.wait()
        context = Context(environment, actor, gone=lambda _: False)
        ended.append(rollback(environment, "job", JOB, context=context))

    threads = [threading.Thread(target=start, args=(actor,)) for actor in ("ann", "bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.outcome for one in ended) in (["busy", "done"], ["done", "nothing_to_do"])
    assert sandbox.requests.count("run", "UpdateJob") == 1
    assert sandbox.requests.count("run", "RunJob") == 1
    assert live_digest(environment) == former


def test_a_rollback_of_another_thing_is_not_waited_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    a_deployment(sandbox, environment)

    def start() -> Run:
        return rollback(environment, "deployment", "web", to="1", context=Context(environment, "ann"))

    with Context(environment, "bo").holding("@rollback.deployment.web", "their-run"):
        one = start()
    assert (one.outcome, "bo" in one.reasons[0]) == ("busy", True)
    with Context(environment, "bo").holding(f"@rollback.job.{JOB}", "their-run"):
        assert start().outcome == "done"
