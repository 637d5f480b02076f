"""The backup as flows: what they leave in Prefect, and how they end."""

from __future__ import annotations

from deployments.cli_flows import outcome
from deployments.sandbox.server import Sandbox
from flows.backup_watch import backup_watch
from flows.nightly_backup import nightly_backup
from flows.verify_backup import verify_backup
from tests.flows.world import Saved, artifacts, everything, has_row, run, task_runs


def said(state: object, key: str) -> str:
    """The report of that key."""
    return str(artifacts(state)[key].data)  # type: ignore[arg-type]


def test_by_default_it_shows_the_plan_and_changes_nothing(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    before = everything(sandbox)
    state = run(nightly_backup)
    assert state.is_completed(), state.message
    assert everything(sandbox) == before
    left = artifacts(state)
    assert {"plan-night-backup", "night-backup", "expiry-backup", "expiry-leftovers"} <= set(left)
    planned = str(left["plan-night-backup"].data)
    assert "objects of class completion_marker" in planned.split("## 1 copy")[1].split("\n## ")[0]


def test_a_night_is_recorded_verified_and_watched(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    state = run(nightly_backup, mode="apply")
    assert state.is_completed(), state.message
    assert str(state.message).startswith("@backup: done - night ")
    assert "@backup: nothing_to_do - 0 nights" in str(state.message)
    live = list(sandbox.store.list("sandbox-scenes", "scenes/"))
    size = sum(found.size for found in live)
    assert has_row(artifacts(state)["night-backup"], "all", str(len(live)), str(size))
    steps = {"1 copy", "2 write manifest", "3 capture definitions", "3 capture terraform", "4 write summary"}
    recorded = task_runs(state, lambda found: {f"@backup: {one}" for one in steps} <= {one.name for one in found})
    assert len(recorded) > len(steps), "it looked before it acted"

    assert run(backup_watch).is_failed()
    verified = run(verify_backup)
    assert verified.is_completed(), verified.message
    card = said(verified, "check-verify-backup")
    assert card.count("24.0 h ✅") == 2
    assert "not measured yet" in card
    watched = run(backup_watch)
    assert watched.is_completed(), watched.message
    assert watched.result() == {"outcome": "nothing_to_do"}


def test_a_refused_backup_fails_with_the_sentence_and_no_expiry_follows(saved: Saved, sandbox: Sandbox) -> None:
    state = run(nightly_backup, mode="apply")
    assert state.is_failed()
    assert "an empty source is never backed up" in str(state.message)
    assert "night" not in str(state.message)
    assert state.result(raise_on_failure=False) == {"outcome": "refused"}


def test_a_finding_fails_the_verification_and_is_listed(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    assert run(nightly_backup, mode="apply", what="backup").is_completed()
    (gone, *_) = [found.name for found in sandbox.store.list("sandbox-backup", "objects/")]
    sandbox.store.delete("sandbox-backup", gone)
    state = run(verify_backup)
    assert state.is_failed()
    assert has_row(artifacts(state)["check-verify-backup"], "missing", f"gs://sandbox-backup/{gone}")
    assert gone in str(state.message)
    assert run(backup_watch).is_failed()


def test_the_exit_code_tells_a_refusal_from_a_failure_and_from_a_stop(
    saved: Saved, sandbox: Sandbox, kitchen: str
) -> None:
    assert outcome(verify_backup) == 1, "there is no night"
    assert outcome(nightly_backup, mode="apply", what="backup") == 0
    saved.keep(kill_switch=["an investigation"])
    assert outcome(nightly_backup, mode="apply", what="backup") == 0, "a backup takes nothing away"
    for found in list(sandbox.store.list("sandbox-scenes", "scenes/")):
        sandbox.store.delete("sandbox-scenes", found.name)
    assert outcome(nightly_backup, mode="apply") == 3
