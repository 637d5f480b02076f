"""What a command prints when its flow cannot do its work: sentences, never a traceback."""

from __future__ import annotations

import pytest

from deployments.cli import main
from deployments.cli_flows import outcome
from flows.export_recovery import export_recovery
from tests.flows.world import Saved


def test_an_environment_that_does_not_exist_is_told_without_a_traceback(
    saved: Saved, capfd: pytest.CaptureFixture[str]
) -> None:
    assert outcome(export_recovery, scene_ids=["a"], environment="no-such-environment") == 2
    told = capfd.readouterr()
    assert "no-such-environment" in told.err.splitlines()[-1]
    assert "Traceback" not in told.out + told.err
    assert "File " not in told.out + told.err


def test_a_parameter_of_the_wrong_kind_is_told_on_one_line(saved: Saved, capfd: pytest.CaptureFixture[str]) -> None:
    assert outcome(export_recovery, scene_ids=[["not", "an", "id"]]) == 2
    told = capfd.readouterr()
    assert "Input should be a valid string" in told.err.splitlines()[-1]
    assert "Traceback" not in told.out + told.err


def test_what_no_command_expects_is_one_sentence_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["remediate", "receiver", "--host", "\ud800"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1)
    assert "Traceback" not in told
