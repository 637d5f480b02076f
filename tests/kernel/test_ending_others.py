"""A journal is written by the kernel alone; a run that another one has taken back or given up is ended under its lease."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.continuing import end_for
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.lease import LeaseLost, lease_name
from tasks.remediation.run import Run
from tests.kernel.fake import OPS, SUBJECT, begun

HOME = Path(__file__).resolve().parents[2]
OUTSIDE = [
    path
    for folder in ("tasks", "flows", "deployments", "blocks")
    for path in sorted((HOME / folder).rglob("*.py"))
    if "remediation" not in path.relative_to(HOME).parts
]
READS = {"verify", "read", "plan", "outcomes", "was_begun", "notes", "started"}


def called(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The methods that are called, each with what it is called on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node.func.value


def is_journal(value: ast.expr) -> bool:
    """Whether that is called a journal or a ledger, or is one that is just made or read."""
    made = value.func if isinstance(value, ast.Call) else value
    name = made.id if isinstance(made, ast.Name) else made.attr if isinstance(made, ast.Attribute) else ""
    return "journal" in name.lower() or "ledger" in name.lower()


def test_nothing_outside_the_kernel_writes_a_journal() -> None:
    assert len(OUTSIDE) > 100
    for path in OUTSIDE:
        used = {method for method, value in called(ast.parse(path.read_text())) if is_journal(value)}
        assert used <= READS, f"{path} does more with a journal than to read it"


def test_nothing_outside_the_kernel_takes_a_lease() -> None:
    for path in OUTSIDE:
        used = {method for method, _ in called(ast.parse(path.read_text()))}
        assert "holding" not in used, f"{path} takes a lease: a procedure, a check or `attend` does"


@pytest.mark.parametrize("line", ["run.journal.end('done', [])", "Journal(s, b, a, r, x).append('end', {})"])
def test_that_would_be_noticed(line: str) -> None:
    assert {method for method, value in called(ast.parse(line)) if is_journal(value)} & {"end", "append"}


def ending(environment: PipelineEnvironment, id_: str) -> tuple[Run, Journal]:
    """Another run, and the journal of the one that it ends."""
    return Run(Context(environment, "bo"), "other"), read_journal(environment.storage, OPS, SUBJECT, id_, "bo")


def test_it_is_ended_once_as_stopped_with_why_and_by_whom(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = begun(environment)
    one, journal = ending(environment, id_)
    with Context(environment, "bo", gone=lambda _: True).holding(SUBJECT, "their-run") as lease:
        one.leases = [lease]
        end_for(one, journal, "given up")
        end_for(one, journal, "given up again")
    ended = read_journal(environment.storage, OPS, SUBJECT, id_, "x")
    last = ended.entries[-1]
    assert (ended.ended, last.data["outcome"], last.data["reasons"]) == (True, "stopped", ["given up"])
    assert (last.data["by"], last.actor) == ("their-run", "bo")
    assert sum(entry.kind == "end" for entry in ended.entries) == 1


def test_one_that_has_begun_ends_another_under_its_own_id(environment: PipelineEnvironment) -> None:
    one, journal = ending(environment, begun(environment))
    with Context(environment, "bo", gone=lambda _: True).holding(SUBJECT, "a-later-lease") as lease:
        one.leases, one.id = [lease], "the-run"
        end_for(one, journal, "undone")
    assert journal.entries[-1].data["by"] == "the-run"


def test_without_the_lease_it_is_left_as_it_is(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = begun(environment)
    one, journal = ending(environment, id_)
    with Context(environment, "bo", gone=lambda _: True).holding(SUBJECT, "their-run") as lease:
        one.leases = [lease]
        found = sandbox.store.get(OPS, lease_name(SUBJECT))
        assert found is not None
        sandbox.store.put(OPS, found.name, found.data, quiet=True)
        with pytest.raises(LeaseLost):
            end_for(one, journal, "given up")
    assert not read_journal(environment.storage, OPS, SUBJECT, id_, "x").ended
