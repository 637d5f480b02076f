"""The flows that bring things back: what Prefect shows of them, and who must say yes."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.flow_runs import resume_flow_run

from deployments.sandbox.server import Sandbox
from flows.hold_watch import hold_watch
from flows.restore import restore_flow
from flows.restore_drill import restore_drill
from tasks.delivery.tickets import Held, Ticket, open_tickets, write_ticket
from tests.flows.world import Saved, Started, artifacts, everything, run, task_runs
from tests.restore.world import (
    DATA,
    PREFIX,
    SCENE,
    contents,
    delete_all,
    executions,
    make_night,
    pushing,
    quick,
    scene,
)


@pytest.fixture
def lost(saved: Saved, sandbox: Sandbox) -> Saved:
    """A scene that is in the backup and gone, and an environment with short waits."""
    made = quick(sandbox)
    saved.environment.backup, saved.environment.policy = made.backup, made.policy
    saved.keep()
    scene(sandbox, upto="regen3d")
    make_night(saved.environment, sandbox.store)
    delete_all(sandbox)
    return saved


def restore(**parameters: Any) -> Any:
    """One restore of the scene."""
    return run(restore_flow, **{"scope": "scene", "name": SCENE, "requested_by": "somebody"} | parameters)


def test_a_plan_is_shown_and_changes_nothing(lost: Saved, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    state = restore()
    assert state.is_completed(), state.message
    assert everything(sandbox) == before
    report = artifacts(state)["restore-restore"]
    assert "Without a hold it would set off" in str(report.data)
    assert "| hold_delivery" not in str(report.data)


def test_a_scene_is_brought_back_in_a_few_task_runs(lost: Saved, sandbox: Sandbox) -> None:
    state = restore(mode="apply", reason="deleted by mistake")
    assert state.is_completed(), state.message
    assert f"@restore: done - scene {SCENE}" in str(state.message)
    assert contents(sandbox.store, f"{PREFIX}regen3d/")
    assert executions(sandbox) == []
    runs = task_runs(state, lambda found: len(found) >= 5)
    assert len(runs) == 5, "one task run to look and one a step, never one an object"


def test_bad_input_fails_with_one_sentence(lost: Saved) -> None:
    state = restore(name="kitchen_*", mode="apply", reason="why not")
    assert state.is_failed()
    assert "has a wildcard" in str(state.message)


def test_a_restore_of_everything_waits_for_a_person(lost: Saved, sandbox: Sandbox) -> None:
    lost.keep(approval={"low": "automatic", "medium": "automatic", "high": "person"})
    asked = {"scope": "bucket", "name": "", "mode": "apply", "reason": "gone", "requested_by": "somebody"}
    started = Started(restore_flow, **asked)
    paused = started.paused()
    assert contents(sandbox.store) == {}
    plan = restore(scope="bucket", name="")
    digest = str(artifacts(plan)["restore-restore"].data).partition("Plan ")[2][:16]
    resume_flow_run(paused.id, run_input={"decision": "approve", "approver": "else", "plan_digest": digest})
    state = started.ended()
    assert state.is_completed(), state.message
    assert contents(sandbox.store, f"{PREFIX}regen3d/")


def test_a_drill_publishes_its_scorecard_and_a_failing_one_fails(lost: Saved, sandbox: Sandbox) -> None:
    state = run(restore_drill)
    assert state.is_completed(), state.message
    card = artifacts(state)["drill-restore-drill"]
    assert "Restore drill: done" in str(card.data)
    copy = next(iter(sandbox.store.list("sandbox-backup", "objects/")))
    sandbox.store.delete("sandbox-backup", copy.name)
    failed = run(restore_drill)
    assert failed.is_failed()
    assert "1 copies are gone" in str(failed.message)


def test_the_hold_watch_fails_loudly_and_gives_back_when_told_to(lost: Saved, sandbox: Sandbox) -> None:
    assert run(hold_watch).is_completed()
    environment, before = lost.environment, pushing(lost.environment)
    trigger = next(one for one in environment.triggers.list() if one.name == "genie-sim-export-trigger")
    config = environment.delivery.push_config(trigger.subscription)
    assert config is not None
    held = Held(trigger=trigger.name, workflow=trigger.workflow, subscription=trigger.subscription, push_config=config)
    ticket = Ticket.model_validate(
        {
            "run": "20260101t000000z-00000000",
            "subject": f"scene {SCENE}",
            "owner": "somebody",
            "made_at": "2026-01-01T00:00:00Z",
            "deadline": "2026-01-01T12:00:00Z",
            "held": (held,),
        }
    )
    write_ticket(environment, ticket)
    environment.delivery.hold(trigger.subscription)
    sandbox.store.put(DATA, f"{PREFIX}usd/theirs.bin", b"theirs")
    noticed = run(hold_watch)
    assert noticed.is_failed()
    assert "its deadline was 2026-01-01 12:00 UTC" in str(noticed.message)
    assert pushing(environment) != before
    given = run(hold_watch, mode="apply")
    assert given.is_failed(), "a person must hear of it"
    assert "it was given back now" in str(given.message)
    assert pushing(environment) == before
    assert open_tickets(environment) == ([], [])
    assert run(hold_watch).is_completed()
