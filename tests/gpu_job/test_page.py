"""docs/operations/entry-points.md says what the program does: commands, numbers, names and rights."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import typer
import yaml

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_rules import GPU_JOB_VALUES
from deployments.cli import app
from tasks.doctor.parts import STARTS_WORK
from tasks.gpu_job.manifest import MOST_BYTES
from tasks.gpu_job.procedure import LABEL, SUBJECT
from tasks.gpu_job.watching import RUNS_SECONDS
from tasks.remediation.outcome import EXIT

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "entry-points.md").read_text()
SAID = " ".join(PAGE.split())
EXAMPLE = HOME / "deployments" / "production" / "kubernetes" / "example"
SECTION = PAGE.split("## A GPU Job for one scene")[1].split("\n## ")[0]


def named_commands() -> list[str]:
    """What the page types: the words after `remediate` that are no arguments."""
    inline = re.findall(r"`remediate ([a-z0-9 -]+)", PAGE)
    return sorted({one.strip() for one in (*inline, *re.findall(r"^remediate ([a-z0-9 -]+)", PAGE, re.MULTILINE))})


@pytest.mark.parametrize("line", named_commands())
def test_every_command_of_the_page_is_there(line: str) -> None:
    at: click.Command = typer.main.get_command(app)
    for word in line.split():
        if not isinstance(at, click.Group):
            break
        assert word in at.commands, f"remediate {line}: there is no {word}"
        at = at.commands[word]


def test_the_numbers_and_names_are_those_of_the_program() -> None:
    rule = load_catalogue().gpu_job
    assert rule is not None
    head = rule.name.partition("{")[0]
    assert f"`{head}`, the scene's id" in SAID
    assert f"within {RUNS_SECONDS:.0f} seconds its pod must run" in SAID
    assert f"A file may have {MOST_BYTES // 1000} kB" in SAID
    assert re.findall(r"`\$\{(\w+)\}`", SECTION) == list(GPU_JOB_VALUES)
    assert "more than 63 letters" in SAID
    assert (LABEL.fullmatch("a" * 63) is None, LABEL.fullmatch("a" * 64) is None) == (False, True)
    assert f"remediate undo {SUBJECT}.kitchen_001 RUN --apply" in SAID


def test_the_words_it_ends_as_are_words_of_the_vocabulary() -> None:
    words = re.findall(r"^\| (`[^|]*`) \|", SECTION, re.MULTILINE)
    assert {one.strip("`") for row in words for one in row.split(", ")} <= set(EXIT)


def test_status_has_the_parts_of_the_doctor_that_the_page_names() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `pipeline status`")]
    assert re.findall(r"`([a-z]+)`", row.split("doctor's parts")[1]) == list(STARTS_WORK)


def test_the_role_gives_what_the_calls_name_and_is_not_applied_by_itself() -> None:
    source = (HOME / "blocks" / "gke_references.py").read_text()
    named = set(re.findall(r'"([a-z]+) on ([a-z]+)"', source))
    role, binding = yaml.safe_load_all((EXAMPLE / "pipeline-gpu-job.yaml").read_text())
    given = {(verb, kind) for rule in role["rules"] for kind in rule["resources"] for verb in rule["verbs"]}
    assert given == named == {("get", "configmaps"), ("get", "serviceaccounts")}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert "pipeline-gpu-job.yaml" not in (EXAMPLE / "kustomization.yaml").read_text()
    for page in (PAGE, (HOME / "docs" / "security.md").read_text()):
        assert "pipeline-gpu-job.yaml" in page
