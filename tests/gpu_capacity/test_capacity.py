"""GPUs over time: every look is kept, a bounded number of them, and drawn without inventing what nobody has seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity import capacity_record
from tasks.gpu_capacity.capacity_picture import capacity_picture
from tasks.gpu_capacity.capacity_record import ROOT, Look, capacity_over_time, look_of, name_of, read_day
from tasks.gpu_capacity.facts import GpuFacts
from tasks.gpu_capacity.look import look_at_gpus
from tests.gpu_capacity.world import full_pool

OPS = "sandbox-ops"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(moment: datetime, **said: object) -> GpuFacts:
    """Facts of a cluster without anything, at a moment."""
    return GpuFacts(at=moment, **said)  # type: ignore[arg-type]


def one(minutes: int, there: int | None = 4, used: int | None = 2, waiting: int | None = 0) -> Look:
    return Look(at=NOON + timedelta(minutes=minutes), there=there, used=used, waiting=waiting)


def paths(looks: list[Look], name: str) -> list[str]:
    """What is drawn of one line, without its place in the legend."""
    root = ElementTree.fromstring(capacity_picture("GPUs", looks).svg)
    drawn = [part for part in root.iter("{http://www.w3.org/2000/svg}path") if part.get("class") == name]
    return [str(part.get("d")) for part in drawn[1:]]


def test_a_look_counts_ready_gpus_those_that_are_used_and_those_that_are_waited_for(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    facts = look_at_gpus(environment)
    seen = look_of(facts)
    assert (seen.there, seen.used, seen.waiting) == (1, 1, 2)
    ill = [replace(node, ready=False) for pool in facts.pools for node in pool.nodes]
    broken = replace(facts, pools=(replace(facts.pools[0], nodes=tuple(ill)),))
    assert look_of(broken).there == 0


def test_of_what_could_not_be_looked_at_no_count_is_kept(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    full_pool(sandbox)
    sandbox.faults.add(FaultRule(service="container", kind="status", status=403))
    seen = look_of(look_at_gpus(environment))
    assert (seen.there, seen.used, seen.waiting) == (None, None, None)


def test_each_look_is_kept_and_those_of_the_last_day_are_drawn(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    for hours in (-30, -20, -1):
        capacity_over_time(environment, at(NOON + timedelta(hours=hours)))
    section = capacity_over_time(environment, at(NOON))
    assert section.picture is not None
    assert section.picture.alt.startswith("3 looks from 2026-03-01 16:00:00 UTC to 2026-03-02 12:00:00 UTC")
    assert {found.name for found in sandbox.store.list(OPS, ROOT)} == {f"{ROOT}01.json", f"{ROOT}02.json"}


def test_a_day_of_a_former_month_gives_its_place_to_this_one(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    capacity_over_time(environment, at(NOON - timedelta(days=28)))  # the second of February
    capacity_over_time(environment, at(NOON))
    (found,) = sandbox.store.list(OPS, ROOT)
    assert found.name == name_of(NOON)
    assert [look.at for look in read_day(environment, NOON)[0]] == [NOON]


def test_of_one_day_no_more_than_so_many_looks_are_kept(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity_record, "MOST_LOOKS", 3)
    for minute in range(5):
        capacity_over_time(environment, at(NOON + timedelta(minutes=minute)))
    assert [look.at.minute for look in read_day(environment, NOON)[0]] == [2, 3, 4]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"looks": [{"at": "2026-03-02"}]}', b"\xff"])
def test_a_damaged_record_is_begun_anew(sandbox: Sandbox, environment: PipelineEnvironment, body: bytes) -> None:
    sandbox.store.put(OPS, name_of(NOON), body, quiet=True)
    assert capacity_over_time(environment, at(NOON)).picture is not None
    assert [look.at for look in read_day(environment, NOON)[0]] == [NOON]


def test_a_look_that_another_overtakes_is_drawn_and_not_kept(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    capacity_over_time(environment, at(NOON))
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=412))
    section = capacity_over_time(environment, at(NOON + timedelta(minutes=1)))
    assert section.picture is not None
    assert section.picture.alt.startswith("2 looks")
    assert len(read_day(environment, NOON)[0]) == 1


def test_without_a_place_to_keep_looks_it_says_so(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.faults.add(FaultRule(service="storage", kind="status", status=403))
    refused = capacity_over_time(environment, at(NOON))
    assert refused.picture is None
    assert "could not be read or kept" in refused.text
    environment.ops_bucket = ""
    assert "names no ops bucket" in capacity_over_time(environment, at(NOON)).text


def test_a_line_is_broken_where_nobody_has_looked_or_could_see() -> None:
    joined = [one(0), one(15), one(30)]
    assert len(paths(joined, "used")) == 1
    assert len(paths([*joined, one(90)], "used")) == 2
    assert len(paths([one(0), one(15, used=None), one(30)], "used")) == 2
    assert len(paths([one(0), one(15, used=None), one(30)], "there")) == 1
    assert paths([one(0, waiting=None)], "waiting") == []


def test_more_gpus_are_higher_and_later_is_further_right() -> None:
    (there,), (used,) = (paths([one(0), one(15)], name) for name in ("there", "used"))
    start, rest = there.removeprefix("M").split("H", 1)
    assert float(start.split(",")[1]) < float(used.removeprefix("M").split("H")[0].split(",")[1])
    assert float(rest.split("V")[0]) > float(start.split(",")[0])


def test_the_picture_is_told_in_words_and_needs_nothing_from_outside() -> None:
    picture = capacity_picture("GPUs <b>", [one(0, there=8), one(15, there=None, waiting=3)])
    assert "GPUs that are there: not known now, 8 at most" in picture.alt
    assert "waited for: 3 now, 3 at most" in picture.alt
    assert "<b>" not in picture.svg
    assert "href" not in picture.svg


def test_the_hours_can_be_read_and_stand_on_nothing_else() -> None:
    day = [one(minutes) for minutes in range(0, 24 * 60, 15)]
    root = ElementTree.fromstring(capacity_picture("GPUs", day).svg)
    words = [str(part.text) for part in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [word for word in words if word[2:] == ":00"] == ["20:00", "00:00", "04:00"]
