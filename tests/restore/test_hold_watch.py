"""A hold that nobody gives back is noticed, and given back when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.restore import steps
from tasks.delivery.release import release
from tasks.restore.restore import restore
from tasks.delivery.tickets import Ticket, deadline_of, is_redeemed, open_tickets, read_ticket
from tasks.restore.wanted import Wanted
from tasks.restore.watch import give_up, look, why_forgotten
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    contents,
    delete_all,
    do,
    executions,
    make_night,
    pushing,
    scene,
    started_for,
)

FOREIGN = f"{PREFIX}usd/of-somebody-else.bin"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def held(environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Ticket:
    """A restore that stopped while it held delivery."""
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)

    def fails(*_: object, **__: object) -> str:
        raise TemporaryError("The storage says not now.")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "verify_objects", fails)
        context = Context(environment, "somebody", flow_run_id="00000000-0000-0000-0000-000000000001")
        result = restore(context, Wanted("scene", SCENE, mode="apply", reason="a test"))
    assert result.outcome == "failed"
    assert "Meanwhile the delivery of" in " ".join(result.reasons)
    (ticket,) = open_tickets(environment)
    return ticket


def test_a_hold_in_order_is_no_news(environment: PipelineEnvironment, held: Ticket) -> None:
    fine, forgotten = look(Context(environment, "watch", gone=lambda _: False))
    assert (fine, forgotten) == ([held], [])


def test_a_hold_whose_flow_run_has_ended_is_noticed(environment: PipelineEnvironment, held: Ticket) -> None:
    asked: list[str] = []

    def is_alive(holder: object) -> bool:
        asked.append(holder.flow_run_id)  # type: ignore[attr-defined]
        return False

    fine, (forgotten,) = look(Context(environment, "watch", holder_is_alive=is_alive))
    assert fine == []
    assert "flow run has ended" in forgotten.sentence()
    assert asked == [held.flow_run_id]


def test_a_hold_that_another_flow_run_has_taken_over_is_no_news(environment: PipelineEnvironment, held: Ticket) -> None:
    context = Context(environment, "watch", gone=lambda holder: holder.run != "the-next-run")
    with Context(environment, "the next one").holding("restore", "the-next-run"):
        assert look(context) == ([held], [])
    assert len(look(context)[1]) == 1


@pytest.mark.parametrize(("after", "noticed"), [(-1, False), (1, True)])
def test_a_hold_past_its_deadline_is_noticed_even_if_its_run_lives(
    environment: PipelineEnvironment, held: Ticket, after: int, noticed: bool
) -> None:
    context = Context(environment, "watch", gone=lambda _: False)
    why = why_forgotten(context, held, held.deadline + timedelta(seconds=after))
    assert bool(why) == noticed


def test_giving_up_delivers_what_waits_drops_what_the_restore_wrote_and_ends_its_run(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    before = {one.subscription: one.push_config for one in held.held}
    sandbox.store.put(DATA, FOREIGN, b"theirs")
    assert executions(sandbox) == []
    context = Context(environment, "watch", gone=lambda _: True)
    told = give_up(context, held)
    assert "1 others delivered" in told
    for one in held.held:
        assert started_for(sandbox, one.workflow) == [FOREIGN]
        assert pushing(environment)[one.subscription] == before[one.subscription]
    assert open_tickets(environment) == []
    assert give_up(context, held) == "was released already"
    assert do(environment, "object", f"{PREFIX}regen3d/scene_info.json").outcome in ("clean", "nothing to do")


def test_running_the_restore_again_continues_it_and_redeems_the_ticket(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    assert do(environment).outcome == "clean"
    assert is_redeemed(environment, held.run)
    assert executions(sandbox) == []
    assert len(contents(sandbox.store, "remediation/holds/", OPS)) == 3


def test_what_somebody_lets_push_by_hand_is_left_so(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    other = dict(held.held[0].push_config) | {"pushEndpoint": "https://example.com/elsewhere"}
    environment.delivery.release(held.held[0].subscription, other)
    told = release(Context(environment, "watch"), held)
    assert "somebody lets it push already" in told
    found = environment.delivery.push_config(held.held[0].subscription)
    assert found is not None
    assert found["pushEndpoint"] == "https://example.com/elsewhere"


def test_a_trigger_that_was_deleted_meanwhile_does_not_keep_the_others_held(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    sandbox.eventarc.deployed.put(held.held[0].trigger, False)
    told = release(Context(environment, "watch"), held)
    assert "its subscription is gone" in told
    assert open_tickets(environment) == []


def test_an_event_whose_workflow_is_not_deployed_is_left_to_eventarc(
    environment: PipelineEnvironment, sandbox: Sandbox, held: Ticket
) -> None:
    sandbox.store.put(DATA, FOREIGN, b"theirs")
    sandbox.workflows.deployed.put(held.held[0].workflow, False)
    told = release(Context(environment, "watch"), held)
    assert f"1 left to Eventarc because {held.held[0].workflow} is not deployed" in told
    assert open_tickets(environment) == []


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
