"""What was found as people read it: the worst first, every level counted, nothing hidden by something else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from blocks.errors import PermanentError, TemporaryError
from tasks.doctor import check, parts
from tasks.doctor.buckets import BACKUP_HOLD, BACKUP_NEAR, MISSING, STATE_NO_UNDO
from tasks.doctor.check import findings, word_of
from tasks.doctor.examine import PART_UNKNOWN, Look, Part, examine
from tasks.doctor.finding import Code, Finding, worst_first
from tasks.doctor.report import NAMED, counts, sections, text, verdict
from tasks.remediation.context import Context
from tests.doctor.told import environment, found

OF_LEVEL: dict[str, Code] = {"error": MISSING, "unknown": PART_UNKNOWN, "warning": BACKUP_HOLD, "note": BACKUP_NEAR}


def look(part: str, *codes: Code, good: int = 0) -> Look:
    """A part that has found these."""
    made = Look(part, good=good)
    for number, code in enumerate(codes):
        made.say(code, f"subject {number}", f"Sentence {number} of {part}.")
    return made


@pytest.mark.parametrize(
    ("levels", "word", "said"),
    [
        ([], "nothing_to_do", "No errors: "),
        (["note"], "nothing_to_do", "No errors: "),
        (["warning", "note"], "nothing_to_do", "No errors: "),
        (["unknown"], "partial", "No errors, but not everything could be looked at: "),
        (["warning", "unknown"], "partial", "No errors, but not everything could be looked at: "),
        (["unknown", "error"], "failed", "Something will not work: "),
        (["note", "error"], "failed", "Something will not work: "),
    ],
)
def test_the_worst_level_decides_the_word_and_the_last_line(levels: list[str], word: str, said: str) -> None:
    looks = [look("quiet", good=1), *(look(level, OF_LEVEL[level]) for level in levels)]
    assert word_of(looks) == word
    assert verdict(looks).startswith(said)


def test_every_level_is_counted_and_what_is_in_order_too() -> None:
    looks = [look("a", MISSING, MISSING, BACKUP_HOLD, good=1200), look("b", PART_UNKNOWN, BACKUP_NEAR, good=34)]
    assert counts(looks) == "2 errors, 1 unknown, 1 warning, 1 note, 1,234 in order"
    assert counts([look("a")]) == "0 in order"


def test_the_worst_comes_first_and_of_one_level_what_came_first() -> None:
    looks = [look("a", BACKUP_NEAR, BACKUP_HOLD), look("b", MISSING, PART_UNKNOWN, MISSING)]
    assert [one.level for one in findings(looks)] == ["error", "error", "unknown", "warning", "note"]
    two = [Finding(MISSING, "a", "first", ""), Finding(MISSING, "a", "second", "")]
    assert worst_first(two) == two


def test_a_finding_as_data_has_all_that_its_code_says() -> None:
    assert Finding(MISSING, "buckets", "b", "It is gone.").as_dict() == {
        "code": MISSING.name, "level": "error", "part": "buckets", "subject": "b", "what": "It is gone.",
        "why": MISSING.why, "next": MISSING.todo,
    }  # fmt: skip


def test_the_worst_part_is_shown_first_and_a_part_in_order_by_its_number() -> None:
    looks = [look("notes", BACKUP_NEAR), look("well", good=7), look("broken", MISSING, good=2)]
    assert [one.title for one in sections(looks)] == ["broken: 1 error, 2 in order", "notes: 1 note, 0 in order"]
    lines = text(looks).splitlines()
    assert lines[0] == "broken: 1 error, 2 in order"
    assert "In order: well (7)." in lines
    assert lines.index("broken: 1 error, 2 in order") < lines.index("notes: 1 note, 0 in order")
    assert lines[-1] == "Something will not work: 1 error, 1 note, 9 in order."
    assert "In order:" not in text([look("notes", BACKUP_NEAR)])


def test_a_note_is_told_without_why_and_what_next_and_everything_else_with_both() -> None:
    assert "Why:" not in text([look("a", BACKUP_NEAR)])
    shown = text([look("a", BACKUP_HOLD)])
    assert shown.count("Why:") == shown.count("Next:") == 1


def test_of_one_code_the_first_few_are_shown_and_the_others_named() -> None:
    exactly, over = look("a", *[MISSING] * NAMED), look("a", *[MISSING] * (NAMED + 2))
    assert "Likewise" not in text([exactly])
    shown = text([over])
    assert shown.count("Sentence") == NAMED
    assert f"Likewise: subject {NAMED}, subject {NAMED + 1}." in " ".join(shown.split())
    (row,) = sections([over])[0].rows
    assert row["what"].count("Sentence") == NAMED
    assert (row["level"], row["code"], row["why"], row["next"]) == ("error", MISSING.name, MISSING.why, MISSING.todo)


def test_the_codes_of_a_part_are_shown_each_once_worst_first() -> None:
    (section,) = sections([look("a", STATE_NO_UNDO, BACKUP_HOLD, MISSING, STATE_NO_UNDO)])
    assert [row["code"] for row in section.rows] == [MISSING.name, BACKUP_HOLD.name, STATE_NO_UNDO.name]


@pytest.mark.parametrize("width", [10, 60, 100])
def test_no_line_is_wider_than_the_terminal_and_none_is_unreadably_narrow(width: int) -> None:
    assert max(map(len, text([look("a", MISSING, BACKUP_HOLD)], width).splitlines())) <= max(width, 60)


def test_one_thing_is_either_found_or_in_order() -> None:
    made = Look("a")
    assert made.judge(MISSING, "s", "It is gone.", ["a reason"]) is True
    assert made.judge(MISSING, "s", "It is gone.", []) is False
    assert (len(made.findings), made.good) == (1, 1)


def test_the_limit_is_of_all_parts_together() -> None:
    """Two that hang take as long as one."""
    release, ended = threading.Event(), threading.Event()

    def hang(look: Look) -> None:
        release.wait(60)

    def run() -> None:
        looks.extend(examine([Part("a", hang), Part("b", hang), Part("c", hang)], 0.3))
        ended.set()

    looks: list[Look] = []
    threading.Thread(target=run, daemon=True).start()
    try:
        assert ended.wait(30)
    finally:
        release.set()
    assert [one.findings[-1].code for one in looks] == [PART_UNKNOWN] * 3
    assert sum(one.seconds for one in looks) < 3 * 0.3 + 0.2 * 3, "each counts from the common beginning"


def test_a_service_that_refuses_one_thing_is_asked_for_the_next_and_a_silent_one_is_not() -> None:
    made = Look("a")
    with made.asking("first"):
        raise PermanentError("may not be read")
    with made.asking("second"):
        made.judge(MISSING, "second", "", False)
    assert (found(made), made.good) == ([("not-readable", "first")], 1)
    with pytest.raises(TemporaryError), made.asking("third"):
        raise TemporaryError("503")
    assert len(made.findings) == 1, "that the part was not seen is said by the part itself"


def test_what_a_part_finds_too_late_is_not_added_to_what_was_told() -> None:
    release, late = threading.Event(), threading.Event()

    def slow(look: Look) -> None:
        release.wait(60)
        look.say(MISSING, "too late", "It is gone.")
        late.set()

    (told,) = examine([Part("slow", slow)], 0.05)
    release.set()
    assert late.wait(30)
    assert found(told) == [("part-unknown", "slow")]


def test_what_is_wrong_or_unknown_is_a_reason_and_the_limit_is_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, float]] = []

    def looks_of(environment: object, home: object, seconds: float) -> list[Look]:
        asked.append((home, seconds))
        return [look("a", BACKUP_NEAR, PART_UNKNOWN, BACKUP_HOLD, MISSING)]

    monkeypatch.setattr(check, "looks_of", looks_of)
    said = check.Doctor().look(Context(environment(), "a test"), check.Question(seconds=7.0))
    assert asked == [(None, 7.0)]
    assert said.reasons == ["bucket-missing: Sentence 3 of a.", "part-unknown: Sentence 1 of a."]
    assert (said.outcome, said.summary) == ("failed", "1 error, 1 unknown, 1 warning, 1 note, 0 in order")


def test_a_broken_catalogue_does_not_hide_what_prefects_server_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parts, "prefect_parts", lambda home: [Part("prefect", lambda look: None)])
    looks = parts.looks_of(environment(catalogue_overlay="stages: ["), tmp_path, 5.0)
    assert [(one.part, found(one)) for one in looks] == [
        ("catalogue", [("catalogue-broken", "catalogue_overlay")]),
        ("prefect", []),
    ]
