"""One vocabulary: how a night, a verification and the watch can end, and what their journals say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.procedures import PROCEDURES, kinds_of
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.lease import LeaseLost
from tasks.remediation.outcome import EXIT
from tasks.remediation.plan import Plan
from tasks.remediation.run import Run
from tasks.snapshots.nights import nights
from tests.backup.world import (
    BACKUP,
    DATA,
    OPS,
    AfterSome,
    backup,
    copies,
    done,
    expired,
    fill,
    rot,
    summary_of,
    verification,
    verified,
    watched,
)
from tests.recovery.world import everything, journals


def denied(method: str, **more: object) -> FaultRule:
    """The storage says no."""
    return FaultRule.model_validate({"service": "storage", "method": method, "kind": "status", "status": 403} | more)


def test_a_night_is_done_whether_or_not_anything_was_new(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    assert [(one.outcome, summary_of(one).outcome) for one in (backup(environment), backup(environment))] == [
        ("done", "clean"),
        ("done", "nothing to do"),
    ]


def test_the_journal_of_a_night_names_it_and_its_end_is_the_word_of_the_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    (name, *_) = fill(sandbox.store, 3)
    first = done(environment)
    sandbox.store.put(DATA, name, b"changed", quiet=True)
    sandbox.faults.add(denied("objects.rewrite"))
    assert backup(environment).outcome == "partial"
    sandbox.faults.clear()
    kept = journals(environment, sandbox.store, "@backup")
    assert [one.begin.data["night"] for one in kept] == nights(environment)
    assert [one.entries[-1].data["outcome"] for one in kept] == ["done", "partial"]
    assert kept[0].begin.data["night"] == first.night


def test_a_source_that_cannot_be_read_refuses_and_leaves_no_journal(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    environment.data_bucket = "no-such-bucket"
    result = backup(environment)
    assert result.outcome == "refused", result.sentence()
    assert journals(environment, sandbox.store, "@backup") == []


def test_a_night_whose_record_cannot_be_written_failed_and_says_that_it_does_not_exist(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    done(environment)
    sandbox.requests.reset()
    done(environment)
    writes = sandbox.requests.count("storage", "objects.insert")
    half = AfterSome(service="storage", method="objects.insert", kind="status", status=403, passing=writes // 2)
    sandbox.faults.add(half)
    result = backup(environment)
    sandbox.faults.clear()
    assert result.outcome == "failed", result.sentence()
    assert any("does not exist; run it again" in note for note in result.notes)
    assert len(nights(environment)) == 2


def test_a_lost_lease_is_one_word_and_nothing_more_is_written(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sandbox.store, 3)
    asked = [0]

    def lost(_run: Run, **_asked: bool) -> None:
        asked[0] += 1
        if asked[0] > 3:
            raise LeaseLost("The lease on @backup ran out.")

    monkeypatch.setattr(Run, "check", lost)
    assert backup(environment).outcome == "stopped"
    monkeypatch.undo()
    assert nights(environment) == []
    assert done(environment).objects == 3


def test_a_night_that_was_killed_is_ended_by_the_next_one_which_is_a_new_one(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    killed = Journal(environment.storage, OPS, "@backup", "20991231t000000z-00000001", "victim")
    killed.append("begin", {"plan": Plan(procedure="nightly-backup", subject="@backup").model_dump(mode="json")})
    assert backup(environment).outcome == "done"
    words = {one.run: one.entries[-1].data["outcome"] for one in journals(environment, sandbox.store, "@backup")}
    assert words.pop(killed.run) == "stopped"
    assert list(words.values()) == ["done"]


def test_a_verification_of_what_is_well_has_nothing_to_do_and_a_finding_failed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.content_cycle_nights = 1
    fill(sandbox.store, 3)
    done(environment)
    assert verified(environment).outcome == "nothing_to_do"
    rot(sandbox.store, next(iter(copies(sandbox.store))))
    found = verified(environment)
    assert found.outcome == "failed"
    assert found.reasons[0] == "1 finding."
    assert found.facts.sections[1].rows[0]["what"] == "content"


def test_a_verification_that_could_not_read_everything_is_partial_and_not_failed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.content_cycle_nights = 1
    fill(sandbox.store, 3)
    done(environment)
    sandbox.requests.reset()
    verification(environment)
    reads = sandbox.requests.count("storage", "objects.media")
    sandbox.faults.add(
        AfterSome(service="storage", method="objects.media", kind="status", status=403, passing=reads - 1)
    )
    result = verified(environment)
    sandbox.faults.clear()
    assert result.outcome == "partial", result.sentence()
    assert {one.what for one in result.facts.facts.findings} == {"unreadable"}


def test_what_is_misplaced_is_refused_by_each_of_them_before_anything_is_looked_at(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup_bucket = OPS
    before = everything(sandbox.store)
    sandbox.requests.reset()
    for ended in (backup(environment), expired(environment), verified(environment), watched(environment)):
        assert ended.outcome == "refused"
        assert "leases are given back" in ended.sentence()
    assert sandbox.requests.count("storage", "objects.list") == 0
    assert everything(sandbox.store) == before


def test_no_night_at_all_fails_the_verification_and_the_watch(environment: PipelineEnvironment) -> None:
    assert (verified(environment).outcome, watched(environment).outcome) == ("failed", "failed")
    assert expired(environment).outcome == "nothing_to_do"


def test_the_watch_has_nothing_to_do_or_failed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    done(environment)
    verified(environment)
    assert watched(environment).outcome == "nothing_to_do"
    assert watched(environment, timedelta(days=3)).outcome == "failed"


def test_every_word_of_theirs_has_an_exit_code(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    ended = [backup(environment, "plan"), backup(environment), expired(environment), verified(environment)]
    assert [EXIT[one.outcome] for one in ended] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["nightly-backup", "expire-backups", "expire-leftovers"])
def test_they_are_registered_so_that_undo_and_the_suite_of_all_procedures_know_them(name: str) -> None:
    (procedure,) = [one for one in PROCEDURES if one.name == name]
    assert {kind.name for kind in procedure.kinds} <= {kind.name for kind in kinds_of(name)}
    assert procedure.unfinished == "replan"
    assert procedure.additive == (name == "nightly-backup")


def test_a_copy_that_is_named_after_a_state_of_its_metadata_is_needed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    (name, *_) = fill(sandbox.store, 3)
    blob = environment.storage.client().bucket(DATA).blob(name)
    blob.metadata = {"label": "two"}
    blob.patch()
    done(environment)
    there = copies(sandbox.store)
    assert any(copy.endswith(".2") for copy in there)
    assert expired(environment).outcome == "nothing_to_do"
    assert copies(sandbox.store) == there
    with Context(environment, "a test").holding("@restore", "a restore"):
        assert verified(environment).good, "a verification takes no lease"
    assert sandbox.store.get(BACKUP, next(iter(there))) is not None
