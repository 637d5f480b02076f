"""The backup as flows: what they leave in Prefect, and how they end."""

from __future__ import annotations

from deployments.sandbox.server import Sandbox
from flows.backup_watch import backup_watch
from flows.nightly_backup import nightly_backup
from flows.verify_backup import verify_backup
from tests.flows.world import Saved, artifacts, everything, rows, run, task_runs


def test_by_default_it_shows_the_plan_and_changes_nothing(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    before = everything(sandbox)
    state = run(nightly_backup)
    assert state.is_completed(), state.message
    assert everything(sandbox) == before
    left = artifacts(state)
    assert {"plan-backup", "backup-classes", "backup", "expiry"} <= set(left)
    planned = {row["target"] for row in rows(left["plan-backup"]) if row["step"] == "1 copy"}
    assert any(target.endswith("objects of class completion_marker") for target in planned)


def test_a_night_is_recorded_verified_and_watched(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    state = run(nightly_backup, mode="apply")
    assert state.is_completed(), state.message
    assert str(state.message).startswith("backup: clean - night ")
    classes = {row["class"]: row for row in rows(artifacts(state)["backup-classes"])}
    live = list(sandbox.store.list("sandbox-scenes", "scenes/"))
    assert classes["all"]["objects"] == classes["all"]["new"] == len(live)
    assert classes["all"]["bytes"] == sum(found.size for found in live)
    steps = {"1 copy", "2 write manifest", "3 capture definitions", "3 capture terraform", "4 write summary"}
    assert steps <= {one.name for one in task_runs(state, lambda found: len(found) > len(steps))}

    assert run(backup_watch).is_failed()
    verified = run(verify_backup)
    assert verified.is_completed(), verified.message
    card = rows(artifacts(verified)["backup-scorecard"])
    assert [row["our target"] for row in card][:2] == ["24.0 h ✅", "24.0 h ✅"]
    assert card[2]["achieved"] == "not measured yet"
    watched = run(backup_watch)
    assert watched.is_completed(), watched.message


def test_a_refused_backup_fails_with_the_sentence_and_no_expiry_follows(saved: Saved, sandbox: Sandbox) -> None:
    state = run(nightly_backup, mode="apply")
    assert state.is_failed()
    assert "an empty source is never backed up" in str(state.message)
    assert "expiry" not in str(state.message)


def test_a_finding_fails_the_verification_and_is_listed(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    assert run(nightly_backup, mode="apply", what="backup").is_completed()
    (gone, *_) = [found.name for found in sandbox.store.list("sandbox-backup", "objects/")]
    sandbox.store.delete("sandbox-backup", gone)
    state = run(verify_backup)
    assert state.is_failed()
    (found,) = rows(artifacts(state)["backup-findings"])
    assert (found["what"], found["object"]) == ("missing", f"gs://sandbox-backup/{gone}")
    assert gone in str(state.message)
    assert run(backup_watch).is_failed()
