"""The sandbox's environment with rules that suit small backups."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.sync import key_ranges
from tests.backup.world import quick_environment


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox of this test."""
    made = quick_environment(sandbox)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _many_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """A range for each folder, so that a few scenes are walked in several ranges too."""
    monkeypatch.setattr(key_ranges, "LEAST_FOLDERS", 1)
