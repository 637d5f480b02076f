"""Any run is undone by the inverses of what its journal says was done: in reverse, what starts workflows last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, Kind, Kinds, NoWayBack
from tasks.remediation.plan import Action
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest, UndoRun
from tests.kernel.fake import APPLY, OPS, SUBJECT, Fake, Named, an_action, begun, fake, launch, put, release, take
from tests.kernel.world import Killed, heir, journals, killed_at, policies


def inverse_of_take(doing: Doing, params: Named, _result: str) -> Action:
    """Start it again."""
    return launch.action(params, step="again", target=params.name, precondition="", undo="", why="undo")


retake: Kind[Named] = replace(take, inverse=inverse_of_take)
KINDS: Kinds = (put, launch, retake, release)


class Newer(Named):
    """What a newer version needs."""

    mood: int


def undoing(kinds: Kinds = KINDS, work: Iterable[str] = ()) -> UndoRun:
    """An undo that finds these kinds, and this at work on the second subject."""
    return UndoRun(lambda _name: kinds, lambda _context, subject: work if subject == "@second" else ())


def undo(environment: PipelineEnvironment, id_: str, procedure: UndoRun | None = None, **more: Any) -> Run:
    request = UndoRequest(**({"subject": SUBJECT, "run": id_, "mode": "apply"} | more))
    return run(procedure or undoing(), heir(environment, "bo"), request)


def done(environment: PipelineEnvironment, *actions: Action) -> str:
    """A run that went well; its id."""
    one = run(Fake(actions=actions, total=None), Context(environment, "ann"), APPLY)
    assert one.outcome == "done", one.sentence()
    return one.id


def targets(one: Run) -> list[str]:
    assert one.plan is not None
    return [action.key for action in one.plan.actions]


def left(sandbox: Sandbox) -> set[str]:
    return {found.name.removeprefix("put/") for found in sandbox.store.list(OPS, "put/")}


def test_everything_is_taken_back_in_reverse(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = done(environment, an_action(put, "a"), an_action(put, "b", step="two"), an_action(put, "c", step="two"))
    one = undo(environment, id_)
    assert (one.outcome, targets(one), left(sandbox)) == ("done", ["take:c", "take:b", "take:a"], set())


def test_what_starts_comes_last_and_only_if_it_is_asked_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = done(environment, an_action(put, "a"), an_action(take, "x"), an_action(put, "b"), an_action(take, "y"))
    shown = undo(environment, id_, mode="plan")
    assert targets(shown) == ["take:b", "take:a"]
    assert shown.notes == ["2 markers stay away; run it with markers to restore them too, last."]
    asked = undo(environment, id_, markers=True)
    assert (asked.outcome, asked.notes) == ("done", [])
    assert targets(asked) == ["take:b", "take:a", "launch:y", "launch:x"]


def test_of_an_interrupted_run_only_what_was_done_is_taken_back_and_it_is_ended(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = begun(environment)
    one = undo(environment, id_)
    assert (one.outcome, targets(one)) == ("done", ["take:a"])
    undone, _ = journals(environment, sandbox, SUBJECT)
    last = undone.entries[-1]
    assert (undone.run, last.kind, last.data["outcome"]) == (id_, "end", "stopped")
    assert (last.data["reasons"], last.data["by"]) == ([f"undone by run {one.id}"], one.id)
    again = run(fake(), heir(environment), APPLY)
    assert (again.outcome, again.id != id_) == ("done", True)


def test_a_run_that_has_its_end_keeps_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = done(environment, an_action(put, "a"))
    assert undo(environment, id_).outcome == "done"
    undone, _ = journals(environment, sandbox, SUBJECT)
    assert [entry.data["outcome"] for entry in undone.entries if entry.kind == "end"] == ["done"]


@pytest.mark.parametrize(
    ("effect", "by_parts", "back"), [(True, False, True), (False, False, False), (False, True, True)]
)
def test_an_action_that_was_under_way_is_looked_at_unless_it_can_have_been_done_in_part(
    environment: PipelineEnvironment, sandbox: Sandbox, effect: bool, by_parts: bool, back: bool
) -> None:
    with pytest.raises(Killed), killed_at(3, before=True):
        run(fake(actions=(an_action(put, "a"), an_action(put, "b"))), Context(environment, "victim"), APPLY)
    (journal,) = journals(environment, sandbox, SUBJECT)
    if not effect:
        sandbox.store.delete(OPS, "put/a")
    kinds = (replace(put, by_parts=by_parts), *KINDS[1:])
    one = undo(environment, journal.run, undoing(kinds), mode="plan")
    assert targets(one) == (["take:a"] if back else [])


def test_what_cannot_be_brought_back_is_for_a_person_and_nothing_is_half_done(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def lost(doing: Doing, params: Named, _result: str) -> Action:
        if params.name == "b":
            raise NoWayBack("b is lost.")
        return put.inverse(doing, params, "")  # type: ignore[return-value]

    id_ = done(environment, an_action(put, "a"), an_action(put, "b"))
    one = undo(environment, id_, undoing((replace(put, inverse=lost), *KINDS[1:])))
    assert (one.outcome, one.reasons, left(sandbox)) == ("escalated", ["b is lost."], {"a", "b"})


def test_what_leaves_nothing_behind_is_passed_over_and_not_even_read(environment: PipelineEnvironment) -> None:
    id_ = done(environment, an_action(put, "a"), an_action(release, "door"))
    newer: Kind[Any] = replace(release, params=Newer)
    assert targets(undo(environment, id_, undoing((put, launch, take, newer)), mode="plan")) == ["take:a"]


def test_a_kind_that_this_version_does_not_know_refuses_the_undo(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = done(environment, an_action(put, "a"), an_action(launch, "b"))
    one = undo(environment, id_, undoing((put, take)))
    assert (one.outcome, "knows no action launch" in one.reasons[0]) == ("refused", True)
    assert left(sandbox) == {"a", "b"}


@pytest.mark.parametrize("subject", [SUBJECT, "@second"])
def test_all_that_the_run_had_leased_is_leased_again(environment: PipelineEnvironment, subject: str) -> None:
    id_ = done(environment, an_action(put, "a"))
    with Context(environment, "somebody").holding(subject, "their-run"):
        request = UndoRequest(subject=SUBJECT, run=id_, mode="apply")
        one = run(undoing(), Context(environment, "bo"), request)
    assert (one.outcome, f"{subject} is being worked on by somebody" in one.reasons[0]) == ("busy", True)


def test_work_on_any_of_its_subjects_is_a_reason_not_to_begin(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = done(environment, an_action(put, "a"))
    one = undo(environment, id_, undoing(work=["somebody's job"]))
    assert (one.outcome, one.reasons) == ("refused", [f"somebody's job is at work on {SUBJECT}; wait until it ends."])
    assert left(sandbox) == {"a"}


def test_an_undo_is_of_high_risk_and_says_what_it_undoes(environment: PipelineEnvironment) -> None:
    id_ = done(environment, an_action(put, "a"))
    policies(environment, approval={"low": "automatic", "medium": "automatic", "high": "person"})
    one = undo(environment, id_)
    assert one.outcome == "needs_approval"
    assert one.plan is not None
    assert (one.plan.procedure, one.plan.risk, one.plan.details) == ("undo", "high", {"undoes": id_})


def test_an_undo_obeys_the_caps_but_no_share(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = done(environment, an_action(put, "a"), an_action(put, "b"))
    policies(environment, max_objects=1, max_objects_percent=0)
    assert "max_objects is 1" in undo(environment, id_).reasons[0]
    policies(environment, max_objects=2)
    assert (undo(environment, id_).outcome, left(sandbox)) == ("done", set())


@pytest.mark.parametrize(
    ("subject", "id_", "says"),
    [
        ("", "r", "Name the subject"),
        (SUBJECT, "", "Name the subject"),
        ("@fake/20990101t000000z-1", "", "Name the subject"),
        ("@fa/ke", "r", "Name the subject"),
        (SUBJECT, "r/..", "Name the subject"),
        (SUBJECT, "20990101t000000z-1", "There is no run 20990101t000000z-1 of @fake"),
        ("@other", "20990101t000000z-1", "of @other; its report names it"),
    ],
)
def test_a_run_that_is_not_named_or_never_was_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox, subject: str, id_: str, says: str
) -> None:
    one = undo(environment, id_, subject=subject)
    assert (one.outcome, says in one.reasons[0]) == ("refused", True)
    assert sandbox.requests.mutating() == {"total": 0}


def test_an_interrupted_undo_is_planned_anew_from_what_is_left(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = done(environment, an_action(put, "a"), an_action(put, "b"))
    with pytest.raises(Killed), killed_at(3, before=False):
        undo(environment, id_)
    one = undo(environment, id_)
    assert (one.outcome, left(sandbox)) == ("done", set())
    assert all(journal.ended for journal in journals(environment, sandbox, SUBJECT))
