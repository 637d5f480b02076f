"""The calendar of nights: what was proved, what was only captured, and days without a night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.backup.calendar import STATES, WORST, Proof, ProvedNight, calendar, calendar_now, proved_nights, week
from tasks.backup.procedure import NightlyBackup
from tests.backup.world import BACKUP, backup, done, fill, verified

NOW = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
"""A Wednesday."""


def proofs(environment: PipelineEnvironment) -> list[str]:
    return [one.proof for one in proved_nights(environment, datetime.now(UTC))]


def test_a_night_is_captured_and_once_it_was_verified_proved(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    assert proofs(environment) == []
    fill(sandbox.store, 3)
    done(environment)
    assert proofs(environment) == ["captured"]
    verified(environment)
    assert proofs(environment) == ["proved"]


def test_a_night_with_findings_and_one_whose_record_is_damaged_are_bad(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    night = done(environment).night
    copy = next(one for one in sandbox.store.list(BACKUP, "") if one.name.endswith(".bin") or "a_0000" in one.name)
    sandbox.store.delete(BACKUP, copy.name)
    verified(environment)
    assert proofs(environment) == ["findings"]
    summary = next(one for one in sandbox.store.list(BACKUP, "") if one.name.endswith(f"{night}/summary.json"))
    sandbox.store.put(BACKUP, summary.name, b"{}", quiet=True)
    assert proofs(environment) == ["damaged"]


def test_what_cannot_be_read_is_unknown_and_not_missing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    done(environment)
    sandbox.faults.add(FaultRule(service="storage", method="objects.media", kind="status", status=403))
    assert proofs(environment) == ["unread"]
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    assert calendar_now(environment, datetime.now(UTC)).text.startswith("Unknown: ")


def test_a_week_has_a_cell_for_every_day_that_has_been() -> None:
    row = week((NOW - timedelta(days=2)).date(), NOW.date(), {NOW.date(): "proved"})
    assert row.cells == ("none", "none", "proved", "", "", "", "")
    assert row.labels[:3] == ("01", "02", "03")


@pytest.mark.parametrize(
    ("night", "shown"),
    [(("proved", "damaged"), "proved"), (("partial", "captured"), "captured"), (("findings", "unread"), "unread")],
)
def test_of_several_nights_of_a_day_the_one_to_restore_from_is_shown(night: tuple[Proof, Proof], shown: Proof) -> None:
    section = calendar([ProvedNight("n", NOW, one) for one in night], NOW)
    assert section.picture is not None
    assert f"1 {STATES[shown].words}" in section.picture.alt
    assert set(WORST) | {"none"} == set(STATES)


def test_the_report_of_a_night_shows_the_calendar_and_a_plan_does_not(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    planned = [one.title for one in NightlyBackup().sections(backup(environment, "plan"))]
    assert "Backup nights" not in planned
    (*_, shown) = NightlyBackup().sections(backup(environment))
    assert shown.title == "Backup nights"
    assert shown.picture is not None
    assert "1 captured, not verified" in shown.picture.alt
