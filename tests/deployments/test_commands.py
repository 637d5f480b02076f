"""Each command as a person types it: which flow it runs, with which parameters, and that nothing applies unasked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prefect.states import Completed, Failed, State
from typer.testing import CliRunner

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, TemporaryError, UnknownOutcome
from deployments import (
    cli,
    cli_backup,
    cli_escalation,
    cli_flows,
    cli_gpu,
    cli_intake,
    cli_job,
    cli_journal,
    cli_pipeline,
    cli_rollback,
    cli_scene,
    cli_self,
    cli_validate,
)
from tasks.remediation.journal import Journal
from tasks.remediation.outcome import EXIT

ASKED: dict[str, Any] = {"environment": "default"}
DIGEST = {"plan_digest": ""}
ROOM = {"kind": "kitchen", "objects": 8}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Type a command; which flow it would run, with what."""
    ran: list[tuple[str, dict[str, Any]]] = []

    def outcome(flow: Any, **parameters: Any) -> int:
        ran.append((flow.name, parameters))
        return 4

    heres = (cli_backup, cli_escalation, cli_gpu, cli_intake, cli_job, cli_pipeline, cli_rollback, cli_scene, cli_self)
    for module in (cli_flows, *heres):
        monkeypatch.setattr(module, "outcome", outcome)
        monkeypatch.setattr(module, "use_running_stack", lambda: None)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")

    def type_it(line: str) -> tuple[str, dict[str, Any]]:
        done = CliRunner().invoke(cli.app, line.split())
        assert done.exit_code == 4, done.output + "the flow's own code is the command's"
        (one,) = ran
        return one

    yield type_it


@pytest.mark.parametrize(
    ("line", "flow", "parameters"),
    [
        ("recover a b", "export-recovery", {"scene_ids": ["a", "b"], "mode": "plan", "accept_systematic": False, "restore_inputs": False}),
        ("recover a --apply --accept-systematic", "export-recovery", {"mode": "apply", "accept_systematic": True, "restore_inputs": False}),
        ("recover a --apply --restore-inputs --plan-digest d", "export-recovery", {"plan_digest": "d", "restore_inputs": True}),
        ("undo a run1", "undo", {"subject": "a", "run": "run1", "mode": "plan", "markers": False, **DIGEST}),
        ("undo a run1 --apply --markers", "undo", {"mode": "apply", "markers": True}),
        ("backup", "nightly-backup", {"mode": "plan", "what": "backup and expiry"}),
        ("backup --apply --what expiry", "nightly-backup", {"mode": "apply", "what": "expiry"}),
        ("verify-backup", "verify-backup", {"night": ""}),
        ("verify-backup 20261123T020000Z", "verify-backup", {"night": "20261123T020000Z"}),
        ("restore scene a", "restore", {"scope": "scene", "name": "a", "mode": "plan", "at": None, "overwrite": "damaged", "remove_extra": False, "markers": False, "without_hold": False, "older_serial": False}),
        ("restore bucket --apply --reason why --remove-extra", "restore", {"name": "", "mode": "apply", "reason": "why", "remove_extra": True, "markers": False}),
        ("restore-drill", "restore-drill", {}),
        ("rollback job simready-job", "rollback", {"kind": "job", "name": "simready-job", "to": "", "mode": "plan", "without_canary": False, "case": "", **DIGEST}),
        ("rollback workflow w --to 000001-abc --apply --reason why --without-canary --case i1 --plan-digest d", "rollback", {"kind": "workflow", "to": "000001-abc", "mode": "apply", "reason": "why", "without_canary": True, "case": "i1", "plan_digest": "d"}),
        ("intake pause", "pause-intake", {"mode": "plan", "without_hold": False, **DIGEST}),
        ("intake pause --apply --reason why --without-hold", "pause-intake", {"mode": "apply", "reason": "why", "without_hold": True}),
        ("intake resume", "resume-intake", {"mode": "plan", "run": "", **DIGEST}),
        ("intake resume run1 --apply", "resume-intake", {"mode": "apply", "run": "run1"}),
        ("scene generate test_a", "generate-scene", {"scene_id": "test_a", **ROOM, "seed": 0, "mode": "plan", **DIGEST}),
        ("e2e test_a --objects 8 --apply", "end-to-end", {"scene_id": "test_a", "make": "genie-sim-import", **ROOM, "mode": "apply"}),
        ("gpu relieve", "gpu-capacity", {"mode": "plan", "reason": "", "stays": False, **DIGEST}),
        ("gpu relieve --apply --reason why --plan-digest d --stays", "gpu-capacity", {"mode": "apply", "reason": "why", "stays": True, "plan_digest": "d"}),
        ("gpu watch", "gpu-watch", {"mode": "look"}),
        ("gpu watch --apply", "gpu-watch", {"mode": "apply"}),
        ("intake status", "intake-watch", {}),
        ("pipeline disable", "pause-intake", {"mode": "plan", "without_hold": False, "reason": "", **DIGEST}),
        ("pipeline disable --apply --reason why --plan-digest d", "pause-intake", {"mode": "apply", "reason": "why", "plan_digest": "d"}),
        ("pipeline trigger a", "export-recovery", {"scene_ids": ["a"], "make": "episodes", "mode": "plan", **DIGEST}),
        ("pipeline trigger a --stage upsell --apply --plan-digest d", "export-recovery", {"scene_ids": ["a"], "make": "upsell", "mode": "apply", "plan_digest": "d"}),
        ("job deploy a", "job-deploy", {"scene_id": "a", "manifest": "", "image": "", "mode": "plan", "reason": "", **DIGEST}),
        ("job deploy a --image x:1 --apply --reason why --plan-digest d", "job-deploy", {"image": "x:1", "mode": "apply", "reason": "why", "plan_digest": "d"}),
        ("escalation tell", "escalation", {"mode": "plan", "incident": ""}),
        ("escalation tell inc-1 --apply", "escalation", {"mode": "apply", "incident": "inc-1", "requested_by": "ada"}),
        ("escalation ack inc-1", "acknowledge-incident", {"incident": "inc-1", "by": "ada", "how": "command"}),
        ("escalation ack inc-1 --by bob", "acknowledge-incident", {"incident": "inc-1", "by": "bob"}),
        ("escalation audit", "escalation-audit", {}),
        ("kill-switch on --reason why", "kill-switch", {"turn": "on", "reason": "why", "which": "", "requested_by": "ada"}),
        ("kill-switch on --reason why --by bob", "kill-switch", {"turn": "on", "requested_by": "bob"}),
        ("kill-switch off 2 --reason over", "kill-switch", {"turn": "off", "which": "2", "reason": "over"}),
        ("kill-switch show", "kill-switch", {"turn": "show", "reason": "", "which": ""}),
        ("unfinished", "continue-runs", {"mode": "look", "by_hand": False, "patience_seconds": 0.0, "requested_by": "ada"}),
        ("unfinished --continue", "continue-runs", {"mode": "continue", "by_hand": False}),
        ("unfinished --by-hand --patience 5", "continue-runs", {"mode": "look", "by_hand": True, "patience_seconds": 5.0}),
    ],
)  # fmt: skip
def test_a_command_runs_its_flow_with_what_was_typed(
    typed: Any, line: str, flow: str, parameters: dict[str, Any]
) -> None:
    name, given = typed(line)
    assert name == flow
    assert {key: given[key] for key in (*parameters, *ASKED)} == parameters | ASKED


def test_another_environment_is_the_one_that_is_asked(typed: Any) -> None:
    assert typed("kill-switch show --environment staging")[1]["environment"] == "staging"


# What a flow's end becomes


@pytest.mark.parametrize("word", EXIT)
def test_the_word_of_a_flow_is_the_exit_code(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    state: State[Any] = Completed(message="All of\n  it is done.", data={"outcome": word})
    assert cli_flows.outcome(lambda return_state: state) == EXIT[word]  # type: ignore[index]
    assert capsys.readouterr().out == "All of it is done.\n"


def test_the_exit_codes_tell_a_person_from_a_failure() -> None:
    assert {code: sorted(word for word in EXIT if EXIT[word] == code) for code in set(EXIT.values())} == {
        0: ["done", "nothing_to_do", "planned"],
        1: ["failed", "unknown"],
        3: ["escalated", "needs_approval", "refused"],
        4: ["busy", "not_started", "stopped"],
        5: ["partial"],
    }


@pytest.mark.parametrize("data", [None, "done", {"outcome": "a new word"}, {}])
def test_a_flow_that_says_no_word_we_know_could_not_run(data: object, capsys: pytest.CaptureFixture[str]) -> None:
    state: State[Any] = Failed(message="It crashed.", data=data)
    assert cli_flows.outcome(lambda return_state: state) == 2
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "The flow could not run: It crashed.\n")


def test_what_failed_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    state: State[Any] = Failed(message="Two of three failed.", data={"outcome": "partial"})
    assert cli_flows.outcome(lambda return_state: state) == 5
    assert capsys.readouterr().err == "Two of three failed.\n"


def test_a_command_talks_to_the_server_that_is_named_before_the_one_that_runs_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    up = {"api_url": "http://here/api", "control": "http://control"}
    monkeypatch.setattr(cli_flows, "running", lambda name: up)
    monkeypatch.setenv("PREFECT_API_URL", "http://named/api")
    cli_flows.use_running_stack()
    assert os.environ["PREFECT_API_URL"] == "http://named/api"
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setattr(cli_flows, "running", lambda name: {"api_url": "http://starting/api"})
    cli_flows.use_running_stack()
    assert "PREFECT_API_URL" not in os.environ, "it is not ready yet"
    monkeypatch.setattr(cli_flows, "running", lambda name: up)
    cli_flows.use_running_stack()
    assert os.environ.pop("PREFECT_API_URL") == "http://here/api"


# The journal's commands


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("There is no such block."), 1),
        (PermanentError("It may not be read."), 1),
        (TemporaryError("It does not answer."), 1),
        (UnknownOutcome("The answer was lost."), 1),
        (ValueError("That is no run."), 1),
    ],
)
def test_whatever_goes_wrong_with_a_journal_is_one_sentence_and_no_0(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def told() -> Iterator[Any]:
        def fails(name: str) -> Any:
            raise error

        with plain() as _:
            yield fails

    plain = cli_journal.told
    monkeypatch.setattr(cli_journal, "told", told)
    for line in ("list a", "verify a run1", "repair a run1"):
        done = CliRunner().invoke(cli.app, ["journal", *line.split()])
        assert (done.exit_code, done.stdout) == (code, "")
        assert str(error) in done.stderr
        assert "Traceback" not in done.output


# Validation


def test_an_environment_and_an_overlay_are_not_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_validate, "loaded", lambda name: pytest.fail("it was loaded"))
    done = CliRunner().invoke(cli.app, ["validate", "a", "--environment", "x", "--overlay", "2026-06"])
    assert done.exit_code == 2
    assert "Name either --environment or --overlay" in done.output


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["Entry 3 is missing."], 1)])
def test_a_record_that_is_not_whole_is_exit_code_1_with_a_sentence_for_each_entry(
    problems: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_journal, "use_running_stack", lambda: None)
    monkeypatch.setattr(PipelineEnvironment, "named", classmethod(lambda cls, name: cls(ops_bucket="ops")))
    monkeypatch.setattr(Journal, "verify", lambda self: problems)
    done = CliRunner().invoke(cli.app, ["journal", "verify", "a", "run1"])
    assert done.exit_code == code
    assert done.stdout.strip() == (problems or ["The journal of run run1 of a is one unbroken chain."])[0]
