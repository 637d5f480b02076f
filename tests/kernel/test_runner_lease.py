"""Every changing step is done under the leases, and the bucket is asked whether they are still ours."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.lease import lease_name
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    OPS,
    SUBJECT,
    FakeRequest,
    an_action,
    begun,
    fake,
    put,
)
from tests.kernel.world import Losing, journals, snapshot, tried


def test_a_lost_lease_stops_before_the_next_action(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for step in ("step a", "step b", "last"):
        with Sandbox(seed=3) as other:
            context = Losing(for_sandbox(other.endpoints), "x")
            context.say = lambda sentence, step=step, context=context: (
                context.lose() if sentence.endswith(step) else None
            )  # type: ignore[misc]
            one = run(fake(), context, APPLY)
            assert one.outcome == "stopped"
            expected = {"step a": {}, "step b": {"a": 1}, "last": {"a": 1, "b": 1}}[step]
            assert tried(other) == expected


def test_no_outcome_is_written_after_the_lease_was_lost(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    context = Losing(environment, "x")

    def slow(doing: Any, params: Any) -> str:
        context.lose()
        return "put"

    losing = fake(actions=(an_action(put, "a"),))
    losing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=slow),)
    assert run(losing, context, APPLY).outcome == "stopped"
    (journal,) = journals(environment, sandbox, SUBJECT)
    assert [entry.kind for entry in journal.entries] == ["begin", "intent"]


@pytest.mark.parametrize(("step", "done"), [("step a", {}), ("step b", {"a": 1}), ("last", {"a": 1, "b": 1})])
def test_every_changing_step_asks_the_bucket_for_the_lease_first(
    environment: PipelineEnvironment, sandbox: Sandbox, step: str, done: dict[str, int]
) -> None:
    """A process that slept past its lease finds another holder there, whatever its own clocks say."""
    context = Context(environment, "x")

    def steal(sentence: str) -> None:
        if sentence.endswith(step):
            found = sandbox.store.get(OPS, lease_name(SUBJECT))
            assert found is not None
            sandbox.store.put(OPS, lease_name(SUBJECT), found.data, quiet=True)

    context.say = steal
    assert run(fake(), context, APPLY).outcome == "stopped"
    assert tried(sandbox) == done


def test_a_start_asks_again_directly_before_it_is_made(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a step's intent and its start lies time: looking, settling, other actions."""
    append = Journal.append

    def stolen(journal: Journal, kind: str, body: dict[str, Any]) -> Any:
        written = append(journal, kind, body)
        if kind == "intent" and body["step"] == "step b":
            found = sandbox.store.get(OPS, lease_name(SUBJECT))
            assert found is not None
            sandbox.store.put(OPS, lease_name(SUBJECT), found.data, quiet=True)
        return written

    monkeypatch.setattr(Journal, "append", stolen)
    assert run(fake(), Context(environment, "x"), APPLY).outcome == "stopped"
    assert tried(sandbox) == {"a": 1}, "the start of b was not made"


def test_a_living_holder_is_not_taken_over(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    begun(environment)
    before = snapshot(sandbox)
    one = run(fake(), Context(environment, "next"), APPLY)
    assert (one.outcome, snapshot(sandbox)) == ("busy", before)
    assert "victim" in one.reasons[0]


def test_the_second_of_two_subjects_is_leased_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    with Context(environment, "somebody").holding("@second", "their-run"):
        one = run(fake(), Context(environment, "x"), APPLY)
    assert (one.outcome, "@second is being worked on by somebody" in one.reasons[0]) == ("busy", True)
    assert sandbox.store.get(OPS, lease_name(SUBJECT)) is None


@pytest.mark.parametrize("unfit", ["retention", "held"])
def test_an_ops_bucket_that_cannot_give_a_lease_back_is_refused_before_one_is_taken(
    environment: PipelineEnvironment, sandbox: Sandbox, unfit: str
) -> None:
    bucket = environment.storage.client().get_bucket(OPS)
    if unfit == "retention":
        bucket.retention_period = 3600
    else:
        bucket.default_event_based_hold = True
    bucket.patch()
    one = run(fake(), Context(environment, "x"), APPLY)
    assert (one.outcome, OPS in one.reasons[0]) == ("refused", True)
    assert list(sandbox.store.list(OPS, "remediation/")) == []
    assert run(fake(), Context(environment, "x"), FakeRequest()).outcome == "planned"
