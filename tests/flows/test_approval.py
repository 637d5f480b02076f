"""A person's approval: bound to the plan they saw, and anything but a clear yes by somebody else means no."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import State, flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from pydantic import SecretStr

from blocks.approvals import undecided
from blocks.identity import PersonTokens
from blocks.on_call import OnCall
from blocks.signing import BadLink
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from flows.export_recovery import export_recovery
from tasks.remediation.approval import ask
from tasks.remediation.approval_link import Asked, decided, link_for, read_token
from tasks.remediation.plan import Plan
from tasks.survival.watchdog import TOLD_FOR, nobody_decided
from tests.flows.world import BUCKET, Saved, Started, artifacts, generations, run, run_id
from tests.receiver import google
from tests.receiver.google import ANN, IAP_AUDIENCE, assertion
from tests.receiver.world import running


@pytest.fixture
def broken(saved: Saved, sandbox: Sandbox, kitchen: str) -> str:
    """A scene whose recovery spends GPU time, where the policy wants a person for that."""
    saved.keep(approval={"low": "automatic", "medium": "automatic", "high": "person"})
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    return kitchen


def digest_of(scene_id: str) -> str:
    """The digest a person reads in the plan's artifact."""
    planned = run(export_recovery, scene_ids=[scene_id])
    return str(artifacts(planned)["plan-kitchen-001"].description).split()[1]


def test_the_run_waits_for_a_person_and_recovers_when_they_approve(saved: Saved, sandbox: Sandbox, broken: str) -> None:
    before, digest = generations(sandbox), digest_of(broken)
    started = Started(export_recovery, scene_ids=[broken], mode="apply", requested_by="ann")
    waiting = started.paused()
    assert generations(sandbox) == before
    resume_flow_run(waiting.id, run_input={"decision": "approve", "approver": "bo", "plan_digest": digest})
    state = started.ended()
    assert state.message == "kitchen_001: done"
    begun = [found for found in sandbox.store.list("sandbox-ops", "remediation/journal/") if "000001" in found.name]
    assert len(begun) == 1
    assert b'"approved_by":"bo"' in begun[0].data.replace(b" ", b"")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decision": "reject", "approver": "bo", "comment": "not today"}, "was rejected by bo: not today."),
        ({}, "was rejected by somebody: no reason."),
        ({"decision": "approve", "approver": " Ann "}, "Ann asked for plan"),
        ({"decision": "approve", "approver": " "}, "was approved without a name"),
        (
            {"decision": "approve", "approver": "bo", "plan_digest": "0123456789abcdef"},
            "approved plan 0123456789abcdef",
        ),
    ],
    ids=["rejected", "an empty form", "the requester", "nobody", "another plan"],
)
def test_anything_but_a_clear_yes_by_somebody_else_is_a_no(
    saved: Saved, sandbox: Sandbox, broken: str, answer: dict[str, str], says: str
) -> None:
    before = generations(sandbox)
    started = Started(export_recovery, scene_ids=[broken], mode="apply", requested_by="ann")
    resume_flow_run(started.paused().id, run_input=answer)
    state = started.ended()
    assert state.is_failed()
    assert state.message is not None
    assert says in state.message
    assert generations(sandbox) == before


def test_an_approval_does_not_hold_for_a_plan_that_changed_meanwhile(
    saved: Saved, sandbox: Sandbox, broken: str
) -> None:
    started = Started(export_recovery, scene_ids=[broken], mode="apply", requested_by="ann")
    waiting = started.paused()
    damage(sandbox.store, BUCKET, broken, "usd_truncated")
    before = generations(sandbox)
    resume_flow_run(waiting.id, run_input={"decision": "approve", "approver": "bo"})
    state = started.ended()
    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith("kitchen_001: refused - bo approved plan")
    assert generations(sandbox) == before


def runtime_name(state: State[Any]) -> str:
    with get_client(sync_client=True) as client:
        return str(client.read_flow_run(run_id(state)).name)


def test_time_running_out_means_no_and_the_watchdog_tells_it(saved: Saved) -> None:
    policy = saved.environment.policy.model_copy(update={"approval_minutes": 0.05})

    @flow
    def asking() -> Any:
        return ask(Plan(procedure="p", subject="kitchen_001"), policy, "ann", "a table")

    state = run(asking)
    assert state.is_failed()
    assert state.message is not None
    assert "never resumed" in state.message
    (told,) = [
        one for one in nobody_decided(undecided(datetime.now(UTC) - TOLD_FOR)) if f"{runtime_name(state)} waited" in one
    ]
    assert "nobody decided, which means no" in told


def test_several_scenes_do_not_wait_for_anybody(saved: Saved, sandbox: Sandbox, broken: str) -> None:
    """One form cannot approve two plans: such a batch says which scenes need approval, and changes nothing."""
    make_scene(sandbox.store, BUCKET, "office_001", "office", objects=2)
    damage(sandbox.store, BUCKET, "office_001", "export_corrupt")
    before = generations(sandbox)
    state = run(export_recovery, scene_ids=[broken, "office_001"], mode="apply")
    assert state.is_failed()
    assert state.message is not None
    assert "1 needs approval" in state.message
    assert generations(sandbox) == before


SECRET = "s" * 24


@pytest.fixture
def verified(saved: Saved, broken: str) -> str:
    """The policy wants to know who approves."""
    saved.environment.on_call = OnCall(link_url="http://receiver", link_secret=SecretStr(SECRET))
    saved.keep(verified_approvers=True)
    return broken


@pytest.fixture
def pages(saved: Saved, verified: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """The receiver behind Identity-Aware Proxy: a way to answer a waiting run by its link."""
    with (
        google.serving(google.proxy_keys()) as keys,
        running(tmp_path / "r.db", saved.environment, people=PersonTokens(IAP_AUDIENCE, keys.url)) as world,
    ):

        def answer(where: str, who: str = ANN, **said: str) -> Any:
            headers = {"x-goog-iap-jwt-assertion": assertion(email=who), "origin": "http://receiver"}
            path = where.removeprefix("http://receiver")
            assert who in world.client.get(path, headers=headers).text
            told = world.client.post(path, headers=headers, data=said)
            while told.status_code == 503:  # Prefect is busy; a person would try again, too
                told = world.client.post(path, headers=headers, data=said)
            return told

        yield answer


def link_of(saved: Saved, run_id: object, digest: str) -> str:
    environment = saved.environment
    return link_for(environment.on_call, environment.policy, str(run_id), digest, datetime.now(UTC))


def test_who_approves_behind_the_proxy_is_seen_and_recorded_as_verified(
    saved: Saved, sandbox: Sandbox, verified: str, pages: Callable[..., Any]
) -> None:
    digest = digest_of(verified)
    started = Started(export_recovery, scene_ids=[verified], mode="apply", requested_by="bo")
    where = link_of(saved, started.paused().id, digest)
    assert pages(where, decision="approve", comment="go").status_code == 200
    assert started.ended().message == "kitchen_001: done"
    assert pages(where, decision="approve").status_code == 409, "it waits for nobody any more"
    (begun,) = [found for found in sandbox.store.list("sandbox-ops", "remediation/journal/") if "000001" in found.name]
    said = json.loads(begun.data)["data"]
    assert (said["approved_by"], said["approver_is"]) == (ANN, "verified")


def test_who_rejects_behind_the_proxy_ends_the_run(saved: Saved, verified: str, pages: Callable[..., Any]) -> None:
    digest = digest_of(verified)
    started = Started(export_recovery, scene_ids=[verified], mode="apply", requested_by="bo")
    where = link_of(saved, started.paused().id, digest)
    assert pages(where, decision="perhaps").status_code == 400
    assert pages(where, decision="reject", comment="not today").status_code == 200
    assert f"was rejected by {ANN}: not today." in str(started.ended().message)


def test_a_name_that_is_only_claimed_does_not_approve_where_the_policy_wants_it_seen(
    saved: Saved, sandbox: Sandbox, verified: str
) -> None:
    before, digest = generations(sandbox), digest_of(verified)
    started = Started(export_recovery, scene_ids=[verified], mode="apply", requested_by="bo")
    waiting = started.paused()
    asked = Asked(str(uuid4()), digest, datetime.now(UTC))
    of_another_run = decided(SECRET.encode(), asked, True, ANN, "")
    resume_flow_run(waiting.id, run_input=of_another_run.model_dump(mode="json"))
    assert "is only claimed" in str(started.ended().message)
    assert generations(sandbox) == before


@pytest.mark.parametrize("change", [{"approver": "bo"}, {"plan_digest": "0" * 16}, {"comment": "x"}, {"proof": ""}])
def test_a_proof_holds_for_what_was_decided_and_nothing_else(change: dict[str, str]) -> None:
    asked = Asked(str(uuid4()), "12345678", datetime.now(UTC))
    said = decided(SECRET.encode(), asked, True, ANN, "go")
    assert said.proved(SECRET.encode(), asked.flow_run)
    assert not said.proved(b"", asked.flow_run)
    assert not said.model_copy(update=change).proved(SECRET.encode(), asked.flow_run)
    assert not said.model_copy(update={"decision": "reject"}).proved(SECRET.encode(), asked.flow_run)


def test_a_link_that_was_changed_cut_off_or_has_expired_is_refused(saved: Saved, verified: str) -> None:
    where = link_of(saved, uuid4(), "12345678").removeprefix("http://receiver/approve/")
    now = datetime.now(UTC)
    assert read_token(SECRET.encode(), where, now).digest == "12345678"
    for bad in (where[:-1], where.replace(".12345678.", ".12345679."), "", "x"):
        with pytest.raises(BadLink):
            read_token(SECRET.encode(), bad, now)
    with pytest.raises(BadLink, match="which means no"):
        read_token(SECRET.encode(), where, now + timedelta(hours=2))
    with pytest.raises(BadLink, match="not made here"):
        read_token(b"t" * 24, where, now)
