"""Work in the cluster is turned off and on, only the very object that was seen, and never what runs by now."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import PreconditionFailed
from blocks.gke_switches import Work, WorkKind
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.actions.work import SetWork, set_work, work_action
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tests.gpu_capacity.world import RUNS, SPACE, WAITS, deployment, full_pool, nightly
from tests.remediation.world import apply, begun, inverse, look

FORMER: dict[WorkKind, int] = {"Job": 0, "CronJob": 0, "Deployment": 2}
WANT: dict[WorkKind, int] = {"Job": 1, "CronJob": 1, "Deployment": 0}
NAMES: dict[WorkKind, str] = {"Job": WAITS, "CronJob": "episode-generation-scheduled", "Deployment": "viewer"}
every = pytest.mark.parametrize("kind", list(NAMES))


@pytest.fixture(autouse=True)
def at_work(sandbox: Sandbox) -> None:
    """One of each kind; the Job waits."""
    full_pool(sandbox)
    deployment(sandbox, "viewer", 2)


def live(environment: PipelineEnvironment, kind: WorkKind, name: str = "") -> Work:
    found = environment.cluster.switches.get(kind, name or NAMES[kind])
    assert found is not None
    return found


def setting(context: Context, kind: WorkKind, name: str = "", **more: object) -> Doing:
    seen = live(context.environment, kind, name)
    told = {"kind": kind, "name": seen.name, "uid": seen.uid, "want": WANT[kind], "former": FORMER[kind]} | more
    return begun(context, work_action(SetWork.model_validate(told), "let work wait", "a test"), "@gpu")


@every
def test_it_is_turned_off_and_put_back_by_its_inverse(
    context: Context, environment: PipelineEnvironment, kind: WorkKind
) -> None:
    acting = setting(context, kind)
    assert look(set_work, acting) is None
    said = apply(set_work, acting)
    assert (live(environment, kind).setting, look(set_work, acting)) == (WANT[kind], said)
    back = inverse(set_work, acting)
    assert back is not None
    apply(set_work, begun(context, back, "@gpu"))
    assert live(environment, kind).setting == FORMER[kind]


@every
def test_another_one_of_that_name_is_left_alone(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, kind: WorkKind
) -> None:
    acting = setting(context, kind, uid="of-an-earlier-one")
    assert apply(set_work, acting) == "is gone"
    assert live(environment, kind).setting == FORMER[kind]
    assert inverse(set_work, acting) is None


@every
def test_what_somebody_has_turned_off_already_is_not_turned_on_by_an_undo(
    context: Context, environment: PipelineEnvironment, kind: WorkKind
) -> None:
    acting = setting(context, kind)
    environment.cluster.switches.set(live(environment, kind), WANT[kind])
    assert apply(set_work, acting).endswith("already")
    assert inverse(set_work, acting) is None
    assert live(environment, kind).setting == WANT[kind]


def test_a_job_that_runs_is_left_to_run_unless_that_was_planned(
    context: Context, environment: PipelineEnvironment
) -> None:
    acting = setting(context, "Job", RUNS)
    assert apply(set_work, acting) == "runs by now, and is left to run"
    assert live(environment, "Job", RUNS).ready == 1
    assert apply(set_work, setting(context, "Job", RUNS, interrupt=True)) == "suspended"
    assert live(environment, "Job", RUNS).ready == 0


def test_a_job_that_has_ended_is_neither_suspended_nor_resumed(context: Context, sandbox: Sandbox) -> None:
    acting = setting(context, "Job")
    sandbox.cluster.set_state(SPACE, WAITS, "succeeded")
    assert apply(set_work, acting) == "has ended"
    assert inverse(set_work, acting) is None


def test_a_deployment_that_somebody_has_scaled_is_not_touched(
    context: Context, environment: PipelineEnvironment
) -> None:
    acting = setting(context, "Deployment")
    environment.cluster.switches.set(live(environment, "Deployment"), 5)
    with pytest.raises(PreconditionFailed, match="is 5 replicas, not 2 replicas"):
        apply(set_work, acting)
    assert live(environment, "Deployment").setting == 5


def test_what_somebody_has_scaled_since_is_not_set_back(context: Context, environment: PipelineEnvironment) -> None:
    acting = setting(context, "Deployment")
    apply(set_work, acting)
    environment.cluster.switches.set(live(environment, "Deployment"), 1)
    with pytest.raises(NoWayBack, match="is 1 replica: somebody has set it since"):
        inverse(set_work, acting)


@every
def test_what_was_brought_back_is_not_turned_off_by_an_undo_of_that(context: Context, kind: WorkKind) -> None:
    acting = setting(context, kind)
    apply(set_work, acting)
    back = inverse(set_work, acting)
    assert back is not None
    with pytest.raises(NoWayBack, match="was brought back"):
        inverse(set_work, begun(context, back, "@gpu"))


@pytest.mark.parametrize("suspend", [True, False])
def test_what_earlier_versions_wrote_of_cron_jobs_means_the_same(suspend: bool) -> None:
    read = SetWork.model_validate({"name": "nightly", "uid": "u1", "suspend": suspend})
    assert read == SetWork(kind="CronJob", name="nightly", uid="u1", want=int(suspend), former=int(not suspend))
    with pytest.raises(ValidationError):
        SetWork.model_validate({"name": "nightly", "uid": "u1", "suspend": suspend, "more": 1})


def test_what_is_gone_or_as_it_was_needs_no_way_back(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    acting, other = setting(context, "CronJob"), setting(context, "Deployment")
    apply(set_work, acting)
    apply(set_work, other)
    environment.cluster.switches.set(live(environment, "CronJob"), 0)
    sandbox.cluster.registry.delete(BY_PLURAL["deployments"], SPACE, "viewer", {})
    assert inverse(set_work, acting) is None
    assert inverse(set_work, other) is None


@pytest.mark.parametrize("fault", ["lost_answer", "reset", "status"])
def test_a_lost_answer_is_looked_up(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, fault: str
) -> None:
    acting = setting(context, "CronJob")
    sandbox.faults.add(
        FaultRule.model_validate({"service": "kubernetes", "method": "cronjobs.patch", "kind": fault, "times": 1})
    )
    assert apply(set_work, acting) == "suspended"
    assert live(environment, "CronJob").setting == 1


def test_a_job_whose_status_changes_in_between_is_looked_at_again(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting, switches = setting(context, "Job"), type(environment.cluster.switches)
    real, seen = switches.get, []

    def late(self: object, kind: WorkKind, name: str) -> Work | None:
        found = real(self, kind, name)  # type: ignore[arg-type]
        if not seen:
            sandbox.cluster.set_state(SPACE, RUNS, "succeeded")  # whose GPU the critical Job gets
            sandbox.cluster.set_state(SPACE, "geniesim-gpu-scene-a-1", "succeeded")  # and then this one
        seen.append(name)
        return found

    monkeypatch.setattr(switches, "get", late)
    assert apply(set_work, acting) == "runs by now, and is left to run"


def test_a_cron_job_of_the_same_cluster_is_listed_beside_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    nightly(sandbox, "another")
    assert [work.name for work in environment.cluster.switches.list("CronJob")] == ["another", NAMES["CronJob"]]
