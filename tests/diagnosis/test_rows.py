"""Every row of the table is found when it is brought about, alone, with its evidence and a remedy that can be typed."""

from __future__ import annotations

import re

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.diagnosis.check import word_of
from tasks.diagnosis.probes import symptoms
from tests.diagnosis.faults import FAULTS
from tests.diagnosis.world import diagnosed, only


def test_every_row_has_a_fault_that_brings_it_about() -> None:
    assert sorted(FAULTS) == sorted(row.id for row in symptoms())


@pytest.mark.parametrize("row", FAULTS)
def test_its_fault_is_found_and_nothing_else(sandbox: Sandbox, environment: PipelineEnvironment, row: str) -> None:
    scenes = FAULTS[row](sandbox, environment)
    sandbox.requests.reset()
    found = diagnosed(environment, *scenes)
    cause = only(found, row)
    assert cause.evidence
    assert all(cause.evidence)
    assert re.fullmatch(r"\S+ .* \S+", cause.sentence)
    assert not re.search(r"\{\w+\}", cause.remedy), cause.remedy
    assert word_of(found) == "failed"
    assert sandbox.requests.mutating() == {"total": 0}
    sandbox.simulator.forgive()
