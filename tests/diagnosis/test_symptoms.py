"""The table is data that is checked: a mistake in it names the line, and every row can be looked for."""

from __future__ import annotations

import re

import pytest
import typer

from blocks.catalogue_yaml import CatalogueError
from deployments.cli import app
from tasks.diagnosis.probes import PROBES, symptoms
from tasks.diagnosis.symptoms import load_symptoms

GOOD = """\
symptoms:
  a-row:
    symptom: Something
    area: data
    probe: stale_locks
    causes: [x]
    remedy: "remediate recover {scene}"
    weight: 50
"""


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        load_symptoms(PROBES, text)
    return caught.value.problems


def test_a_row_is_read() -> None:
    (row,) = load_symptoms(PROBES, GOOD)
    assert (row.id, row.symptom.weight, row.symptom.explains) == ("a-row", 50, ())


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("stale_locks", "stale_lock", 5, "there is no probe 'stale_lock'; there are "),
        ("{scene}", "{scenes}", 7, "probe stale_locks has no value 'scenes'; it has generation, lock, scene"),
        ("weight: 50", "weight: 101", 8, "less than or equal to 100"),
        ("weight: 50", "weight: many", 8, "valid integer"),
        ("area: data", "area: weather", 4, "'pipeline', 'platform', 'simulation' or 'data'"),
        ("causes: [x]", "causes: []", 6, "at least 1 item"),
        ("symptom: Something", "symptoms: Something", 3, "Extra inputs"),
        ("  a-row:", "  A row:", 2, "is no id"),
        ("weight: 50", "weight: 50\n    params: {hours: 1}", 9, "hours: Extra inputs"),
        ("weight: 50", "weight: 50\n    explains: [nothing]\n    by: [scene]", 9, "no row 'nothing'"),
        ("weight: 50", "weight: 50\n    explains: [a-row]", 9, "'explains' and 'by' go together"),
        ("weight: 50", "weight: 50\n    by: [scene]", 2, "'explains' and 'by' go together"),
        ("weight: 50", "weight: 50\n    explains: [a-row]\n    by: [planet]", 10, "'scene', 'workflow'"),
        ("weight: 50", "weight: 50\n    weight: 51", 9, "second time"),
        ("causes: [x]", "causes: [x", 7, "not YAML"),
    ],
)
def test_a_mistake_names_its_line_and_what_is_wrong(before: str, after: str, line: int, said: str) -> None:
    found = " ".join(problems(GOOD.replace(before, after)))
    assert f"symptoms.yaml line {line}: " in found
    assert said in found


@pytest.mark.parametrize("text", ["", "rows: {}", "symptoms: [a]", GOOD + "more: {}\n"])
def test_a_file_that_is_no_table_is_refused(text: str) -> None:
    assert "one key 'symptoms'" in problems(text)[0]


def test_every_mistake_is_told_at_once() -> None:
    assert len(problems(GOOD.replace("stale_locks", "x") + GOOD.partition("\n")[2].replace("a-row", "b row"))) == 2


def test_every_probe_is_asked_for_by_a_row() -> None:
    assert {row.symptom.probe for row in symptoms()} == set(PROBES)


def test_the_rows_stand_in_the_order_of_their_weight() -> None:
    weights = [row.symptom.weight for row in symptoms()]
    assert weights == sorted(weights, reverse=True)


def test_only_heavier_rows_explain_lighter_ones() -> None:
    weight = {row.id: row.symptom.weight for row in symptoms()}
    wrong = [(row.id, one) for row in symptoms() for one in row.symptom.explains if weight[one] >= weight[row.id]]
    assert wrong == []


def test_every_pattern_can_be_read_and_fits_no_empty_line() -> None:
    for row in symptoms():
        words = getattr(row.params, "words", "")
        assert not words or not re.search(words, ""), row.id


def test_every_command_that_a_remedy_names_exists() -> None:
    """`rollback` is the one of images and revisions that went bad."""
    known = set(typer.main.get_command(app).commands) | {"rollback"}  # type: ignore[attr-defined]
    for row in symptoms():
        named = re.findall(r"remediate ([a-z-]+)", row.symptom.remedy)
        assert set(named) <= known, row.id


def test_a_remedy_never_proposes_to_delete_what_a_person_put_there() -> None:
    for row in symptoms():
        if row.symptom.probe == "stops":
            assert "{object}" in row.symptom.remedy
            assert not re.search(r"(?<!not )\bdelete|gsutil|gcloud storage rm", row.symptom.remedy), row.id
