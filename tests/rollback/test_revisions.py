"""Which revision of a Deployment worked: told by Pods that serve and by what its workflow did, else by nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import DeploymentRevision
from deployments.sandbox.names import LOCATION
from deployments.sandbox.server import Sandbox
from tasks.rollback.revisions import ROLLOUT, windows
from tests.rollback.world import SPACE, deploy, live_deployment, page, rollback, undone

WEBHOOK, IMPORT = "genie-sim-import-webhook", "genie-sim-import-pipeline"
HOUR = timedelta(hours=1)


def image(number: int) -> str:
    return f"gcr.io/p/webhook@sha256:{str(number) * 64}"


@pytest.fixture
def webhook(environment: PipelineEnvironment) -> PipelineEnvironment:
    """The pipeline's Deployment at its second revision; the catalogue says what it starts."""
    environment.catalogue_overlay = "2026-06"
    deploy(environment, image(1), WEBHOOK)
    deploy(environment, image(2), WEBHOOK)
    return environment


def made(sandbox: Sandbox, number: int, ago: timedelta) -> None:
    """A revision was made as long ago as that."""
    for one in sandbox.cluster.objects.all("replicasets", SPACE):
        if one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == str(number):
            at = f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"
            meta = {**one["metadata"], "creationTimestamp": at}
            sandbox.cluster.objects.put("replicasets", {**one, "metadata": meta})


def called(sandbox: Sandbox, state: Any, ago: timedelta, result: str = "{}") -> None:
    """The workflow was started as long ago as that, and ended so."""
    table = sandbox.workflows.executions
    name = f"{LOCATION}/workflows/{IMPORT}/executions/{len(list(table.newest_first())):08}"
    one = table.add(name, IMPORT, argument="{}")
    table.end(one, state, result=result if state == "SUCCEEDED" else "", error="it broke" if state == "FAILED" else "")
    one.created -= ago


def known(environment: PipelineEnvironment, **options: Any) -> Any:
    """A plan."""
    return rollback(environment, "deployment", WEBHOOK, mode="plan", **options)


def test_a_revision_whose_pods_still_serve_is_certain_and_is_gone_back_to(
    webhook: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.cluster.controllers.broken_images.add(image(3))
    deploy(webhook, image(3), WEBHOOK)
    live = live_deployment(webhook, WEBHOOK)
    assert live.failure()
    assert {one.number: one.available for one in webhook.cluster.workloads.revisions(live)} == {3: 0, 2: 2, 1: 0}
    one = rollback(webhook, "deployment", WEBHOOK)
    assert one.outcome == "done", one.sentence()
    assert live_deployment(webhook, WEBHOOK).template["spec"]["containers"][0]["image"] == image(2)
    assert "Certain: Pods of revision 2 " in page(one)
    assert undone(webhook, one).outcome in ("done", "failed")


def test_without_any_sign_nothing_is_chosen_and_the_revisions_are_named(
    webhook: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.requests.reset()
    one = known(webhook)
    assert (one.outcome, "none is guessed" in one.reasons[0]) == ("escalated", True)
    assert sandbox.requests.mutating() == {"total": 0}


def test_calls_that_succeeded_in_the_time_of_a_revision_make_it_likely(
    webhook: PipelineEnvironment, sandbox: Sandbox
) -> None:
    made(sandbox, 1, 10 * HOUR)
    made(sandbox, 2, 5 * HOUR)
    for hours in (6, 7, 8):
        called(sandbox, "SUCCEEDED", hours * HOUR, '{"status": "success"}')
    called(sandbox, "FAILED", HOUR)
    one = known(webhook)
    assert one.outcome == "planned", one.sentence()
    assert one.plan is not None
    assert one.plan.details["sure"] == "likely", "others may have started them"
    assert [(row["succeeded"], row["failed"]) for row in one.plan.details["versions"]] == [(0, 1), (3, 0)]


@pytest.mark.parametrize(
    ("state", "result", "hours"),
    [("SUCCEEDED", '{"status": "success"}', 4.95), ("SUCCEEDED", '"SKIPPED: done before"', 7), ("CANCELLED", "", 7), ("ACTIVE", "", 7)],
    ids=["while two revisions served", "did nothing", "cancelled", "at work"],
)  # fmt: skip
def test_calls_that_tell_of_no_revision_choose_none(
    webhook: PipelineEnvironment, sandbox: Sandbox, state: str, result: str, hours: float
) -> None:
    made(sandbox, 1, 10 * HOUR)
    made(sandbox, 2, 5 * HOUR)
    called(sandbox, state, hours * HOUR, result)
    assert known(webhook).outcome == "escalated"


def test_while_the_present_one_works_there_is_nothing_to_do(webhook: PipelineEnvironment, sandbox: Sandbox) -> None:
    made(sandbox, 1, 10 * HOUR)
    made(sandbox, 2, 5 * HOUR)
    called(sandbox, "SUCCEEDED", 7 * HOUR, '{"status": "success"}')
    called(sandbox, "SUCCEEDED", HOUR, '{"status": "success"}')
    assert known(webhook).outcome == "nothing_to_do"


def test_calls_while_a_rollout_does_not_finish_are_not_those_of_the_new_revision(
    webhook: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.cluster.controllers.broken_images.add(image(3))
    deploy(webhook, image(3), WEBHOOK)
    for number, hours in ((1, 10), (2, 5), (3, 3)):
        made(sandbox, number, hours * HOUR)
    called(sandbox, "SUCCEEDED", HOUR, '{"status": "success"}')
    one = known(webhook)
    assert one.plan is not None, one.sentence()
    assert one.plan.details["sure"] == "certain"
    assert str(one.plan.details["target"]).startswith("revision 2 ")


def test_a_deployment_of_which_the_catalogue_says_nothing_asks_for_no_execution(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    deploy(environment, image(1))
    deploy(environment, image(2))
    sandbox.requests.reset()
    assert rollback(environment, "deployment", "web", mode="plan").outcome == "escalated"
    assert sandbox.requests.count("executions", "ListExecutions") == 0


def revision(number: int, hours: float, *, reused: bool = False) -> DeploymentRevision:
    at = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hours)
    return DeploymentRevision(number, {}, at, reused=reused)


def test_only_times_of_which_both_ends_are_known_count() -> None:
    one, two, three = revision(1, 0), revision(2, 2), revision(3, 4)
    assert windows([three, one, two]) == {
        "1": (one.created + ROLLOUT, two.created),
        "2": (two.created + ROLLOUT, three.created),
        "3": (three.created + ROLLOUT, None),
    }
    assert list(windows([one, two, revision(4, 6)])) == ["1", "4"], "who came after 2 is not recorded"
    assert list(windows([two, three, revision(4, 0, reused=True)])) == ["2"], "when 4 began is not recorded"
    assert list(windows([one, revision(2, 0.1), three])) == ["2", "3"], "1 never served alone"
