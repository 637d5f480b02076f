"""What waits is counted by looking, each event once, and stays waiting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.server import Sandbox
from tasks.delivery import backlog
from tasks.delivery.backlog import COUNTED, NONE_SEEN, Waiting, waiting
from tasks.remediation.context import Context
from tests.delivery.world import LAYOUT, give_back, held, one_listener


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, NONE_SEEN), (1, "1"), (999, "999"), (COUNTED, "1,000 or more"), (COUNTED + 1, "1,001 or more")],
)
def test_none_that_was_seen_is_not_none_and_a_thousand_may_be_more(count: int, words: str) -> None:
    assert Waiting(count, None).words == words


def test_each_is_counted_once_with_the_oldest_and_all_are_delivered_later(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(backlog, "COUNTED", 4)
    acting = held(context, sandbox)
    (one,) = {held.subscription for held in _tickets(environment)}
    sandbox.eventarc.subscriptions.backlog("objects-trigger").ack_deadline = 0.0  # each comes again at once
    before = datetime.now(UTC)
    for number in range(3):
        sandbox.store.put("sandbox-scenes", LAYOUT.replace("/a/", f"/a{number}/"), b"{}")
    found = waiting(environment, one)
    assert found.count == 3
    assert found.oldest is not None
    assert before <= found.oldest <= datetime.now(UTC)
    assert "3 others delivered" in give_back(context, acting.journal.run)


def _tickets(environment: PipelineEnvironment) -> list[object]:
    from tasks.delivery.tickets import open_tickets

    return [one for ticket in open_tickets(environment)[0] for one in ticket.held]


def test_where_nothing_waits_there_is_no_oldest(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "WAIT_SECONDS", 0.05)
    held(context, sandbox)
    (one,) = {held.subscription for held in _tickets(environment)}
    assert waiting(environment, one) == Waiting(0, None)


def test_what_pushes_cannot_be_counted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    with pytest.raises(PermanentError):
        waiting(environment, one_listener(environment, sandbox).subscription)
