"""A step that failed for now is tried again by Prefect: it goes on from what it has done already."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tests.backup.world import BACKUP, AfterSome, back_up, backup, copies, fill, manifest, untrue, verified

TROUBLE = {
    "1 copy": [AfterSome(service="storage", method="objects.insert", kind="status", status=503, passing=1)],
    "2 write manifest": [AfterSome(service="storage", method="objects.insert", kind="status", status=503, passing=4)],
    "3 capture definitions": [AfterSome(service="storage", method="objects.insert", kind="status", passing=9)],
    "4 write summary": [AfterSome(service="storage", method="objects.insert", kind="status", status=503, passing=2)],
}
"""What goes wrong in the first try of a step, after so many writes of it went well."""


@pytest.mark.parametrize("troubled", TROUBLE)
def test_a_step_that_is_tried_again_writes_nothing_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, troubled: str
) -> None:
    fill(sandbox.store, 60)
    environment.storage.limits = environment.storage.limits.model_copy(update={"attempts": 1})
    tries: list[str] = []

    def call(task: Any, *args: Any, **kwargs: Any) -> Any:
        """As Prefect calls a step: again after a temporary error, with the trouble in the first try only."""
        name = str(args[-1])
        for rule in TROUBLE[troubled] if name == troubled else ():
            sandbox.faults.add(rule.model_copy(deep=True))
        try:
            return task.fn(*args, **kwargs)
        except TemporaryError:
            tries.append(name)
            sandbox.faults.clear()
            return task.fn(*args, **kwargs)

    result = back_up(Context(environment, "a test"), "apply", call)
    assert tries == [troubled]
    assert result.outcome == "done", result.sentence()
    assert len(manifest(environment)) == len(copies(sandbox.store, versions=True)) == 60
    assert untrue(environment, sandbox.store) == []
    written = list(sandbox.store.list(BACKUP, "nights/", versions=True))
    assert len(written) == len({found.name for found in written})
    assert verified(environment).good


def test_without_an_ops_bucket_nothing_is_copied(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    environment.ops_bucket = "no-such-bucket"
    result = backup(environment)
    assert result.outcome == "refused"
    assert "no-such-bucket" in result.sentence()
    assert copies(sandbox.store) == {}
