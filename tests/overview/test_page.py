"""docs/operations/status.md: its numbers, words, places and commands are the program's."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from deployments import cli_status
from deployments.cli import app
from tasks.backup import calendar
from tasks.overview import ask, broken, overdue, proved
from tasks.overview.check import PAGE as OVERVIEW
from tasks.overview.state import TITLES
from tasks.recovery.sweep_record import NAME
from tasks.remediation.outcome import EXIT
from tasks.remediation.run_page import ROOT

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "status.md").read_text()
WORDS = " ".join(PAGE.split())


def hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} hours"


@pytest.mark.parametrize(
    "said",
    [
        f"again every {cli_status.EVERY_SECONDS:g} seconds",
        f"for up to {broken.FEW} scenes with one fault",
        f"older than {hours(broken.OLD)}",
        f"not verified after {hours(proved.VERIFIED_BY)}",
        f"have {ask.SECONDS:g} seconds",
        f"the last {calendar.WEEKS} weeks of backup nights",
        f"`{NAME}`",
        f"`gs://<ops bucket>/{OVERVIEW}`",
        f"`{ROOT}<subject>/<run>/<entries>.html`",
    ],
)
def test_its_numbers_and_places_are_those_of_the_program(said: str) -> None:
    assert said in WORDS


def test_an_approval_is_told_for_a_day() -> None:
    assert overdue.LOOKED_BACK.days == 1
    assert "approvals of the last day" in WORDS


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE


def test_every_part_has_a_line() -> None:
    assert re.findall(r"^\| ([A-Z][a-z ]+) \| ", PAGE, re.MULTILINE) == list(TITLES.values())


def test_it_runs_when_the_page_says() -> None:
    deployments = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (mine,) = [one for one in deployments if one["name"] == "overview"]
    (schedule,) = mine["schedules"]
    assert (schedule["cron"], schedule["timezone"], schedule["active"]) == ("3,18,33,48 * * * *", "UTC", True)
    assert "at minutes 3, 18, 33 and 48 of every hour" in WORDS


def commands() -> set[str]:
    """Every `remediate ...` and `prefect deployment run ...` that the overview may name."""
    source = "\n".join(path.read_text() for path in (HOME / "tasks" / "overview").glob("*.py"))
    return set(re.findall(r"(?:remediate|prefect deployment run) [a-z][a-z/-]*(?: [a-z]+)?", source))


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_it_names_exists(command: str) -> None:
    """What a tired person copies must work."""
    words = command.split()
    if words[0] == "prefect":
        names = {one["name"] for one in yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]}
        assert words[3].partition("/")[2] in names
        return
    known = get_command(app).commands  # type: ignore[attr-defined]
    assert words[1] in known, command
    below = getattr(known[words[1]], "commands", None)
    assert below is None or words[2] in below, command
