"""A report that a tired person can read: counts first, long lists cut short and said so, tables that nothing breaks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome
from tasks.remediation.plan import Action, Plan
from tasks.remediation.report import (
    EFFECTS,
    MAX_ROWS,
    Section,
    batch_rows,
    batch_sentence,
    counted,
    listed,
    plan_markdown,
    plan_rows,
    plan_sentence,
    run_markdown,
    slug,
)
from tasks.remediation.run import Run
from tasks.remediation.table import table
from tests.kernel.fake import an_action, launch, put, take


def plan(*actions: Action, **more: Any) -> Plan:
    return Plan(procedure="p", subject="a", actions=actions, **more)


def ended(context: Context, word: Outcome, *reasons: str, subject: str = "a") -> Run:
    run = Run(context, "p")
    run.subject = subject
    run.end(word, *reasons)
    return run


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (0, "nothing"),
        (1, "n0"),
        (3, "n0, n1, n2"),
        (4, "n0, n1 and 2 more"),
        (50, "n0, n1 and 48 more"),
    ],
)
def test_a_long_list_of_names_is_cut_short_and_says_how_many_more(number: int, says: str) -> None:
    assert listed([f"n{index}" for index in range(number)]) == says


@pytest.mark.parametrize(
    ("number", "says"), [(0, "0 starts"), (1, "1 start"), (2, "2 starts"), (12345, "12,345 starts")]
)
def test_one_is_one_and_more_are_many(number: int, says: str) -> None:
    assert counted(number, "start") == says


@given(st.text(max_size=12))
def test_an_artifact_key_is_lower_case_letters_digits_and_dashes(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(text))


CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")) | st.sampled_from("|\n"), max_size=8)


@given(st.lists(st.fixed_dictionaries({"one": CELL, "two": CELL}), min_size=1, max_size=4))
def test_no_cell_breaks_its_table(rows: list[dict[str, str]]) -> None:
    lines = table(rows).split("\n")
    assert len(lines) == len(rows) + 2
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)


def test_a_table_has_the_columns_of_its_first_row() -> None:
    assert table([{"a": 1, "b": 2}, {"b": 3, "c": 4}]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n|  | 3 |"
    assert table([]) == ""


@pytest.mark.parametrize(
    ("section", "shown"),
    [
        (Section("Title", "Text."), "## Title\n\nText."),
        (Section("", "Text."), "Text."),
        (Section("Title", rows=({"a": 1},)), "## Title\n\n| a |\n| --- |\n| 1 |"),
        (Section(""), ""),
    ],
)
def test_a_section_is_its_title_its_text_and_its_table(section: Section, shown: str) -> None:
    assert section.markdown() == shown


def test_a_plan_in_one_line_says_counts_bytes_risk_and_digest() -> None:
    one = plan(
        an_action(take, "x", bytes=1000, objects=3),
        an_action(launch, "y"),
        an_action(put, "z", objects=2, replaced=2),
        risk="high",
        details={"restart": ["usd", "export"]},
    )
    assert plan_sentence(one) == (
        f"Plan {one.digest} for a: 3 deletions (1,000 bytes), 1 start, 2 writes, 2 of them over live objects; risk high"
        "; restarts at usd, export."
    )
    assert plan_sentence(plan()) == f"Plan {plan().digest} for a: nothing to do; risk low."


@pytest.mark.parametrize("effect", sorted(EFFECTS))
def test_every_effect_has_a_word_of_its_own(effect: str) -> None:
    one = an_action(put, "x").model_copy(update={"effect": effect})
    assert f": 1 {EFFECTS[effect]}" in plan_sentence(plan(one))  # type: ignore[index]
    assert len(set(EFFECTS.values())) == len(EFFECTS)


@pytest.mark.parametrize(("number", "rows"), [(0, 0), (1, 1), (MAX_ROWS, MAX_ROWS), (MAX_ROWS + 5, MAX_ROWS + 1)])
def test_a_plan_is_a_row_an_action_and_says_how_many_are_left_out(number: int, rows: int) -> None:
    found = plan_rows(plan(*(an_action(put, f"n{index}") for index in range(number))))
    assert len(found) == rows
    assert [row["#"] for row in found[:MAX_ROWS]] == list(range(1, min(number, MAX_ROWS) + 1))
    assert ("5 more actions" in str(found[-1:])) == (number > MAX_ROWS)


def test_a_row_says_what_is_done_to_what_why_under_which_condition_and_how_back() -> None:
    action = an_action(take, "x", why="w", precondition="c", undo="u", bytes=7, step="s")
    assert plan_rows(plan(action)) == [
        {"#": 1, "effect": "delete", "target": "x", "why": "w", "only if": "c", "undo": "u", "bytes": 7, "step": "s"}
    ]


def test_an_approver_sees_the_digest_and_every_action() -> None:
    one = plan(an_action(take, "x", precondition="a|b", step="s"), an_action(put, "y", step="t"))
    shown = plan_markdown(one)
    assert one.digest in shown.splitlines()[0]
    assert [line for line in shown.splitlines() if line.startswith("## ")] == ["## s", "## t"]
    assert "**effect:** delete" in shown
    assert "**only if:** a\\|b" in shown
    assert "| 1 | `x` |" in shown
    assert "| 2 | `y` |" in shown


def test_what_the_actions_of_a_step_have_in_common_is_said_once() -> None:
    one = plan(
        an_action(take, "a/b/c", why="w", precondition="generation 1", undo="u", bytes=1234, step="s"),
        an_action(take, "a/b/d/e", why="w", precondition="generation 2", undo="u", step="s"),
    )
    assert plan_markdown(one).splitlines()[2:] == [
        "## s",
        "",
        "**effect:** delete · **why:** w · **undo:** u · **in:** `a/b/`",
        "",
        "| # | target | only if | bytes |",
        "| --- | --- | --- | --- |",
        "| 1 | `c` | generation 1 | 1,234 |",
        "| 2 | `d/e` | generation 2 | 0 |",
    ]


def test_a_table_has_few_columns_and_what_differs_besides_stands_below_it() -> None:
    one = plan(
        an_action(take, "a/b", why="w1", precondition="c1", undo="u|1", step="s"),
        an_action(put, "a/c", why="w2", precondition="c2", undo="u2", step="s"),
    )
    assert plan_markdown(one).splitlines()[4:] == [
        "**in:** `a/`",
        "",
        "| # | target | effect | why |",
        "| --- | --- | --- | --- |",
        "| 1 | `b` | delete | w1 |",
        "| 2 | `c` | write | w2 |",
        "",
        "- 1: **only if:** c1; **undo:** u\\|1",
        "- 2: **only if:** c2; **undo:** u2",
    ]


def test_a_page_says_how_many_actions_it_leaves_out() -> None:
    shown = plan_markdown(plan(*(an_action(put, f"n{index}") for index in range(MAX_ROWS + 5))))
    assert "|  | … and 5 more actions; the journal has them all |" in shown


def test_a_report_says_word_reasons_notes_plan_sections_and_where_the_time_went(context: Context) -> None:
    run = ended(context, "failed", "One.", "Two.")
    run.summary, run.notes, run.plan = "phrase", ["Note."], plan(an_action(put, "x"))
    run.seconds = {"step": 1.234}
    shown = run_markdown(run, [Section("Mine", "Text.")])
    parts = [
        "# a: failed",
        "phrase",
        "> One.",
        "> Two.",
        "- Note.",
        plan_sentence(run.plan),
        "## Mine",
        "| step | 1.23 |",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert "Undo" not in shown, "it has not begun, so there is nothing to undo"


def test_of_many_runs_those_that_need_a_person_come_first(context: Context) -> None:
    runs = [ended(context, "done", subject="b"), ended(context, "failed", "Why.", subject="c")]
    runs += [ended(context, "planned", subject="a"), ended(context, "busy", subject="a")]
    runs[1].plan = plan(an_action(take, "x", bytes=9), details={"fault": "corrupt"})
    runs[1].seconds = {"one": 1.0, "two": 0.5}
    rows = batch_rows(runs)
    assert [(row["subject"], row["outcome"]) for row in rows] == [
        ("a", "busy"),
        ("c", "failed"),
        ("a", "planned"),
        ("b", "done"),
    ]
    digest = runs[1].plan.digest
    told = {"fault": "corrupt", "plan": digest, "deletions": 1, "bytes": 9, "seconds": 1.5, "why": "Why."}
    assert {key: rows[1][key] for key in told} == told
    assert {key: rows[0][key] for key in told} == told | dict.fromkeys(told, 0) | {"fault": "", "plan": "", "why": ""}
    assert batch_sentence(runs) == "1 busy, 1 done, 1 failed, 1 planned"
    assert batch_sentence([ended(context, "nothing_to_do")] * 2) == "2 nothing to do"
