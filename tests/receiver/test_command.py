"""`remediate receiver` says why it does not start, and `remediate events` shows what was taken."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from starlette.applications import Starlette
from typer.testing import CliRunner, Result

from deployments.cli import app
from deployments.receiver import serve, spool
from deployments.receiver.writes import Accept, End
from deployments.stack import free_port


def remediate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def kept(path: Path) -> Path:
    """A spool with one event of each state."""
    spool.prepare(path).close()
    with spool.opened(path) as connection:
        for key in "abc":
            Accept(key, "failure-marker", {"scene_id": f"scene_{key}", "name": "n"})(connection)
        Accept("a", "failure-marker", {})(connection)
        Accept("d", spool.UNDECODABLE, {"path": "/pubsub", "body": "x"}, "undecodable", "It is not JSON.")(connection)
        End(1, "done", run="run-1")(connection)
        End(2, "ignored", "gone", "It is not there any more.")(connection)
    return path


def test_the_list_has_a_line_for_each_event_and_the_counts(kept: Path) -> None:
    found = remediate("events", "list", "--spool", str(kept))
    assert found.exit_code == 0
    lines = found.output.splitlines()
    assert len(lines) == 5
    assert lines[0].endswith("done  failure-marker  scene_a (came 2 times): flow run run-1")
    assert lines[1].endswith("ignored  failure-marker  scene_b: It is not there any more.")
    assert lines[-1] == "1 dead, 1 done, 1 ignored, 1 new"
    only = remediate("events", "list", "--state", "ignored", "--limit", "5", "--spool", str(kept))
    assert len(only.output.splitlines()) == 2


def test_dead_letters_end_the_command_with_1(kept: Path) -> None:
    found = remediate("events", "dead", "--spool", str(kept))
    assert found.exit_code == 1
    assert "It is not JSON." in found.output
    with spool.opened(kept) as connection:
        connection.execute("DELETE FROM events WHERE state = 'dead'")
    assert remediate("events", "dead", "--spool", str(kept)).exit_code == 0


def test_one_event_is_shown_whole(kept: Path) -> None:
    shown = json.loads(remediate("events", "show", "4", "--spool", str(kept)).output)
    assert shown["content"] == {"path": "/pubsub", "body": "x"}
    assert remediate("events", "show", "99", "--spool", str(kept)).exit_code == 2


def test_an_ignored_event_is_handled_again_when_a_person_says_so(kept: Path) -> None:
    assert remediate("events", "retry", "2", "--spool", str(kept)).exit_code == 0
    with spool.opened(kept) as connection:
        assert [row.number for row in spool.due(connection, 10)] == [2, 3]
    for number in ("1", "4", "99"):
        refused = remediate("events", "retry", number, "--spool", str(kept))
        assert refused.exit_code == 2
        assert f"There is no event {number}" in refused.output


def test_without_a_spool_it_says_where_it_looked(tmp_path: Path) -> None:
    for command in (["list"], ["dead"], ["show", "1"], ["retry", "1"]):
        found = remediate("events", *command, "--spool", str(tmp_path / "none.db"))
        assert found.exit_code == 2
        assert "none.db" in found.output
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "--audience and --account"),
        (["--audience", "https://receiver.example"], "--audience and --account"),
        (["--account", "push@p.example"], "--audience and --account"),
        (["--secret-file", "/nonexistent"], "cannot be read"),
        ([], "'default' cannot be loaded from http://"),
    ],
)
def test_it_says_in_one_sentence_why_it_does_not_start(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "SERVER_SECONDS", 0.0)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        found = remediate("receiver", "--port", str(free_port()), "--spool", str(tmp_path / "r.db"), *arguments)
    assert found.exit_code == 2
    assert said in found.output
    assert len(found.output.splitlines()) == 1


def test_a_dead_letter_that_nobody_can_read_is_dropped_so_that_the_watchdog_is_content(kept: Path) -> None:
    dropped = remediate("events", "drop", "4", "--spool", str(kept))
    assert (dropped.exit_code, dropped.output) == (0, "Event 4 is dropped.\n")
    assert remediate("events", "dead", "--spool", str(kept)).exit_code == 0
    again = remediate("events", "drop", "4", "--spool", str(kept))
    assert (again.exit_code, again.output) == (2, "There is no event 4 that is dead.\n")


def test_what_was_loaded_before_the_first_request_is_not_walked_again_by_the_collector(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = []
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: frozen.append(gc.get_freeze_count()))
    try:
        serve.listen(Starlette(), "127.0.0.1", 0)
    finally:
        gc.unfreeze()
    assert frozen[0] > 100_000
