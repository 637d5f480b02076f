"""How the workflows ran before an incident began and since it is over is counted from their executions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.diagnosis.attempts import Attempt
from tasks.incidents.entries import Declared, Resolved
from tasks.incidents.incident import Incident, declare
from tasks.response.before_after import BEFORE, before_after, row, words
from tasks.response.review import report_of
from tests.diagnosis.world import USD, scene, start
from tests.response.world import heir

BEGAN = datetime(2026, 1, 18, 12, tzinfo=UTC)
OVER = BEGAN + timedelta(hours=2)


def attempt(created: datetime, outcome: Any = "success", seconds: float | None = 60) -> Attempt:
    ended = None if seconds is None else created + timedelta(seconds=seconds)
    return Attempt(USD, False, "executions/e", "kitchen", "", outcome, created, ended, "")


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        ([], "none ended"),
        ([attempt(BEGAN, "running", None)], "none ended"),
        ([attempt(BEGAN), attempt(BEGAN, seconds=120), attempt(BEGAN, seconds=600)], "3 ended, 0 failed, median 2 min 00 s"),
        ([attempt(BEGAN, "failed", 1), attempt(BEGAN, seconds=5)], "2 ended, 1 failed, median 5 s"),
        ([attempt(BEGAN, "nothing_done", 1), attempt(BEGAN, "failed", 1)], "2 ended, 1 failed, median unknown"),
    ],
)  # fmt: skip
def test_failures_are_counted_and_only_what_did_its_work_has_a_time(ran: list[Attempt], said: str) -> None:
    assert words(ran) == said


@pytest.mark.parametrize(
    ("created", "column"),
    [
        (BEGAN - BEFORE - timedelta(seconds=1), None),
        (BEGAN - BEFORE, "24 h before"),
        (BEGAN - timedelta(seconds=1), "24 h before"),
        (BEGAN, None),  # while it lasted
        (OVER - timedelta(seconds=1), None),
        (OVER, "since it was over"),
    ],
)
def test_what_began_while_it_lasted_is_of_neither(created: datetime, column: str | None) -> None:
    found = row(USD, [attempt(created)], BEGAN, OVER)
    assert [name for one in found for name, said in one.items() if str(said).startswith("1 ended")] == (
        [column] if column else []
    )
    assert bool(found) is (column is not None)


@pytest.fixture(scope="module")
def ran() -> Iterator[tuple[Sandbox, PipelineEnvironment, Incident]]:
    """A workflow that ran once before an incident and twice after; the incident is not over in the record."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        scene(sandbox, "kitchen", upto="regen3d")
        start(sandbox, environment, USD, "kitchen")
        incident = declare(heir(environment), Declared(title="Exports fail", severity="sev3"))
        over = datetime.now(UTC)
        for _ in range(2):
            start(sandbox, environment, USD, "kitchen")
        incident.resolved_at = over
        yield sandbox, environment, incident
        environment.close()


def test_each_workflow_that_ran_has_a_line(ran: tuple[Sandbox, PipelineEnvironment, Incident]) -> None:
    sandbox, environment, incident = ran
    sandbox.requests.reset()
    rows, unknown = before_after(environment, incident)
    line = next(one for one in rows if one["workflow"] == USD)
    assert str(line["24 h before"]).startswith("1 ended, 0 failed, median ")
    assert str(line["since it was over"]).startswith("2 ended, 0 failed, median ")
    assert unknown == []
    asked = sandbox.requests.snapshot()
    assert set(asked) == {"executions.ListExecutions"}
    assert asked["executions.ListExecutions"] <= 2 * len(environment.catalogue.workflows), (
        "an end of pages may cost one more"
    )


def test_it_is_in_the_report_of_one_that_is_over_and_of_no_other(
    ran: tuple[Sandbox, PipelineEnvironment, Incident],
) -> None:
    _, environment, incident = ran
    open_one = declare(heir(environment), Declared(title="Exports fail", severity="sev3"))
    assert before_after(environment, open_one) == ([], [])
    assert "How it ran" not in report_of(heir(environment), open_one, OVER)[0]
    incident.resolved = Resolved(how="over", at=incident.resolved_at)
    said = report_of(heir(environment), incident, OVER)[0].partition("## How it ran before and after")[2]
    assert f"| {USD} | 1 ended, 0 failed, median " in said


def test_what_cannot_be_asked_is_unknown_and_not_none(ran: tuple[Sandbox, PipelineEnvironment, Incident]) -> None:
    sandbox, environment, incident = ran
    sandbox.faults.add(FaultRule(service="executions", kind="status", status=403))
    rows, unknown = before_after(environment, incident)
    sandbox.faults.clear()
    assert rows == []
    assert len(unknown) == len(environment.catalogue.workflows)
    assert any(one.startswith(f"How {USD} ran is unknown: ") for one in unknown)
