"""A restore does what was asked for and takes nothing away of which nobody can tell whether it was there."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.restore.drill_record import past_drills
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    contents,
    delete_all,
    do,
    drill,
    interrupt,
    make_night,
    quick,
    scene,
    without_history,
)

USD = f"{PREFIX}usd/scene.usda"


def test_an_interrupted_restore_is_not_continued_for_another_time(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox)
    times = []
    for text in (b"#usda 1.0\nfirst", b"#usda 1.0\nsecond", b"spoilt"):
        sandbox.store.put(DATA, USD, text, quiet=True)
        time.sleep(0.01)
        times.append(datetime.now(UTC))
        time.sleep(0.01)
    interrupt(environment, "object", USD, "hold delivery", at=times[0], overwrite="always")
    assert do(environment, "object", USD, at=times[1], overwrite="always").outcome == "done"
    assert contents(sandbox.store)[USD] == b"#usda 1.0\nsecond"


def test_one_that_holds_delivery_is_finished_or_given_up_first(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    interrupt(environment, "scene", SCENE, "restore data")
    result = do(environment, overwrite="always")
    assert result.outcome == "refused"
    assert "with the options it had" in result.reasons[0]
    assert "Meanwhile the delivery of" in " ".join(result.reasons)
    assert do(environment).outcome == "done"


def test_nothing_is_extra_outside_of_what_the_night_recorded(sandbox: Sandbox) -> None:
    environment = quick(sandbox, max_objects_percent=100.0)
    scene(sandbox)
    make_night(environment, sandbox.store, prefix="scenes/another/")
    before = contents(sandbox.store)
    result = do(environment, remove_extra=True)
    assert result.outcome == "refused"
    assert "nobody can tell what is extra" in result.sentence()
    assert contents(sandbox.store) == before
    environment.close()


def test_nothing_is_extra_by_the_night_of_another_bucket(sandbox: Sandbox) -> None:
    environment = quick(sandbox, max_objects_percent=100.0)
    scene(sandbox)
    make_night(environment, sandbox.store, data_bucket="another")
    sandbox.store.put(DATA, f"{PREFIX}usd/extra.txt", b"x", quiet=True)
    assert "nobody can tell what is extra" in do(environment, remove_extra=True).sentence()
    assert "is of another bucket, gs://another." in do(environment, mode="plan").sentence()
    environment.close()


def test_a_class_that_nights_leave_out_is_never_extra(sandbox: Sandbox) -> None:
    environment = quick(sandbox, max_objects_percent=100.0)
    environment.backup.left_out = ["lock", "idempotency_record", "completion_marker"]
    scene(sandbox)
    marker = f"{PREFIX}assets/.usd_assembly_complete"
    body = contents(sandbox.store)[marker]
    sandbox.store.delete(DATA, marker)
    make_night(environment, sandbox.store)
    sandbox.store.put(DATA, marker, body, quiet=True)
    do(environment, remove_extra=True)
    assert contents(sandbox.store)[marker] == body
    environment.close()


def test_an_object_is_named_exactly_and_never_as_a_pattern(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox)
    names = [f"{PREFIX}usd/{name}" for name in ("what?.txt", "whats.txt", "a*b", "axb")]
    for name in names:
        sandbox.store.put(DATA, name, name.encode(), quiet=True)
    make_night(environment, sandbox.store)
    for name in names:
        sandbox.store.delete(DATA, name)
    assert do(environment, "object", names[0]).outcome == "done"
    assert do(environment, "object", names[2]).outcome == "done"
    assert [name in contents(sandbox.store) for name in names] == [True, False, True, False]
    assert "check its name" in do(environment, "object", f"{PREFIX}*").sentence()


def test_nothing_to_do_says_what_was_left_alone(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox)
    sandbox.store.put(DATA, f"{PREFIX}usd/notes.txt", b"1", quiet=True)
    make_night(environment, sandbox.store)
    sandbox.store.put(DATA, f"{PREFIX}usd/notes.txt", b"2", quiet=True)
    result = do(environment)
    assert result.outcome == "nothing_to_do"
    assert "left alone" in result.sentence()


def test_a_list_that_was_spoilt_ends_the_restore_in_a_sentence(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    interrupt(environment, "scene", SCENE, "hold delivery")
    (listed,) = sandbox.store.list(OPS, "remediation/restore/")
    sandbox.store.put(OPS, listed.name, b"no gzip at all")
    result = do(environment)
    assert result.outcome == "failed"
    assert "find out who changed it" in result.sentence()
    assert contents(sandbox.store) == {}


def test_a_scene_that_is_named_twice_is_drilled_once(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    assert drill(environment, SCENE, SCENE).outcome == "done"
    (record,) = past_drills(environment)
    assert len(record.scenes) == 1


def test_a_newer_night_that_is_not_good_is_mentioned(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox)
    good = make_night(environment, sandbox.store, datetime.now(UTC) - timedelta(days=2))
    worse = make_night(environment, sandbox.store, outcome="partial", missing_count=1)
    delete_all(sandbox)
    result = do(environment, mode="plan")
    assert result.night == good.night
    assert any(f"1 newer night captured not everything, the last {worse.night}" in note for note in result.notes)


def test_a_time_before_the_first_night_is_not_called_a_wrong_name(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox)
    without_history(sandbox)
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    result = do(environment, at=datetime.now(UTC) - timedelta(hours=1))
    assert result.outcome == "refused"
    assert "give a later time" in result.sentence()


def test_an_object_whose_name_ends_with_a_space_is_not_the_one_without(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    name = f"{PREFIX}usd/notes"
    for one in (name, f"{name} "):
        sandbox.store.put(DATA, one, one.encode(), quiet=True)
    make_night(environment, sandbox.store)
    sandbox.store.delete(DATA, f"{name} ")
    assert do(environment, "object", f"{name} \n").outcome == "done"
    assert f"{name} " in contents(sandbox.store)
