"""What waits is counted by looking, each event once, and stays waiting."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.server import Sandbox
from tasks.delivery import backlog
from tasks.delivery.backlog import COUNTED, NONE_SEEN, Waiting, waiting
from tasks.delivery.tickets import read_ticket
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tests.delivery.world import LAYOUT, TRIGGER, give_back, held, one_listener


def subscription(environment: PipelineEnvironment, acting: Doing) -> str:
    """What that action has held."""
    ticket = read_ticket(environment, acting.journal.run)
    assert ticket is not None
    return ticket.held[0].subscription


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, NONE_SEEN), (1, "1"), (999, "999"), (COUNTED, "1,000 or more"), (COUNTED + 1, "1,001 or more")],
)
def test_none_that_was_seen_is_not_none_and_a_thousand_may_be_more(count: int, words: str) -> None:
    assert Waiting(count, None).words == words


def test_each_is_counted_once_with_the_oldest_and_all_are_delivered_later(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "WAIT_SECONDS", 30.0)  # however slow this machine is
    monkeypatch.setattr(backlog, "COUNTED", 4)
    acting = held(context, sandbox)
    events = sandbox.eventarc.subscriptions.backlog(TRIGGER)
    events.ack_deadline = 0.0  # each comes again at once
    for number in range(3):
        sandbox.store.put("sandbox-scenes", LAYOUT.replace("/a/", f"/a{number}/"), b"{}")
    published = sorted(one.message.publish_time for one in events._waiting)
    assert published[0] < published[-1]
    sandbox.requests.reset()
    assert waiting(environment, subscription(environment, acting)) == Waiting(3, published[0])
    assert sandbox.requests.count("pubsub", "Pull") == 2, "the second brought nothing new"
    events.ack_deadline = 0.2
    assert "3 others delivered" in give_back(context, acting.journal.run)


def test_where_nothing_waits_there_is_no_oldest(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "WAIT_SECONDS", 0.05)
    assert waiting(environment, subscription(environment, held(context, sandbox))) == Waiting(0, None)


def test_what_pushes_cannot_be_counted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    with pytest.raises(PermanentError):
        waiting(environment, one_listener(environment, sandbox).subscription)
