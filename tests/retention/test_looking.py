"""Each look goes on where the last one ended: nothing is lost, nothing doubled, and what nobody saw is said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET, OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.pipeline.retention_record import ROOT, removed_of
from tasks.retention import looking
from tasks.retention.whose import EXECUTION
from tests.retention.world import INVENTORY, JOB, LAYOUT, NOON, cleaned, line, logged, watched

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_a_look_records_what_the_log_says_of_each_scene(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    at = NOON - 9 * HOUR
    cleaned(sandbox, at, line("s-1", at=at), line("s-1", INVENTORY, at=at), line("s-2", at=at))
    run, found = watched(environment, NOON)
    assert run.outcome == "nothing_to_do", run.reasons
    assert found.look is not None and found.look.removed == {"s-1": 2, "s-2": 1} and found.look.tally.runs == 1
    assert removed_of(environment, "s-1") == {LAYOUT: at, INVENTORY: at}
    assert "3 objects of 2 scenes recorded" in run.summary


def test_the_next_look_reads_on_from_there(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    cleaned(sandbox, NOON - HOUR, line(at=NOON - HOUR))
    watched(environment, NOON)
    cleaned(sandbox, NOON + HOUR, line("s-2", at=NOON + HOUR))
    _, found = watched(environment, NOON + DAY)
    assert found.look is not None and found.look.removed == {"s-2": 1}
    assert found.look.since == NOON - HOUR, "the last hour is read again, for entries that came late"


def test_an_entry_that_comes_late_is_found(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    watched(environment, NOON)
    late = NOON - timedelta(minutes=20)
    cleaned(sandbox, late, line(at=late))
    assert watched(environment, NOON + DAY)[1].look.removed == {"s-1": 1}  # type: ignore[union-attr]


def test_a_look_in_a_new_month_knows_the_last_one(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    watched(environment, NOON)
    _, found = watched(environment, NOON + 28 * DAY)
    assert found.look is not None and found.look.since == NOON - HOUR and not found.look.first
    months = {one.name.split("/")[3] for one in sandbox.store.list(OPS_BUCKET, f"{ROOT}looks/")}
    assert months == {"2026-03", "2026-04"}


def test_days_whose_log_is_gone_are_told(environment: PipelineEnvironment) -> None:
    watched(environment, NOON)
    run, found = watched(environment, NOON + 40 * DAY)
    assert found.look is not None and found.look.gap == 10 * DAY + HOUR
    assert any("241 hours before 2026-03-15 were read by nobody" in note for note in run.notes)


def test_a_killed_look_is_done_again_and_adds_nothing_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned(sandbox, NOON - HOUR, line("s-1", at=NOON - HOUR), line("s-2", at=NOON - HOUR))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(looking, "write_look", dies)
        with pytest.raises(KeyboardInterrupt):
            watched(environment, NOON)
    _, found = watched(environment, NOON + HOUR)
    assert found.look is not None and found.look.removed == {}
    assert len(list(sandbox.store.list(OPS_BUCKET, f"{ROOT}scenes/"))) == 2
    assert removed_of(environment, "s-2") == {LAYOUT: NOON - HOUR}


def test_more_scenes_than_are_held_at_a_time_are_all_recorded(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MOST_SCENES", 3)
    monkeypatch.setattr(looking, "MOST_LINES", 5)
    at = NOON - HOUR
    lines = [line(f"s-{number % 7}", f"layout/{number}.json", at=at) for number in range(20)]
    cleaned(sandbox, at, *lines)
    _, found = watched(environment, NOON)
    assert found.look is not None and sum(found.look.removed.values()) == 20
    assert sum(len(removed_of(environment, f"s-{number}")) for number in range(7)) == 20


def test_other_jobs_lines_are_not_read(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.log.write(logged(line(at=NOON - HOUR), NOON - HOUR, job="simready-job"))
    assert watched(environment, NOON)[1].look.removed == {}  # type: ignore[union-attr]


def test_structured_lines_count_as_well(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.log.write(logged(line(at=NOON - HOUR), NOON - HOUR, structured=True))
    assert watched(environment, NOON)[1].look.removed == {"s-1": 1}  # type: ignore[union-attr]


def test_a_log_that_does_not_answer_is_unknown_and_its_hours_are_read_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    cleaned(sandbox, NOON - HOUR, line(at=NOON - HOUR))
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403, times=1))
    run, found = watched(environment, NOON)
    assert (run.outcome, found.look) == ("partial", None)
    assert any("read again by the next look" in reason for reason in run.reasons)
    assert watched(environment, NOON + HOUR)[1].look.removed == {"s-1": 1}  # type: ignore[union-attr]


def test_what_failed_and_a_clean_up_that_did_not_run_are_notes(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    run, _ = watched(environment, NOON)
    assert any("No run of the clean-up has ended since" in note for note in run.notes)
    cleaned(
        sandbox, NOON + HOUR, line(at=NOON + HOUR, action="delete_failed"), line("s-9", "x", at=NOON, action="dry_run")
    )
    run, _ = watched(environment, NOON + DAY)
    assert run.outcome == "nothing_to_do"
    assert [note.split(" ")[:2] for note in run.notes] == [["1", "object"], ["1", "object"]]


def damage(sandbox: Sandbox, prefix: str) -> None:
    (first, *_) = sandbox.store.list(OPS_BUCKET, f"{ROOT}{prefix}")
    sandbox.store.put(OPS_BUCKET, first.name, b'{"kind": "look"}')


def test_a_damaged_record_of_one_scene_stops_the_recording_of_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    cleaned(sandbox, NOON - HOUR, line("s-1", at=NOON - HOUR))
    watched(environment, NOON)
    damage(sandbox, "scenes/s-1/")
    at = NOON + HOUR
    cleaned(sandbox, at, line("s-1", INVENTORY, at=at), line("s-2", at=at))
    run, found = watched(environment, NOON + 2 * HOUR)
    assert found.look is not None and found.look.removed == {"s-2": 1}
    assert run.outcome == "partial"
    assert any(one.startswith("2 removals of s-1 were not recorded") for one in found.unknown)
    assert watched(environment, NOON + DAY)[1].look.since == NOON + HOUR  # type: ignore[union-attr]


@pytest.mark.parametrize("body", [b"{}", b"no json"])
def test_a_damaged_chain_of_looks_is_told_once_and_another_begun(
    environment: PipelineEnvironment, sandbox: Sandbox, body: bytes
) -> None:
    cleaned(sandbox, NOON - HOUR, line(at=NOON - HOUR))
    watched(environment, NOON)
    sandbox.store.put(OPS_BUCKET, f"{ROOT}looks/2026-03/000001.json", body)
    run, found = watched(environment, NOON + HOUR)
    assert run.outcome == "partial" and any("the whole log was read again" in one for one in found.unknown)
    assert found.look is not None and found.look.first and found.look.removed == {}, "nothing is recorded twice"
    run, found = watched(environment, NOON + DAY)
    assert run.outcome == "nothing_to_do" and found.look is not None and found.look.since == NOON
    assert watched(environment, NOON + 40 * DAY)[1].look.since == NOON + 10 * DAY  # type: ignore[union-attr]


def test_a_run_on_another_bucket_is_passed_over_and_counted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    at = NOON - HOUR
    for bucket, scene in ((DATA_BUCKET, "s-1"), ("somebody-elses", "s-2")):
        started = environment.jobs.start(JOB, {"GCS_BUCKET": bucket})
        entry = logged(line(scene, at=at), at)
        sandbox.log.write(entry | {"labels": {EXECUTION: started.name.rpartition("/")[2]}})
    sandbox.log.write(logged(line("s-3", at=at), at) | {"labels": {EXECUTION: f"{JOB}-gone"}})
    run, found = watched(environment, NOON)
    assert found.look is not None and found.look.removed == {"s-1": 1, "s-3": 1}
    assert any("1 line of the log are about another bucket" in note for note in run.notes)
    assert any("nobody can say any more which bucket" in note for note in run.notes)


def test_a_clean_up_of_another_region_is_not_read(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    entry = logged(line(at=NOON - HOUR), NOON - HOUR)
    entry["resource"]["labels"]["location"] = "europe-west1"
    sandbox.log.write(entry)
    assert watched(environment, NOON)[1].look.removed == {}  # type: ignore[union-attr]
