"""What a run still owes after its end: subjects that are to be made again, each until somebody looked after it.

    <root>/<run>/000001.json

A process that is killed leaves a list of what is left to whoever comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from tasks.remediation.batch import Wave, run_batch
from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.guard import stopped
from tasks.remediation.outcome import Outcome, Stopped
from tasks.remediation.run import Run

OWED, LOOKED_AFTER, SETTLED = "owed", "looked_after", "settled"
LATER: tuple[Outcome, ...] = ("busy", "stopped", "not_started")
"""Words after which a subject is still owed: nothing was tried, or it is continued."""


@dataclass(slots=True)
class Debt:
    """The list of one run, as its ledger has it."""

    case: Case
    still: Callable[[Run], bool] = lambda _: False
    """Whether a subject is still owed although it was tried."""

    @property
    def known(self) -> bool:
        """Whether somebody has looked which subjects are owed."""
        return self.case.find(OWED, self.case.id) is not None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do about the run."""
        return self.case.find(SETTLED, self.case.id) is not None

    @property
    def left(self) -> list[str]:
        """Subjects that nobody has looked after yet."""
        done = {str(name) for one in self.case.entries if one.kind == LOOKED_AFTER for name in one.data}
        entry = self.case.find(OWED, self.case.id)
        names = entry.data.get("scenes") if entry is not None else None
        return [str(name) for name in names if name not in done] if isinstance(names, list) else []

    def owe(self, names: Iterable[str]) -> None:
        """Write down what is owed; what was written first counts."""
        self.case.once(OWED, self.case.id, {"scenes": list(names)})

    def looked_after(self, runs: Iterable[Run]) -> None:
        """Write down what became of some; those that are still owed are not written."""
        said: dict[str, JsonValue] = {
            one.subject: {"outcome": one.outcome, "run": one.id, "sentence": one.sentence()}
            for one in runs
            if one.outcome not in LATER and not self.still(one)
        }
        if said:
            self.case.record(LOOKED_AFTER, said)

    def settle(self) -> None:
        """Write down that nothing is left."""
        self.case.once(SETTLED, self.case.id, {})


def debt_of(context: Context, root: str, run: str, still: Callable[[Run], bool] = lambda _: False) -> Debt:
    """The list of a run below `root`; it is empty while nobody has written one. Raises `LedgerDamaged`."""
    environment = context.environment
    debt = Debt(Case(environment.storage, environment.ops_bucket, f"{root}{run}/", run, context.actor), still)
    debt.case.refresh()
    return debt


@dataclass(frozen=True, slots=True)
class Rerun:
    """How subjects are made again. A procedure knows no other, so whoever puts the two together says it."""

    procedure: str
    """Its name, for subjects that are not begun."""
    wave: Wave
    progress: Callable[[int, int], None] = lambda _done, _total: None


def pay(context: Context, debt: Debt, rerun: Rerun) -> list[Run]:
    """Make again what is owed, more and more at a time, at most `max_scenes` of the policy; settle it when all is done.

    Raises `Stopped` when the kill switch or the window speaks against it: then what is owed stays owed.
    """

    def told(group: list[str]) -> list[Run]:
        runs = rerun.wave(group)
        debt.looked_after(tried(context, runs))
        return runs

    if debt.left and (closed := stopped(context.policy())):
        raise Stopped(f"{' '.join(closed)} What is owed stays owed.")
    names = debt.left[: context.policy().max_scenes]
    runs = run_batch(names, context, rerun.procedure, told, rerun.progress)
    if any(each.outcome == "needs_approval" for each in runs):
        hand_over(debt, [each for each in runs if each.outcome == "not_started"])
    if not debt.left:
        debt.settle()
    return runs


def tried(context: Context, runs: list[Run]) -> list[Run]:
    """Those that were looked after: what the kill switch or the window has refused, nobody has tried."""
    return [one for one in runs if one.outcome != "refused"] if stopped(context.policy()) else runs


def hand_over(debt: Debt, runs: list[Run]) -> None:
    """What the policy wants a person's yes for is not asked again every quarter of an hour, nor one subject at a time."""
    for one in runs:
        one.end("needs_approval", "Not begun: the policy wants a person's approval, as for those before it.")
    debt.looked_after(runs)
