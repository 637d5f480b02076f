"""What a filter names that must be there, and what it only excludes or matches by a pattern."""

from __future__ import annotations

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.monitoring_facts import by_their_names, log_metrics_in
from tasks.monitoring.references import named_in, resources_in, terms_of

JOB, FLOW = ("job", "a-job"), ("workflow", "w")


@pytest.mark.parametrize(("text", "names"), [
    ('jsonPayload.job="a-job"', {JOB}), ("jsonPayload.job = a-job", {JOB}), ("jsonPayload.job='a-job'", {JOB}),
    ('resource.labels.job_name="a-job" AND resource.labels.workflow_id="w"', {JOB, FLOW}),
    ('jsonPayload.job=("a-job" OR "b-job")', {JOB, ("job", "b-job")}), ('jsonPayload.job=(a-job OR b-job OR "c")', {JOB, ("job", "b-job"), ("job", "c")}),
    ('jsonPayload.workflow="w"\nAND jsonPayload.job="a-job"', {JOB, FLOW}),
    ('resource.labels.namespace_name="blueprint"', {("namespace", "blueprint")}),
    ('jsonPayload.job="a-job" OR jsonPayload.job="b-job"', {JOB, ("job", "b-job")}),
    ('jsonPayload.job!="a-job"', set()), ('jsonPayload.job=~"a.*"', set()), ('NOT jsonPayload.job="a-job"', set()),
    ('-jsonPayload.job="a-job"', set()), ('NOT (jsonPayload.job="a-job" OR jsonPayload.workflow="w")', set()),
    ('jsonPayload.job:"a"', set()), ("jsonPayload.job=\"\"", set()), ("jsonPayload.jobs=\"a\"", set()), ("", set()),
    ('severity>=ERROR AND "jsonPayload"', set()),
])  # fmt: skip
def test_only_what_must_be_there_is_named(text: str, names: set[tuple[str, str]]) -> None:
    assert named_in(text) == names


@pytest.mark.parametrize(("text", "resources"), [
    ('resource.type="global" AND metric.type="x"', {"global"}), ("resource.type = workflows.googleapis.com/Workflow", {"workflows.googleapis.com/Workflow"}),
    ("fetch global\n| metric 'logging.googleapis.com/user/x'", {"global"}), ('NOT resource.type="global"', set()), ('-resource.type="global"', set()),
    ('resource.type="a" OR resource.type="b"', {"a", "b"}), ('metric.type="x"', set()), ("", set()),
])  # fmt: skip
def test_kinds_of_resources_are_read_from_filters_and_queries(text: str, resources: set[str]) -> None:
    assert resources_in(text) == resources


@pytest.mark.parametrize(("text", "metrics"), [
    ('metric.type="logging.googleapis.com/user/m_1"', {"m_1"}), ("metric 'logging.googleapis.com/user/team/m'", {"team/m"}),
    ("rate(logging_googleapis_com:user_m_1{job=\"x\"}[5m])", {"m_1"}), ("logging.googleapis.com/log_entry_count", set()),
    ("logging.googleapis.com/user/a and logging.googleapis.com/user/b.", {"a", "b"}), ("", set()),
])  # fmt: skip
def test_log_based_metrics_are_found_in_every_language(text: str, metrics: set[str]) -> None:
    assert log_metrics_in(text) == metrics


@pytest.mark.parametrize(("found", "name"), [
    ("cost_bucket", "cost"), ("cost_count", "cost"), ("cost_sum", "cost"), ("cost", "cost"), ("bill_count", "bill_count"),
    ("cost_total", "cost_total"), ("failures_count", "failures_count"),
])  # fmt: skip
def test_a_distribution_s_parts_in_promql_are_that_metric(found: str, name: str) -> None:
    """A metric that exists under the very name is that one; one that nobody knows keeps its name."""
    assert by_their_names({found}, {"cost", "failures", "failures_count"}) == {name}


@pytest.mark.parametrize("state", [None, "2026-06"])
def test_the_shipped_filters_name_only_what_the_catalogue_has(state: str | None) -> None:
    catalogue = load_catalogue(state)
    known = {"job": catalogue.jobs, "workflow": catalogue.workflows, "namespace": {catalogue.namespace: None}}
    named = [one for metric in catalogue.monitoring.log_metrics.values() for one in named_in(metric.filter)]
    assert ("job", "quality-gate-job") in named
    assert [(kind, name) for kind, name in named if name not in known[kind]] == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('a="x" AND b="y"', 'b = "y"\n a="x"', True),
        ('a="x y"', 'a="x  y"', False),
        ('a="x" OR b="y"', 'a="x" AND b="y"', False),
        ('NOT a="x" AND b="y"', 'a="x" AND NOT b="y"', False),
        ('-a="x" b="y"', 'b="y" -a="x"', True),
        ('a="x"', 'a="X"', False),
        ('a="AND"', "a=", False),
        ('a=~"x"', 'a="x"', False),
        ("a>=1", "a>1", False),
    ],
)
def test_filters_that_ask_for_the_same_are_equal_and_no_others(one: str, other: str, same: bool) -> None:
    assert (terms_of(one) == terms_of(other)) is same
