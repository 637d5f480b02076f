"""What is promised, what was kept, and how fast the error budget is spent.

A promise is a part of events that must be good. The budget is what may be bad of the events of 30 days; the handbook
escalates when 24 hours spend more than 2 % of it ("Alert escalation"). It does not say of how many days the budget is: 30
is what Google's SRE workbook uses. The events of 30 days are those of the window, carried on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks.service_levels import ServiceLevels
from tasks.runtime_report.executions import Executions, Ran
from tasks.runtime_report.window import Window

if TYPE_CHECKING:
    import pandas as pd

BUDGET_DAYS = 30.0
STAGE_PERCENT = 95.0
"""`stage_seconds` is a P95: so many of 100 runs must be within it."""


@dataclass(frozen=True, slots=True)
class Level:
    """One promise. None is unknown: nobody could be asked, or nothing ran."""

    name: str
    target: float
    """In percent."""
    events: int | None
    good: float | None
    """In percent."""
    worst_day: float | None
    """The most of the budget of 30 days, in percent, that any 24 hours have spent."""
    why: str = ""
    """Why it is unknown, or of what it is."""
    enough: int = 0
    """With fewer events it is not judged."""
    burn_limit: float = 0.0

    @property
    def burn_rate(self) -> float | None:
        """How many times faster than allowed the budget is spent over the whole window."""
        return None if self.good is None else (100 - self.good) / (100 - self.target)

    @property
    def state(self) -> str:
        """`kept`, `missed`, `burns` (kept, and a day spent too much), `too few` or `unknown`."""
        if self.good is None:
            return "unknown"
        if (self.events or 0) < self.enough:
            return "too few"
        if self.good < self.target:
            return "missed"
        return "burns" if (self.worst_day or 0.0) > self.burn_limit else "kept"

    def sentence(self) -> str:
        """What a person must know of it when it is missed, or burns."""
        rate = f"it spends its error budget {self.burn_rate or 0:.1f} times as fast as it may"
        day = f"; the worst 24 hours spent {self.worst_day or 0:.1f} % of the budget of 30 days"
        return (
            f"{self.name}: {self.good or 0:.2f} % of {self.events or 0:,}, promised are {self.target:g} %; {rate}{day}."
        )


def levels_of(runs: pd.DataFrame, executions: Executions, window: Window, service: ServiceLevels) -> list[Level]:
    """Success end to end, durations of stages, and quality gates. `runs` are those of the window."""
    import pandas as pd

    decided = [one for one in executions.of(window.since.timestamp(), is_job=False) if _decided(one)]
    whole = pd.DataFrame({"at": [one.at for one in decided], "bad": [one.outcome == "failed" for one in decided]})
    gates = runs[runs["job"] == service.quality_job]
    asked = any(not one.is_job for one in executions.ran) or not executions.unknown
    return [
        level(
            f"Workflows end well ({service.success_percent:g} %)", service.success_percent, whole, window, service,
            "by their results; those that did nothing, were cancelled or say nothing known are left out"
            if asked else "the executions could not be listed",
        ),
        level(
            f"Stages end within {service.stage_seconds:g} s (P95)", STAGE_PERCENT,
            pd.DataFrame({"at": runs["at"], "bad": runs["duration_seconds"] > service.stage_seconds}), window, service,
            "every run of a job in the log",
        ),
        level(
            f"Quality gates pass ({service.quality_percent:g} %)", service.quality_percent,
            pd.DataFrame({"at": gates["at"], "bad": gates["status"] != "SUCCEEDED"}), window, service,
            f"runs of {service.quality_job} in the log",
        ),
    ]  # fmt: skip


def level(name: str, target: float, events: pd.DataFrame, window: Window, service: ServiceLevels, why: str) -> Level:
    """One promise from its events: `at` and `bad`."""
    total = len(events)
    if not total:
        return Level(name, target, None, None, None, f"nothing of it is known: {why}")
    bad = int(events["bad"].sum())
    budget = (1 - target / 100) * total * BUDGET_DAYS / window.days
    hours = ((events["at"] - window.since.timestamp()) // 3600).astype(int)
    spent = events["bad"].groupby(hours).sum().reindex(range(int(hours.min()), int(hours.max()) + 1), fill_value=0)
    worst = 100 * float(spent.rolling(24, min_periods=1).sum().max()) / budget
    good = 100 * (total - bad) / total
    return Level(name, target, total, good, worst, why, service.enough_runs, service.burn_percent)


def _decided(one: Ran) -> bool:
    return one.outcome in ("success", "partial", "failed")


def complaints(levels: Iterable[Level]) -> list[str]:
    """The promises that a person must do something about, one sentence each."""
    return [one.sentence() for one in levels if one.state in ("missed", "burns")]
