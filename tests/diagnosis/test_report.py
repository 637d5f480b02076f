"""A report that a tired person can read: what is wrong and what to do first, then the evidence, then what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.diagnosis.report import as_data, rows, sections, summary, table, text
from tasks.diagnosis.signs import Cause, tags, utc
from tasks.diagnosis.symptoms import Nothing, Row, Symptom

CAUSE = Cause(
    row="stale-lock",
    subject="locks/x.lock of kitchen-1",
    sentence="Scene kitchen-1 is locked.",
    evidence=("gs://b/scenes/kitchen-1/locks/x.lock#7 (2026-01-18 12:00:00 UTC)", "execution e-1 has ended"),
    remedy="remediate recover kitchen-1",
    since=datetime(2026, 1, 18, 12, tzinfo=UTC),
    consequences=("usd-assembly-pipeline did nothing on scene kitchen-1.",),
    weight=92,
    area="pipeline",
    symptom="Answers SKIPPED",
)
UNKNOWN = "log lines: Could not read the log."


def test_the_table_says_what_is_wrong_and_what_to_do_in_one_row() -> None:
    (row,) = rows([CAUSE])
    assert row == {
        "#": 1,
        "what is wrong": "Scene kitchen-1 is locked. 1 consequence.",
        "what to do": "remediate recover kitchen-1",
        "since": "2026-01-18 12:00:00 UTC",
        "row": "`stale-lock`",
    }


def test_the_report_has_the_causes_then_their_evidence_then_what_is_not_known() -> None:
    page = "\n\n".join(section.markdown() for section in sections([CAUSE], [UNKNOWN]))
    places = [page.index(one) for one in ("## Causes", "remediate recover kitchen-1", "## 1. locks/x.lock",
                                          "- execution e-1", "- comes of it: usd", "## Not known", UNKNOWN)]  # fmt: skip
    assert places == sorted(places)


def test_what_a_bucket_holds_cannot_break_the_table() -> None:
    bad = replace(CAUSE, sentence="a | b\nc", evidence=("x | y\nz",))
    causes, evidence = sections([bad], [])
    assert "a \\| b c" in causes.document()
    assert "a | b c" in causes.markdown()
    assert "- x \\| y z" in evidence.markdown()


def test_nothing_found_is_said_and_makes_no_empty_table() -> None:
    assert sections([], []) == []
    assert summary([], []) == "nothing wrong was found"
    assert text([], [], []).splitlines()[-1] == "Nothing wrong was found."


@pytest.mark.parametrize(
    ("causes", "unknown", "said"),
    [
        (1, 0, "1 cause found"),
        (2, 1, "2 causes found, 1 thing unknown"),
        (0, 2, "nothing wrong was found, 2 things unknown"),
    ],
)
def test_the_summary_counts(causes: int, unknown: int, said: str) -> None:
    assert summary([CAUSE] * causes, [UNKNOWN] * unknown) == said


@pytest.mark.parametrize("width", [20, 60, 200])
def test_on_a_terminal_a_command_or_a_path_stays_in_one_piece(width: int) -> None:
    long = replace(CAUSE, remedy=f"gcloud workflows run x --data={'y' * 150}")
    shown = text([long], [UNKNOWN], ["Only so many were looked at."], width)
    for piece in (f"--data={'y' * 150}", "gs://b/scenes/kitchen-1/locks/x.lock#7", "locked."):
        assert any(piece in line for line in shown.splitlines())
    assert [shown.index(one) for one in ("Do:", "Since:", "Seen:", "Hence:", "UNKNOWN", "Note:")] == sorted(
        shown.index(one) for one in ("Do:", "Since:", "Seen:", "Hence:", "UNKNOWN", "Note:")
    )


def test_the_data_can_be_written_as_json_and_keeps_its_keys() -> None:
    value = json.loads(json.dumps(as_data([CAUSE, replace(CAUSE, since=None)], [UNKNOWN], ["n"])))
    assert set(value) == {"summary", "causes", "unknown", "notes"}
    assert set(value["causes"][0]) == {"row", "symptom", "area", "subject", "cause", "evidence", "consequences", "remedy",
                                       "since", "weight"}  # fmt: skip
    assert value["causes"][0]["since"] == "2026-01-18T12:00:00+00:00"
    assert value["causes"][1]["since"] is None


def test_times_are_to_the_second_in_utc_and_an_unknown_one_says_so() -> None:
    assert utc(datetime.fromisoformat("2026-01-18T14:00:00.9+02:00")) == "2026-01-18 12:00:00 UTC"
    assert utc(None) == "an unknown time"


def test_names_that_are_empty_are_no_tags() -> None:
    assert tags(scene="a", job="") == {"scene:a"}


def test_a_row_of_the_page_cannot_be_broken_by_its_words() -> None:
    symptom = Symptom(symptom="a | b", area="data", probe="some_probe", causes=("x", "y"), remedy="do", weight=1)
    assert table([Row("r", symptom, Nothing())]).splitlines()[-1] == "| `r` | a \\| b | x; y | `do` | some probe |"
