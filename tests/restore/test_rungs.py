"""Which version was there, and from where it comes: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.backup.summary import ManifestEntry
from tasks.restore.rungs import Held, Rung, compare, live_of, wanted_version

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def held(rung: Rung, generation: int, begin: int, end: int | None = None) -> Held:
    """A generation that was live from `begin` to `end`, in minutes after noon."""
    ended = None if end is None else NOON + timedelta(minutes=end)
    return Held(rung, generation, 10 * generation, f"crc{generation}", "", NOON + timedelta(minutes=begin), ended)


def entry(generation: int) -> ManifestEntry:
    """What a night recorded."""
    return ManifestEntry("n", generation, 10 * generation, f"crc{generation}", "", "data")


def minutes(after: int) -> datetime:
    return NOON + timedelta(minutes=after)


LIFE = [held("soft_delete", 1, 0, 10), held("version", 2, 10, 20), held("live", 3, 20)]


@pytest.mark.parametrize(
    ("at", "rung", "generation"),
    [(5, "soft_delete", 1), (10, "version", 2), (19, "version", 2), (20, "live", 3), (90, "live", 3)],
)
def test_history_says_what_was_live_at_a_time(at: int, rung: str, generation: int) -> None:
    found = wanted_version(LIFE, entry(1), minutes(at))
    assert found is not None
    assert (found.rung, found.generation, found.exact) == (rung, generation, True)


def test_before_all_history_the_night_counts_and_says_that_it_is_not_exact() -> None:
    found = wanted_version(LIFE, entry(0), minutes(-1))
    assert found is not None
    assert (found.rung, found.generation, found.exact) == ("backup", 0, False)


def test_without_a_time_it_is_the_very_version_of_the_night_from_the_cheapest_rung() -> None:
    for generation, rung in ((1, "soft_delete"), (2, "version"), (3, "live"), (9, "backup")):
        found = wanted_version(LIFE, entry(generation), None)
        assert found is not None
        assert (found.rung, found.generation, found.exact) == (rung, generation, True)


def test_what_history_shows_to_have_been_deleted_by_then_is_not_brought_back_from_the_night() -> None:
    assert wanted_version([held("soft_delete", 1, 0, 10)], entry(1), minutes(15)) is None
    assert wanted_version([held("soft_delete", 4, 0, 10)], entry(1), minutes(15)) is None


def test_what_was_deleted_after_that_time_is_brought_back() -> None:
    found = wanted_version([held("soft_delete", 1, 0, 30)], entry(1), minutes(15))
    assert found is not None
    assert found.rung == "soft_delete"


def test_an_older_generation_that_ended_says_nothing_of_a_newer_one_of_the_night() -> None:
    found = wanted_version([held("soft_delete", 1, 0, 10)], entry(5), minutes(15))
    assert found is not None
    assert found.rung == "backup"


def test_nothing_recorded_and_nothing_held_is_nothing_wanted() -> None:
    assert wanted_version([], None, minutes(0)) is None
    assert wanted_version([held("live", 1, 30)], None, minutes(0)) is None
    assert wanted_version(LIFE, None, None) is None


def test_size_and_checksum_decide_what_a_live_object_is() -> None:
    live = live_of(LIFE)
    assert compare(wanted_version(LIFE, entry(3), None), live) == "same"
    assert compare(wanted_version(LIFE, entry(2), None), live) == "differs"
    assert compare(wanted_version([], entry(2), None), None) == "missing"
    assert compare(None, live) == "extra"
    assert compare(None, None) == "absent"
    assert live is not None
    other_bytes = live._replace(crc32c="another")
    assert compare(wanted_version(LIFE, entry(3), None), other_bytes) == "differs"
