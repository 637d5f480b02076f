"""The rights that an installation may give for rollbacks in the cluster are those that the block's calls name."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

HOME = Path(__file__).resolve().parents[2]
EXAMPLE = HOME / "deployments" / "production" / "kubernetes" / "example"


def test_the_role_has_what_the_calls_need_and_nothing_else() -> None:
    source = (HOME / "blocks" / "gke_workloads.py").read_text()
    named = set(re.findall(r'"([a-z]+) on ([a-z]+)(?:\.[a-z]+)?"', source))
    role, binding = yaml.safe_load_all((EXAMPLE / "pipeline-rollback.yaml").read_text())
    given = {(verb, resource) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert given == named
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_it_is_given_only_to_who_wants_it_and_the_page_says_so() -> None:
    listed = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())["resources"]
    assert "pipeline-rollback.yaml" not in listed
    for page in ("docs/operations/rollback.md", "docs/security.md"):
        assert "pipeline-rollback.yaml" in (HOME / page).read_text()
