"""A ticket says what delivery was before it was held; it is written once, read tolerantly, and open until it is redeemed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import (
    DRAINING,
    REDEEMED,
    Ticket,
    deadline_of,
    is_stamped,
    open_ticket,
    open_tickets,
    read_ticket,
    stamp,
    ticket_name,
    write_ticket,
)
from tests.delivery.world import NOW, ticket

OPS = "sandbox-ops"


def test_a_ticket_is_written_once_and_read_back(environment: PipelineEnvironment) -> None:
    write_ticket(environment, ticket(reason="first"))
    with pytest.raises(PreconditionFailed):
        write_ticket(environment, ticket(reason="second"))
    assert read_ticket(environment, "r") == ticket(reason="first")
    assert read_ticket(environment, "another") is None


def test_one_of_another_version_is_read_and_what_it_adds_passed_over(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    newer = ticket().model_dump(mode="json") | {"mood": 1}
    newer["held"][0] |= {"mood": 2}
    older = {key: value for key, value in newer.items() if key not in ("procedure", "lease", "stays", "schedulers")}
    for run, said in (("newer", newer), ("older", older)):
        sandbox.store.put(OPS, ticket_name(run), Ticket.model_validate(said).model_dump_json().encode())
    found = read_ticket(environment, "older")
    assert found is not None
    assert (found.procedure, found.lease, found.stays) == ("restore", "@restore", False)
    assert read_ticket(environment, "newer") == ticket()


@pytest.mark.parametrize("body", [b"", b"{}", b"7", b'{"run": "r"}'])
def test_what_is_no_ticket_is_named_and_hides_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox, body: bytes
) -> None:
    sandbox.store.put(OPS, ticket_name("b"), body)
    for run in ("a", "c"):
        write_ticket(environment, ticket(run))
    for asked in (read_ticket, open_ticket):
        with pytest.raises(PermanentError, match=r"holds/b\.json is no ticket; look at it, and give the delivery back"):
            asked(environment, "b")
    found, damaged = open_tickets(environment)
    assert ([one.run for one in found], len(damaged), ticket_name("b") in damaged[0]) == (["a", "c"], 1, True)


def test_a_ticket_is_open_until_it_is_redeemed_also_while_somebody_empties_what_it_holds(
    environment: PipelineEnvironment,
) -> None:
    assert (open_ticket(environment, "r"), open_tickets(environment)) == (None, ([], []))
    write_ticket(environment, ticket())
    write_ticket(environment, ticket("r2"))
    assert stamp(environment, "r", DRAINING, {"by": "ann"})
    assert open_ticket(environment, "r") == ticket()
    assert stamp(environment, "r", REDEEMED, {"by": "ann"})
    assert open_ticket(environment, "r") is None
    assert [one.run for one in open_tickets(environment)[0]] == ["r2"]


@pytest.mark.parametrize(("what", "other"), [(DRAINING, REDEEMED), (REDEEMED, DRAINING)])
def test_a_stamp_is_given_once_and_is_no_other(environment: PipelineEnvironment, what: str, other: str) -> None:
    assert not is_stamped(environment, "r", what)
    assert stamp(environment, "r", what, {"by": "first"})
    assert not stamp(environment, "r", what, {"by": "second"})
    assert (is_stamped(environment, "r", what), is_stamped(environment, "r", other)) == (True, False)
    assert b'"by":"first"' in environment.storage.read(OPS, ticket_name("r", what))


HOURS, RETENTIONS = st.floats(0.1, 100), st.lists(st.integers(60, 7 * 86400), max_size=4)


@given(HOURS, RETENTIONS)
def test_a_hold_is_over_after_its_hours_and_at_the_latest_at_half_of_every_retention(
    hours: float, retentions: list[int]
) -> None:
    lasts = (deadline_of(hours, retentions, NOW) - NOW).total_seconds()
    bounds = [hours * 3600, *(seconds / 2 for seconds in retentions)]
    assert all(lasts <= bound + 0.001 for bound in bounds)
    assert any(abs(lasts - bound) < 0.001 for bound in bounds)


def test_a_ticket_says_who_holds_what_since_when_and_until_when() -> None:
    two = ticket(held=[one.model_dump() | {"trigger": name} for one in ticket().held for name in ("t1", "t2")])
    assert two.triggers == "t1, t2"
    assert two.sentence() == (
        "the delivery of t1, t2 is held by run r (ann, restore of a) since 2026-11-20 12:00 UTC, until 00:00 UTC"
    )
    assert two.deadline - two.made_at == timedelta(hours=12)
