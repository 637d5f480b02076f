"""Rules of the source of blocks/, read from its syntax: no write without a precondition, no call without a timeout.

The clients' methods are taken from the clients themselves, so a method that is new to this project is covered as well.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import eventarc_v1, run_v2, storage, workflows_v1
from google.cloud.workflows import executions_v1
from kubernetes.client import BatchV1Api, CoreV1Api

SOURCES = sorted((Path(__file__).parents[2] / "blocks").glob("*.py"))

GOOGLE = (
    storage.Client,
    storage.Bucket,
    storage.Blob,
    workflows_v1.WorkflowsClient,
    executions_v1.ExecutionsClient,
    run_v2.JobsClient,
    run_v2.ExecutionsClient,
    eventarc_v1.EventarcClient,
)
KUBERNETES = (BatchV1Api, CoreV1Api)

PLAIN_PYTHON = {"update", "create", "delete", "exists", "open"}
"""Names that dicts, files and our own blocks have too; `FORBIDDEN` and `WRITES` say what holds for them."""

WRITES = {
    "upload_from_string": {"if_generation_match"},
    "delete_blob": {"if_generation_match"},
    "restore_blob": {"if_generation_match", "generation"},
    "rewrite": {"if_generation_match", "if_source_generation_match"},
}
"""The writes of objects that are allowed, and the preconditions each must carry."""

FORBIDDEN = {
    "upload_from_file",
    "upload_from_filename",
    "delete_blobs",
    "copy_blob",
    "rename_blob",
    "move_blob",
    "compose",
    "update_storage_class",
    "make_public",
    "make_private",
    "patch",
    "batch",
    "create_bucket",
    "create_resumable_upload_session",
    "delete_job",
    "delete_namespaced_job",
    "patch_namespaced_job",
}
"""Writes without a way to name what they replace, or that no block has any business to make."""


def methods_with(parameter: str, classes: tuple[type, ...]) -> set[str]:
    return {
        name
        for cls in classes
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and parameter in inspect.signature(method).parameters
    } - PLAIN_PYTHON


TIMED = methods_with("timeout", GOOGLE)
RETRIED = methods_with("retry", GOOGLE)
KUBERNETES_CALLS = {
    name for cls in KUBERNETES for name in dir(cls) if name.startswith(("list_", "read_", "create_", "patch_"))
}


def faults_of(source: str) -> Iterator[str]:
    """What breaks a rule in a piece of source, as sentences with the line."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, given = node.func.attr, {keyword.arg for keyword in node.keywords}
        values = {keyword.arg: keyword.value for keyword in node.keywords}
        where = f"line {node.lineno}: {name}()"
        if name in FORBIDDEN:
            yield f"{where} is not allowed in blocks/"
        if missing := WRITES.get(name, set()) - given:
            yield f"{where} lacks {sorted(missing)}"
        if name in TIMED and "timeout" not in given:
            yield f"{where} has no timeout"
        if name in RETRIED and not is_none(values.get("retry")):
            yield f"{where} leaves the client's own retries on"
        if name in KUBERNETES_CALLS and "_request_timeout" not in given:
            yield f"{where} has no _request_timeout"
        if name == "Check" and "timeout" not in given:
            yield f"{where} has no timeout"
        if name == "create_connection" and "timeout" not in given:
            yield f"{where} has no timeout"


def is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_write_lacks_its_precondition_and_no_call_its_timeout(path: Path) -> None:
    assert list(faults_of(path.read_text())) == []


def test_the_rules_see_the_calls_that_are_there() -> None:
    calls = [
        node.func.attr
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert set(WRITES) <= set(calls)
    assert {"list_blobs", "download_as_bytes", "get_bucket", "reload"} <= TIMED & RETRIED & set(calls)
    assert {"create_execution", "run_job", "list_executions", "list_triggers"} <= TIMED & RETRIED & set(calls)
    assert KUBERNETES_CALLS & set(calls) == {"list_namespaced_job", "list_namespaced_pod"}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("b.delete_blob('x', timeout=1, retry=None)", "lacks ['if_generation_match']"),
        ("b.upload_from_string(b'', timeout=1, retry=None)", "lacks ['if_generation_match']"),
        ("b.rewrite(s, if_generation_match=0, timeout=1, retry=None)", "lacks ['if_source_generation_match']"),
        ("b.restore_blob('x', if_generation_match=0, timeout=1, retry=None)", "lacks ['generation']"),
        ("b.delete_blobs([])", "is not allowed"),
        ("c.list_blobs('b', retry=None)", "has no timeout"),
        ("c.list_blobs('b', timeout=1)", "retries on"),
        ("c.create_execution(parent='p', retry=DEFAULT, timeout=1)", "retries on"),
        ("k.list_namespaced_job('n')", "has no _request_timeout"),
        ("HealthStub(c).Check(r)", "has no timeout"),
    ],
)
def test_each_rule_finds_its_fault(source: str, fault: str) -> None:
    assert any(fault in found for found in faults_of(source))


def test_retries_are_in_one_place() -> None:
    using = {path.name for path in SOURCES if "stamina" in path.read_text() or "api_core.retry" in path.read_text()}
    assert using == {"calls.py"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_is_longer_than_250_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250
