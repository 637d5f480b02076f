"""Verification finds what is wrong, object by object, and reads all content within the guaranteed cycle."""

from __future__ import annotations

import json
import random
import secrets
import sys
from datetime import timedelta

import pytest
from pydantic import SecretStr

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.backup.findings import ROOT
from tasks.backup.scorecard import DRILLS, scorecard
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import NightDamaged, last_good, nights, read_entries, read_summary
from tests.backup.world import BACKUP, DATA, OPS, AfterSome, copies, done, fill, manifest, rot, verification, verified
from tests.recovery.world import everything

KEY = SecretStr("a key for tests")


def findings(environment: PipelineEnvironment) -> list[tuple[str, str]]:
    """Kind and object of each finding of a verification that must fail."""
    result = verified(environment)
    assert result.outcome == "failed", result.sentence()
    return [(found.what, found.object.removeprefix(f"gs://{BACKUP}/")) for found in result.facts.facts.findings]


def rewrite(sandbox: Sandbox, name: str, **changes: object) -> None:
    """Change fields of a summary as somebody would who has no key."""
    stored = sandbox.store.get(BACKUP, name)
    assert stored is not None
    body = json.dumps(json.loads(stored.data) | changes, sort_keys=True, separators=(",", ":"))
    sandbox.store.put(BACKUP, name, body.encode(), quiet=True)


def test_a_corrupted_byte_is_found_within_the_cycle_and_every_slot_is_read_once(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    seed = secrets.randbelow(2**31)
    sys.stdout.write(f"seed {seed}\n")
    cycle = environment.backup.content_cycle_nights = 5
    fill(sandbox.store, 60)
    done(environment)
    for _ in range(2):  # it may begin anywhere in the cycle
        assert verified(environment).good
    rotten = random.Random(seed).choice(list(copies(sandbox.store)))
    rot(sandbox.store, rotten)
    read = [verification(environment) for _ in range(cycle)]
    assert sorted(one.slot for one in read) == list(range(cycle))
    assert sum(one.read_objects for one in read) == 60
    found = [finding for one in read for finding in one.findings]
    assert [(one.what, one.object) for one in found] == [("content", f"gs://{BACKUP}/{rotten}")], f"seed {seed}"


def test_a_slot_that_could_not_be_read_is_read_again(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.backup.content_cycle_nights = 2
    fill(sandbox.store, 20)
    done(environment)
    sandbox.requests.reset()
    first = verification(environment)
    before_content = sandbox.requests.count("storage", "objects.media") - first.read_objects + 1  # one past record
    denied = AfterSome(service="storage", method="objects.media", kind="status", status=403, passing=before_content)
    sandbox.faults.add(denied)
    second = verification(environment)
    sandbox.faults.clear()
    third = verification(environment)
    assert {finding.what for finding in second.findings} == {"unreadable"}
    assert [(one.slot, one.slot_read) for one in (first, second, third)] == [(0, True), (1, False), (1, True)]


def test_a_missing_and_a_changed_copy_are_found_each_time(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 30)
    done(environment)
    gone, changed = list(copies(sandbox.store))[:2]
    sandbox.store.delete(BACKUP, gone)
    sandbox.store.put(BACKUP, changed, b"something else", quiet=True)
    assert findings(environment) == [("missing", gone), ("differs", changed)]
    assert findings(environment) == [("missing", gone), ("differs", changed)]


def test_verification_writes_nothing_but_its_record(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 10)
    done(environment)
    before = everything(sandbox.store)
    assert verified(environment).good
    left = {(bucket, name) for bucket, name, *_ in everything(sandbox.store).found - before.found}
    assert {bucket for bucket, _ in left} == {OPS}
    assert [name for _, name in left if not name.startswith(ROOT)] == []
    assert len(left) == 1


def test_a_damaged_part_is_found_and_never_read_from(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 10)
    summary = done(environment)
    rot(sandbox.store, summary.parts[0].object)
    with pytest.raises(NightDamaged, match="is not what the summary says"):
        list(read_entries(environment, summary))
    assert findings(environment)[0][0] == "record"


def test_a_changed_definition_is_found(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    done(environment)
    (name, *_) = [found.name for found in sandbox.store.list(BACKUP, "definitions/workflows/")]
    sandbox.store.put(BACKUP, name, b"{}", quiet=True)
    assert findings(environment) == [("content", name)]


@pytest.mark.parametrize("forgery", [{"objects": 7}, {"signature": "0" * 64}, {"signature": ""}])
def test_a_forged_summary_is_an_error_that_names_the_night(
    environment: PipelineEnvironment, sandbox: Sandbox, forgery: dict[str, object]
) -> None:
    environment.backup.signing_key = KEY
    fill(sandbox.store, 5)
    night = done(environment).night
    name = layout_of(environment).summary_name(night)
    assert read_summary(environment, night).signature
    rewrite(sandbox, name, **forgery)
    with pytest.raises(NightDamaged, match=night):
        last_good(environment)
    assert findings(environment) == [("chain", name)]


def test_an_unsigned_night_is_no_night_once_there_is_a_key(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    night = done(environment).night
    assert any("no signing_key" in note for note in verified(environment).notes)
    environment.backup.signing_key = KEY
    with pytest.raises(NightDamaged, match="is not signed"):
        read_summary(environment, night)


def test_an_altered_night_is_found_by_the_night_after_it_even_without_a_key(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 5)
    first = done(environment)
    done(environment)
    name = layout_of(environment).summary_name(first.night)
    rewrite(sandbox, name, objects=4)
    assert findings(environment) == [("chain", name)]
    with pytest.raises(NightDamaged, match=f"{first.night}: its summary was altered"):
        read_summary(environment, first.night)


def test_a_night_that_was_slipped_in_or_taken_out_breaks_the_chain(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 5)
    first, second, third = (done(environment) for _ in range(3))
    layout = layout_of(environment)
    stored = sandbox.store.get(BACKUP, layout.summary_name(second.night))
    assert stored is not None
    sandbox.store.delete(BACKUP, layout.summary_name(second.night))
    (found,) = findings(environment)
    assert found == ("chain", layout.summary_name(third.night))
    slipped = "20200101T000000Z"
    sandbox.store.put(BACKUP, layout.summary_name(second.night), stored.data, quiet=True)
    sandbox.store.put(BACKUP, layout.summary_name(slipped), stored.data, quiet=True)
    rewrite(sandbox, layout.summary_name(slipped), night=slipped)
    assert findings(environment) == [("chain", layout.summary_name(slipped))]
    assert first.night in nights(environment)


def test_a_backup_goes_on_beside_a_damaged_night_and_says_so(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.signing_key = KEY
    fill(sandbox.store, 5)
    night = done(environment).night
    rewrite(sandbox, layout_of(environment).summary_name(night), objects=1)
    summary = done(environment)
    assert any(night in note and "wrong signature" in note for note in summary.notes)
    assert len(manifest(environment)) == 5


def test_the_scorecard_counts_from_the_last_good_night_and_knows_the_worst_gap(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 5)
    good = done(environment)
    partial = good.model_copy(update={"outcome": "partial", "begun_at": good.begun_at + timedelta(hours=20)})
    early = good.model_copy(update={"begun_at": good.begun_at - timedelta(hours=40)})
    now = good.begun_at + timedelta(hours=30)
    card = scorecard(environment, [early, good, partial], now)
    assert card.rpo_minutes == 30 * 60
    assert card.worst_gap_minutes == 40 * 60
    rows = card.rows(environment)
    assert rows[0]["achieved"] == "30.0 h"
    assert rows[0]["our target"] == "24.0 h ❌"
    assert rows[2]["achieved"] == "not measured yet"


@pytest.mark.parametrize("word", ["done", "clean"])
def test_the_recovery_time_is_that_of_the_last_good_drill_in_whatever_word(
    environment: PipelineEnvironment, sandbox: Sandbox, word: str
) -> None:
    fill(sandbox.store, 5)
    night = done(environment)
    for number, seconds, outcome in ((1, 900.0, "done"), (2, 60.0, word), (3, 5.0, "failed")):
        scene = {"scene_id": "s", "seconds": seconds, "validation_seconds": 30.0}
        record = {"night": night.night, "outcome": outcome, "scenes": [scene]}
        sandbox.store.put(OPS, f"{DRILLS}run-{number}.json", json.dumps(record).encode(), quiet=True)
    card = scorecard(environment, [night])
    assert card.rto_minutes == 1.5
    assert card.rows(environment)[2]["measure"] == f"RTO: one scene in the last restore drill (night {night.night})"


def test_a_named_night_is_verified_and_an_unknown_one_is_an_error(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    (name, *_) = fill(sandbox.store, 5)
    first = done(environment)
    sandbox.store.put(DATA, name, b"newer", quiet=True)
    done(environment)
    assert verified(environment, first.night).summary.startswith(f"night {first.night}: 5 objects")
    assert "There is no night 20200101T000000Z" in verified(environment, "20200101T000000Z").sentence()
