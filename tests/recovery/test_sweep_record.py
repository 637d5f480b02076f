"""What a sweep leaves for whoever asks later: small, with since when, and never in the place of a newer one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.recovery.stage_map import STATES, stage_map
from tasks.recovery.sweep import Verdict, look
from tasks.recovery.sweep_record import NAME, parsed, read_sweep, write_sweep
from tasks.validation.findings import StageState

DATA, OPS = "sandbox-scenes", "sandbox-ops"
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)


def broken(scene_id: str, **more: str) -> Verdict:
    return Verdict(scene_id=scene_id, healthy=False, fault="usd:usd-missing", first="scene.usda is missing", **more)


def since(environment: PipelineEnvironment) -> dict[str, datetime]:
    record = read_sweep(environment)
    assert record is not None
    return {f"{one.scene_id} {one.kind}": one.since for one in record.bad}


def test_before_the_first_sweep_there_is_none(environment: PipelineEnvironment) -> None:
    assert read_sweep(environment) is None


def test_it_says_how_many_and_names_those_that_need_attention(environment: PipelineEnvironment) -> None:
    stopped = Verdict(scene_id="c", healthy=True, stopped="a person has stopped it")
    write_sweep(environment, NOON, 9, [broken("a"), Verdict(scene_id="b", healthy=False, unseen="no right"), stopped])
    record = read_sweep(environment)
    assert record is not None
    assert (record.seen.scenes, record.seen.broken, record.seen.unseen) == (9, 1, 1)
    assert [(one.scene_id, one.kind, one.what) for one in record.bad] == [
        ("a", "broken", "scene.usda is missing"),
        ("b", "unseen", "no right"),
        ("c", "stopped", "a person has stopped it"),
    ]


def test_what_stays_broken_is_so_since_the_first_sweep_that_saw_it(environment: PipelineEnvironment) -> None:
    write_sweep(environment, NOON, 2, [broken("a")])
    write_sweep(environment, NOON + HALF, 2, [broken("a"), broken("b")])
    assert since(environment) == {"a broken": NOON, "b broken": NOON + HALF}
    write_sweep(environment, NOON + 2 * HALF, 2, [broken("b")])
    write_sweep(environment, NOON + 3 * HALF, 2, [broken("a"), broken("b")])
    assert since(environment) == {"a broken": NOON + 3 * HALF, "b broken": NOON + HALF}, "a was whole in between"


def test_a_sweep_that_began_earlier_does_not_replace_a_newer_one(environment: PipelineEnvironment) -> None:
    write_sweep(environment, NOON, 2, [broken("new")])
    write_sweep(environment, NOON - HALF, 2, [broken("old")])
    assert set(since(environment)) == {"new broken"}


def test_what_is_no_record_is_said_and_the_next_sweep_writes_it_anew(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for body in (b"", b"{", b'{"at": "yesterday"}\n'):
        sandbox.store.put(OPS, NAME, body)
        with pytest.raises(PermanentError, match="the next sweep writes it anew"):
            read_sweep(environment)
    write_sweep(environment, NOON, 1, [])
    assert since(environment) == {}


def test_fields_of_a_newer_version_are_passed_over() -> None:
    found = parsed(b'{"at": "2026-06-01T12:00:00Z", "scenes": 1, "broken": 0, "unseen": 0, "new": 1}\n')
    assert found is not None
    assert found.seen.scenes == 1


def test_ten_thousand_broken_scenes_are_a_few_megabytes_and_two_requests(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    write_sweep(environment, NOON, 10_000, [broken(f"scene_{number:05}") for number in range(10_000)])
    stored = sandbox.store.get(OPS, NAME)
    assert stored is not None
    assert len(stored.data) < 5_000_000
    sandbox.requests.reset()
    record = read_sweep(environment)
    assert record is not None
    assert len(record.bad) == 10_000
    assert sum(sandbox.requests.snapshot().values()) <= 2


def test_a_verdict_says_what_stops_a_scene_and_where_its_stages_stand(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_scene(sandbox.store, DATA, "a", "office", objects=1)
    assert look(environment, "a").stages == {}
    guard = next(one for one in environment.catalogue.guards if one.kind == "stop" and not one.bucket_wide)
    sandbox.store.put(DATA, f"scenes/a/{guard.paths[0].replace('*', 'x')}", b"", quiet=True)
    assert guard.meaning in look(environment, "a").stopped
    damage(sandbox.store, DATA, "a", "usd_missing")
    assert "missing" in look(environment, "a").stages.values()


def test_the_map_has_a_letter_for_every_state_and_a_row_for_every_scene_whose_stages_are_known() -> None:
    assert set(STATES) == set(get_args(StageState))
    assert len({one.letter for one in STATES.values()}) == len(STATES)
    section = stage_map("Where", [("a", {"usd": "missing", "late": "never_ran"}), ("b", {})], ["usd", "late"])
    assert section.picture is not None
    assert "1 scene by stage: 1 missing. Bad: a." in section.picture.alt
    assert ">late<" not in section.picture.svg, "no scene has come so far"
    assert stage_map("Where", [("b", {})], ["usd"]).picture is None
