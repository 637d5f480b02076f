"""The switches and rules of the gates are data: which values pass a gate, and what an installation may change."""

from __future__ import annotations

import pytest

from blocks.catalogue_gates import Gates, GateSwitch, told
from blocks.catalogue_load import CatalogueError, load_catalogue

GATES = load_catalogue().gates
ON = [one.name for one in GATES.switches if one.when == "on"]
OFF = [one.name for one in GATES.switches if one.when == "off"]


def passed(**variables: object) -> list[str]:
    return told(GATES.passed_by(variables))


@pytest.mark.parametrize("name", ON)
def test_a_variable_that_opens_a_gate_counts_when_it_is_on(name: str) -> None:
    for value in ("1", "true", "YES", " On ", True):
        assert passed(**{name: value}) == [f"{name}={value}"]
    for value in ("0", "false", "", "maybe", False):
        assert passed(**{name: value}) == []


@pytest.mark.parametrize("name", OFF)
def test_a_variable_that_keeps_a_gate_counts_when_it_is_off(name: str) -> None:
    for value in ("0", "false", "No", " off ", False):
        assert passed(**{name: value}) == [f"{name}={value}"]
    for value in ("1", "true", "", True):
        assert passed(**{name: value}) == []


def test_an_argument_of_a_workflow_has_the_same_name_in_lower_case() -> None:
    assert passed(enforce_quality_gates=False) == ["enforce_quality_gates=False"]
    assert passed(enforce_quality_gates=True) == []


def test_any_threshold_that_is_set_counts_but_not_where_messages_and_records_go() -> None:
    assert passed(BP_QUALITY_EPISODES_TIER_THRESHOLDS="{}") == ["BP_QUALITY_EPISODES_TIER_THRESHOLDS={}"]
    assert passed(BP_QUALITY_NOTIFICATIONS_SLACK_WEBHOOK_URL="x", BP_QUALITY_APPROVAL_STORE_BACKEND="firestore") == []
    assert passed(BP_QUALITY_EPISODES_TIER_THRESHOLDS="") == []


def test_a_policy_that_only_warns_counts() -> None:
    assert passed(INTERACTIVE_FAILURE_POLICY="WARN") == ["INTERACTIVE_FAILURE_POLICY=WARN"]
    assert passed(INTERACTIVE_FAILURE_POLICY="strict") == []


def test_an_installation_may_have_other_switches_rules_and_people() -> None:
    overlay = """
gates:
  approvals_folder: records/
  rules: {justification_least: 5, allowed_overriders: [" Lead@example.com"]}
  switches: [{name: SKIP_IT, when: "on", gates: [qg-3-usd], meaning: it is skipped}]
"""
    gates = load_catalogue(overlay).gates
    assert (gates.approvals_folder, gates.rules.justification_least) == ("records/", 5)
    assert gates.rules.allows("lead@example.com") is True
    assert gates.rules.allows("x") is False
    assert told(gates.passed_by({"SKIP_IT": "1", "BYPASS_QUALITY_GATES": "1"})) == ["SKIP_IT=1"]
    assert gates.approvals == GATES.approvals


def test_the_state_of_june_keeps_approvals_in_firestore_and_has_the_same_switches() -> None:
    june = load_catalogue("2026-06").gates
    assert (june.collection, june.log_collection) == ("quality_gate_approvals", "quality_gate_approvals_audit")
    assert (GATES.collection, GATES.log_collection, june.switches) == ("", "", GATES.switches)


@pytest.mark.parametrize(
    ("overlay", "told_"),
    [
        ("gates: {rules: {ticket: '('}}", "is not a regular expression"),
        ("gates: {checkpoints: {usd_assembled: nowhere}}", "names the stage 'nowhere'"),
        ("gates: {switches: [{name: A, when: sometimes, meaning: x}]}", "when"),
        ("gates: {collections: x}", "is not a key the catalogue knows"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(overlay: str, told_: str) -> None:
    with pytest.raises(CatalogueError, match=told_):
        load_catalogue(overlay)


def test_a_catalogue_that_says_nothing_of_gates_looks_at_reports_only() -> None:
    gates = Gates()
    assert (gates.collection, gates.approvals_folder, gates.switches) == ("", "", ())
    assert not GateSwitch(name="A_*", when="set", but=("A_B",), meaning="x").is_named("a_b")
