"""A hold that nobody gives back is noticed, and given back when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.delivery.deliver import EVENT_LABEL, argument_of, label_for
from tasks.delivery.tickets import DRAINING, REDEEMED, Ticket, deadline_of, is_stamped, open_tickets, read_ticket, stamp
from tasks.delivery.watch import Forgotten, GiveBack, GiveBackRequest, HoldWatch, why_forgotten
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.journal import read_journal
from tasks.remediation.runner import run
from tasks.restore.request import RestoreRequest
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    contents,
    delete_all,
    do,
    executions,
    give_back,
    make_night,
    pushing,
    restore,
    scene,
    started_for,
)

FOREIGN = f"{PREFIX}usd/of-somebody-else.bin"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def held(environment: PipelineEnvironment, sandbox: Sandbox) -> Ticket:
    """A restore that stopped while it held delivery."""
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)

    def say(sentence: str) -> None:
        if "verify data" in sentence:
            sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status"))

    limits, environment.storage.limits = environment.storage.limits, CallLimits(attempts=1)
    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test")
    result = restore(Context(environment, "somebody", say=say), request)
    sandbox.faults.clear()
    environment.storage.limits = limits
    assert result.outcome == "failed"
    assert "Meanwhile the delivery of" in " ".join(result.reasons)
    ((ticket,), _) = open_tickets(environment)
    return ticket


def look(context: Context) -> tuple[list[str], list[Forgotten]]:
    """Sentences on holds that are in order, and the forgotten ones."""
    seen = check(HoldWatch(), context, None)
    assert seen.facts is not None
    return seen.notes, seen.facts.facts


def test_a_hold_whose_run_is_at_work_is_no_news(environment: PipelineEnvironment, held: Ticket) -> None:
    with Context(environment, "somebody").holding(held.lease, held.run):
        fine, forgotten = look(Context(environment, "watch"))
    assert (len(fine), forgotten) == (1, [])
    assert held.sentence() in fine[0]


def test_a_hold_whose_run_has_ended_is_noticed(environment: PipelineEnvironment, held: Ticket) -> None:
    fine, (forgotten,) = look(Context(environment, "watch"))
    assert fine == []
    assert "its run has ended" in forgotten.sentence()
    assert check(HoldWatch(), Context(environment, "watch"), None).outcome == "failed"


def test_a_hold_whose_holder_is_proved_gone_is_noticed(environment: PipelineEnvironment, held: Ticket) -> None:
    context = Context(environment, "watch", gone=lambda holder: holder.run == "a-killed-run")
    with Context(environment, "the killed one").holding(held.lease, "a-killed-run"):
        assert len(look(context)[1]) == 1


def test_a_hold_that_outlives_its_run_is_forgotten_only_after_its_deadline(
    environment: PipelineEnvironment, held: Ticket
) -> None:
    stays = held.model_copy(update={"stays": True})
    context = Context(environment, "watch")
    assert why_forgotten(context, stays, held.deadline - timedelta(seconds=1)) == ""
    assert why_forgotten(context, stays, held.deadline + timedelta(seconds=1)) != ""


def test_a_damaged_lease_or_ticket_is_named_and_hides_no_other_hold(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    sandbox.store.put(OPS, f"remediation/leases/{held.lease}.json", b"{}")
    sandbox.store.put(OPS, "remediation/holds/a-run.json", b"{}")
    seen = check(HoldWatch(), Context(environment, "watch"), None)
    assert seen.outcome == "failed"
    assert f"remediation/leases/{held.lease}.json is no lease" in seen.reasons[0]
    assert "a-run.json is no ticket" in seen.reasons[1]


@pytest.mark.parametrize(("after", "noticed"), [(-1, False), (1, True)])
def test_a_hold_past_its_deadline_is_noticed_even_if_its_run_lives(
    environment: PipelineEnvironment, held: Ticket, after: int, noticed: bool
) -> None:
    context = Context(environment, "watch")
    with Context(environment, "somebody").holding(held.lease, held.run):
        why = why_forgotten(context, held, held.deadline + timedelta(seconds=after))
    assert bool(why) == noticed


def test_giving_up_delivers_what_waits_drops_what_the_restore_wrote_and_ends_its_run(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    before = {one.subscription: one.push_config for one in held.held}
    sandbox.store.put(DATA, FOREIGN, b"theirs")
    assert executions(sandbox) == []
    given = give_back(environment, held.run)
    assert given.outcome == "done"
    assert "1 others delivered" in " ".join(given.done.values())
    for one in held.held:
        assert started_for(sandbox, one.workflow) == [FOREIGN]
        assert pushing(environment)[one.subscription] == before[one.subscription]
    assert open_tickets(environment) == ([], [])
    again = give_back(environment, held.run)
    assert again.outcome == "nothing_to_do"
    assert "holds no delivery" in give_back(environment, "no-such-run").reasons[0]
    assert do(environment, "object", f"{PREFIX}regen3d/scene_info.json").outcome in ("done", "nothing_to_do")


def test_running_the_restore_again_continues_it_and_redeems_the_ticket(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    assert do(environment).outcome == "done"
    assert is_stamped(environment, held.run, REDEEMED)
    assert executions(sandbox) == []
    assert len(contents(sandbox.store, "remediation/holds/", OPS)) == 3


def test_what_somebody_lets_push_by_hand_is_left_so(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    other = dict(held.held[0].push_config) | {"pushEndpoint": "https://example.com/elsewhere"}
    environment.delivery.release(held.held[0].subscription, other)
    told = " ".join(give_back(environment, held.run).done.values())
    assert "somebody lets it push already" in told
    found = environment.delivery.push_config(held.held[0].subscription)
    assert found is not None
    assert found["pushEndpoint"] == "https://example.com/elsewhere"


def test_a_trigger_that_was_deleted_meanwhile_does_not_keep_the_others_held(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    sandbox.eventarc.deployed.put(held.held[0].trigger, False)
    told = " ".join(give_back(environment, held.run).done.values())
    assert "its subscription is gone" in told
    assert open_tickets(environment) == ([], [])


def test_an_event_whose_workflow_is_not_deployed_is_left_to_eventarc(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    sandbox.store.put(DATA, FOREIGN, b"theirs")
    sandbox.workflows.deployed.put(held.held[0].workflow, False)
    told = " ".join(give_back(environment, held.run).done.values())
    assert f"1 left to Eventarc because {held.held[0].workflow} is not deployed" in told
    assert open_tickets(environment) == ([], [])


def test_a_hold_ends_long_before_pubsub_forgets() -> None:
    day = 24 * 3600
    assert deadline_of(12, [day], NOW) == NOW + timedelta(hours=12)
    assert deadline_of(24, [day], NOW) == NOW + timedelta(hours=12)
    assert deadline_of(12, [day, 3600], NOW) == NOW + timedelta(minutes=30)
    assert deadline_of(2, [day], NOW) == NOW + timedelta(hours=2)


def test_a_ticket_that_cannot_be_read_is_named(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.store.put(OPS, "remediation/holds/a-run.json", b"{}")
    with pytest.raises(Exception, match="is no ticket"):
        read_ticket(environment, "a-run")


@pytest.mark.parametrize("policy", [{"kill_switch": ["stop"]}, {"window_start": "00:00", "window_end": "00:01"}])
def test_neither_the_kill_switch_nor_the_window_keeps_delivery_held(
    environment: PipelineEnvironment, held: Ticket, policy: dict[str, object]
) -> None:
    environment.policy = environment.policy.model_copy(update=policy)
    assert give_back(environment, held.run).outcome == "done"


def test_a_hold_is_not_given_back_under_the_hands_of_its_run(environment: PipelineEnvironment, held: Ticket) -> None:
    context = Context(environment, "watch")
    with Context(environment, "somebody").holding(held.lease, held.run):
        given = run(GiveBack(), context, GiveBackRequest(run=held.run, mode="apply"))
    assert given.outcome == "busy"
    assert "somebody" in given.reasons[0]


def test_what_was_given_back_is_not_continued(environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket) -> None:
    give_back(environment, held.run)
    journal = read_journal(environment.storage, OPS, held.lease, held.run, "a test")
    assert (journal.ended, journal.entries[-1].data["outcome"]) == (True, "stopped")
    assert do(environment).run.id != held.run


def test_a_start_of_somebody_who_was_killed_that_is_late_in_listings_is_not_made_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    sandbox.store.put(DATA, FOREIGN, b"theirs")
    one = held.held[0]
    (event,) = [e for e in environment.delivery.pull(one.subscription, 500) if e.name == FOREIGN]
    stamp(environment, held.run, DRAINING, {"by": "somebody who was killed"})
    late = FaultRule(service="executions", method="CreateExecution", kind="late_listing", seconds=0.5, times=1)
    sandbox.faults.add(late)
    environment.policy.settle_seconds = 2
    environment.workflows.start(
        one.workflow, argument_of(event), labels={EVENT_LABEL: label_for(one.subscription, event.message_id)}
    )
    assert give_back(environment, held.run).outcome == "done"
    assert started_for(sandbox, one.workflow) == [FOREIGN]
