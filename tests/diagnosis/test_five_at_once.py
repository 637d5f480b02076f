"""Five faults at once: all five are named with their evidence, and nothing else is."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.diagnosis.world import (
    EXPORT,
    USD,
    bad_image,
    cancelled_with_lock,
    delete_trigger,
    diagnosed,
    manifest_damaged,
    rows,
    scene,
    start,
)


def five_faults(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """A lock that was left, a deleted trigger, a bad image, a damaged manifest, and Genie Sim down."""
    for name in ("locked", "silent", "image-1", "image-2", "damaged", "simulated"):
        scene(sandbox, name, upto="regen3d" if name == "silent" else "genie-sim-export")
    lock = cancelled_with_lock(sandbox, environment, "locked")
    assert lock.state == "CANCELLED"
    start(sandbox, environment, USD, "locked")
    delete_trigger(sandbox)
    manifest_damaged(sandbox, "damaged")
    for _ in range(3):
        start(sandbox, environment, USD, "damaged")
    sandbox.genie_sim.switch("down")
    start(sandbox, environment, EXPORT, "simulated")
    bad_image(sandbox, environment, ["image-1", "image-2"])


def test_all_five_are_named_and_no_sixth(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    five_faults(sandbox, environment)
    sandbox.requests.reset()
    found = diagnosed(environment)
    for c in found.causes:
        print(
            c.row,
            "|",
            c.subject,
            "|",
            c.sentence,
            "\n   E",
            *c.evidence,
            "\n   C",
            *c.consequences,
            "\n   R",
            c.remedy,
            sep="\n      ",
        )
    print(found.unknown, found.notes, [(p.probe, round(p.seconds, 2)) for p in found.probes])
    assert rows(found) == ["bad-image", "trigger-missing", "genie-sim-down", "stale-lock", "manifest-damaged"]
    assert sandbox.requests.mutating() == {"total": 0}
