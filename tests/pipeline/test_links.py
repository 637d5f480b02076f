"""Which object should start which workflow, as the catalogue has it."""

from __future__ import annotations

from blocks.catalogue_load import load_catalogue
from tasks.pipeline.links import Link, all_links, marker_links

USD = Link("assets/.regen3d_complete", "usd-assembly-trigger", "usd-assembly-pipeline")
LAYOUT = Link("layout/scene_layout.json", "objects-trigger", "objects-pipeline")


def test_a_trigger_is_linked_by_its_filter_and_one_without_by_what_its_workflow_tests_for() -> None:
    found = marker_links(load_catalogue())
    assert USD in found
    export = {link.path for link in found if link.trigger == "genie-sim-export-trigger"}
    assert export == {"variation_assets/.variation_pipeline_complete"}


def test_objects_that_are_no_markers_and_start_work_are_among_all_links() -> None:
    catalogue = load_catalogue()
    assert LAYOUT in all_links(catalogue)
    assert LAYOUT not in marker_links(catalogue)
    assert set(marker_links(catalogue)) <= set(all_links(catalogue))


def test_what_is_not_deployed_or_forbidden_is_linked_to_nothing() -> None:
    named = {link.trigger for link in all_links(load_catalogue())}
    assert named.isdisjoint({"regen3d-trigger", "upsell-features-trigger", "training-trigger"})


def test_a_request_for_a_scene_from_text_is_linked_in_the_later_state() -> None:
    wanted = Link("prompts/scene_request.json", "scene-request-source-orchestrator-trigger", "source-orchestrator")
    assert wanted in all_links(load_catalogue("2026-06"))


def test_no_path_is_a_pattern() -> None:
    assert not any(set("*?[{") & set(link.path) for link in all_links(load_catalogue("2026-06")))
