"""docs/operations/retention.md has the numbers, names and words of the program."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from blocks.backup import BackupPolicy
from tasks.pipeline.retention_record import EACH, ROOT
from tasks.remediation.outcome import EXIT
from tasks.retention.looking import LOG_DAYS, OVERLAP
from tasks.retention.report import BACK
from tasks.retention.risk import AHEAD, NEWEST

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "retention.md").read_text()
WORDS = " ".join(PAGE.split())


@pytest.mark.parametrize("said", [
    f"Cloud Logging keeps that for {LOG_DAYS} days", f"within {AHEAD.days} days", f"the newest {NEWEST} incidents", f"{EACH} at most an entry",
    f"than {LOG_DAYS} days without a look", f"`keep_nights` ({BackupPolicy().keep_nights} as shipped)", f"`{ROOT}scenes/<scene>/000001.json`",
    f"`{ROOT}looks/<month>/000001.json`", BACK.format(scene="kitchen_001"),
])  # fmt: skip
def test_the_page_says_what_the_program_does(said: str) -> None:
    assert said in WORDS


def test_an_hour_is_read_twice() -> None:
    assert OVERLAP.total_seconds() == 3600
    assert "an hour twice" in WORDS


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "busy", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE  # type: ignore[index]


def test_it_runs_after_the_clean_up() -> None:
    listed = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (found,) = [one for one in listed if one["name"] == "retention-watch"]
    assert found["schedules"][0]["cron"] == "30 4 * * *"
    assert "every night at 04:30 UTC" in WORDS
