"""What waits is delivered once or, if it is the run's own, dropped; then it pushes exactly as before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from blocks.errors import PreconditionFailed, UnknownOutcome
from blocks.held_event import HeldEvent
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.actions.object_lists import Done, Item, create, line_of, part_name, write_done
from tasks.delivery.deliver import EVENT_LABEL, argument_of, label_for
from tasks.delivery.kinds import release_delivery
from tasks.delivery.own_writes import OwnWrites
from tasks.delivery.pace import Pace
from tasks.delivery.release import Draining, ReleaseDelivery, is_own
from tasks.delivery.tickets import DRAINING, REDEEMED, Held, is_stamped, read_ticket, stamp, ticket_name
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseLost, lease_name
from tests.delivery.world import LAYOUT, TRIGGER, WORKFLOW, give_back, held, holding, releasing, ticket
from tests.intake.world import started
from tests.remediation.world import apply

DATA, OPS = "sandbox-scenes", "sandbox-ops"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def write(sandbox: Sandbox, scene: str = "a") -> tuple[str, int]:
    """An object that the held trigger listens to."""
    name = LAYOUT.replace("/a/", f"/{scene}/")
    return name, sandbox.store.put(DATA, name, b"{}").generation


def config(environment: PipelineEnvironment, run: str) -> tuple[Any, Any]:
    """Where it pushes now, and where it did."""
    ticket = read_ticket(environment, run)
    assert ticket is not None
    return environment.delivery.push_config(ticket.held[0].subscription), ticket.held[0].push_config


def test_what_others_wrote_is_delivered_once_and_it_pushes_as_before(context: Context, sandbox: Sandbox) -> None:
    run = held(context, sandbox).journal.run
    names = [write(sandbox, scene)[0] for scene in "abc"]
    assert give_back(context, run) == f"{TRIGGER}: 0 own events dropped, 3 others delivered"
    assert started(sandbox, WORKFLOW) == dict.fromkeys(names, 1)
    now, before = config(context.environment, run)
    assert now == before
    assert is_stamped(context.environment, run, REDEEMED)
    assert give_back(context, run) == "was released already"
    assert give_back(context, "no-such-run") == "nothing was held"


def test_what_the_run_wrote_itself_is_dropped_and_a_newer_generation_is_somebody_elses(
    context: Context, sandbox: Sandbox
) -> None:
    run = held(context, sandbox).journal.run
    written = [write(sandbox, scene) for scene in "abc"]
    sandbox.store.put(DATA, written[2][0], b"theirs")
    items = [Item(name, "backup", "b", name, 1, 2, "x", "2026-01-01T00:00:00Z", 0) for name, _ in written]
    create(context.environment, part_name(run, "data", 0), [line_of(one) for one in items])
    write_done(context.environment, run, "data", 0, [Done(name, number, "done") for name, number in written])
    assert "3 own events dropped, 1 others delivered" in give_back(context, run)
    assert started(sandbox, WORKFLOW) == {written[2][0]: 1}


def test_a_start_whose_answer_is_lost_is_found_by_its_label(context: Context, sandbox: Sandbox) -> None:
    run = held(context, sandbox).journal.run
    context.environment.policy.settle_seconds = 5
    name, _ = write(sandbox)
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="lost_answer", times=1))
    assert "1 others delivered" in give_back(context, run)
    assert started(sandbox, WORKFLOW) == {name: 1}


def test_one_that_cannot_be_found_is_for_a_person_and_the_event_still_waits(context: Context, sandbox: Sandbox) -> None:
    run = held(context, sandbox).journal.run
    name, _ = write(sandbox)
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="reset"))
    with pytest.raises(UnknownOutcome):
        give_back(context, run)
    assert (is_stamped(context.environment, run, DRAINING), is_stamped(context.environment, run, REDEEMED)) == (
        True,
        False,
    )
    sandbox.faults.clear()
    assert "1 others delivered" in give_back(context, run)
    assert started(sandbox, WORKFLOW) == {name: 1}


def test_what_somebody_delivered_who_was_killed_is_not_delivered_again(context: Context, sandbox: Sandbox) -> None:
    run = held(context, sandbox).journal.run
    environment = context.environment
    name, _ = write(sandbox)
    ticket = read_ticket(environment, run)
    assert ticket is not None
    (event,) = environment.delivery.pull(ticket.held[0].subscription, 10)
    stamp(environment, run, DRAINING, {"by": "somebody"})
    environment.workflows.start(
        WORKFLOW, argument_of(event), labels={EVENT_LABEL: label_for(ticket.held[0].subscription, event.message_id)}
    )
    assert "0 others delivered" in give_back(context, run)
    assert started(sandbox, WORKFLOW) == {name: 1}


@pytest.mark.parametrize("how", ["gone", "pushes"])
def test_what_is_gone_or_pushes_already_is_left_so(context: Context, sandbox: Sandbox, how: str) -> None:
    run = held(context, sandbox).journal.run
    _, before = config(context.environment, run)
    ticket = read_ticket(context.environment, run)
    assert ticket is not None
    other = dict(before) | {"pushEndpoint": "https://example.com/elsewhere"}
    if how == "gone":
        sandbox.eventarc.deployed.put(TRIGGER, False)
    else:
        context.environment.delivery.release(ticket.held[0].subscription, other)
    told = give_back(context, run)
    assert ("its subscription is gone, and what waited with it" if how == "gone" else "lets it push already") in told
    assert config(context.environment, run)[0] == (None if how == "gone" else other)
    assert is_stamped(context.environment, run, REDEEMED)


def test_one_that_does_not_push_exactly_as_before_is_said_and_stays_open(context: Context, sandbox: Sandbox) -> None:
    run = held(context, sandbox).journal.run
    ticket = read_ticket(context.environment, run)
    assert ticket is not None
    odd = ticket.held[0].model_copy(update={"push_config": dict(ticket.held[0].push_config) | {"newer": 1}})
    changed = ticket.model_copy(update={"held": (odd,)})
    sandbox.store.put(OPS, ticket_name(run), changed.model_dump_json().encode())
    with pytest.raises((PreconditionFailed, ValueError)):
        give_back(context, run)
    assert not is_stamped(context.environment, run, REDEEMED)


def test_an_event_whose_workflow_is_not_deployed_is_left_and_keeps_nobody_waiting(
    context: Context, sandbox: Sandbox
) -> None:
    run = held(context, sandbox).journal.run
    write(sandbox)
    sandbox.workflows.deployed.put(WORKFLOW, False)
    assert f"0 others delivered, 1 left to Eventarc because {WORKFLOW} is not deployed" in give_back(context, run)


def test_no_event_is_delivered_without_the_lease(context: Context, sandbox: Sandbox) -> None:
    run = held(context, sandbox).journal.run
    write(sandbox)
    acting = releasing(context, run)
    with context.holding("@restore", acting.journal.run) as lease:
        acting.run.leases = [lease]
        found = sandbox.store.get(OPS, lease_name("@restore"))
        assert found is not None
        sandbox.store.put(OPS, found.name, found.data, quiet=True)
        with pytest.raises(LeaseLost):
            apply(release_delivery, acting)
    assert started(sandbox, WORKFLOW).total() == 0
    assert "1 others delivered" in give_back(context, run)


def test_a_run_gives_its_own_hold_back_without_naming_itself(context: Context, sandbox: Sandbox) -> None:
    acting = held(context, sandbox)
    assert release_delivery.apply(acting, ReleaseDelivery()).startswith(f"{TRIGGER}: 0 own events dropped")
    assert release_delivery.apply(holding(context), ReleaseDelivery()) == "nothing was held"


EVENT = HeldEvent("ack", "m1", NOW, {"eventTime": "2026-01-01T00:00:00Z"}, b'{"name": "x"}', bucket=DATA, name="x")
SUBSCRIPTION = Held(trigger="t", workflow="w", subscription="projects/p/subscriptions/s", push_config={})


@pytest.mark.parametrize(
    ("bucket", "name", "generation", "own"),
    [
        (DATA, "x", 7, True),
        ("another", "x", 7, False),
        ("", "x", 7, False),
        (DATA, "y", 7, False),
        (DATA, "x", 8, False),
    ],
)
def test_only_a_generation_that_the_run_wrote_in_the_data_bucket_is_its_own_event(
    context: Context, tmp_path: Path, bucket: str, name: str, generation: int, own: bool
) -> None:
    written = OwnWrites(tmp_path / "x.sqlite")
    written.add([("x", 7)])
    draining = Draining(releasing(context, "r"), ticket(), SUBSCRIPTION, written, first=True, pace=Pace(lambda: 60.0))
    assert is_own(draining, replace(EVENT, bucket=bucket, name=name, generation=generation)) == own
    written.close()


def test_what_a_workflow_is_started_with_is_the_event_as_its_trigger_would_have_told_it() -> None:
    assert argument_of(EVENT) == {
        "specversion": "1.0",
        "id": "m1",
        "source": f"//storage.googleapis.com/projects/_/buckets/{DATA}",
        "subject": "objects/x",
        "type": "google.cloud.storage.object.v1.finalized",
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "bucket": DATA,
        "data": {"name": "x"},
    }


@pytest.mark.parametrize(("data", "read"), [(b"", {}), (b"{", {}), (b"\xff", {}), (b"7", 7), (b'{"a": 1}', {"a": 1})])
def test_an_event_whose_data_cannot_be_read_is_delivered_all_the_same(data: bytes, read: object) -> None:
    argument = argument_of(replace(EVENT, data=data, attributes={}))
    assert (argument["data"], argument["time"]) == (read, NOW.isoformat())
    json.dumps(argument)


@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_one_event_of_one_subscription_has_one_label_and_no_other_has_it(a: str, b: str, one: str, two: str) -> None:
    first, other = label_for(f"s{a}", f"m{one}"), label_for(f"s{b}", f"m{two}")
    if (a, one) == (b, two):
        assert first == other
    elif "/" not in a + b + one + two:
        assert first != other
    assert len(first) <= 63
    assert first.isalnum()
