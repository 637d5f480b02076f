"""The one lifecycle: what no procedure can forget, proved on one that does nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed, TemporaryError, UnknownOutcome
from deployments.sandbox.server import Sandbox
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.lease import LeaseBusy, LeaseLost, lease_name
from tasks.remediation.ledger import LedgerTaken
from tasks.remediation.outcome import EXIT, Outcome, Refused, StillRunning, Stopped
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Verdict
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.kernel.fake import OPS, SUBJECT, THREE, Fake, FakeRequest, an_action, launch, put, release, take
from tests.kernel.world import Killed, Losing, heir, journals, killed_at, policies, snapshot, tried

APPLY = FakeRequest(mode="apply")


def fake(**more: Any) -> Fake:
    return Fake(**({"actions": THREE} | more))


def test_a_run_does_every_action_once_and_says_done(context: Context, sandbox: Sandbox) -> None:
    one = run(fake(), context, APPLY)
    assert (one.outcome, one.reasons, tried(sandbox)) == ("done", [], {"a": 1, "b": 1, "c": 1, "d": 1})
    assert one.done == {"put:a": "put", "launch:b": "put", "put:c": "put", "put:d": "put"}
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.ended
    assert sandbox.store.get(OPS, lease_name(SUBJECT)) is None


def test_plan_mode_writes_nothing_at_all(context: Context, sandbox: Sandbox) -> None:
    assert run(fake(), context, FakeRequest()).outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize(
    ("procedure", "request_", "word"),
    [
        (fake(actions=()), APPLY, "nothing_to_do"),
        (fake(actions=(), lost=3), APPLY, "failed"),
        (fake(escalates=("A person must look.",)), APPLY, "escalated"),
        (fake(refuses=("No.",)), APPLY, "refused"),
        (fake(), FakeRequest(mode="apply", options="nonsense"), "refused"),
        (fake(), FakeRequest(mode="apply", plan_digest="0" * 16), "refused"),
        (fake(risk="unheard of"), APPLY, "needs_approval"),
        (fake(actions=(an_action(put, "a").model_copy(update={"kind": "teleport"}),)), APPLY, "refused"),
        (fake(actions=(an_action(put, "a").model_copy(update={"effect": "read"}),)), APPLY, "refused"),
        (fake(actions=(an_action(put, "a").model_copy(update={"params": {"nome": "a"}}),)), APPLY, "refused"),
        (fake(actions=(an_action(put, "a"), an_action(put, "a"))), APPLY, "refused"),
        (fake(actions=(an_action(take, "a"),), total=0), APPLY, "refused"),
    ],
)
def test_what_may_not_be_done_ends_in_its_word_with_nothing_changed(
    context: Context, sandbox: Sandbox, procedure: Fake, request_: FakeRequest, word: Outcome
) -> None:
    before = snapshot(sandbox)
    one = run(procedure, context, request_)
    assert one.outcome == word
    assert one.reasons or word == "nothing_to_do"
    assert snapshot(sandbox) == before


def test_the_kill_switch_and_the_window_refuse_before_the_first_action(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before = snapshot(sandbox)
    policies(environment, kill_switch=["by ann: fire"])
    assert "by ann: fire" in run(fake(), Context(environment, "x"), APPLY).reasons[0]
    now = datetime.now(UTC)
    closed = {"window_start": f"{now + timedelta(hours=2):%H:00}", "window_end": f"{now + timedelta(hours=3):%H:00}"}
    policies(environment, kill_switch=[], **closed)
    assert "outside the change window" in run(fake(), Context(environment, "x"), APPLY).reasons[0]
    assert snapshot(sandbox) == before


def test_a_kill_switch_turned_on_meanwhile_stops_before_the_next_action(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "x")
    many = tuple(an_action(put, f"n{number:02d}", step="all") for number in range(40))

    def turn_on(doing: Any, params: Any) -> str:
        policies(environment, kill_switch=["by bo: stop"])
        context._asked = float("-inf")
        return "put"

    first = an_action(put, "first")
    stops = fake(actions=(first, *many))
    stops.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=turn_on), *stops.kinds[1:])
    one = run(stops, context, APPLY)
    assert (one.outcome, tried(sandbox)) == ("stopped", {})
    policies(environment, kill_switch=[])
    again = run(fake(actions=(first, *many)), Context(environment, "x"), APPLY)
    assert (again.outcome, again.id) == ("done", one.id)


def test_after_the_first_final_error_nothing_more_of_the_step_is_begun(context: Context, sandbox: Sandbox) -> None:
    def refuse(doing: Any, params: Any) -> str:
        sandbox.store.put(OPS, f"asked/{params.name}", b"", quiet=True)
        raise PermanentError("403")

    many = tuple(an_action(put, f"n{number:03d}", step="all") for number in range(600))
    failing = fake(actions=many)
    failing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=refuse),)
    one = run(failing, context, APPLY)
    assert one.outcome == "failed"
    assert len(list(sandbox.store.list(OPS, "asked/"))) <= 8, "no more than what was under way at the same time"


def test_what_was_done_before_an_error_is_in_the_journal(context: Context, sandbox: Sandbox) -> None:
    def sometimes(doing: Any, params: Any) -> str:
        if params.name == "z":
            raise PermanentError("no")
        return put.apply(doing, params)

    failing = fake(actions=(an_action(put, "a", step="all"), an_action(put, "z", step="all")))
    failing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=sometimes),)
    run(failing, context, APPLY)
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert "put:z" not in journal.outcomes()
    assert journal.ended


ERRORS: list[tuple[Exception, Outcome, bool]] = [
    (Refused("no"), "refused", False),
    (LeaseBusy("busy"), "busy", False),
    (LedgerTaken("taken"), "busy", False),
    (LeaseLost("lost"), "stopped", False),
    (Stopped("stop"), "stopped", False),
    (TemporaryError("later"), "failed", False),
    (UnknownOutcome("who knows"), "unknown", False),
    (StillRunning("waits"), "failed", False),
    (PermanentError("no"), "failed", True),
    (NotFound("gone"), "failed", True),
    (PreconditionFailed("changed"), "failed", True),
    (ValueError("odd"), "failed", False),
    (OSError("disk"), "failed", False),
    (KeyError("a fault of our own"), "failed", False),
]


@pytest.mark.parametrize(("error", "word", "ends"), ERRORS, ids=[type(one).__name__ for one, _, _ in ERRORS])
def test_every_error_comes_to_its_word_and_only_final_ones_end_the_run(
    context: Context, sandbox: Sandbox, error: Exception, word: Outcome, ends: bool
) -> None:
    def fail(doing: Any, params: Any) -> str:
        raise error

    failing = fake(actions=(an_action(put, "a"),))
    failing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=fail),)
    one = run(failing, context, APPLY)
    assert (one.outcome, bool(one.reasons)) == (word, True)
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.ended == ends


@pytest.mark.parametrize(
    "error", [one for one, _, _ in ERRORS if not isinstance(one, LedgerTaken)], ids=lambda e: type(e).__name__
)
def test_an_error_while_observing_changes_nothing_and_has_the_same_word(
    context: Context, sandbox: Sandbox, error: Exception
) -> None:
    class Blind(Fake):
        def observe(self, run: Run, request: FakeRequest) -> str:
            raise error

    one = run(Blind(actions=THREE), context, APPLY)
    assert one.outcome == next(word for known, word, _ in ERRORS if known is error)
    assert list(sandbox.store.list(OPS, "remediation/journal/")) == []
    assert sandbox.store.get(OPS, lease_name(SUBJECT)) is None


def test_every_word_has_an_exit_code_and_only_good_ones_are_zero() -> None:
    from typing import get_args

    from tasks.remediation.outcome import GOOD

    assert set(EXIT) == set(get_args(Outcome))
    assert {word for word, code in EXIT.items() if code == 0} == set(GOOD)
    assert 2 not in EXIT.values()


def test_a_lost_lease_stops_before_the_next_action(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for step in ("step a", "step b", "last"):
        with Sandbox(seed=3) as other:
            from deployments.sandbox_environment import for_sandbox

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


def test_killed_at_any_entry_of_the_journal_it_is_continued_to_the_same_end_with_nothing_twice(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    with killed_at(10**6, before=True) as count:
        assert run(fake(), Context(environment, "x"), APPLY).outcome == "done"
        entries = count()
    assert entries == 8
    for number in range(1, entries + 1):
        for before in (True, False):
            with Sandbox(seed=3) as other:
                from deployments.sandbox_environment import for_sandbox

                fresh = for_sandbox(other.endpoints)
                with pytest.raises(Killed), killed_at(number, before=before):
                    run(fake(), Context(fresh, "victim"), APPLY)
                one = run(fake(), heir(fresh), APPLY)
                if number == entries and not before:
                    continue  # it had written its end: what follows is a run of its own
                assert (one.outcome, tried(other)) == ("done", {"a": 1, "b": 1, "c": 1, "d": 1}), (number, before)
                assert sum(not journal.ended for journal in journals(fresh, other, SUBJECT)) == 0
                fresh.close()


def begun(environment: PipelineEnvironment, procedure: Fake | None = None) -> str:
    """A run that dies after its first step; its id."""
    with pytest.raises(Killed), killed_at(3, before=False):
        run(procedure or fake(), Context(environment, "victim"), APPLY)
    from tasks.remediation.runs import past_runs

    return past_runs(environment.storage, OPS, SUBJECT, 24)[-1].run


def test_a_living_holder_is_not_taken_over(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    begun(environment)
    before = snapshot(sandbox)
    one = run(fake(), Context(environment, "next"), APPLY)
    assert (one.outcome, snapshot(sandbox)) == ("busy", before)
    assert "victim" in one.reasons[0]


@pytest.mark.parametrize(
    "change", [{"kill_switch": ["by ann"]}, {"approval": dict.fromkeys(("low", "medium", "high"), "person")}]
)
def test_continuing_asks_the_switch_and_for_approval_again(
    environment: PipelineEnvironment, sandbox: Sandbox, change: dict[str, Any]
) -> None:
    id_ = begun(environment)
    before = snapshot(sandbox)
    policies(environment, **change)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, snapshot(sandbox)) == ("refused" if "kill_switch" in change else "needs_approval", before)
    policies(environment, kill_switch=[], approval=dict.fromkeys(("low", "medium", "high"), "automatic"))
    again = run(fake(), heir(environment), APPLY)
    assert (again.outcome, again.id) == ("done", id_)


def test_continuing_asks_the_caps_and_the_procedures_own_guard_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    taking = fake(actions=(an_action(put, "a"), an_action(take, "b"), an_action(take, "c")))
    begun(environment, taking)
    before = snapshot(sandbox)
    policies(environment, max_objects=1)
    assert "max_objects is 1" in run(taking, heir(environment), APPLY).reasons[0]
    policies(environment, max_objects=50)
    assert run(fake(actions=taking.actions, refuses=("Not now.",)), heir(environment), APPLY).outcome == "refused"
    assert snapshot(sandbox) == before


def test_an_approval_given_at_the_beginning_holds_for_the_same_plan_when_it_is_continued(
    environment: PipelineEnvironment,
) -> None:
    policies(environment, approval=dict.fromkeys(("low", "medium", "high"), "person"))
    asked = run(fake(), Context(environment, "ann"), APPLY)
    assert asked.plan is not None
    yes = Approval(decision="approve", approver="bo", plan_digest=asked.plan.digest)
    with pytest.raises(Killed), killed_at(3, before=False):
        run(fake(), Context(environment, "ann"), FakeRequest(mode="apply", approval=yes))
    assert run(fake(), heir(environment), APPLY).outcome == "done"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decision": "reject", "approver": "bo"}, "was rejected by bo"),
        ({"decision": "approve", "approver": ""}, "without a name"),
        ({"decision": "approve", "approver": " ANN "}, "cannot approve it too"),
        ({"decision": "approve", "approver": "bo", "plan_digest": "0" * 16}, "but the plan is now"),
    ],
)
def test_anything_but_a_clear_yes_to_this_plan_by_somebody_else_is_a_no(
    environment: PipelineEnvironment, sandbox: Sandbox, answer: dict[str, Any], says: str
) -> None:
    before = snapshot(sandbox)
    for risk in ("person", "automatic"):
        policies(environment, approval=dict.fromkeys(("low", "medium", "high"), risk))
        digest = Plan(procedure="fake", subject=SUBJECT, actions=THREE).digest
        answered = Approval(**({"plan_digest": digest} | answer))
        one = run(fake(), Context(environment, "ann"), FakeRequest(mode="apply", approval=answered))
        assert (one.outcome, says in one.reasons[0]) == ("refused", True)
    assert snapshot(sandbox) == before


def test_an_interrupted_run_with_other_options_is_refused_or_given_up_as_the_procedure_says(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = begun(environment)
    other = FakeRequest(mode="apply", options="other")
    one = run(fake(), heir(environment), other)
    assert (one.outcome, id_ in one.reasons[0]) == ("refused", True)
    assert run(fake(abandons=True), heir(environment), other).outcome == "done"
    ended = next(journal for journal in journals(environment, sandbox, SUBJECT) if journal.run == id_)
    assert ended.entries[-1].data["outcome"] == "stopped"


def test_an_interrupted_run_of_another_digest_is_not_overwritten(environment: PipelineEnvironment) -> None:
    id_ = begun(environment)
    one = run(fake(), heir(environment), FakeRequest(mode="apply", plan_digest="f" * 16))
    assert (one.outcome, id_ in one.reasons[0]) == ("refused", True)


def test_a_plan_of_a_newer_version_is_not_carried_out_and_blocks_nobody(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    newer: Action = an_action(put, "a").model_copy(update={"kind": "teleport"})
    journal = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "newer")
    journal.append("begin", {"plan": Plan(procedure="fake", subject=SUBJECT, actions=(newer,)).model_dump(mode="json")})
    before = snapshot(sandbox)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, "teleport" in one.reasons[0], snapshot(sandbox)) == ("refused", True, before)
    assert run(fake(abandons=True), heir(environment), APPLY).outcome == "done"


def test_a_procedure_that_plans_anew_ends_its_interrupted_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    class Anew(Fake):
        unfinished = "replan"

    id_ = begun(environment, Anew(actions=THREE))
    one = run(Anew(actions=THREE), heir(environment), APPLY)
    assert (one.outcome, one.id != id_) == ("done", True)
    assert all(journal.ended for journal in journals(environment, sandbox, SUBJECT))


def test_after_a_failure_what_gives_back_is_done_and_nothing_else(context: Context, sandbox: Sandbox) -> None:
    def fail(doing: Any, params: Any) -> str:
        raise PermanentError("broken")

    actions = (
        an_action(put, "hold"),
        an_action(launch, "broken"),
        an_action(put, "never"),
        an_action(release, "give back", always=True),
    )
    failing = fake(actions=actions, word="partial")
    broken = launch.__class__(name="launch", params=launch.params, effect="start", apply=fail)
    failing.kinds = (put, broken, release)
    one = run(failing, context, APPLY)
    assert (one.outcome, tried(sandbox)) == ("partial", {"hold": 1, "give back": 1})
    assert one.reasons[0] == "broken"


def test_the_verdict_of_the_final_look_is_the_outcome(context: Context, sandbox: Sandbox) -> None:
    one = run(fake(verdict=Verdict("partial", ("Not all.",))), context, APPLY)
    assert (one.outcome, one.reasons) == ("partial", ["Not all."])
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.entries[-1].data["outcome"] == "partial"


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


def test_a_plan_that_was_edited_in_its_journal_is_not_carried_out(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    plan = Plan(procedure="fake", subject=SUBJECT, actions=THREE)
    edited = plan.model_copy(update={"actions": (*THREE, an_action(take, "precious"))})
    journal = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "somebody")
    journal.append("begin", {"plan": edited.model_dump(mode="json"), "digest": plan.digest})
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, "somebody has edited it" in one.reasons[0], tried(sandbox)) == ("refused", True, {})


def test_an_interrupted_run_is_found_behind_later_runs_of_other_procedures(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = begun(environment)
    other = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "another procedure")
    other.append("begin", {"plan": Plan(procedure="other", subject=SUBJECT).model_dump(mode="json")})
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id) == ("done", id_)


def test_after_an_undo_has_begun_the_undone_run_is_not_carried_on(environment: PipelineEnvironment) -> None:
    id_ = begun(environment)
    undoing = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "undo")
    undoing.append("begin", {"plan": Plan(procedure="undo", subject=SUBJECT).model_dump(mode="json")})
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id != id_) == ("done", True)
