"""CronJobs are listed and suspended, and never one that has changed since it was seen."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from blocks.errors import NotFound, PermanentError, PreconditionFailed, UnknownOutcome
from blocks.gke import GkeCluster
from blocks.gke_cron_jobs import CronJobInfo
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

SPACE = "blueprint"


@pytest.fixture
def seen(sandbox: Sandbox, cluster: GkeCluster) -> Iterator[CronJobInfo]:
    """A CronJob of this test's own."""
    name = f"nightly-{uuid4().hex[:8]}"
    sandbox.cluster.create_cron_job(SPACE, name, "0 2 * * *", suspended=False)
    found = cluster.cron_jobs.get(name)
    assert found is not None
    yield found
    sandbox.faults.clear()
    if name in sandbox.cluster.suspended(SPACE):
        sandbox.cluster.registry.delete(BY_PLURAL["cronjobs"], SPACE, name, {})


def test_they_are_listed_by_name_with_what_matters(cluster: GkeCluster, seen: CronJobInfo) -> None:
    found = cluster.cron_jobs.list()
    assert [one.name for one in found] == sorted(one.name for one in found)
    assert seen in found
    assert (seen.schedule, seen.suspended, seen.last_started) == ("0 2 * * *", False, None)


def test_those_of_the_catalogue_are_there_as_its_authors_make_them(sandbox: Sandbox) -> None:
    assert sandbox.cluster.suspended(SPACE)["episode-generation-scheduled"]


def test_one_is_suspended_and_let_run_again_and_nothing_else_of_it_changes(
    sandbox: Sandbox, cluster: GkeCluster, seen: CronJobInfo
) -> None:
    before = sandbox.cluster.registry.get(BY_PLURAL["cronjobs"], SPACE, seen.name)["spec"]
    stopped = cluster.cron_jobs.set_suspended(seen, True)
    assert (stopped.suspended, stopped.uid) == (True, seen.uid)
    assert stopped.resource_version != seen.resource_version
    after = sandbox.cluster.registry.get(BY_PLURAL["cronjobs"], SPACE, seen.name)["spec"]
    assert after == {**before, "suspend": True}
    assert not cluster.cron_jobs.set_suspended(stopped, False).suspended


def test_one_that_has_changed_since_it_was_seen_is_not_touched(
    sandbox: Sandbox, cluster: GkeCluster, seen: CronJobInfo
) -> None:
    cluster.cron_jobs.set_suspended(seen, True)
    with pytest.raises(PreconditionFailed):
        cluster.cron_jobs.set_suspended(seen, False)
    assert sandbox.cluster.suspended(SPACE)[seen.name]


def test_a_lost_answer_is_looked_up(sandbox: Sandbox, cluster: GkeCluster, seen: CronJobInfo) -> None:
    sandbox.faults.add(FaultRule(service="kubernetes", method="cronjobs.patch", kind="lost_answer", times=1))
    assert cluster.cron_jobs.set_suspended(seen, True).suspended


def test_one_that_is_gone_is_an_error_and_a_normal_answer_when_it_is_looked_for(
    sandbox: Sandbox, cluster: GkeCluster, seen: CronJobInfo
) -> None:
    sandbox.cluster.registry.delete(BY_PLURAL["cronjobs"], SPACE, seen.name, {})
    assert cluster.cron_jobs.get(seen.name) is None
    with pytest.raises((NotFound, UnknownOutcome)):
        cluster.cron_jobs.set_suspended(seen, True)


def test_many_are_listed_page_by_page(sandbox: Sandbox, cluster: GkeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blocks.gke_cron_jobs._PAGE", 1)
    names = [f"paged-{number}-{uuid4().hex[:6]}" for number in range(3)]
    for name in names:
        sandbox.cluster.create_cron_job(SPACE, name, "@daily", suspended=True)
    try:
        assert {one.name for one in cluster.cron_jobs.list()} >= set(names)
    finally:
        for name in names:
            sandbox.cluster.registry.delete(BY_PLURAL["cronjobs"], SPACE, name, {})


def test_where_there_is_no_cluster_nobody_is_asked() -> None:
    with pytest.raises(PermanentError, match="has no cluster"):
        _ = GkeCluster(enabled=False).cron_jobs
