"""Which version was there, and from where it comes: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.restore.sources import Held, SourceKind, compare, live_of, wanted_version
from tasks.snapshots.summary import ManifestEntry

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def held(source_kind: SourceKind, generation: int, begin: int, end: int | None = None) -> Held:
    """A generation that was live from `begin` to `end`, in minutes after noon."""
    ended = None if end is None else NOON + timedelta(minutes=end)
    return Held(
        source_kind, generation, 10 * generation, f"crc{generation}", "", NOON + timedelta(minutes=begin), ended
    )


def entry(generation: int) -> ManifestEntry:
    """What a night recorded."""
    return ManifestEntry("n", generation, 10 * generation, f"crc{generation}", "", "data")


def minutes(after: int) -> datetime:
    return NOON + timedelta(minutes=after)


LIFE = [held("soft_delete", 1, 0, 10), held("version", 2, 10, 20), held("live", 3, 20)]


@pytest.mark.parametrize(
    ("at", "source_kind", "generation"),
    [(5, "soft_delete", 1), (10, "version", 2), (19, "version", 2), (20, "live", 3), (90, "live", 3)],
)
def test_history_says_what_was_live_at_a_time(at: int, source_kind: str, generation: int) -> None:
    found = wanted_version(LIFE, entry(1), minutes(at))
    assert found is not None
    assert (found.source_kind, found.generation, found.exact) == (source_kind, generation, True)


def test_before_all_history_the_night_counts_and_says_that_it_is_not_exact() -> None:
    found = wanted_version(LIFE, entry(0), minutes(-1))
    assert found is not None
    assert (found.source_kind, found.generation, found.exact) == ("backup", 0, False)


def test_without_a_time_it_is_the_very_version_of_the_night_from_the_cheapest_source() -> None:
    for generation, source_kind in ((1, "soft_delete"), (2, "version"), (3, "live"), (9, "backup")):
        found = wanted_version(LIFE, entry(generation), None)
        assert found is not None
        assert (found.source_kind, found.generation, found.exact) == (source_kind, generation, True)


def test_what_history_shows_to_have_been_deleted_by_then_is_not_brought_back_from_the_night() -> None:
    assert wanted_version([held("soft_delete", 1, 0, 10)], entry(1), minutes(15)) is None
    assert wanted_version([held("soft_delete", 4, 0, 10)], entry(1), minutes(15)) is None


def test_what_was_deleted_after_that_time_is_brought_back() -> None:
    found = wanted_version([held("soft_delete", 1, 0, 30)], entry(1), minutes(15))
    assert found is not None
    assert found.source_kind == "soft_delete"


def test_an_older_generation_that_ended_says_nothing_of_a_newer_one_of_the_night() -> None:
    found = wanted_version([held("soft_delete", 1, 0, 10)], entry(5), minutes(15))
    assert found is not None
    assert found.source_kind == "backup"


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


def changed(source_kind: SourceKind, changed_at: int, ended: int | None = None) -> Held:
    """Generation 3, whose metadata was changed some minutes after noon."""
    return held(source_kind, 3, 0, ended)._replace(metageneration=2, updated=minutes(changed_at).isoformat())


@pytest.mark.parametrize("source_kind", ["live", "version", "soft_delete"])
def test_metadata_that_was_changed_since_the_night_comes_from_the_nights_copy(source_kind: SourceKind) -> None:
    found = wanted_version(
        [changed(source_kind, 10, None if source_kind == "live" else 20)], entry(3)._replace(metageneration=1), None
    )
    assert found is not None
    assert (found.source_kind, found.exact, found.metadata_only) == ("backup", True, True)


def test_metadata_that_was_changed_after_a_time_is_the_nights_and_what_was_changed_before_is_not() -> None:
    recorded = entry(3)._replace(metageneration=1)
    for at, source_kind in ((5, "backup"), (10, "live"), (15, "live")):
        found = wanted_version([changed("live", 10)], recorded, minutes(at))
        assert found is not None
        assert (found.source_kind, found.exact) == (source_kind, source_kind == "live")


def test_a_night_that_recorded_no_state_of_metadata_does_not_judge_it() -> None:
    found = wanted_version([changed("live", 10)], entry(3), None)
    assert found is not None
    assert found.source_kind == "live"


def test_only_of_the_same_generation_other_metadata_is_a_difference() -> None:
    recorded = entry(3)._replace(metageneration=1)
    live = changed("live", 10)
    assert compare(wanted_version([live], recorded, None), live) == "differs"
    rewritten = live._replace(generation=7)
    assert compare(wanted_version([rewritten], recorded, None), rewritten) == "same"
