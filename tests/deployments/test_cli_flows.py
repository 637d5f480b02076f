"""What the commands print when a flow cannot even begin: one short sentence, never a traceback."""

from __future__ import annotations

import json

import pytest

from deployments.cli_flows import outcome
from flows.export_recovery import export_recovery


def test_a_command_with_twenty_thousand_scenes_prints_one_short_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    scene_ids = [f"a_scene_with_a_long_id_{number:05d}" for number in range(20_000)]
    assert outcome(export_recovery, scene_ids=scene_ids, mode="plan") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("20,000 scene ids in one command are ")
    assert len(told.err) < 300
    assert "name fewer" in told.err


def test_a_flow_that_cannot_run_is_told_in_one_short_line(capsys: pytest.CaptureFixture[str]) -> None:
    def refusing(return_state: bool, **parameters: object) -> None:
        raise RuntimeError("Client error '422' - Response:\n" + json.dumps(parameters))

    assert outcome(refusing, scene_ids=["x" * 1000] * 100) == 2
    told = capsys.readouterr().err
    assert told.startswith("The flow could not run: Client error '422'")
    assert (told.count("\n"), len(told) < 500) == (1, True)
