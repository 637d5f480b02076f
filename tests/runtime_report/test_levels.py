"""What is promised: kept, missed, burning, too few to judge, or unknown; the figures by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from blocks.service_levels import ServiceLevels
from tasks.runtime_report.entries import ended
from tasks.runtime_report.executions import Executions, Outcome, Ran
from tasks.runtime_report.levels import Level, complaints, level, levels_of
from tests.runtime_report.world import NOW, WINDOW, frame, ran, spread

SERVICE = ServiceLevels()
END, STAGES, GATES = 0, 1, 2


def workflows(**outcomes: int) -> Executions:
    """So many executions of each outcome, an hour apart."""
    words: list[Any] = [word for word, count in outcomes.items() for _ in range(count)]
    made = [
        Ran("a", False, (NOW - timedelta(minutes=20 * (n + 1))).timestamp(), 60, word) for n, word in enumerate(words)
    ]
    return Executions(made)


def levels(executions: Executions, *entries: list[dict[str, Any]]) -> list[Level]:
    runs = ended(frame([one for some in entries for one in some]))
    return levels_of(runs, executions, WINDOW, SERVICE)


def events(*bad: bool, hours: float = 1.0) -> pd.DataFrame:
    """Events an hour apart, the first at the window's beginning."""
    begin = WINDOW.since.timestamp()
    return pd.DataFrame({"at": [begin + 3600 * hours * place for place in range(len(bad))], "bad": list(bad)})


def test_success_is_counted_by_results_and_only_of_what_did_something() -> None:
    found = levels(workflows(success=90, partial=9, failed=1, nothing_done=50, cancelled=5, running=3, unknown=7))[END]
    assert (found.events, found.good) == (100, 99.0)
    assert found.state in ("kept", "burns")


def test_one_failure_more_misses_it() -> None:
    found = levels(workflows(success=98, failed=2))[END]
    assert (found.state, found.burn_rate) == ("missed", pytest.approx(2.0))
    assert "98.00 % of 100, promised are 99 %; it spends its error budget 2.0 times as fast" in found.sentence()


def test_stages_must_end_in_time_at_p95() -> None:
    found = levels(Executions(), spread([100] * 95 + [901] * 5))[STAGES]
    assert (found.events, found.good, found.target) == (100, 95.0, 95.0)
    assert levels(Executions(), spread([100] * 94 + [901] * 6))[STAGES].state == "missed"
    assert levels(Executions(), spread([900] * 100))[STAGES].good == 100.0


def test_quality_gates_are_runs_of_that_job_alone() -> None:
    gates = spread([10] * 49, job="quality-gate-job") + ran(NOW, 10, "quality-gate-job", status="FAILED")
    found = levels(Executions(), gates, spread([10] * 40, status="FAILED"))[GATES]
    assert (found.events, found.good) == (50, 98.0)


def test_what_nobody_knows_is_unknown_and_neither_kept_nor_missed() -> None:
    found = levels(Executions())
    assert [one.state for one in found] == ["unknown"] * 3
    assert [(one.good, one.events, one.worst_day, one.burn_rate) for one in found] == [(None, None, None, None)] * 3
    assert complaints(found) == []


def test_executions_that_could_not_be_listed_are_said_to_be_why() -> None:
    found = levels(Executions(unknown=["Executions of a: refused."]))[END]
    assert (found.state, found.why) == ("unknown", "nothing of it is known: the executions could not be listed")


def test_too_few_events_are_not_judged() -> None:
    found = levels(workflows(success=18, failed=1))[END]
    assert (found.state, found.events) == ("too few", 19)
    assert complaints([found]) == []
    assert levels(workflows(success=19, failed=1))[END].state == "missed"


def test_the_budget_of_a_day_is_a_part_of_the_budget_of_30_days() -> None:
    """168 events in a week are 720 in 30 days; 1 % of them is 7.2; two bad ones within a day are 27.8 %."""
    bad = [False] * 168
    bad[10] = bad[30] = True
    found = level("x", 99.0, events(*bad), WINDOW, SERVICE, "")
    assert found.worst_day == pytest.approx(100 * 2 / 7.2)
    bad[30], bad[34] = False, True
    assert level("x", 99.0, events(*bad), WINDOW, SERVICE, "").worst_day == pytest.approx(100 / 7.2)


def test_a_promise_that_is_kept_can_burn() -> None:
    bad = [False] * 2000
    bad[1000:1010] = [True] * 10
    found = level("x", 99.0, events(*bad, hours=0.08), WINDOW, SERVICE, "")
    assert (found.good, found.state) == (99.5, "burns")
    assert complaints([found]) == [found.sentence()]


def test_a_burn_within_the_limit_is_nothing() -> None:
    bad = [False] * 20000
    bad[1000:1010] = [True] * 10
    found = level("x", 99.0, events(*bad, hours=0.008), WINDOW, SERVICE, "")
    assert (found.state, found.worst_day) == ("kept", pytest.approx(100 * 10 / (0.01 * 20000 * 30 / 7)))


def test_all_good_spends_nothing() -> None:
    found = level("x", 99.0, events(*[False] * 30), WINDOW, SERVICE, "")
    assert (found.good, found.burn_rate, found.worst_day, found.state) == (100.0, 0.0, 0.0, "kept")


def test_events_of_one_moment_are_a_day_too() -> None:
    assert level("x", 99.0, events(*[True] * 30, hours=0), WINDOW, SERVICE, "").good == 0.0


@pytest.mark.parametrize("outcome", ["success", "partial", "failed"])
def test_what_ended_before_the_window_does_not_count(outcome: Outcome) -> None:
    old = Ran("a", False, (WINDOW.since - timedelta(hours=1)).timestamp(), 60, outcome)
    assert levels(Executions([old]))[END].state == "unknown"


def test_an_installation_promises_what_it_wants() -> None:
    mine = ServiceLevels(success_percent=90, stage_seconds=7200, quality_job="my-gate")
    runs = ended(frame([*spread([7000] * 30), *spread([5] * 30, job="my-gate")]))
    found = levels_of(runs, workflows(success=95, failed=5), WINDOW, mine)
    assert [one.good for one in found] == [95.0, 100.0, 100.0]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"success_percent": 100}, "less than 100"),
        ({"stage_seconds": 0}, "greater than 0"),
        ({"enough_runs": 1}, "greater than or equal to 2"),
        ({"usage_warning_percent": 96}, "a warning comes first"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ServiceLevels(**setting)
