"""The pipeline's own events (`bp_metric`), read once and kept as columns: a million of them take some 60 MB.

Workflows log `job_invocation` at the start and at the end of every job, `job_retry_exhausted` when a job could not be
started, and `geniesim_sla_violation`. An event of a start says 0 seconds, which is no duration.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks.logs import LogColumns, PipelineLogs
from tasks.runtime_report.window import Window

if TYPE_CHECKING:
    import pandas as pd

QUERY = (
    'resource.type="workflows.googleapis.com/Workflow" AND jsonPayload.bp_metric=('
    '"job_invocation" OR "job_retry_exhausted" OR "geniesim_sla_violation")'
)
WORDS = ("bp_metric", "event", "workflow", "job", "status", "scene_id")
NUMBERS = ("timeout_seconds", "duration_seconds")
MOST_ENTRIES = 3_000_000
"""Entries that are read, the newest: two weeks of 10,000 scenes a week are half of it."""


class Texts:
    """A column of texts of which few differ: each is kept once, and a number for every row."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._known: defaultdict[str, int] = defaultdict()
        self._known.default_factory = self._known.__len__

    def extend(self, texts: Iterable[str]) -> None:
        """Add rows."""
        self._codes.extend(map(self._known.__getitem__, texts))

    def values(self) -> pd.Categorical:
        """The column."""
        import numpy as np
        import pandas as pd

        return pd.Categorical.from_codes(np.frombuffer(self._codes, dtype=np.int32), list(self._known))


@dataclass(frozen=True, slots=True)
class Log:
    """What the log says of the window and of the time before it."""

    entries: pd.DataFrame
    """at, bp_metric, event, workflow, job, status, scene_id, timeout_seconds, duration_seconds, execution, now."""
    cut: bool = False
    """There are more, older ones."""


def read_log(logs: PipelineLogs, window: Window, most: int = MOST_ENTRIES) -> Log:
    """Read the events of the window and of the time before it. Raises `TemporaryError`, `PermanentError`."""
    columns, cut = Columns(), False
    for page in logs.columns(QUERY, since=window.before, until=window.until, words=WORDS, numbers=NUMBERS):
        columns.add(page)
        if len(columns) >= most:
            cut = True
            break
    return Log(columns.frame(window), cut)


class Columns:
    """What has been read so far."""

    def __init__(self) -> None:
        self._at, self._executions = array("d"), array("q")
        self._words = {name: Texts() for name in WORDS}
        self._numbers = {name: array("d") for name in NUMBERS}

    def __len__(self) -> int:
        return len(self._at)

    def add(self, page: LogColumns) -> None:
        """Add a page of entries."""
        self._at.extend(page.at)
        self._executions.extend(map(hash, page.executions))  # only told apart within this process
        for name, texts in self._words.items():
            texts.extend(page.words[name])
        for name, numbers in self._numbers.items():
            numbers.extend(page.numbers[name])

    def frame(self, window: Window) -> pd.DataFrame:
        """All of it as a table; `now` tells the window from the time before it."""
        import numpy as np
        import pandas as pd

        made = {name: texts.values() for name, texts in self._words.items()}
        numbers = {name: np.frombuffer(values) for name, values in self._numbers.items()}
        at = np.frombuffer(self._at)
        executions = np.frombuffer(self._executions, dtype=np.int64)
        return pd.DataFrame(
            {"at": at, **made, **numbers, "execution": executions, "now": at >= window.since.timestamp()}, copy=False
        )


def ended(entries: pd.DataFrame) -> pd.DataFrame:
    """The runs of jobs whose duration is known: not starts, and not what a workflow only submitted and did not wait for."""
    return entries[_completed(entries) & (entries["status"] != "SUBMITTED") & entries["duration_seconds"].notna()]


def submitted(entries: pd.DataFrame) -> pd.DataFrame:
    """Ends that say nothing of how long the job took: it was only submitted, or its duration was not logged."""
    return entries[_completed(entries) & ((entries["status"] == "SUBMITTED") | entries["duration_seconds"].isna())]


def _completed(entries: pd.DataFrame) -> pd.Series:
    return (entries["bp_metric"] == "job_invocation") & (entries["event"] == "complete")
