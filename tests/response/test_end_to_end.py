"""An incident of five faults from its declaration to its review: named, mended, and told with the times that they had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.fault_record import RecordedFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.incidents.entries import Diagnosed, Scope
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.incident import Incident
from tasks.incidents.verify import verify_incident
from tasks.remediation.run import Run
from tasks.remediation.times import clock, second
from tasks.response.respond import respond
from tasks.response.response import Means
from tasks.response.review import newest_report
from tasks.response.times import measures
from tests.diagnosis.world import DATA, SIMREADY, TRIGGER, diagnosed, rows
from tests.response.five import FIVE, HURT, RECORDED, OnCall, inject, on_call
from tests.response.world import OPS, QUICK, heir, incident_of, wanted


@dataclass
class Seen:
    """One incident that was seen through."""

    sandbox: Sandbox
    environment: PipelineEnvironment
    one: Run
    person: OnCall
    incident: Incident
    report: str

    def record(self, row: str) -> RecordedFault:
        """What the sandbox itself has of the fault of a row."""
        (found,) = [one for one in self.sandbox.record.faults() if one.name == RECORDED[row]]
        return found

    def told(self, row: str) -> tuple[Fault, Mended]:
        """What the incident has of it."""
        ((fault, end),) = [(one, end) for one, end in self.incident.faults if one.row == row]
        assert end is not None, f"{row} was not seen to be right again"
        return fault, end


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """Five faults, and one response that sees them through. The tests only look at what came of it."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints, quick_policy(**QUICK))
        inject(sandbox, environment)
        person = on_call(sandbox, environment)
        asked = wanted(title="Exports fail", scope=Scope(), severity="sev2", pause="no")
        one = respond(heir(environment), asked, Means(ask=person))
        incident = incident_of(one)
        name = newest_report(heir(environment), incident)
        found = sandbox.store.get(OPS, f"{name}.md")
        yield Seen(sandbox, environment, one, person, incident, found.data.decode() if found is not None else "")
        environment.close()


def test_it_is_seen_through_to_its_review(seen: Seen) -> None:
    assert seen.one.outcome == "done", seen.one.sentence()
    assert (seen.incident.status, seen.incident.phase) == ("resolved", "review")
    assert verify_incident(heir(seen.environment), seen.incident.id) == []


def test_the_diagnosis_names_all_five_with_evidence_and_no_sixth(seen: Seen) -> None:
    ((_, said),) = seen.incident.all_of(Diagnosed)
    assert [fault.row for fault, _ in seen.incident.faults] == list(FIVE)
    assert len(said.causes) == len(FIVE)
    assert all("Evidence: " in cause and "Remedy: " in cause for cause in said.causes)
    assert said.unknown == ()


def test_flows_mend_what_they_can_in_the_incidents_name(seen: Seen) -> None:
    done = [(acted.procedure, acted.subject, acted.outcome) for _, acted in seen.incident.actions]
    assert done == [
        ("rollback", f"@rollback.job.{SIMREADY}", "done"),
        ("by hand", "bo", "done"),
        ("by hand", "cy", "done"),
        *(("export-recovery", name, "done") for name in HURT),
    ]
    journals = [found for found in seen.sandbox.store.list(OPS, "remediation/journal/") if "000001.json" in found.name]
    assert len(journals) == 1 + len(HURT)
    assert all(f'"case":"{seen.incident.id}"'.encode() in found.data for found in journals)


def test_while_genie_sim_is_down_the_person_is_asked_again_and_told_what_is_not_right_yet(seen: Seen) -> None:
    before, after = seen.person.pages[3], seen.person.pages[4]
    assert "genie-sim-down" in before.partition("## Not right again yet")[2].partition("## What was done")[0]
    assert "genie-sim-down" not in after.partition("## Not right again yet")[2].partition("## What was done")[0]
    assert "Not seen to be right again" not in seen.person.pages[-1]


def test_afterwards_everything_is_right(seen: Seen) -> None:
    assert seen.incident.still_wrong == []
    assert all(one.ended is not None for one in seen.sandbox.record.faults())
    assert seen.sandbox.store.get(DATA, "scenes/locked/locks/usd-assembly.lock") is None
    assert TRIGGER in seen.sandbox.eventarc.deployed.names()
    found = diagnosed(seen.environment)
    assert (rows(found), found.unknown) == ([], [])


@pytest.mark.parametrize("row", FIVE)
def test_when_a_fault_began_and_ended_is_told_as_the_sandbox_has_it_to_the_second(seen: Seen, row: str) -> None:
    (fault, end), record = seen.told(row), seen.record(row)
    assert record.ended is not None
    assert fault.began_at is not None
    assert end.exact
    assert (second(fault.began_at), second(end.ended_at)) == (second(record.began), second(record.ended))
    (line,) = [line for line in seen.report.splitlines() if line.startswith(f"| {row} | ")]
    assert f"| {clock(record.began)} | {clock(record.ended)} |" in line


def test_the_times_of_the_review_are_those_of_the_faults_and_of_the_record(seen: Seen) -> None:
    faults = seen.sandbox.record.faults()
    began, ended = min(one.began for one in faults), max(one.ended for one in faults if one.ended)
    declared, taken = seen.incident.declared_at, seen.incident.acknowledged_at
    assert taken is not None
    expected = (seconds(began, declared), seconds(declared, taken), seconds(began, ended))
    assert tuple(one.seconds for one in measures(seen.incident)) == expected
    for one in measures(seen.incident):
        assert f"| {one.name} | {one.words} |" in seen.report


def seconds(first: datetime, last: datetime) -> int:
    """Between two times, each cut to its second."""
    return round((second(last) - second(first)).total_seconds())
