"""A run's surroundings: the policy as it is now, one thing of a kind for the whole run, and who holds the lease."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from tasks.remediation import lease as leases
from tasks.remediation.context import POLICY_SECONDS, UNREADABLE_SECONDS, Context, new_run_id
from tasks.remediation.lease import LeaseBusy, read_holder
from tasks.remediation.outcome import Stopped

OPS = "sandbox-ops"


class Policies:
    """Answers with one policy after the other, or not at all."""

    def __init__(self) -> None:
        self.asked, self.broken = 0, False

    def __call__(self) -> RemediationPolicy:
        """One more question; the answer's max_scenes is how many there were."""
        self.asked += 1
        if self.broken:
            raise ConnectionError("the server is being restarted")
        return RemediationPolicy(max_scenes=self.asked)


@pytest.fixture
def policies() -> Policies:
    return Policies()


@pytest.fixture
def context(environment: PipelineEnvironment, policies: Policies) -> Context:
    return Context(environment, "ann", policy=policies)


def test_the_policy_of_the_first_question_is_asked_for_and_not_the_one_that_was_loaded(context: Context) -> None:
    assert context.policy().max_scenes == 1


def test_within_a_second_the_policy_is_asked_for_once_and_after_it_again(context: Context, policies: Policies) -> None:
    context._asked = time.monotonic() + 100  # just now, however slow this machine is
    assert (context.policy(), policies.asked) == (context.environment.policy, 0)
    context._asked = time.monotonic() - POLICY_SECONDS - 0.001
    assert (context.policy().max_scenes, policies.asked) == (1, 1)
    assert POLICY_SECONDS <= 1, "the kill switch works within a second"


def test_a_fresh_policy_is_always_asked_for(context: Context, policies: Policies) -> None:
    assert [context.policy(fresh=True).max_scenes for _ in range(3)] == [1, 2, 3]


def test_a_policy_that_cannot_be_read_for_a_moment_is_the_one_that_is_known(
    context: Context, policies: Policies
) -> None:
    known = context.policy()
    policies.broken = True
    context._read = time.monotonic() - UNREADABLE_SECONDS + 30
    assert context.policy(fresh=True) is known
    policies.broken = False
    assert context.policy(fresh=True) is not known


def test_one_that_cannot_be_read_for_a_minute_stops_everything_and_says_why(
    context: Context, policies: Policies
) -> None:
    context.policy()
    policies.broken = True
    context._read = time.monotonic() - UNREADABLE_SECONDS - 0.001
    for _ in range(2):
        with pytest.raises(Stopped, match=r"cannot be read, so nothing more is done .the server is being restarted"):
            context.policy(fresh=True)


def test_that_minute_begins_anew_with_every_answer(context: Context, policies: Policies) -> None:
    context._read = float("-inf")
    context.policy(fresh=True)
    policies.broken = True
    context.policy(fresh=True)


def test_a_context_that_was_never_answered_waits_a_minute_too(context: Context, policies: Policies) -> None:
    policies.broken = True
    assert context.policy() is context.environment.policy


def test_of_each_kind_a_run_has_one_however_many_ask_at_once(environment: PipelineEnvironment) -> None:
    context, made = Context(environment, "ann"), []

    def make() -> dict[str, int]:
        made.append(1)
        return {}

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: context.remember(dict, make), range(64)))
    assert (len(made), len({id(one) for one in found})) == (1, 1)
    assert context.remember(list, list) == []
    assert context.remember(dict, make) is found[0]
    assert Context(environment, "bo").remember(dict, make) is not found[0], "another run has its own"


def test_a_lease_says_who_holds_it_in_which_flow_run_for_which_run_and_how_long(
    environment: PipelineEnvironment,
) -> None:
    environment.policy.lease_seconds = 77
    with Context(environment, "ann", flow_run_id="flow-1").holding("@it", "run-1") as lease:
        found = read_holder(environment.storage, OPS, "@it")
    assert found is not None
    holder = found[0]
    assert (holder.owner, holder.flow_run_id, holder.run) == ("ann", "flow-1", "run-1")
    assert (holder.expires_at - holder.taken_at, lease.seconds) == (timedelta(seconds=77), 77)


@pytest.mark.parametrize("gone", [True, False])
def test_whether_a_holder_is_gone_the_context_is_asked(environment: PipelineEnvironment, gone: bool) -> None:
    asked: list[str] = []

    def ask(holder: object) -> bool:
        asked.append(getattr(holder, "owner", ""))
        return gone

    with Context(environment, "the first").holding("@it", "run-1"):
        second = Context(environment, "the second", gone=ask)
        if gone:
            with second.holding("@it", "run-2"):
                pass
        else:
            with pytest.raises(LeaseBusy, match="the first"), second.holding("@it", "run-2"):
                pass
    assert asked == ["the first"]


def test_ids_of_runs_sort_by_time_can_be_labels_and_are_never_the_same() -> None:
    first = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    moments = [first + timedelta(seconds=seconds) for seconds in (0, 1, 3600, 86400 * 400)]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert ids[0].startswith("20260131t235959z-")
    assert all(re.fullmatch(r"[a-z0-9-]{1,63}", one) for one in ids)
    assert len({new_run_id(first) for _ in range(200)}) == 200


def test_the_id_of_a_run_that_begins_now_is_of_now() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    begun = datetime.strptime(new_run_id().partition("-")[0], "%Y%m%dt%H%M%Sz").replace(tzinfo=UTC)
    assert before <= begun <= datetime.now(UTC)


def moved(environment: PipelineEnvironment, flow_run_id: str) -> Context:
    """A process on another machine, which can tell nothing of the first one."""
    return Context(environment, "x", flow_run_id=flow_run_id, gone=lambda _: False)


def test_the_lease_of_the_same_flow_runs_earlier_process_is_waited_for(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drained node: the run goes on elsewhere before the lease of its first process has ended."""
    environment.policy.lease_seconds = 1
    monkeypatch.setattr(leases, "CLOCK_SKEW", timedelta(0))
    dead = moved(environment, "run-1").holding("kitchen_001", "r1")
    lease = dead.__enter__()
    lease._stop.set()  # its process is killed: nobody renews it
    said: list[str] = []
    heir = moved(environment, "run-1")
    heir.say = said.append
    with heir.holding("kitchen_001", "r2") as taken:
        taken.check()
        assert taken.holder.run == "r2"
    assert said == ["kitchen_001: waiting for the lease of this flow run's earlier process to end"]


@pytest.mark.parametrize(("first", "second"), [("run-1", "run-2"), ("", ""), ("run-1", "")])
def test_another_flow_runs_lease_is_not_waited_for(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    monkeypatch.setattr("tasks.remediation.context.time.sleep", lambda _: pytest.fail("it waited"))
    with (
        moved(environment, first).holding("kitchen_001", "r1"),
        pytest.raises(LeaseBusy),
        moved(environment, second).holding("kitchen_001", "r2"),
    ):
        pytest.fail("two hold it")


def test_an_earlier_process_that_lives_keeps_its_lease(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It renews it: then there are two processes of one flow run, and the second one gives way."""
    monkeypatch.setattr("tasks.remediation.context.time.sleep", lambda _: None)
    with (
        moved(environment, "run-1").holding("kitchen_001", "r1"),
        pytest.raises(LeaseBusy),
        moved(environment, "run-1").holding("kitchen_001", "r2"),
    ):
        pytest.fail("two hold it")
