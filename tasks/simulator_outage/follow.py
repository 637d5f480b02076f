"""What follows a restart: one trial that proves it by its outputs, then what failed meanwhile, more and more at a time.

Whoever is killed on the way is followed by another process, which goes on with the same trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from blocks.catalogue_query import is_trial
from blocks.errors import PermanentError, TemporaryError
from tasks.remediation.attend import attend
from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context
from tasks.remediation.debt import LATER, Debt, Rerun, debt_of, pay, tried
from tasks.remediation.guard import stopped
from tasks.remediation.ledger import Entry
from tasks.remediation.outcome import GOOD, Stopped, worst
from tasks.remediation.report import counted
from tasks.remediation.run import Run
from tasks.remediation.runs import past_runs
from tasks.simulator_outage.observe import failed_scenes
from tasks.simulator_outage.one import state_now
from tasks.simulator_outage.owed import LEASE, ROOT, Owed
from tasks.simulator_outage.proofs import proved
from tasks.simulator_outage.request import SUBJECT
from tasks.simulator_outage.restart import LATELY_HOURS

TRIAL_CHOSEN, TRIED = "trial", "tried"
"""Entries of the ledger: which scene it is tried on, and what came of it."""
FOLLOWING = "simulator-smoke"
"""What the follow-up is called in reports."""


@dataclass(frozen=True, slots=True)
class Means:
    """How a trial is made, and scenes are made again. A procedure knows no other, so the flow that joins them says it."""

    new_trial: Callable[[], str]
    """An id that no scene has yet."""
    smoke: Callable[[str, bool], list[Run]]
    """Make the trial of that id, generated first if so told; the last of its runs is the one that simulates."""
    rerun: Rerun


def follow(context: Context, one: Owed, means: Means, call: Caller = inline) -> Run:
    """Pay what a restart owes, as far as that goes now. Never raises for what can go wrong. `Run.facts`: the scenes' runs."""
    own, smoke, scenes = Run(context, FOLLOWING), list[Run](), list[Run]()
    own.subject, own.facts = SUBJECT, scenes
    attend(own, lambda: LEASE, lambda: work(context, one, means, smoke, scenes), lambda _: False)
    if own.outcome == "done":
        conclude(own, debt_of(context, ROOT, one.run), smoke, scenes)
    return own


def work(context: Context, one: Owed, means: Means, smoke: list[Run], scenes: list[Run]) -> None:
    """Go on from where it stands. `smoke`, `scenes`: every run that this has taken."""
    debt = debt_of(context, ROOT, one.run)
    if debt.settled:
        return
    if closed := stopped(context.policy()):
        raise Stopped(f"{' '.join(closed)} What is owed stays owed.")
    must_serve(context, one.service)
    if one.smoke and not has_proved(context, one, debt, means, smoke):
        return
    if not one.recover:
        debt.settle()
        return
    if not debt.known:
        catalogue = context.environment.catalogue
        found = failed_scenes(context.environment, datetime.now(UTC))
        debt.owe(sorted(name for name in found if not is_trial(catalogue, name)))
    scenes += pay(context, debt, means.rerun)


def must_serve(context: Context, service: str) -> None:
    """Nothing is tried with a service that is out again. Raises `Stopped`, and TemporaryError when nobody can tell."""
    environment = context.environment
    if service not in environment.catalogue.services:
        raise PermanentError(f"The catalogue has no service {service!r} any more, so nothing of it can be tried.")
    state, unseen = state_now(environment, service)
    if unseen:
        raise TemporaryError(f"Not everything can be seen, so nothing is tried: {unseen[0]}")
    if not proved(state, environment.catalogue.services[service]):
        raise Stopped(f"{state.sentence} What is owed waits until it serves.")


def has_proved(context: Context, one: Owed, debt: Debt, means: Means, smoke: list[Run]) -> bool:
    """Make the smoke run unless it was made; whether it has proved that the service works.

    One that was not tried stays owed. One that went wrong, or wants a person's yes, is told once and left to a person.
    """
    if (said := debt.case.find(TRIED, one.run)) is None:
        chosen = choose(context, one, debt, means)
        scene = str(chosen.data["scene"])
        smoke += means.smoke(scene, not one.trial)
        if not smoke[-1].begun and smoke[-1].outcome == "nothing_to_do":
            judge_again(context, smoke[-1], chosen, means.rerun.procedure)
        last = smoke[-1]
        if last.outcome in LATER or (last.begun and not last.journal.ended) or not tried(context, [last]):
            return False  # it is continued, or nobody has tried
        how: dict[str, JsonValue] = {"outcome": last.outcome, "scene": scene, "run": last.id}
        debt.case.once(TRIED, one.run, how | {"sentence": last.sentence()})
        said = debt.case.find(TRIED, one.run)
    good = said is not None and said.data["outcome"] in GOOD
    if not good:
        debt.settle()
    return good


def choose(context: Context, one: Owed, debt: Debt, means: Means) -> Entry:
    """The trial, written down before it is begun: whoever comes after a kill goes on with it."""
    if debt.case.find(TRIAL_CHOSEN, one.run) is None:
        scene = one.trial or means.new_trial()
        before: list[JsonValue] = [*runs_on(context, scene, means.rerun.procedure)]
        debt.case.once(TRIAL_CHOSEN, one.run, {"scene": scene, "before": before})
    chosen = debt.case.find(TRIAL_CHOSEN, one.run)
    assert chosen is not None
    return chosen


def judge_again(context: Context, last: Run, chosen: Entry, procedure: str) -> None:
    """The trial is whole and nothing was run: by a process that was killed, or it was simulated before all this."""
    before, now = chosen.data["before"], runs_on(context, last.subject, procedure)
    if isinstance(before, list) and any(run not in before for run in now):
        return
    why = f"{last.subject} was simulated before, so nothing was run and nothing is proved: name a new trial."
    last.end("failed", why)


def runs_on(context: Context, scene: str, procedure: str) -> list[str]:
    """The runs of that procedure that have ended well on a scene lately."""
    environment = context.environment
    past = past_runs(environment.storage, environment.ops_bucket, scene, LATELY_HOURS)
    return [one.run for one in past if one.procedure == procedure and one.outcome == "done"]


def conclude(own: Run, debt: Debt, smoke: list[Run], scenes: list[Run]) -> None:
    """The word and the sentences for all of it."""
    made = [*smoke, *scenes]
    again = sum(one.good for one in scenes)
    said = debt.case.find(TRIED, debt.case.id)
    proof = f"smoke run on {said.data['scene']}: {said.data['outcome']}" if said is not None else "no smoke run"
    own.summary = f"{proof}; {counted(again, 'scene')} whole again, {len(debt.left)} still owed"
    own.end(worst([one.outcome for one in made]), *(one.sentence() for one in made if not one.good))
