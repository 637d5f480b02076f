"""docs/operations/override-audit.md: its codes, numbers and words are the program's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from blocks.catalogue_load import load_catalogue
from tasks.override_audit.audit import DAYS, MOST_DAYS
from tasks.override_audit.evidence import LINES
from tasks.override_audit.finding import CODES
from tasks.override_audit.pin import AT_ONCE
from tasks.override_audit.pin import ROOT as EVIDENCE
from tasks.override_audit.review import ENOUGH
from tasks.pipeline.override_findings import ROOT as FINDINGS
from tasks.pipeline.override_ledger import ROOT
from tasks.remediation.outcome import EXIT

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "override-audit.md").read_text()
WORDS = " ".join(PAGE.split())
RULES = load_catalogue().gates.rules


def test_every_code_is_on_the_page_with_its_time_and_its_advice_and_no_other() -> None:
    table = PAGE.partition("## The findings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) h \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(name, str(code.hours), code.todo) for name, code in CODES.items()]


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "refused", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE


@pytest.mark.parametrize(
    "said",
    [
        f"the last {DAYS} days",
        f"makes no sense: 1 to {MOST_DAYS}",
        f"at least {RULES.justification_least} characters",
        f"after {RULES.longest_days:g} at most",
        ", ".join(f"`{one}`" for one in RULES.categories),
        f"`{ROOT}<id>/`",
        f"`{FINDINGS}<month>/`",
        f"`{EVIDENCE}<id>/`",
        f"the newest {LINES:,} lines",
        f"At most {AT_ONCE} in one audit",
        f"At least {ENOUGH} overrides",
    ],
)
def test_its_numbers_are_those_of_the_program(said: str) -> None:
    assert said in WORDS


def test_the_schedule_is_the_deployment_s() -> None:
    deployments = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (one,) = (each for each in deployments if each["name"] == "override-audit")
    assert one["schedules"][0]["cron"] == "20 5 * * *"
    assert "every morning at 05:20 UTC" in WORDS
