"""What is otherwise than before: each step against the time before the window, and when it changed.

When: Pettitt's test on the order of the durations (Applied Statistics 28, 1979), which assumes no distribution; a change is
told only if it is improbable by chance, if the medians differ by a fifth, and if there are enough runs on both sides. The
single strongest change is named. Whether: the medians' 95 % intervals (order statistics) must not touch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.runtime_report.executions import Ran
from tasks.runtime_report.steps import KEY, Step

if TYPE_CHECKING:
    import pandas as pd

CHANCE = 0.001
"""So improbable must a change be: of 40 steps a week, one false one in half a year."""
SIZE = 0.2
"""A change of the median that matters."""
CLOSE_SECONDS = 6 * 3600.0
"""What was deployed within this time of the change is named with it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A step in the window and before it."""

    step: Step
    runs_before: int
    p50_before: float | None
    p95_before: float | None
    changed: bool
    """Its median is surely another one."""


@dataclass(frozen=True, slots=True)
class Change:
    """When the durations of a step changed, and what else did then."""

    step: str
    at: datetime
    before: float
    after: float
    """Medians, in seconds."""
    runs: tuple[int, int]
    """Before and after."""
    with_it: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What changed, when, and with what."""
        more = f"; {'; '.join(self.with_it)}" if self.with_it else "; nothing that was deployed then is known"
        return (
            f"{self.step}: median {self.before:,.0f} s before {self.at:%Y-%m-%d %H:%M} UTC, {self.after:,.0f} s since "
            f"({self.runs[0]:,} and {self.runs[1]:,} runs){more}."
        )


def compared(steps: Sequence[Step], before: Sequence[Step], runs: pd.DataFrame, enough: int) -> list[Compared]:
    """Each step beside itself before. `runs` are those of both times, with `now`."""
    known = {one.key: one for one in before}
    durations = _by_step(runs)
    made = []
    for step in steps:
        old = known.get(step.key)
        if old is None:
            made.append(Compared(step, 0, None, None, False))
            continue
        both = durations[step.key]
        now, then = both[both["now"]]["duration_seconds"], both[~both["now"]]["duration_seconds"]
        surely = min(step.runs, old.runs) >= enough and _apart(now, then)
        made.append(Compared(step, old.runs, old.p50, old.p95, surely))
    return made


def _apart(now: pd.Series, then: pd.Series) -> bool:
    first, second = sorted((_median_interval(now), _median_interval(then)))
    old, new = float(then.median()), float(now.median())
    return first[1] < second[0] and abs(new - old) >= SIZE * old


def _median_interval(values: pd.Series) -> tuple[float, float]:
    """The order statistics between which the median lies with 95 %, by the normal approximation of the binomial."""
    ordered, n = values.sort_values(), len(values)
    half = 1.96 * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - half)), min(n - 1, math.ceil(n / 2 + half))
    return float(ordered.iloc[low]), float(ordered.iloc[high])


def changes_of(runs: pd.DataFrame, ran: Sequence[Ran], steps: Sequence[Step], enough: int) -> list[Change]:
    """The changes of every step, the newest first. `runs` are those of both times."""
    known, events = _by_step(runs), deployed(ran)
    found = []
    for step in steps:
        durations = known[step.key].sort_values("at")
        place = change_point(durations["duration_seconds"], max(enough // 2, 5))
        if place is None:
            continue
        at = float(durations["at"].iloc[place])
        seconds = durations["duration_seconds"]
        near = [
            said for name, when, said in events if name in (step.job, step.workflow) and abs(when - at) <= CLOSE_SECONDS
        ]
        limits = _limits(runs, step, at)
        found.append(
            Change(
                step.name, datetime.fromtimestamp(at, UTC), float(seconds[:place].median()),
                float(seconds[place:].median()), (place, len(seconds) - place), tuple(dict.fromkeys([*near, *limits])),
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: one.at, reverse=True)


def change_point(seconds: pd.Series, least: int) -> int | None:
    """The number of the first run after the change, in the order of time; None when there is none."""
    n = len(seconds)
    if n < 2 * least:
        return None
    import numpy as np

    ranks = seconds.rank().to_numpy()
    told = 2 * ranks.cumsum() - np.arange(1, n + 1) * (n + 1)
    sides = np.abs(told[least - 1 : n - least])
    place = int(sides.argmax()) + least
    chance = 2 * math.exp(-6 * float(sides.max()) ** 2 / (n**3 + n**2))
    old, new = float(seconds[:place].median()), float(seconds[place:].median())
    return place if chance < CHANCE and abs(new - old) >= SIZE * old else None


def deployed(ran: Sequence[Ran]) -> list[tuple[str, float, str]]:
    """When each workflow first ran another revision and each job another image: name, when, sentence."""
    first: dict[tuple[str, str], float] = {}
    begin: dict[str, float] = {}
    for one in ran:
        begin[one.name] = min(one.at, begin.get(one.name, one.at))
        if one.version:
            key = (one.name, one.version)
            first[key] = min(one.at, first.get(key, one.at))
    return [
        (name, at, f"{name} first ran {version} at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC")
        for (name, version), at in first.items()
        if at > begin[name]
    ]


def _limits(runs: pd.DataFrame, step: Step, at: float) -> list[str]:
    """Whether its timeout became another one then: one that ended where another began."""
    same = runs[(runs["workflow"] == step.workflow) & (runs["job"] == step.job)]
    spans = same.groupby("timeout_seconds")["at"].agg(["min", "max"])
    return [
        f"its timeout became {limit:g} s"
        for limit, span in spans.iterrows()
        if abs(span["min"] - at) <= CLOSE_SECONDS and (spans["max"] < span["min"]).any()
    ]


def _by_step(runs: pd.DataFrame) -> dict[tuple[str, str, float], pd.DataFrame]:
    told = runs.assign(timeout_seconds=runs["timeout_seconds"].fillna(0.0))
    columns = ["at", "duration_seconds", "now"]
    return {(key[0], key[1], float(key[2])): group[columns] for key, group in told.groupby(KEY, observed=True)}
