"""What a relief that was given back still owes: the scenes that failed for want of GPUs, each until somebody looked after it.

    remediation/gpu/<run of the relief>/000001.json

A process that is killed leaves a list of what is left to whoever comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from tasks.gpu_capacity.failed import says_no_gpu
from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome
from tasks.remediation.run import Run

ROOT = "remediation/gpu/"
OWED, LOOKED_AFTER, SETTLED = "owed", "looked_after", "settled"
LATER: tuple[Outcome, ...] = ("busy", "stopped", "not_started")
"""Words after which a scene is still owed: nothing was tried, or it is continued."""


@dataclass(slots=True)
class Debt:
    """The list of one relief, as its ledger has it."""

    case: Case

    @property
    def known(self) -> bool:
        """Whether somebody has looked which scenes failed."""
        return self.case.find(OWED, self.case.id) is not None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do about the relief."""
        return self.case.find(SETTLED, self.case.id) is not None

    @property
    def left(self) -> list[str]:
        """Scenes that nobody has looked after yet."""
        done = {str(name) for one in self.case.entries if one.kind == LOOKED_AFTER for name in one.data}
        entry = self.case.find(OWED, self.case.id)
        scenes = entry.data.get("scenes") if entry is not None else None
        return [str(name) for name in scenes if name not in done] if isinstance(scenes, list) else []

    def owe(self, scenes: Iterable[str]) -> None:
        """Write down which scenes failed."""
        self.case.once(OWED, self.case.id, {"scenes": list(scenes)})

    def looked_after(self, context: Context, runs: Iterable[Run]) -> None:
        """Write down what became of some. One that again got no GPU stays owed: its own guard says when that is too often."""
        catalogue = context.environment.catalogue
        said: dict[str, JsonValue] = {
            one.subject: {"outcome": one.outcome, "run": one.id, "sentence": one.sentence()}
            for one in runs
            if one.outcome not in LATER and not (one.outcome == "failed" and says_no_gpu(catalogue, one.sentence()))
        }
        if said:
            self.case.record(LOOKED_AFTER, said)

    def settle(self) -> None:
        """Write down that nothing is left."""
        self.case.once(SETTLED, self.case.id, {})


def read_debt(context: Context, run: str) -> Debt:
    """The list of a relief; it is empty while nobody has written one. Raises `LedgerDamaged`."""
    environment = context.environment
    debt = Debt(Case(environment.storage, environment.ops_bucket, f"{ROOT}{run}/", run, context.actor))
    debt.case.refresh()
    return debt
