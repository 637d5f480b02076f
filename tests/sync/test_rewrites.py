"""A large copy that is interrupted goes on where it was, in whatever process comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import Answer, BulkStorage, Copy
from deployments.sandbox import server
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.api import StorageApp
from tasks.sync.copying import Job, copy_all, copy_alone
from tasks.sync.rewrites import ROOT, Rewrites
from tests.backup.world import BACKUP, DATA, OPS, quick_environment

MIB = 1 << 20
SIZE = 6 * MIB


class Killed(Exception):
    """The process ends here."""


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that copies a MiB a call."""
    monkeypatch.setattr(server, "StorageApp", partial(StorageApp, rewrite_bytes_per_call=MIB))
    with Sandbox(job_seconds=0.02) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    made = quick_environment(sandbox)
    yield made
    made.close()


@pytest.fixture
def copy(sandbox: Sandbox) -> Copy:
    """A copy that takes six calls."""
    made = sandbox.store.put(DATA, "scenes/kitchen_001/large", bytes(SIZE), quiet=True)
    return Copy(DATA, made.name, made.generation, BACKUP, "objects/large")


def calls(sandbox: Sandbox, do: Callable[[], Answer]) -> tuple[int, Answer]:
    """How many rewrite calls it takes."""
    sandbox.requests.reset()
    answer = do()
    return sandbox.requests.count("storage", "objects.rewrite"), answer


def interrupted(environment: PipelineEnvironment, copy: Copy, after: int) -> None:
    """A copy whose process ends after so many calls."""
    left = [after]

    def check() -> None:
        left[0] -= 1
        if not left[0]:
            raise Killed

    with pytest.raises(Killed):
        copy_alone(BulkStorage(environment.storage), copy, check, Rewrites(environment))


def gone_on(environment: PipelineEnvironment, copy: Copy) -> Answer:
    """The same copy by a process of its own."""
    return copy_alone(BulkStorage(environment.storage), copy, lambda: None, Rewrites(environment))


@pytest.mark.parametrize("after", [1, 3, 5])
def test_the_next_process_goes_on_where_the_last_one_ended(
    environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy, after: int
) -> None:
    interrupted(environment, copy, after)
    made, answer = calls(sandbox, lambda: gone_on(environment, copy))
    assert (answer.result, answer.size) == ("done", SIZE)
    assert made == 6 - after
    assert list(sandbox.store.list(OPS, ROOT)) == [], "a copy that has ended needs no token"


def test_a_token_that_is_not_accepted_any_more_is_dropped_and_the_copy_begins_anew(
    environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy
) -> None:
    Rewrites(environment).keep(copy, "a token of last month")
    made, answer = calls(sandbox, lambda: gone_on(environment, copy))
    assert answer.result == "done"
    assert made == 1 + 6
    assert list(sandbox.store.list(OPS, ROOT)) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"other": 1}'])
def test_what_is_no_token_is_none(environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy, body: bytes) -> None:
    rewrites = Rewrites(environment)
    rewrites.keep(copy, "a token")
    (stored,) = sandbox.store.list(OPS, ROOT)
    sandbox.store.put(OPS, stored.name, body, quiet=True)
    assert gone_on(environment, copy).result == "done"


def test_a_token_is_for_one_generation_over_one_target_only(
    environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy
) -> None:
    interrupted(environment, copy, 3)
    newer = sandbox.store.put(DATA, copy.source, bytes(SIZE), quiet=True)
    other = copy._replace(source_generation=newer.generation)
    made, answer = calls(sandbox, lambda: gone_on(environment, other))
    assert (made, answer.result) == (6, "done")
    assert Rewrites(environment).token(copy)


def test_an_ops_bucket_that_refuses_tokens_stops_no_copy(
    environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=403))
    assert gone_on(environment, copy).result == "done"


def test_a_source_that_may_not_be_read_is_not_asked_for_ever(
    environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy
) -> None:
    interrupted(environment, copy, 3)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403))
    made, answer = calls(sandbox, lambda: gone_on(environment, copy))
    assert (made, answer.result) == (2, "failed"), "with the token, and once without"


def test_small_copies_ask_nothing_of_the_ops_bucket(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    small = sandbox.store.put(DATA, "scenes/small", b"small", quiet=True)
    copy = Copy(DATA, small.name, small.generation, BACKUP, "objects/small")
    rewrites = Rewrites(environment)
    assert rewrites.token(copy) == ""
    sandbox.requests.reset()
    assert copy_alone(BulkStorage(environment.storage), copy, lambda: None, rewrites).result == "done"
    assert sandbox.requests.count("storage", "objects.list") == 0
    assert sandbox.requests.count("storage", "objects.insert") == 0


def test_what_is_too_large_for_one_call_of_a_batch_is_copied_alone(
    environment: PipelineEnvironment, sandbox: Sandbox, copy: Copy
) -> None:
    small = sandbox.store.put(DATA, "scenes/small", b"small", quiet=True)
    both = [copy, Copy(DATA, small.name, small.generation, BACKUP, "objects/small")]
    jobs = [Job(one, size, one.name) for one, size in zip(both, (SIZE, 5), strict=True)]
    made = dict(copy_all(BulkStorage(environment.storage), jobs))
    assert {name: (answer.result, answer.size) for name, answer in made.items()} == {
        "objects/large": ("done", SIZE),
        "objects/small": ("done", 5),
    }
