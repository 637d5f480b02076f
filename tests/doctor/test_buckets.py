"""Which settings of a bucket are wrong depends on what it is for: each judged by its facts alone."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.doctor.buckets import DAY, apart, judge_bucket, look_at_buckets
from tasks.doctor.examine import Look
from tasks.doctor.lifecycle import judge_rules
from tests.doctor.told import BACKUP, DATA, OPS, Told, World, environment, facts, found, looked
from tests.doctor.world import codes, said

KEPT = {"retention_seconds": DAY, "retention_locked": True}
HOLD = {"default_event_based_hold": True}
BARE = {"soft_delete_seconds": 0}


def judged(role: str, **settings: Any) -> Look:
    """What is said of one bucket, but for that a backup is near its data."""
    look = Look("buckets")
    judge_bucket(Told(World()), role, facts(f"the-{role}", **settings), look)
    look.findings = [one for one in look.findings if one.code.name != "backup-near"]
    return look


@pytest.mark.parametrize(
    ("role", "settings", "expected"),
    [
        ("ops", {}, set()),
        ("ops", KEPT, {"ops-retention"}),
        ("ops", HOLD, {"ops-default-hold"}),
        ("ops", BARE, {"ops-no-undo"}),
        ("ops", BARE | {"versioning": True}, set()),
        ("data", {}, set()),
        ("data", BARE, {"data-no-undo"}),
        ("data", BARE | {"versioning": True}, set()),
        ("data", KEPT, {"data-kept"}),
        ("data", KEPT | {"versioning": True}, set()),
        ("data", HOLD | {"versioning": True}, {"data-kept"}),
        ("backup", {}, set()),
        ("backup", BARE, {"backup-unprotected"}),
        ("backup", BARE | {"versioning": True}, set()),
        ("backup", BARE | KEPT, set()),
        ("backup", KEPT | {"retention_locked": False}, {"backup-unlocked"}),
        ("backup", KEPT | {"retention_seconds": 31 * DAY}, {"backup-retention-long"}),
        ("backup", HOLD, {"backup-default-hold"}),
        ("state", {}, set()),
        ("state", BARE, {"state-no-undo"}),
        ("state", BARE | {"versioning": True}, set()),
        ("state", KEPT | HOLD, set()),
        ("ops", {"uniform_access": False}, {"bucket-not-uniform"}),
    ],
)
def test_each_setting_is_wrong_for_the_roles_it_is_wrong_for(
    role: str, settings: dict[str, Any], expected: set[str]
) -> None:
    assert codes(judged(role, **settings)) == expected


def test_a_backup_may_be_kept_exactly_as_long_as_its_nights() -> None:
    nights = environment().backup.keep_nights
    assert codes(judged("backup", **KEPT | {"retention_seconds": nights * DAY})) == set()
    assert codes(judged("backup", **KEPT | {"retention_seconds": nights * DAY + 1})) == {"backup-retention-long"}


def test_what_keeps_the_data_is_named_with_all_its_reasons() -> None:
    look = judged("data", retention_seconds=7200, default_event_based_hold=True)
    assert said(look, "data-kept") == (
        "The data bucket the-data has a retention policy of 7,200 s and a default event-based hold."
    )
    assert ", locked." in said(judged("ops", **KEPT), "ops-retention")
    assert "locked" not in said(judged("ops", retention_seconds=5), "ops-retention")


def test_what_is_in_order_is_counted() -> None:
    assert judged("state").good == 2, "uniform access, and that it can be undone"
    assert judged("state", soft_delete_seconds=0).good == 1


@pytest.mark.parametrize(
    ("named", "both"),
    [
        ({"data": "a", "ops": "b", "backup": "c"}, []),
        ({"data": "a", "ops": "a", "backup": "c"}, ["a is both the data and the ops bucket."]),
        ({"data": "a", "ops": "b", "backup": "a"}, ["a is both the data and the backup bucket."]),
        ({"data": "a", "ops": "b", "backup": "b"}, ["b is both the ops and the backup bucket."]),
        ({"data": "", "ops": "", "backup": ""}, []),
    ],
)
def test_no_two_roles_share_a_bucket(named: dict[str, str], both: list[str]) -> None:
    look = Look("buckets")
    apart(named, look)
    assert [one.what for one in look.findings] == both


def test_a_bucket_that_may_not_be_looked_at_hides_no_other() -> None:
    refused = facts("somebody-elses")
    world = World(buckets={DATA: refused, OPS: facts(OPS, **KEPT), BACKUP: facts(BACKUP, exists=False)})
    assert found(looked(look_at_buckets, world)) == [
        ("not-readable", DATA),
        ("ops-retention", OPS),
        ("bucket-missing", BACKUP),
    ]


def test_of_a_bucket_that_is_not_there_nothing_else_is_said() -> None:
    world = World(buckets={OPS: facts(OPS, exists=False, uniform_access=False, **KEPT)})
    assert [subject for _, subject in found(looked(look_at_buckets, world))].count(OPS) == 1


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, "The backup is in the same project and location US-CENTRAL1 as the data."),
        ({"location": "EU"}, "The backup is in the same project as the data."),
        ({"project_number": "2"}, "The backup is in the same location US-CENTRAL1 as the data."),
        ({"project_number": "2", "location": "EU"}, ""),
    ],
)
def test_what_the_backup_shares_with_the_data_is_named(other: dict[str, str], expected: str) -> None:
    look = looked(look_at_buckets, World(buckets={BACKUP: facts(BACKUP, **other)}))
    assert said(look, "backup-near") == expected


def test_a_backup_of_no_data_bucket_is_near_nothing() -> None:
    look = looked(look_at_buckets, World(environment(data_bucket="")))
    assert said(look, "backup-near") == ""
    assert said(look, "bucket-unnamed") == "The environment names no data bucket."


def rules(role: str, condition: dict[str, Any], kind: str = "Delete") -> set[str]:
    """What is said of a bucket with one lifecycle rule."""
    look = Look("buckets")
    judge_rules(role, facts(lifecycle=({"action": {"type": kind}, "condition": condition},)), look)
    assert look.good == 1 - len(look.findings)
    return codes(look)


@pytest.mark.parametrize(
    ("role", "condition", "expected"),
    [
        ("data", {"age": 30}, {"lifecycle-deletes-scenes"}),
        ("data", {}, {"lifecycle-deletes-scenes"}),
        ("data", {"age": 30, "matchesPrefix": ["scenes/kitchen"]}, {"lifecycle-deletes-scenes"}),
        ("data", {"age": 30, "matchesPrefix": ["logs/", "sc"]}, {"lifecycle-deletes-scenes"}),
        ("data", {"age": 30, "matchesPrefix": ["logs/"]}, set()),
        ("data", {"age": 30, "isLive": False}, set()),
        ("data", {"age": 30, "isLive": True}, {"lifecycle-deletes-scenes"}),
        ("data", {"numNewerVersions": 3}, set()),
        ("data", {"daysSinceNoncurrentTime": 3}, set()),
        ("data", {"noncurrentTimeBefore": "2026-01-01"}, set()),
        ("data", {"age": 1, "matchesSuffix": ["/layout/"]}, {"lifecycle-matches-nothing"}),
        ("data", {"age": 1, "matchesSuffix": ["/layout/", ".tmp"]}, {"lifecycle-deletes-scenes"}),
        ("ops", {"age": 30}, {"lifecycle-deletes-journals"}),
        ("ops", {"age": 30, "matchesPrefix": ["scenes/"]}, set()),
        ("backup", {"age": 30, "matchesPrefix": ["anything/"]}, {"lifecycle-deletes-backups"}),
        ("state", {"age": 30}, set()),
    ],
)
def test_a_rule_that_deletes_is_told_by_what_it_can_reach(
    role: str, condition: dict[str, Any], expected: set[str]
) -> None:
    assert rules(role, condition) == expected
    if expected != {"lifecycle-matches-nothing"}:
        assert rules(role, condition, "SetStorageClass") == set()


def test_a_rule_is_named_by_its_number_and_condition() -> None:
    look = Look("buckets")
    delete = {"action": {"type": "Delete"}}
    conditions: list[dict[str, Any]] = [{"isLive": False}, {}, {"age": 3, "matchesPrefix": ["scenes/a", "b"]}]
    judge_rules("data", facts(lifecycle=tuple(delete | {"condition": one} for one in conditions)), look)
    assert [one.what for one in look.findings] == [
        "Lifecycle rule 2 of the data bucket the-data (no condition) deletes below 'scenes/'.",
        "Lifecycle rule 3 of the data bucket the-data (age 3, matchesPrefix scenes/a b) deletes below 'scenes/'.",
    ]
