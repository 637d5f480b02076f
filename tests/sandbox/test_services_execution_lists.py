"""ListExecutions of the sandbox: views, order, pages and filters, asked by Google's own client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.cloud.workflows import executions_v1

from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import WorkflowFailed
from tests.sandbox.service_world import World, services

USD = "usd-assembly-pipeline"
ARENA = "arena-export-pipeline"
FULL = executions_v1.ExecutionView.FULL


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def listed(world: World, **request: object) -> list[executions_v1.Execution]:
    request = {"parent": f"{LOCATION}/workflows/{USD}", **request}
    return list(world.executions_client.list_executions(request=request))


def test_the_basic_view_tells_neither_argument_nor_result_nor_labels(world: World) -> None:
    name = world.ended_workflow(world.start_workflow(USD, '{"a": 1}', run="r").name).name
    (basic,), (full,) = listed(world), listed(world, view=FULL)
    assert (basic.name, basic.state.name, basic.argument, basic.result, dict(basic.labels)) == (
        name, "SUCCEEDED", "", "", {},
    )  # fmt: skip
    assert (full.argument, json.loads(full.result), dict(full.labels)) == (
        '{"a": 1}',
        {"status": "SUCCESS"},
        {"run": "r"},
    )


def test_executions_are_listed_newest_first_and_per_workflow(world: World) -> None:
    names = [world.start_workflow(USD).name for _ in range(3)]
    world.start_workflow(ARENA)
    assert [execution.name for execution in listed(world)] == names[::-1]


def test_an_execution_that_starts_between_two_pages_neither_repeats_nor_hides_another(world: World) -> None:
    names = [world.start_workflow(USD).name for _ in range(5)]
    pages = world.executions_client.list_executions(
        request={"parent": f"{LOCATION}/workflows/{USD}", "page_size": 2}
    ).pages
    seen = []
    for page in pages:
        seen += [execution.name for execution in page.executions]
        world.start_workflow(USD)
    assert seen == names[::-1]


def test_a_page_token_of_another_list_request_is_refused(world: World) -> None:
    for _ in range(3):
        world.start_workflow(USD)
    page = next(
        world.executions_client.list_executions(request={"parent": f"{LOCATION}/workflows/{USD}", "page_size": 2}).pages
    )
    with pytest.raises(exceptions.InvalidArgument, match="other parameters"):
        listed(world, page_token=page.next_page_token, filter='state="ACTIVE"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('state="SUCCEEDED"', "first"),
        ('state="FAILED"', "second"),
        ("state=ACTIVE", "third"),
        ('state!="ACTIVE"', "second first"),
        ('createTime>"{between}"', "third second"),
        ('startTime<="{between}"', "first"),
        ('endTime>="{between}"', "second"),
        ('label.run="b"', "second"),
        ('label.absent="b"', ""),
        ('createTime>"{between}" AND state="ACTIVE"', "third"),
        ('state="ACTIVE" AND label.run="c" AND createTime>"{tomorrow}"', ""),
        ('executionId="{second_id}"', "second"),
        ("", "third second first"),
    ],
)
def test_a_filter_selects_what_google_documents(world: World, text: str, expected: str) -> None:
    first = world.ended_workflow(world.start_workflow(USD, run="a").name)
    time.sleep(0.005)
    between = datetime.now(UTC)
    world.script.failure = WorkflowFailed("no")
    second = world.ended_workflow(world.start_workflow(USD, run="b").name)
    world.script.hold.clear()
    third = world.start_workflow(USD, run="c")
    words = {
        "between": between.isoformat().replace("+00:00", "Z"),
        "tomorrow": (between + timedelta(days=1)).date().isoformat(),
        "second_id": second.name.rpartition("/")[2],
    }
    titles = {first.name: "first", second.name: "second", third.name: "third"}
    found = listed(world, filter=text.format(**words))
    assert " ".join(titles[execution.name] for execution in found) == expected


UNDOCUMENTED = [
    'state="DONE"',
    'state>"ACTIVE"',
    "duration>3s",
    'stepName="a"',
    'labels.run="a"',
    'state="ACTIVE" OR state="FAILED"',
    'state="ACTIVE" state="FAILED"',
    'createTime>"yesterday"',
    "state",
    '(state="ACTIVE")',
    'state="ACTIVE" AND ',
]


@pytest.mark.parametrize("text", UNDOCUMENTED)
def test_a_filter_that_google_does_not_document_or_nobody_uses_is_refused(world: World, text: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        listed(world, filter=text)
