"""What earlier runs on a subject were: by when they began, with the words of today, whatever version wrote them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import new_run_id
from tasks.remediation.journal import Journal
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.runs import UNFINISHED, PastRun, past_runs, subjects

OPS = "sandbox-ops"
PLAN: dict[str, Any] = {"procedure": "p", "subject": "a"}


def write(
    environment: PipelineEnvironment, run: str, end: dict[str, Any] | None = None, plan: Any = PLAN, subject: str = "a"
) -> Journal:
    """A run with an end, or without one."""
    made = Journal(environment.storage, OPS, subject, run, "ann")
    made.append("begin", {"plan": plan})
    if end is not None:
        made.append("note", {"starting": True})
        made.append("end", end)
    return made


def past(environment: PipelineEnvironment, hours: float = 24) -> list[PastRun]:
    return past_runs(environment.storage, OPS, "a", hours)


def test_runs_come_in_the_order_in_which_they_began_whatever_their_ids(environment: PipelineEnvironment) -> None:
    for run in ("20990101t000000z-ffff", "20990101t000000z-0000", "20990101t000000z-8888"):
        write(environment, run, {"outcome": "done"})
    assert [one.run[-4:] for one in past(environment)] == ["ffff", "0000", "8888"]


@pytest.mark.parametrize(("hours", "found"), [(0.5, 0), (1.5, 1), (2.5, 2), (24 * 7, 3)])
def test_runs_are_looked_back_for_as_many_hours_as_asked(
    environment: PipelineEnvironment, hours: float, found: int
) -> None:
    now = datetime.now(UTC)
    for ago in (100, 2, 1):
        write(environment, new_run_id(now - timedelta(hours=ago)), {"outcome": "done"})
    assert len(past(environment, hours)) == found


@pytest.mark.parametrize(
    ("end", "outcome", "started"),
    [
        ({"outcome": "done", "started": 2}, "done", 2),
        ({"outcome": "failed", "started": 0}, "failed", 0),
        ({"outcome": "recovered"}, "done", 1),
        ({"outcome": "healthy"}, "nothing_to_do", 1),
        ({"outcome": "transcended", "started": "many"}, "transcended", 1),
        ({"outcome": 7, "started": None}, "7", 1),
        ({}, "failed", 1),
        (None, UNFINISHED, 1),
    ],
)
def test_a_run_has_the_word_of_its_end_and_counts_the_starts_that_it_says(
    environment: PipelineEnvironment, end: dict[str, Any] | None, outcome: str, started: int
) -> None:
    write(environment, "20990101t000000z-1", end)
    (one,) = past(environment)
    assert (one.outcome, one.started) == (outcome, started)


@pytest.mark.parametrize(
    ("plan", "procedure", "details"),
    [
        ({"procedure": "p", "details": {"fault": "f"}}, "p", {"fault": "f"}),
        ({"procedure": "p", "fault": "old", "restart": ["usd"], "other": 1}, "p", {"fault": "old", "restart": ["usd"]}),
        ({"procedure": "p", "fault": "old", "details": {"fault": "new"}}, "p", {"fault": "new"}),
        ({"procedure": "p", "stages": [], "details": 7}, "p", {"stages": []}),
        ({}, "", {}),
        (7, "", {}),
    ],
)
def test_the_details_of_a_plan_are_found_where_each_version_kept_them(
    environment: PipelineEnvironment, plan: Any, procedure: str, details: dict[str, Any]
) -> None:
    write(environment, "20990101t000000z-1", {"outcome": "done"}, plan)
    (one,) = past(environment)
    assert (one.procedure, one.details) == (procedure, details)


def test_what_lies_between_the_first_and_the_last_entry_is_not_read(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    made = write(environment, "20990101t000000z-1", {"outcome": "done"})
    sandbox.store.put(OPS, f"{made.prefix}000002.json", b"{")
    sandbox.requests.reset()
    assert [one.outcome for one in past(environment)] == ["done"]
    assert sandbox.requests.count("storage", "objects.media") == 2


def test_one_that_cannot_be_read_hides_no_other(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken = write(environment, "20990101t000000z-1", {"outcome": "done"})
    write(environment, "20990102t000000z-2")
    sandbox.store.put(OPS, f"{broken.prefix}000001.json", b"{")
    assert [(one.run, one.outcome) for one in past(environment)] == [("20990102t000000z-2", UNFINISHED)]


@pytest.mark.parametrize("number", [1, 2])
def test_one_that_has_no_end_and_cannot_be_read_is_named_whichever_entry_it_is(
    environment: PipelineEnvironment, sandbox: Sandbox, number: int
) -> None:
    made = write(environment, "20990101t000000z-1")
    made.append("note", {})
    sandbox.store.put(OPS, f"{made.prefix}{number:06d}.json", b"{")
    with pytest.raises(LedgerDamaged, match=f"{number:06d}.json is no entry"):
        past(environment)


def test_everything_that_has_journals_is_a_subject(environment: PipelineEnvironment) -> None:
    assert list(subjects(environment.storage, OPS)) == []
    for subject in ("a", "ab", "@intake"):
        for run in ("1", "2"):
            write(environment, run, subject=subject)
    assert sorted(subjects(environment.storage, OPS)) == ["@intake", "a", "ab"]
