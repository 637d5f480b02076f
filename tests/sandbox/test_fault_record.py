"""The sandbox's record says when a fault began and ended, by what the broken thing itself tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest

from deployments.sandbox.names import DATA_BUCKET, LOCATION
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox

JOB, TRIGGER, IMAGE = "simready-job", "usd-assembly-trigger", "host/p/simready-job:bad"
LOCK = "locks/usd-assembly.lock"
CUT = timedelta(milliseconds=1)
"""Objects have their times in whole milliseconds."""


def leave_lock(sandbox: Sandbox) -> None:
    execution = sandbox.workflows.executions.add(f"{LOCATION}/workflows/w/executions/e", "w")
    sandbox.store.put(DATA_BUCKET, f"scenes/s/{LOCK}", b"{}", quiet=True)
    sandbox.record.lock_left(execution, "s", LOCK)


def damage_manifest(sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA_BUCKET, "s", "kitchen", objects=1, quiet=True)
    sandbox.record.object_damaged("s", "manifest_truncated")


def remove_lock(sandbox: Sandbox) -> None:
    sandbox.store.delete(DATA_BUCKET, f"scenes/s/{LOCK}")


def write_manifest(sandbox: Sandbox) -> None:
    sandbox.store.put(DATA_BUCKET, "scenes/s/assets/scene_manifest.json", b"{}", quiet=True)


FAULTS: dict[str, tuple[Callable[[Sandbox], object], Callable[[Sandbox], object]]] = {
    f"{LOCK} of s": (leave_lock, remove_lock),
    "assets/scene_manifest.json of s": (damage_manifest, write_manifest),
    f"job {JOB}": (
        lambda sandbox: sandbox.record.image_broken(JOB, IMAGE, "No module named 'pxr'"),
        lambda sandbox: sandbox.run.deploy_image(JOB, "host/p/simready-job:good"),
    ),
    f"trigger {TRIGGER}": (
        lambda sandbox: sandbox.record.trigger_deleted(TRIGGER),
        lambda sandbox: sandbox.eventarc.deployed.put(TRIGGER, True),
    ),
    "genie sim": (
        lambda sandbox: sandbox.record.genie_sim_down(),
        lambda sandbox: sandbox.genie_sim.switch("serving"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_lasts_from_its_injection_until_it_is_right_again(sandbox: Sandbox, name: str) -> None:
    inject, mend = FAULTS[name]
    before = datetime.now(UTC)
    inject(sandbox)
    (one,) = sandbox.record.faults()
    assert (one.name, one.ended) == (name, None)
    between = datetime.now(UTC)
    assert before - CUT <= one.began <= between
    mend(sandbox)
    (one,) = sandbox.record.faults()
    assert one.ended is not None
    assert between - CUT <= one.ended <= datetime.now(UTC)
    assert sandbox.record.faults() == [one], "what has ended stays as it ended"


def test_another_bad_state_is_no_end(sandbox: Sandbox) -> None:
    sandbox.record.genie_sim_down()
    sandbox.genie_sim.switch("not_serving")
    sandbox.record.image_broken(JOB, IMAGE, "it breaks")
    sandbox.run.images.put("host/p/gone:1", False)
    sandbox.run.deploy_image(JOB, "host/p/gone:1")  # not ready
    assert [one.ended for one in sandbox.record.faults()] == [None, None]


def test_a_lock_that_is_not_there_cannot_be_left(sandbox: Sandbox) -> None:
    execution = sandbox.workflows.executions.add(f"{LOCATION}/workflows/w/executions/e", "w")
    with pytest.raises(LookupError, match="no lock"):
        sandbox.record.lock_left(execution, "s", LOCK)
    assert execution.state == "ACTIVE"


def test_the_record_is_told_over_http(sandbox: Sandbox) -> None:
    sandbox.record.genie_sim_down()
    with urlopen(f"{sandbox.endpoints.control}/record", timeout=10) as answer:
        (one,) = json.loads(answer.read())
    assert (one["name"], one["ended"]) == ("genie sim", None)
    assert datetime.fromisoformat(one["began"]) == sandbox.record.faults()[0].began
