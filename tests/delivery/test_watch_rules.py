"""Which holds somebody must give back, and that giving back ends the run that held under that run's own lease."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery import watch
from tasks.delivery.tickets import REDEEMED, Ticket, stamp, ticket_name, write_ticket
from tasks.delivery.watch import GiveBack, GiveBackRequest, HoldWatch, has_begun, why_forgotten
from tasks.remediation.check import check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.lease import lease_name
from tasks.remediation.plan import Plan
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.delivery.world import held, ticket
from tests.intake.world import only

OPS = "sandbox-ops"


@pytest.fixture
def watcher(environment: PipelineEnvironment, sandbox: Sandbox) -> Context:
    only(sandbox)
    return Context(environment, "watch")


def lasting(run: str = "r", **more: object) -> Ticket:
    """A ticket whose time is not over."""
    now = datetime.now(UTC)
    return ticket(run, **({"made_at": now, "deadline": now + timedelta(hours=1)} | more))


def begin(context: Context, id_: str = "r", subject: str = "@restore") -> Journal:
    journal = Journal(context.environment.storage, OPS, subject, id_, "ann")
    journal.append("begin", {"plan": Plan(procedure="restore", subject=subject).model_dump(mode="json")})
    return journal


def given_back(context: Context, id_: str, mode: str = "apply") -> Run:
    return run(GiveBack(), context, GiveBackRequest(run=id_, mode=mode))  # type: ignore[arg-type]


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("working", [True, False])
def test_a_hold_is_in_order_while_its_lease_is_held_or_if_it_stays_once_its_run_has_begun(
    watcher: Context, stays: bool, begun: bool, working: bool
) -> None:
    one = lasting(stays=stays)
    if begun:
        begin(watcher)
    assert has_begun(watcher, one) == begun
    if working:
        with Context(watcher.environment, "ann").holding("@restore", "r"):
            why = why_forgotten(watcher, one, datetime.now(UTC))
    else:
        why = why_forgotten(watcher, one, datetime.now(UTC))
    assert (why == "") == (working or (stays and begun))
    assert "its deadline was" in why_forgotten(watcher, one, one.deadline + timedelta(seconds=1))
    assert "its deadline was" not in why_forgotten(watcher, one, one.deadline)


def test_the_watch_counts_what_is_in_order_and_says_what_is_not(watcher: Context, sandbox: Sandbox) -> None:
    environment = watcher.environment
    assert check(HoldWatch(), watcher, None).summary == "no delivery is held"
    write_ticket(environment, lasting("fine", stays=True))
    begin(watcher, "fine")
    seen = check(HoldWatch(), watcher, None)
    assert (seen.outcome, seen.summary, len(seen.notes), sections_of(seen)) == (
        "nothing_to_do",
        "1 hold in order",
        1,
        [],
    )
    write_ticket(environment, lasting("dead"))
    sandbox.store.put(OPS, ticket_name("odd"), b"{}")
    seen = check(HoldWatch(), watcher, None)
    assert (seen.outcome, len(seen.reasons), len(seen.notes)) == ("failed", 2, 1)
    assert "its run has ended without giving it back" in seen.reasons[0]
    assert "odd.json is no ticket" in seen.reasons[1]
    assert [one.ticket.run for one in seen.facts.facts] == ["dead"]
    assert "Run hold-watch with mode `apply`" in sections_of(seen)[0].text
    stamp(environment, "fine", REDEEMED, {})
    assert check(HoldWatch(), watcher, None).summary == "no delivery is held in order"


def test_a_hold_that_is_given_back_while_it_is_looked_at_is_no_alarm(
    watcher: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ticket(watcher.environment, lasting())
    real: Callable[..., str] = watch.why_forgotten

    def meanwhile(*given: object) -> str:
        why = real(*given)
        stamp(watcher.environment, "r", REDEEMED, {})
        return why

    monkeypatch.setattr(watch, "why_forgotten", meanwhile)
    assert check(HoldWatch(), watcher, None).outcome == "nothing_to_do"


@pytest.mark.parametrize("id_", ["", "no-such-run", "a/b"])
def test_a_run_that_holds_nothing_has_nothing_to_give_back(watcher: Context, id_: str) -> None:
    one = given_back(watcher, id_)
    assert (one.outcome, "holds no delivery; hold-watch says who does" in one.reasons[0]) == ("refused", True)


@pytest.mark.parametrize("lease", ["kitchen_001", "", "x/@restore"])
def test_a_ticket_that_names_no_lease_of_ours_is_for_a_person(watcher: Context, lease: str) -> None:
    write_ticket(watcher.environment, lasting(lease=lease))
    one = given_back(watcher, "r")
    assert (one.outcome, "which is none; give it back by hand" in one.reasons[0]) == ("refused", True)


def test_a_plan_shows_what_would_be_given_back(watcher: Context, sandbox: Sandbox) -> None:
    write_ticket(watcher.environment, lasting())
    sandbox.requests.reset()
    one = given_back(watcher, "r", "plan")
    assert (one.outcome, one.summary) == ("planned", "what run r holds: t")
    assert one.plan is not None
    assert (one.plan.subject, one.plan.details) == ("@restore", {"gives_back": "r"})
    assert sandbox.requests.mutating() == {"total": 0}


def test_giving_back_ends_the_run_that_held_and_says_by_whom(context: Context, sandbox: Sandbox) -> None:
    id_ = held(context, sandbox).journal.run
    one = given_back(Context(context.environment, "bo"), id_)
    assert one.outcome == "done"
    ended = read_journal(context.environment.storage, OPS, "@restore", id_, "x")
    last = ended.entries[-1]
    assert (last.kind, last.data["outcome"], last.data["by"], last.actor) == ("end", "stopped", one.id, "bo")
    assert last.data["reasons"] == ["given up by bo, who gave the delivery back"]
    assert sandbox.store.get(OPS, lease_name("@restore")) is None
    assert given_back(Context(context.environment, "bo"), id_).outcome == "nothing_to_do"


def test_a_run_that_was_redeemed_and_has_no_end_is_ended_by_giving_back_once_more(
    watcher: Context, sandbox: Sandbox
) -> None:
    write_ticket(watcher.environment, lasting())
    stamp(watcher.environment, "r", REDEEMED, {})
    begin(watcher)
    assert given_back(watcher, "r").outcome == "done"
    assert read_journal(watcher.environment.storage, OPS, "@restore", "r", "x").ended


def test_a_run_that_has_its_end_keeps_it(context: Context, sandbox: Sandbox) -> None:
    journal = held(context, sandbox).journal
    journal.end("failed", ["why"])
    assert given_back(context, journal.run).outcome == "done"
    entries = read_journal(context.environment.storage, OPS, "@restore", journal.run, "x").entries
    assert [entry.data["outcome"] for entry in entries if entry.kind == "end"] == ["failed"]
