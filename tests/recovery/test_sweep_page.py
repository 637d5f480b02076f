"""The page of a sweep: the map and what is wrong with each scene, the last of its day, whatever the scenes are called."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.recovery.sweep import Verdict
from tasks.recovery.sweep_page import MAX_ROWS, NAME, keep_sweep
from tasks.recovery.sweep_record import now
from tasks.remediation.latest_page import CHECKS, day_name

OPS = "sandbox-ops"
STAGES = {"usd-assembly": "complete", "genie-sim-export": "missing"}


def broken(scene_id: str, fault: str = "genie-sim-export:export-incomplete", first: str = "It is missing.") -> Verdict:
    return Verdict(scene_id=scene_id, healthy=False, fault=fault, errors=1, first=first, stages=STAGES)


def page(sandbox: Sandbox) -> str:
    """The one page that is there."""
    (stored,) = sandbox.store.list(OPS, CHECKS)
    found = sandbox.store.get(OPS, stored.name)
    assert stored.name == day_name(NAME, now())
    assert found is not None
    return found.data.decode()


def test_page_and_artifact_have_the_map_and_a_line_a_scene(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    shown = keep_sweep(environment, [broken("b"), broken("a", "usd:x"), broken("c")], 9)
    found = page(sandbox)
    for text in (shown, found):
        assert "Sweep: 9 scenes looked at, 3 need attention" in text
        assert "genie-sim-export:export-incomplete" in text
    assert "](data:image/svg+xml;base64," in shown
    assert f"gs://{OPS}/{day_name(NAME, now())}" in shown
    assert "3 scenes by stage: " in found
    assert found.index("<td>b</td>") < found.index("<td>a</td>"), "the most frequent fault first"


def test_a_later_sweep_takes_the_place_of_the_earlier(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    keep_sweep(environment, [broken("b")], 1)
    assert "Every scene is whole." in keep_sweep(environment, [], 1)
    assert "Every scene is whole." in page(sandbox)


def test_what_could_not_be_read_is_in_the_table_and_not_on_the_map(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    keep_sweep(environment, [broken("b"), Verdict(scene_id="z", healthy=False, unseen="storage.objects.get")], 2)
    found = page(sandbox)
    assert "1 scene by stage: " in found
    assert "<td>storage.objects.get</td>" in found


def test_of_very_many_some_are_shown_and_all_are_counted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    keep_sweep(environment, [broken(f"s{number:04}") for number in range(MAX_ROWS + 7)], 9_000)
    found = page(sandbox)
    assert f"{MAX_ROWS + 7:,} need attention" in found
    assert "7 more are not shown." in found
    assert found.count("<td>It is missing.</td>") == MAX_ROWS


def test_no_name_makes_markup_and_a_page_that_cannot_be_kept_is_a_sentence(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    keep_sweep(environment, [broken("x", first="<script>alert(1)</script>")], 1)
    assert "<script" not in page(sandbox)
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=403))
    assert "This report could not be kept as a page: " in keep_sweep(environment, [], 1)
