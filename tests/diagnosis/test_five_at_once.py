"""Five faults at once: all five are named with their evidence, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.diagnosis.world import DATA, diagnosed, five_faults, rows, scene

FIVE = ["bad-image", "trigger-missing", "genie-sim-down", "stale-lock", "manifest-damaged"]


def test_all_five_are_named_and_no_sixth(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    five_faults(sandbox, environment)
    sandbox.requests.reset()
    found = diagnosed(environment)
    assert rows(found) == FIVE
    assert found.unknown == []
    assert sandbox.requests.mutating() == {"total": 0}


def test_each_has_its_evidence_and_its_remedy_with_exact_parameters(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    five_faults(sandbox, environment)
    image, trigger, simulator, lock, manifest = diagnosed(environment).causes
    assert image.subject == "job simready-job"
    digests = [one.partition("@sha256:")[2][:64] for one in image.evidence[:2]]
    assert len(set(digests)) == 2
    assert image.remedy.startswith("remediate rollback job simready-job")
    assert digests[1] in image.remedy
    assert trigger.subject == "trigger usd-assembly-trigger"
    assert "--destination-workflow=usd-assembly-pipeline" in trigger.remedy
    assert f"--event-filters=bucket={DATA}" in trigger.remedy
    assert "No connection" in simulator.evidence[0]
    stored = sandbox.store.get(DATA, "scenes/locked/locks/usd-assembly.lock")
    assert stored is not None
    assert lock.evidence[0].startswith(f"gs://{DATA}/scenes/locked/locks/usd-assembly.lock#{stored.generation} (20")
    assert f"by its generation {stored.generation}" in lock.remedy
    stored = sandbox.store.get(DATA, "scenes/damaged/assets/scene_manifest.json")
    assert stored is not None
    assert f"assets/scene_manifest.json#{stored.generation}" in manifest.evidence[0]
    assert manifest.remedy.startswith("remediate recover damaged")


def test_what_comes_of_a_cause_is_told_below_it_and_not_beside_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    five_faults(sandbox, environment)
    image, _, simulator, lock, manifest = diagnosed(environment).causes
    assert any("No module named 'pxr'" in one and "2 lines" in one for one in image.consequences)
    assert sum("image-1" in one or "image-2" in one for one in image.consequences) >= 4
    assert any("genie-sim-export-pipeline failed on scene simulated" in one for one in simulator.consequences)
    assert lock.consequences == (
        "usd-assembly-pipeline was cancelled on scene locked and was not made good since.",
        "usd-assembly-pipeline did nothing on scene locked and was not made good since.",
    )
    assert "usd-assembly-pipeline failed 3 times on scene damaged and was not made good since." in manifest.consequences


def test_what_a_deleted_trigger_has_missed_comes_of_it(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "missed", upto="regen3d", at=datetime.now(UTC) - timedelta(minutes=30))
    five_faults(sandbox, environment)
    found = diagnosed(environment, "missed")
    assert rows(found) == ["bad-image", "trigger-missing", "genie-sim-down"]  # of other scenes nothing is said
    assert len(found.causes[1].consequences) == 1
    assert "scene missed was written" in found.causes[1].consequences[0]
