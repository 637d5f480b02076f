"""The policy says clearly what is wrong with it, and its window is open exactly when it says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from blocks.policy import RemediationPolicy


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_default_window_is_always_open() -> None:
    policy = RemediationPolicy()
    assert all(policy.open_at(at(f"2026-03-0{day} {hour:02}:59")) for day in range(1, 8) for hour in range(24))


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-03-02 08:59", False),  # a Monday
        ("2026-03-02 09:00", True),
        ("2026-03-02 16:59", True),
        ("2026-03-02 17:00", False),
        ("2026-03-07 12:00", False),  # a Saturday
    ],
)
def test_the_start_is_inside_the_window_and_the_end_is_not(when: str, is_open: bool) -> None:
    policy = RemediationPolicy(window_days="mon,tue,wed,thu,fri", window_start="09:00", window_end="17:00")
    assert policy.open_at(at(when)) is is_open


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-03-06 21:59", False),  # a Friday
        ("2026-03-06 22:00", True),
        ("2026-03-07 05:59", True),  # still Friday's window
        ("2026-03-07 06:00", False),
        ("2026-03-07 23:00", False),
        ("2026-03-06 05:00", False),  # Thursday's window, and Thursday is not a day of it
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_started(when: str, is_open: bool) -> None:
    policy = RemediationPolicy(window_days="fri", window_start="22:00", window_end="06:00")
    assert policy.open_at(at(when)) is is_open


def test_the_window_is_that_of_its_time_zone() -> None:
    policy = RemediationPolicy(window_start="09:00", window_end="10:00", window_timezone="Asia/Tokyo")
    assert policy.open_at(at("2026-03-02 00:30"))
    assert not policy.open_at(at("2026-03-02 09:30"))


def test_a_time_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="with a time zone"):
        RemediationPolicy().open_at(datetime(2026, 3, 2))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"window_days": "mon,frei"}, "window_days has 'frei'; use some of mon,tue"),
        ({"window_days": ""}, "window_days has ''"),
        ({"window_start": "9h"}, "'9h' is not a time of day; use HH:MM"),
        ({"window_start": "09:60"}, "'09:60' is not a time of day"),
        ({"window_end": "24:01"}, "'24:01' is not a time of day"),
        ({"window_start": "09:00", "window_end": "09:00"}, "are the same; use 00:00 and 24:00 for the whole day"),
        ({"window_timezone": "Mars/Olympus"}, "window_timezone 'Mars/Olympus' is not known; use a name like"),
        ({"window_timezone": "../etc/passwd"}, "is not known"),
        ({"max_objects_percent": 101}, "less than or equal to 100"),
        ({"systematic_percent": -1}, "greater than or equal to 0"),
        ({"error_threshold_percent": 100.5}, "less than or equal to 100"),
        ({"max_scenes": -1}, "greater than or equal to 0"),
        ({"approval": {"high": "nobody"}}, "'automatic' or 'person'"),
        ({"approval": {"extreme": "person"}}, "'low', 'medium' or 'high'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write_instead(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        RemediationPolicy(**settings)
    assert len(refusal.value.errors()) == 1
    assert sentence in str(refusal.value)


def test_high_risk_needs_a_person_unless_it_is_said_otherwise() -> None:
    assert RemediationPolicy().approval == {"low": "automatic", "medium": "automatic", "high": "person"}


def test_a_risk_that_the_policy_does_not_name_needs_a_person() -> None:
    policy = RemediationPolicy(approval={"low": "automatic"})
    assert policy.approval == {"low": "automatic", "medium": "person", "high": "person"}


def test_two_policies_do_not_share_their_lists() -> None:
    one, other = RemediationPolicy(), RemediationPolicy()
    one.kill_switch.append("bucket is being migrated")
    one.approval["low"] = "person"
    assert other.kill_switch == []
    assert other.approval["low"] == "automatic"
