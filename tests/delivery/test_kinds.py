"""Holding and giving back are each other's way back, and nothing that is written between is put back unheld."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery, release_action, release_delivery
from tasks.delivery.listeners import Listener
from tasks.delivery.release import ReleaseDelivery
from tasks.delivery.tickets import REDEEMED, stamp, write_ticket
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Doing
from tasks.remediation.plan import Action, Plan
from tasks.remediation.run import Run
from tests.delivery.world import ticket
from tests.remediation.world import inverse

OPS = "sandbox-ops"
LISTENER = Listener("t", "w", "projects/p/subscriptions/s", None)
HOLD = hold_delivery.action(
    HoldDelivery(listeners=(LISTENER,)),
    step="1 hold",
    target="t",
    precondition="",
    undo="",
    why="so that nothing starts",
)
RELEASE = release_action(ReleaseDelivery(), "t")
ANOTHERS = release_action(ReleaseDelivery(run="another-run"), "t")


def acting(context: Context, action: Action, *plan: Action, released: bool = False) -> Doing:
    """An action of a run with that plan; `released`: it gave back what it held."""
    run = Run(context, "restore")
    journal = Journal(context.environment.storage, OPS, "@restore", "r", "ann")
    said = Plan(procedure="restore", subject="@restore", actions=plan or (action,)).model_dump(mode="json")
    journal.append("begin", {"plan": said})
    if released:
        journal.append("outcome", {"step": RELEASE.step, "results": {RELEASE.key: "given back"}})
    run.journal = journal
    return Doing(run, action)


def test_a_hold_that_is_still_there_is_given_back_by_its_run(context: Context) -> None:
    write_ticket(context.environment, ticket("r"))
    back = inverse(hold_delivery, acting(context, HOLD))
    assert back is not None
    assert (back.kind, back.params, back.target, back.always) == ("release_delivery", {"run": "r"}, "t", True)


@pytest.mark.parametrize("redeemed", [True, False])
def test_a_run_that_gave_it_back_itself_has_its_undo_give_back_what_that_holds(
    context: Context, environment: PipelineEnvironment, redeemed: bool
) -> None:
    if redeemed:
        write_ticket(environment, ticket("r"))
        stamp(environment, "r", REDEEMED, {})
    back = inverse(hold_delivery, acting(context, HOLD, HOLD, RELEASE, released=True))
    assert back is not None
    assert (back.kind, back.params, back.target) == ("release_delivery", {}, "t")


def test_where_nothing_is_held_and_nothing_was_given_back_there_is_nothing_to_do(context: Context) -> None:
    assert inverse(hold_delivery, acting(context, HOLD, HOLD, RELEASE)) is None


def test_a_run_that_gives_nothing_back_is_not_given_back_by_its_undo(context: Context) -> None:
    assert inverse(hold_delivery, acting(context, HOLD)) is None


def test_what_a_run_gave_back_is_held_again_while_it_is_undone(context: Context) -> None:
    back = inverse(release_delivery, acting(context, RELEASE, HOLD, RELEASE, released=True))
    assert back is not None
    assert (back.kind, back.params, back.step) == ("hold_delivery", HOLD.params, "hold delivery")
    assert back.why != HOLD.why
    assert hold_delivery.read(back) == HoldDelivery(listeners=(LISTENER,))


@pytest.mark.parametrize("plan", [(ANOTHERS,), (HOLD, ANOTHERS), (RELEASE,)], ids=["another's", "both", "no hold"])
def test_giving_back_what_another_run_held_is_not_taken_back(context: Context, plan: tuple[Action, ...]) -> None:
    assert inverse(release_delivery, acting(context, plan[-1], *plan)) is None


def test_giving_back_is_done_whatever_else_failed_and_changes_no_object(sandbox: Sandbox) -> None:
    assert (RELEASE.always, RELEASE.effect, HOLD.effect, HOLD.always) == (True, "configure", "configure", False)
    assert (hold_delivery.by_parts, release_delivery.by_parts) == (True, False)
