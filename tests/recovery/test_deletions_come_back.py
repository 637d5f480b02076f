"""Everything a recovery deletes is there again when it is done, but for what only spoke of the old run."""

from __future__ import annotations

import pytest

from blocks.catalogue_query import class_of
from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.recovery.world import DATA, PLAN, PREFIX, ill, live, recover

STRAYS = ("usd/by_hand.usda", "geniesim/notes.txt", "replicator/own.yaml", "assets/obj_counter_0/photo.jpg")


@pytest.mark.parametrize("name", ["manifest_nan", "usd_truncated", "export_corrupt", "replicator_missing"])
def test_what_is_deleted_comes_back_and_what_is_nobodys_stays(
    sandbox: Sandbox, environment: PipelineEnvironment, name: str
) -> None:
    ill(sandbox, name, objects=1)
    for path in STRAYS:
        body = b"#usda 1.0\n" if path.endswith("usda") else b"x: 1\n"
        sandbox.store.put(DATA, PREFIX + path, body, quiet=True)
    result = recover(environment)
    assert result.outcome == "done", result.reasons
    assert result.plan is not None
    after = live(sandbox.store)
    deleted = [str(a.params["name"]) for a in result.plan.actions if a.effect == "delete"]
    data = [n for n in deleted if class_of(environment.catalogue, n.removeprefix(PREFIX)) in ("data", "report")]
    assert data
    assert [name for name in data if name not in after] == []
    assert all(PREFIX + path in after for path in STRAYS)


@pytest.mark.parametrize("name", ["export_corrupt", "usd_missing", "simready_missing"])
def test_what_an_old_run_has_recorded_is_never_removed_for_a_new_one(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str
) -> None:
    """A simulation that is made again has another id: nobody would write the old run's manifest again."""
    ill(sandbox, name)
    plan = recover(environment, wanted=PLAN).plan
    assert plan is not None
    assert [one.target for one in plan.actions if one.effect == "delete" and "/episodes/" in one.target] == []
    assert any(found.startswith(f"{PREFIX}episodes/") for found in live(sandbox.store))
