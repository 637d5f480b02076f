"""Holds and retention are seen before a restore changes anything."""

from __future__ import annotations

import dataclasses

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store_errors import NO_CONDITIONS
from tests.recovery.world import live
from tests.restore.world import DATA, PREFIX, contents, delete_all, do, make_night, scene


def hold(sandbox: Sandbox, name: str, **fields: object) -> None:
    """Set holds on a live object."""
    sandbox.store.bucket(DATA).update(
        name, None, NO_CONDITIONS, lambda old: dataclasses.replace(old, extra={**old.extra, **fields})
    )


@pytest.mark.parametrize("field", ["temporaryHold", "eventBasedHold"])
def test_what_is_under_a_hold_is_seen_in_the_plan_and_nothing_is_changed(
    environment: PipelineEnvironment, sandbox: Sandbox, field: str
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    extra, changed = f"{PREFIX}usd/extra.bin", f"{PREFIX}usd/other.bin"
    for name in (extra, changed):
        sandbox.store.put(DATA, name, b"x", quiet=True)
    hold(sandbox, extra, **{field: True})
    delete_all(sandbox, f"{PREFIX}regen3d/")
    before = live(sandbox.store)
    for mode in ("plan", "apply"):
        result = do(environment, remove_extra=True, mode=mode)
        assert live(sandbox.store) == before
        assert any(f"{extra} is under a" in reason and "hold" in reason for reason in result.reasons), result.reasons
    assert do(environment).outcome == "done", "what is held is in nobody's way when it may stay"


def test_what_retention_keeps_is_seen_in_the_plan(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    name = next(name for name in contents(sandbox.store) if name.endswith("mesh.glb"))
    sandbox.store.put(DATA, name, b"changed", quiet=True)
    sandbox.store.bucket(DATA).settings.retention_seconds = 3600
    result = do(environment, overwrite="always", mode="plan")
    assert result.outcome == "refused"
    assert f"{name} is kept by retention until" in result.reasons[0]
