"""Only a clear yes to this very plan by somebody else than the requester counts, and only where one is wanted."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.policy import RemediationPolicy
from tasks.remediation.approval import Approval, needs_person, objection
from tasks.remediation.plan import Plan

PLAN = Plan(procedure="p", subject="a")
NAMES = st.text(st.characters(codec="ascii", categories=("L", "Nd")), min_size=1, max_size=8)
BLANKS = st.text(" \t", max_size=2)


def answer(**more: str) -> Approval:
    """A yes by bo to the plan, with changes."""
    return Approval.model_validate({"decision": "approve", "approver": "bo", "plan_digest": PLAN.digest} | more)


def test_a_form_that_nobody_filled_in_means_no() -> None:
    assert "rejected by somebody: no reason" in objection(Approval(), PLAN, "ann")


def test_a_no_says_who_said_it_and_why() -> None:
    said = objection(answer(decision="reject", comment="not today"), PLAN, "ann")
    assert said == f"Plan {PLAN.digest} was rejected by bo: not today."


def test_a_clear_yes_to_this_plan_by_somebody_else_counts() -> None:
    assert objection(answer(), PLAN, "ann") == ""


@given(NAMES, BLANKS, BLANKS, BLANKS, BLANKS, st.booleans())
def test_the_requester_cannot_approve_however_their_name_is_written(
    name: str, one: str, two: str, three: str, four: str, upper: bool
) -> None:
    written = f"{one}{name.upper() if upper else name.lower()}{two}"
    assert "cannot approve it too" in objection(answer(approver=written), PLAN, f"{three}{name}{four}")


@pytest.mark.parametrize("name", ["", " ", "\t \n"])
def test_a_yes_without_a_name_does_not_count(name: str) -> None:
    assert "without a name" in objection(answer(approver=name), PLAN, "ann")


@pytest.mark.parametrize("digest", ["", "0" * 16, PLAN.digest[:-1], PLAN.digest.upper() + "x"])
def test_a_yes_to_any_other_plan_does_not_count_and_both_are_named(digest: str) -> None:
    said = objection(answer(plan_digest=digest), PLAN, "ann")
    assert f"approved plan {digest}, but the plan is now {PLAN.digest}" in said


@pytest.mark.parametrize(("risk", "approver"), product(("low", "medium", "high"), ("automatic", "person")))
def test_a_person_is_asked_exactly_for_the_risks_of_the_policy(risk: str, approver: str) -> None:
    other = "person" if approver == "automatic" else "automatic"
    approval = dict.fromkeys(("low", "medium", "high"), other) | {risk: approver}
    policy = RemediationPolicy.model_validate({"approval": approval})
    assert needs_person(PLAN.model_copy(update={"risk": risk}), policy) == (approver == "person")


@given(st.text(max_size=10).filter(lambda risk: risk not in ("low", "medium", "high")))
def test_a_risk_that_the_policy_does_not_know_needs_a_person(risk: str) -> None:
    policy = RemediationPolicy(approval=dict.fromkeys(("low", "medium", "high"), "automatic"))
    assert needs_person(PLAN.model_copy(update={"risk": risk}), policy)
