"""docs/operations/monitoring-audit.md has every code, word and name as the program has it."""

from __future__ import annotations

from pathlib import Path

import yaml

from blocks.catalogue_load import load_catalogue
from tasks.monitoring.finding import CODES
from tasks.remediation.outcome import EXIT

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "monitoring-audit.md").read_text()


def test_the_page_has_every_code_in_its_order_and_no_other() -> None:
    rows = [line for line in PAGE.split("## The findings")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{code}` | {means} | {do} |" for code, (means, do) in CODES.items()]


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE  # type: ignore[index]


def test_what_the_gate_asks_for_is_counted_right() -> None:
    monitoring = load_catalogue().monitoring
    parts = (monitoring.dashboards, monitoring.alerts, monitoring.log_metrics)
    assert [sum(bool(one.gate) for one in things.values()) for things in parts] == [2, 2, 5]
    assert "two dashboards, two alert policies and five log-based\nmetrics" in PAGE
    assert {one.gate for things in parts for one in things.values()} == {"", "episode-generation-pipeline"}
    assert "`episode-generation-pipeline`" in PAGE


def test_it_is_deployed_at_the_time_that_the_page_gives() -> None:
    listed = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (found,) = [one for one in listed if one["name"] == "monitoring-audit"]
    assert found["schedules"][0]["cron"] == "45 6 * * *"
    assert "every morning at 06:45 UTC" in PAGE
