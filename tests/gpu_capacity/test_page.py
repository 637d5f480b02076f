"""docs/operations/gpu-capacity.md has the classes as they are, and its numbers and rights are the program's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from blocks.policy import RemediationPolicy
from tasks.gpu_capacity.classes import SHORTAGES, WORDS
from tasks.gpu_capacity.classify import CLOUD_RUN_MINUTES
from tasks.gpu_capacity.debt import ROOT
from tasks.gpu_capacity.evidence import GRACE, PATIENCE
from tasks.gpu_capacity.follow import REACH
from tasks.gpu_capacity.look import LOG_MINUTES
from tasks.remediation.outcome import EXIT

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "gpu-capacity.md").read_text()
EXAMPLE = HOME / "deployments" / "production" / "kubernetes" / "example"


def test_the_page_has_every_class_in_its_order_and_no_other() -> None:
    rows = [line for line in PAGE.split("## The classes")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{kind}` | {WORDS[kind][0]} | {WORDS[kind][1]} |" for kind in SHORTAGES]


def test_the_numbers_are_those_of_the_program() -> None:
    words = " ".join(PAGE.split())
    patience = PATIENCE.total_seconds() / 60
    assert f"waits for less than {GRACE.total_seconds() / 60:g} minutes" in words
    assert f"within the last {patience:g} minutes" in words
    assert f"older than {patience:g} minutes" in words
    assert f"the log of the last {LOG_MINUTES:g} minutes" in words
    assert f"counts for {CLOUD_RUN_MINUTES:g} minutes" in words
    assert f"from {REACH.total_seconds() / 60:g} minutes before the relief" in words
    assert f"in {RemediationPolicy().gpu_relief_hours:g} h no GPUs were seen" in words
    assert f"`{ROOT}<run>/`" in words


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "escalated", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE  # type: ignore[index]


def test_every_setting_of_the_policy_is_on_the_page_and_as_shipped_raises_and_interrupts_nothing() -> None:
    policy = RemediationPolicy()
    names = [name for name in RemediationPolicy.model_fields if name.startswith("gpu_")]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert (policy.gpu_nodes_most, policy.gpu_budget, policy.gpu_node_prices, policy.gpu_interrupt) == (0, 0, {}, [])


def test_the_role_gives_what_is_asked_for_and_is_not_applied_by_itself() -> None:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all((EXAMPLE / "pipeline-gpu.yaml").read_text()))
    given = {
        (resource, verb)
        for one in documents
        for rule in one.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    asked = {("nodes", "list"), ("pods", "list"), ("events", "list"), ("resourcequotas", "list")}
    asked |= {(kind, verb) for kind in ("jobs", "cronjobs", "deployments") for verb in ("get", "list", "patch")}
    assert given == asked
    assert "pipeline-gpu.yaml" not in (EXAMPLE / "kustomization.yaml").read_text()
    assert "example/pipeline-gpu.yaml" in PAGE
