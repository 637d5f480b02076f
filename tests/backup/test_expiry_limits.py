"""Expiry obeys everything that every procedure obeys: kill switch, window, caps, approval, the digest that was reviewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from blocks.storage_bulk import Deletion
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.backup import deleting
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.procedure import Mode
from tasks.remediation.run import Run
from tasks.snapshots.nights import nights
from tests.backup.world import BACKUP, OPS, backup, copies, done, expired, fill, outlived
from tests.recovery.world import everything, journals, undo_run


def refused(environment: PipelineEnvironment, sandbox: Sandbox, mode: Mode = "apply") -> Run:
    """An expiry that must not delete anything; the run."""
    before = {found for found in everything(sandbox.store).found if found[0] == BACKUP}
    result = expired(environment, mode)
    assert {found for found in everything(sandbox.store).found if found[0] == BACKUP} == before
    assert not result.good, result.sentence()
    return result


def closed(environment: PipelineEnvironment) -> None:
    """The change window opens in two hours."""
    now = datetime.now(UTC)
    window = {"window_start": f"{now + timedelta(hours=2):%H:%M}", "window_end": f"{now + timedelta(hours=3):%H:%M}"}
    environment.policy = RemediationPolicy.model_validate(environment.policy.model_dump() | window)


@pytest.mark.parametrize("mode", ["plan", "apply"])
def test_the_kill_switch_stops_expiry_and_not_a_backup(
    environment: PipelineEnvironment, sandbox: Sandbox, mode: Mode
) -> None:
    environment.policy.kill_switch = ["an investigation"]
    outlived(environment, sandbox.store)
    result = refused(environment, sandbox, mode)
    assert result.outcome == "refused"
    assert "an investigation" in result.sentence()


@pytest.mark.parametrize("mode", ["plan", "apply"])
def test_a_closed_window_stops_expiry_and_not_a_backup(
    environment: PipelineEnvironment, sandbox: Sandbox, mode: Mode
) -> None:
    closed(environment)
    outlived(environment, sandbox.store)
    result = refused(environment, sandbox, mode)
    assert result.outcome == "refused"
    assert "outside the change window" in result.sentence()


def test_where_a_person_approves_nothing_expires_without_one(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.policy.approval = {"low": "automatic", "medium": "person", "high": "person"}
    first, _ = outlived(environment, sandbox.store)
    result = refused(environment, sandbox)
    assert result.outcome == "needs_approval"
    assert result.plan is not None
    answer = Approval(decision="approve", approver="another person", plan_digest=result.plan.digest)
    for other in ({"approver": "a test"}, {"decision": "reject"}, {"plan_digest": "of another plan"}):
        assert expired(environment, approval=answer.model_copy(update=other)).outcome == "refused"
    assert first.night in nights(environment)
    assert expired(environment, approval=answer).outcome == "done"
    assert first.night not in nights(environment)


@pytest.mark.parametrize(
    ("rules", "policy", "said"),
    [
        ({"expire_max_objects": 25}, {}, "max_objects is 25"),
        ({"expire_max_bytes": 100}, {}, "max_bytes is 100"),
        ({}, {"max_objects": 0}, "max_objects is 0"),
        ({}, {"max_bytes": 0}, "max_bytes is 0"),
        ({}, {"max_objects_percent": 30.0}, "max_objects_percent is 30"),
    ],
)
@pytest.mark.parametrize("mode", ["plan", "apply"])
def test_expiry_over_its_caps_is_refused(
    environment: PipelineEnvironment,
    sandbox: Sandbox,
    mode: Mode,
    rules: dict[str, object],
    policy: dict[str, object],
    said: str,
) -> None:
    outlived(environment, sandbox.store, 24)
    environment.backup = environment.backup.model_copy(update=rules)
    environment.policy = environment.policy.model_copy(update=policy)
    result = refused(environment, sandbox, mode)
    assert result.outcome == "refused"
    assert said in result.sentence()


def test_the_caps_of_expiry_are_exact(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """A scene's cap is not asked: a night's churn is more than that."""
    outlived(environment, sandbox.store)
    environment.policy.max_objects = 1
    plan = expired(environment, "plan").plan
    assert plan is not None
    objects, size = plan.count("delete"), plan.deleted_bytes()
    environment.backup.expire_max_objects, environment.backup.expire_max_bytes = objects - 1, size
    assert expired(environment).outcome == "refused"
    environment.backup.expire_max_objects, environment.backup.expire_max_bytes = objects, size - 1
    assert expired(environment).outcome == "refused"
    environment.backup.expire_max_bytes = size
    assert expired(environment).outcome == "done"


def test_only_the_plan_that_was_reviewed_is_carried_out(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    first, _ = outlived(environment, sandbox.store)
    plan = expired(environment, "plan").plan
    assert plan is not None
    sandbox.store.put(BACKUP, "objects/scenes/stray+17", b"unneeded too", quiet=True)
    assert expired(environment, plan_digest=plan.digest).outcome == "refused"
    assert first.night in nights(environment)
    sandbox.store.delete(BACKUP, "objects/scenes/stray+17")
    assert expired(environment, plan_digest=plan.digest).outcome == "done"


def test_the_digest_says_which_copies_go_and_not_only_how_many(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    outlived(environment, sandbox.store)
    digests = set()
    for name in ("objects/scenes/one+17", "objects/scenes/two+17"):
        sandbox.store.put(BACKUP, name, b"equal", quiet=True)
        plan = expired(environment, "plan").plan
        sandbox.store.delete(BACKUP, name)
        assert plan is not None
        digests.add(plan.digest)
    assert len(digests) == 2


def test_the_summary_goes_before_its_parts_and_the_copies_last(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = outlived(environment, sandbox.store)
    third = done(environment)
    seen: list[str] = []
    bulk_delete = deleting.BulkStorage.delete

    def noting(self: deleting.BulkStorage, deletions: list[Deletion]) -> object:
        seen.extend(one.name for one in deletions)
        return bulk_delete(self, deletions)

    monkeypatch.setattr(deleting.BulkStorage, "delete", noting)
    assert expired(environment).outcome == "done"
    assert nights(environment) == [third.night]
    order = [[*name.split("/")[:2], name.endswith("summary.json")] for name in seen]
    runs = [one for number, one in enumerate(order) if number == 0 or one != order[number - 1]]
    assert runs[:4] == [
        ["nights", first.night, True],
        ["nights", first.night, False],
        ["nights", second.night, True],
        ["nights", second.night, False],
    ]
    assert {one[0] for one in runs[4:]} == {"objects"}


def test_a_summary_that_is_another_one_by_now_stops_expiry_and_its_parts_stay(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    first, _ = outlived(environment, sandbox.store)
    name = f"nights/{first.night}/summary.json"
    stored = sandbox.store.get(BACKUP, name)
    assert stored is not None
    there = {found.name for found in sandbox.store.list(BACKUP)}
    rule = FaultRule(service="storage", method="objects.delete", kind="status", status=412)
    sandbox.faults.add(rule)
    result = expired(environment)
    assert result.outcome == "failed", result.sentence()
    assert f"{name} could not be deleted" in result.sentence()
    assert {found.name for found in sandbox.store.list(BACKUP)} == there


def test_expiry_stops_at_the_first_error(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request at a time and one object in each, so that what follows the error can be counted."""
    monkeypatch.setattr(deleting, "AT_A_TIME", 1)
    outlived(environment, sandbox.store, 60)
    monkeypatch.setattr(deleting, "groups", lambda items: ([one] for one in items))
    sandbox.requests.reset()
    there = copies(sandbox.store)
    denied = FaultRule(service="storage", method="objects.delete", kind="status", status=403, times=1)
    sandbox.faults.add(denied)
    result = expired(environment)
    assert result.outcome == "failed"
    assert "the next expiry goes on" in " ".join(result.notes)
    assert sandbox.requests.count("storage", "objects.delete") == 1 + 3, (
        "the one refused; then the mark, and two leases given back"
    )
    assert copies(sandbox.store) == there
    assert expired(environment).outcome == "done"
    assert len(copies(sandbox.store)) == 60


def test_a_restore_cannot_begin_while_expiry_runs(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlived(environment, sandbox.store)
    bulk_delete, tried = deleting.BulkStorage.delete, []

    def during(self: deleting.BulkStorage, deletions: list[Deletion]) -> object:
        for subject in ("@restore", "@backup"):
            tried.append(sandbox.store.get(OPS, f"remediation/leases/{subject}.json") is not None)
        return bulk_delete(self, deletions)

    monkeypatch.setattr(deleting.BulkStorage, "delete", during)
    assert expired(environment).outcome == "done"
    assert tried
    assert all(tried)
    assert sandbox.store.get(OPS, "remediation/leases/@restore.json") is None


def test_the_kill_switch_stops_an_expiry_on_its_way(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = outlived(environment, sandbox.store)
    there, bulk_delete = copies(sandbox.store), deleting.BulkStorage.delete

    def then_stop(self: deleting.BulkStorage, deletions: list[Deletion]) -> object:
        if deletions[0].name.endswith("summary.json"):
            environment.policy.kill_switch = ["an investigation"]
        return bulk_delete(self, deletions)

    monkeypatch.setattr(deleting.BulkStorage, "delete", then_stop)
    monkeypatch.setattr("tasks.remediation.context.POLICY_SECONDS", 0.0)
    result = expired(environment)
    assert result.outcome == "stopped", result.sentence()
    assert (nights(environment), copies(sandbox.store)) == ([second.night], there)
    environment.policy.kill_switch = []
    assert expired(environment).outcome == "done"
    assert len(copies(sandbox.store)) == 20
    assert [found.name for found in sandbox.store.list(BACKUP, f"nights/{first.night}/")] == []
    ended = [journal.entries[-1].data["outcome"] for journal in journals(environment, sandbox.store, "@backup")]
    assert ended[-2:] == ["stopped", "done"]


def test_undoing_an_expiry_says_that_there_is_no_way_back(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    outlived(environment, sandbox.store)
    result = expired(environment)
    undone = undo_run(Context(environment, "a test"), "@backup", result.id, "apply")
    assert undone.outcome == "escalated"
    assert "versions or soft delete" in undone.sentence()


def test_undoing_a_backup_takes_nothing_away(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    result = backup(environment)
    undone = undo_run(Context(environment, "a test"), "@backup", result.id, "apply")
    assert undone.outcome == "nothing_to_do"
    assert len(copies(sandbox.store)) == 5
