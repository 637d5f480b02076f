"""What is kept of an object that is deleted or replaced, and where it is found again."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError
from deployments.sandbox.server import Sandbox
from tasks.actions.history import ASKED_SECONDS, History, find_lost, keep, quarantine_name
from tasks.remediation.context import Context
from tests.remediation.world import DATA, OPS

NAME = "scenes/a/usd/scene.usda"
KEPT = "remediation/quarantine/a/x"


def put(sandbox: Sandbox, data: bytes, name: str = NAME) -> int:
    return sandbox.store.put(DATA, name, data, quiet=True).generation


def history(sandbox: Sandbox, *, versions: bool, soft_delete: bool, bucket: str = DATA) -> None:
    settings = sandbox.store.bucket(bucket).settings
    settings.versioning, settings.soft_delete_seconds = versions, 7 * 86400 if soft_delete else 0


def lost(environment: PipelineEnvironment, generation: int) -> tuple[str, int] | None:
    found = find_lost(environment, "a", NAME, generation)
    return None if found is None else (found[0], found[1].generation)


def test_a_copy_is_kept_as_it_is(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    put(sandbox, b"precious")
    live = environment.storage.stat(DATA, NAME)
    assert live is not None
    keep(environment, live, KEPT)
    keep(environment, live, KEPT)  # somebody was killed after the first
    kept = environment.storage.stat(OPS, KEPT)
    assert kept is not None
    assert kept.same_as(live)


@pytest.mark.parametrize("other", [b"", b"precioux", b"precious!"], ids=["empty", "as long", "longer"])
def test_anything_else_in_the_place_of_a_copy_is_named_and_left(
    environment: PipelineEnvironment, sandbox: Sandbox, other: bytes
) -> None:
    put(sandbox, b"precious")
    sandbox.store.put(OPS, KEPT, other)
    live = environment.storage.stat(DATA, NAME)
    assert live is not None
    with pytest.raises(PermanentError, match=f"gs://{OPS}/{KEPT} holds something else .* nothing was deleted"):
        keep(environment, live, KEPT)
    found = sandbox.store.get(OPS, KEPT)
    assert found is not None
    assert found.data == other


@pytest.mark.parametrize("how", ["version", "soft_delete", "quarantine"])
def test_a_generation_that_is_gone_is_found_where_it_is_kept(
    environment: PipelineEnvironment, sandbox: Sandbox, how: str
) -> None:
    history(sandbox, versions=how == "version", soft_delete=how == "soft_delete")
    first = put(sandbox, b"first")
    if how == "quarantine":
        live = environment.storage.stat(DATA, NAME)
        assert live is not None
        keep(environment, live, quarantine_name("a", NAME, first))
    second = put(sandbox, b"second")
    put(sandbox, b"other", f"{NAME}.bak")
    sandbox.store.delete(DATA, NAME)
    source, generation = lost(environment, first) or ("", 0)
    assert source == how
    assert generation == first or how == "quarantine"
    assert lost(environment, first + second) is None
    other = sandbox.store.get(DATA, f"{NAME}.bak")
    assert other is not None
    assert lost(environment, other.generation) is None, "a generation of a name that only begins alike"


def test_what_is_kept_for_another_subject_is_not_found(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    history(sandbox, versions=False, soft_delete=False)
    sandbox.store.put(OPS, quarantine_name("b", NAME, 7), b"theirs", quiet=True)
    assert lost(environment, 7) is None


def test_a_bucket_that_is_not_there_is_not_the_same_as_nothing_kept(environment: PipelineEnvironment) -> None:
    environment.data_bucket = "no-such-bucket"
    with pytest.raises(NotFound, match="check the environment's data_bucket"):
        find_lost(environment, "a", NAME, 7)


@pytest.mark.parametrize(
    ("versions", "soft_delete", "undoable"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_a_deletion_can_be_undone_where_the_bucket_keeps_either(
    context: Context, sandbox: Sandbox, versions: bool, soft_delete: bool, undoable: bool
) -> None:
    history(sandbox, versions=versions, soft_delete=soft_delete)
    assert History.of(context).undoable(DATA) == undoable


def test_each_bucket_has_an_answer_of_its_own_that_is_asked_for_once_and_again_after_a_while(
    context: Context, sandbox: Sandbox
) -> None:
    history(sandbox, versions=False, soft_delete=False)
    history(sandbox, versions=True, soft_delete=True, bucket=OPS)
    known = History.of(context)
    sandbox.requests.reset()
    for _ in range(3):
        assert (known.undoable(DATA), known.undoable(OPS)) == (False, True)
    assert sandbox.requests.count("storage", "buckets.get") == 2
    history(sandbox, versions=True, soft_delete=True)
    asked, protection = known._known[DATA]
    known._known[DATA] = (asked - ASKED_SECONDS - 0.001, protection)
    assert known.undoable(DATA)
    assert ASKED_SECONDS <= 5, "somebody may switch history off meanwhile"


def test_a_run_has_one_history(context: Context, environment: PipelineEnvironment) -> None:
    assert History.of(context) is History.of(context)
    assert History.of(context) is not History.of(Context(environment, "another"))


NAMES: list[tuple[Any, Any]] = [
    (("a", "x", 1), ("a", "x", 2)),
    (("a", "x", 1), ("a", "y", 1)),
    (("a", "x", 1), ("b", "x", 1)),
    (("a", "x" * 1024, 1), ("a", "x" * 1023 + "y", 1)),
    (("a", "x" * 1024, 1), ("a", "x" * 1024, 2)),
]


@pytest.mark.parametrize(("one", "other"), NAMES)
def test_the_same_object_and_generation_have_one_place_and_no_other_has_it(one: Any, other: Any) -> None:
    assert quarantine_name(*one) == quarantine_name(*one)
    assert quarantine_name(*one) != quarantine_name(*other)
    assert quarantine_name(*one).startswith(f"remediation/quarantine/{one[0]}/")
    assert len(quarantine_name(*one).encode()) <= 1024
