"""One cause is told once; what comes of it is below it; only heavier rows explain lighter ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.diagnosis.judge import MOST_CONSEQUENCES, MOST_EVIDENCE, causes, filled
from tasks.diagnosis.signs import Sign, tags
from tasks.diagnosis.symptoms import Nothing, Row, Symptom

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)


def row(id_: str, weight: int, explains: tuple[str, ...] = (), by: Any = ("scene",)) -> Row:
    symptom = Symptom(
        symptom=id_, area="data", probe="p", causes=("x",), remedy="do {scene}", weight=weight, explains=explains,
        by=by if explains else (),
    )  # fmt: skip
    return Row(id_, symptom, Nothing())


ROWS = (row("root", 90, ("middle", "leaf")), row("middle", 50, ("leaf", "root")), row("leaf", 10), row("other", 95))


def sign(id_: str, scene: str = "a", **more: Any) -> Sign:
    fields = {"evidence": (f"{id_} of {scene}",), "tags": tags(scene=scene), "values": {"scene": scene}} | more
    return Sign(id_, scene, f"{id_} {scene}.", **fields)


def told(*signs: Sign) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.row, one.subject, one.consequences) for one in causes(ROWS, signs)]


def test_a_lighter_sign_of_the_same_thing_comes_of_the_heavier_one() -> None:
    assert told(sign("leaf"), sign("root")) == [("root", "a", ("leaf a.",))]


def test_of_something_else_it_is_a_cause_of_its_own() -> None:
    assert told(sign("leaf", "b"), sign("root", "a")) == [("root", "a", ()), ("leaf", "b", ())]


def test_a_row_explains_only_those_that_it_names() -> None:
    assert told(sign("other"), sign("leaf")) == [("other", "a", ()), ("leaf", "a", ())]


def test_a_lighter_row_explains_no_heavier_one() -> None:
    assert told(sign("middle"), sign("root")) == [("root", "a", ("middle a.",))]


def test_what_comes_of_a_consequence_comes_of_the_cause() -> None:
    assert told(sign("root"), sign("middle"), sign("leaf")) == [("root", "a", ("middle a.", "leaf a."))]


def test_a_probe_that_knows_the_reason_is_believed_and_brings_what_it_explains() -> None:
    reason = sign("other", "z")
    found = told(reason, sign("root", because=reason.key), sign("leaf"))
    assert found == [("other", "z", ("root a.", "leaf a."))]


def test_a_reason_that_was_not_seen_is_no_reason() -> None:
    assert told(sign("leaf", because="nothing|at all")) == [("leaf", "a", ())]


def test_signs_that_name_each_other_as_reason_are_both_told_once() -> None:
    one, two = sign("leaf", "a", because="leaf|b"), sign("leaf", "b", because="leaf|a")
    found = told(one, two)
    assert len(found) == 1
    assert {found[0][1], *[said.removeprefix("leaf ").rstrip(".") for said in found[0][2]]} == {"a", "b"}


def test_signs_of_one_row_and_subject_are_one_with_everybodys_evidence_and_the_earliest_time() -> None:
    later = sign("root", evidence=("second", "first"), since=NOON, tags=tags(job="j"))
    earlier = sign("root", evidence=("first", "third"), since=NOON - timedelta(hours=1))
    (one,) = causes(ROWS, [later, earlier, sign("root")])
    assert one.evidence == ("second", "first", "third", "root of a")
    assert one.since == NOON - timedelta(hours=1)


def test_a_cause_without_a_time_has_the_first_of_what_comes_of_it() -> None:
    (one,) = causes(ROWS, [sign("root"), sign("leaf", since=NOON)])
    assert one.since == NOON


def test_the_heaviest_is_first_and_of_equals_the_one_that_explains_most() -> None:
    found = told(sign("root", "b"), sign("root", "a"), sign("leaf", "a"), sign("other", "c"))
    assert [(one[0], one[1]) for one in found] == [("other", "c"), ("root", "a"), ("root", "b")]


def test_evidence_and_consequences_are_bounded_and_say_so() -> None:
    many = [Sign("leaf", f"a{n}", f"leaf {n}.", tags=tags(scene="a")) for n in range(MOST_CONSEQUENCES + 5)]
    (one,) = causes(ROWS, [sign("root", evidence=tuple(map(str, range(99)))), *many])
    assert len(one.evidence) == MOST_EVIDENCE
    assert len(one.consequences) == MOST_CONSEQUENCES + 1
    assert one.consequences[-1] == "and 5 more"


def test_nothing_seen_is_no_cause() -> None:
    assert causes(ROWS, []) == []


@pytest.mark.parametrize("value", ["{other}", "a{b", "x}y", "{0}"])
def test_what_a_value_holds_is_put_in_as_it_is(value: str) -> None:
    assert filled("do {scene} --now", {"scene": value}) == f"do {value} --now"
