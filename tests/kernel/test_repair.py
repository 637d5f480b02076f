"""A journal that two processes have written at once is mended by a command that says what it kept."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.lease import LeaseBusy
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.plan import Plan
from tasks.remediation.repair import ROOT, repair

OPS, RUN = "sandbox-ops", "20990101t000000z-1"


def forked(environment: PipelineEnvironment, sandbox: Sandbox, mine: int, theirs: int) -> None:
    """Two branches after a common beginning, named as earlier versions named them: by place and kind."""
    first = Journal(environment.storage, OPS, "scene", RUN, "first")
    first.append("begin", {"plan": Plan(procedure="p", subject="scene").model_dump(mode="json")})
    second = read_journal(environment.storage, OPS, "scene", RUN, "second")
    for journal, kind, count in ((first, "note", mine), (second, "outcome", theirs)):
        for number in range(count):
            entry = journal.append(kind, {"n": number})
            name = f"{journal.prefix}{entry.sequence:06d}.json"
            stored = sandbox.store.get(OPS, name)
            assert stored is not None
            sandbox.store.put(OPS, name.replace(".json", f"-{kind}.json"), stored.data)
            sandbox.store.delete(OPS, name)


@pytest.mark.parametrize(("mine", "theirs"), [(3, 1), (1, 3), (2, 2)])
def test_the_longest_chain_is_kept_and_the_rest_moved_aside(
    environment: PipelineEnvironment, sandbox: Sandbox, mine: int, theirs: int
) -> None:
    forked(environment, sandbox, mine, theirs)
    with pytest.raises(LedgerDamaged):
        read_journal(environment.storage, OPS, "scene", RUN, "x")
    mended = repair(Context(environment, "ann"), "scene", RUN)
    assert len(mended.kept) == 1 + max(mine, theirs)
    assert len(mended.aside) == min(mine, theirs)
    assert len(read_journal(environment.storage, OPS, "scene", RUN, "x").entries) == 1 + max(mine, theirs)
    kept_aside = {found.name.removeprefix(f"{ROOT}scene/{RUN}/") for found in sandbox.store.list(OPS, ROOT)}
    assert kept_aside == {name.rpartition("/")[2] for name in mended.aside}
    assert any("Moved" in sentence for sentence in mended.sentences())


def test_a_whole_journal_is_left_as_it_is(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    forked(environment, sandbox, 2, 0)
    before = {found.name: found.generation for found in sandbox.store.list(OPS, "remediation/journal/")}
    assert "nothing was changed" in repair(Context(environment, "ann"), "scene", RUN).sentences()[0]
    assert {found.name: found.generation for found in sandbox.store.list(OPS, "remediation/journal/")} == before


def test_nothing_is_mended_while_somebody_works_or_where_there_is_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "ann")
    with pytest.raises(NotFound):
        repair(context, "scene", RUN)
    forked(environment, sandbox, 1, 1)
    with context.holding("scene", "another"), pytest.raises(LeaseBusy):
        repair(context, "scene", RUN)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4), st.integers(0, 4))
def test_mending_twice_changes_nothing_more(mine: int, theirs: int) -> None:
    from deployments.sandbox_environment import for_sandbox

    with Sandbox(seed=3) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        forked(environment, sandbox, mine, theirs)
        repair(Context(environment, "ann"), "scene", RUN)
        assert repair(Context(environment, "ann"), "scene", RUN).aside == []
        environment.close()
