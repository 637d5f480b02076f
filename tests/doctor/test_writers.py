"""A marker that starts something has one writer: a second one starts it twice."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tasks.doctor.examine import Look
from tasks.doctor.workflows import look_at_workflows
from tasks.pipeline.deployed import Unread
from tests.doctor.told import World, environment, looked, trigger, workflow
from tests.doctor.world import codes, said

EXPORT, VARIATION, USD = "genie-sim-export-pipeline", "variation-assets-pipeline", "usd-assembly-pipeline"
MARKER = "variation_assets/.variation_pipeline_complete"
INSERT = "googleapis.storage.v1.objects.insert"
JOB = {"run": {"call": "x", "args": {"name": "projects/p/locations/l/jobs/variation-gen-job"}}}


def insert(name: str, called: str = INSERT) -> dict[str, Any]:
    return {"mark": {"call": called, "args": {"bucket": "${bucket}", "name": name}}}


WRITES = insert('${variationPrefix + "/.variation_pipeline_complete"}')


def deployed(**steps: list[dict[str, Any]]) -> World:
    """An installation with these sources, and the trigger of the export; `a_b` stands for `a-b-pipeline`."""
    made = {
        f"{name.replace('_', '-')}-pipeline": yaml.safe_dump({"main": {"steps": each}}) for name, each in steps.items()
    }
    there = environment().catalogue.workflows
    sources = {name: workflow(name, made.get(name, "main: {steps: []}")) for name in there}
    return World(workflows=dict(sources), triggers=[trigger("genie-sim-export-trigger", EXPORT)])


def twice(world: World) -> str:
    return said(looked(look_at_workflows, world), "marker-written-twice")


def test_a_workflow_and_the_job_that_it_runs_are_two_writers() -> None:
    assert twice(deployed(variation_assets=[JOB, WRITES])) == (
        f"{MARKER}, which starts {EXPORT}, is written by workflow {VARIATION}, job variation-gen-job."
    )


def test_two_workflows_are_two_writers() -> None:
    found = twice(deployed(variation_assets=[WRITES], usd_assembly=[WRITES]))
    assert f"is written by workflow {USD}, workflow {VARIATION}." in found


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [JOB],
        [WRITES],
        [WRITES, WRITES],
        [JOB, insert('${prefix + "/.variation_pipeline_complete.bak"}')],
        [JOB, insert('${prefix + "/.other_variation_pipeline_complete_2"}')],
        [JOB, insert("${marker}")],
        [JOB, insert("${body}", "googleapis.storage.v1.objects.get")],
        [JOB, {"look": {"call": "googleapis.storage.v1.objects.get", "args": {"object": MARKER}}}],
        [JOB, {"gone": {"call": "googleapis.storage.v1.objects.delete", "args": {"object": MARKER}}}],
        [JOB, {"say": {"call": "sys.log", "args": {"text": f"wrote {MARKER}"}}}],
    ],
    ids=range(11),
)
def test_one_writer_is_none_too_many_and_a_reader_is_no_writer(steps: list[dict[str, Any]]) -> None:
    assert twice(deployed(variation_assets=steps)) == ""


@pytest.mark.parametrize("name", ["${marker}", "${text.url_encode(marker)}"])
def test_a_variable_is_followed_to_the_name_that_it_is_set_to(name: str) -> None:
    set_to = {"init": {"assign": [{"marker": '${prefix + "/.variation_pipeline_complete"}'}]}}
    assert twice(deployed(variation_assets=[JOB, set_to, insert(name)]))
    other = {"init": {"assign": [{"marker_2": '${prefix + "/.variation_pipeline_complete"}'}]}}
    assert twice(deployed(variation_assets=[JOB, other, insert(name)])) == ""


def test_a_marker_that_starts_nothing_may_be_written_by_many() -> None:
    world = deployed(variation_assets=[JOB, WRITES])
    world.triggers = []
    assert twice(world) == ""
    world.triggers = [trigger("genie-sim-export-trigger", EXPORT, bucket="another")]
    assert twice(world) == ""
    world.triggers = [trigger("genie-sim-export-trigger", EXPORT, name=r"^scenes/.+/usd/\.usd_complete$")]
    assert twice(world) == "", "the trigger's own filter counts before what its workflow tests"


def test_a_filter_that_nobody_here_can_read_hides_nothing_else() -> None:
    world = deployed(variation_assets=[JOB, WRITES])
    world.triggers = [trigger("genie-sim-export-trigger", EXPORT, name=r"(?P<a")]
    assert "marker-written-twice" in codes(looked(look_at_workflows, world))


@pytest.mark.parametrize("job", [None, Unread("It may not be read.")])
def test_a_job_that_is_not_known_to_be_there_writes_nothing(job: Unread | None) -> None:
    world = deployed(variation_assets=[JOB, WRITES])
    world.jobs = {"variation-gen-job": job}
    assert twice(world) == ""


def test_each_marker_that_starts_something_is_in_order_by_itself() -> None:
    def good(world: World) -> int:
        look: Look = looked(look_at_workflows, world)
        return look.good

    with_trigger, without = deployed(), deployed()
    without.triggers = []
    assert good(with_trigger) == good(without) + 2, "the export is started by somebody, and its marker written by one"
