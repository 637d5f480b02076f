"""docs/operations/diagnose.md has the table as it is, and its numbers are the program's."""

from __future__ import annotations

from pathlib import Path

from tasks.diagnosis.check import PROBE_SECONDS
from tasks.diagnosis.probes import symptoms
from tasks.diagnosis.report import table
from tasks.diagnosis.scope import MOST_SCENES
from tasks.diagnosis.world import MOST_EXECUTIONS, MOST_LINES
from tasks.remediation.outcome import EXIT

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations" / "diagnose.md").read_text()


def test_the_table_is_the_one_of_the_program() -> None:
    _, _, after = PAGE.partition("<!-- symptoms:")
    shown = after.partition("-->\n")[2].partition("\n<!-- end of symptoms -->")[0]
    wanted = table(symptoms())
    assert shown == wanted, f"docs/operations/diagnose.md must have this table:\n{wanted}"


def test_the_numbers_are_those_of_the_program() -> None:
    words = " ".join(PAGE.split())
    assert f"Each is given up after {PROBE_SECONDS:g} s" in words
    assert f"{MOST_SCENES} at most" in words
    assert f"the newest {MOST_EXECUTIONS} of each state" in words
    assert f"the newest {MOST_LINES:,} errors and {MOST_LINES:,} of" in words


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "refused", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE
