"""A record is verified by its own prefix, and an override's end is read in the ways in which people write it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from blocks.environment import PipelineEnvironment
from deployments import cli, cli_journal, cli_override
from deployments.sandbox.server import Sandbox
from tasks.override_audit import recording
from tasks.remediation.ledger import Ledger

PREFIX = "remediation/switch/default/"


@pytest.fixture
def verify(environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(cli_journal, "use_running_stack", lambda: None)
    monkeypatch.setattr(PipelineEnvironment, "named", classmethod(lambda cls, name: environment))

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli.app, ["journal", "verify", *words])

    return run


def test_a_record_is_verified_by_its_prefix(environment: PipelineEnvironment, sandbox: Sandbox, verify: Any) -> None:
    ledger = Ledger(environment.storage, environment.ops_bucket, PREFIX, "default", "a test")
    for _ in range(2):
        ledger.append("look", {})
    done = verify(PREFIX)
    assert (done.exit_code, done.stdout.strip()) == (0, f"The record at {PREFIX} is one unbroken chain.")
    sandbox.store.put(environment.ops_bucket, f"{PREFIX}000001.json", b"{}")
    done = verify(PREFIX)
    assert done.exit_code == 1
    assert f"{PREFIX}000001.json is no entry" in done.stdout


@pytest.mark.parametrize(("words", "code"), [
    ((PREFIX,), 1), (("kitchen_001",), 3), ((PREFIX, "run1"), 3), (("remediation/switch",), 3),
])  # fmt: skip
def test_what_names_no_record_is_not_called_whole(verify: Any, words: tuple[str, ...], code: int) -> None:
    done = verify(*words)
    assert done.exit_code == code
    assert "unbroken" not in done.output
    assert done.stderr.strip()


@pytest.mark.parametrize(
    "text", ["2026-12-01", "2026-12-01T10:30", "2026-12-01T10:30:00", "2026-12-01 10:30", "2026-12-01 10:30:00"]
)
def test_an_end_is_read_as_people_write_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[datetime] = []
    monkeypatch.setattr(cli_override, "_tell", lambda environment, do, say: do(None))
    monkeypatch.setattr(recording, "request", lambda context, asked: told.append(asked.until))
    done = CliRunner().invoke(cli.app, ["override", "request", "--until", text])
    assert done.exit_code == 0, done.output
    assert told == [datetime.fromisoformat(text).replace(tzinfo=UTC)]
