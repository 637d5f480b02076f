"""What the tests of the lifecycle share: contexts that lose leases, processes that die, and counting what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.lease import Lease

OPS = "sandbox-ops"


class Killed(BaseException):
    """The process dies here: nothing after it runs, no lease is given back."""


class Losing(Context):
    """A context whose leases can be lost at will."""

    leases: list[Lease]

    @contextmanager
    def holding(self, subject: str, run: str) -> Iterator[Lease]:
        """As always, but remembered."""
        with super().holding(subject, run) as lease:
            self.leases = [*getattr(self, "leases", []), lease]
            yield lease

    def lose(self) -> None:
        """From now on every lease counts as lost."""
        for lease in self.leases:
            lease.renewed = float("-inf")


def heir(environment: PipelineEnvironment, actor: str = "the next one") -> Context:
    """Another process, which knows that the earlier one is gone."""
    return Context(environment, actor, gone=lambda _: True)


def policies(environment: PipelineEnvironment, **changes: object) -> None:
    """Change the policy."""
    settings = environment.policy.model_dump() | changes
    environment.policy = RemediationPolicy.model_validate(settings)


def snapshot(sandbox: Sandbox) -> frozenset[tuple[str, str, int]]:
    """Every object of every bucket, leases and journals aside."""
    return frozenset(
        (bucket.name, found.name, found.generation)
        for bucket in sandbox.store.buckets()
        for found in sandbox.store.list(bucket.name, "", versions=True)
        if not found.name.startswith(("remediation/leases/", "remediation/faults/"))
    )


def tried(sandbox: Sandbox) -> dict[str, int]:
    """How often each action of the fake procedure was carried out."""
    return dict(Counter(found.name.split("/")[1] for found in sandbox.store.list(OPS, "tried/")))


def journals(environment: PipelineEnvironment, sandbox: Sandbox, subject: str) -> list[Journal]:
    """Every run's journal, oldest first; reading them checks their chains."""
    root = f"remediation/journal/{subject}/"
    runs = dict.fromkeys(found.name.removeprefix(root).split("/")[0] for found in sandbox.store.list(OPS, root))
    read = [read_journal(environment.storage, OPS, subject, run, "a test") for run in runs]
    return sorted(read, key=lambda journal: journal.begun_at)


@contextmanager
def killed_at(number: int, *, before: bool) -> Iterator[Callable[[], int]]:
    """Let the process die at its `number`th journal entry, `before` it is written or just after. Yields a counter."""
    real, count = Journal._append, 0

    def dying(journal: Journal, kind: str, data: dict[str, object]) -> object:
        nonlocal count
        count += 1
        if count == number and before:
            raise Killed
        entry = real(journal, kind, data)  # type: ignore[arg-type]
        if count == number:
            raise Killed
        return entry

    with (
        pytest.MonkeyPatch.context() as patch
    ):  # which leaves no copy of an inherited method behind, as an assignment would
        patch.setattr(Journal, "_append", dying)
        yield lambda: count


def deaths(sandbox: Sandbox, carry_out: Callable[[], object]) -> list[tuple[int, bool]]:
    """When what is carried out can die: at which journal entry, and whether before it is written or just after.

    Just before an entry is the same as just after the one before it when nothing was changed in between.
    """
    real, seen = Journal._append, [(-1, -1)]

    def counting(journal: Journal, kind: str, data: dict[str, object]) -> object:
        before = sandbox.requests.mutating()["total"]
        entry = real(journal, kind, data)  # type: ignore[arg-type]
        seen.append((before, sandbox.requests.mutating()["total"]))
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "_append", counting)
        carry_out()
    found: list[tuple[int, bool]] = []
    for number, ((_, left), (came, _)) in enumerate(pairwise(seen), 1):
        found += [(number, True), (number, False)] if came != left else [(number, False)]
    return found
