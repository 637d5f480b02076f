"""Odd and damaged input: no scope, ten thousand scenes, titles of any script and length, a record that was edited."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Decided, Scope
from tasks.incidents.incident import declare, incident_ids
from tasks.remediation.check import check
from tasks.response.planned import ShowResponse
from tasks.response.respond import sections
from tests.response.world import GO_ON, OPS, OVER, RECOVER, TOLD, Person, carried, heir, incident_of, wanted


def test_an_incident_without_any_scope_goes_its_way(environment: PipelineEnvironment) -> None:
    one = carried(environment, GO_ON, TOLD, OVER, scope=Scope())
    assert one.outcome == "done", one.sentence()
    assert incident_of(one).first.scope.words() == "not known"


def test_ten_thousand_scenes_are_shown_short_and_refused_as_a_batch(environment: PipelineEnvironment) -> None:
    names = tuple(f"scene_{number:05d}" for number in range(10_000))
    person = Person([RECOVER, GO_ON])
    one = carried(environment, person=person, scope=Scope(scenes=names))
    incident = incident_of(one)
    assert max(len(page) for page in person.pages) < 10_000
    ((_, acted),) = incident.actions
    assert (acted.outcome, "10,000 scenes are named" in acted.sentence) == ("refused", True)
    assert len(incident.all_of(Decided)[0][1].scenes) == 10_000
    assert len("".join(section.markdown() for section in sections(one))) < 10_000


@pytest.mark.parametrize(
    "title", ["火事 🔥 ünïcödé", "مطبخ لا يعمل", "a | b `c` <d>", "-", "x" * 100_000, "tab\tand\nline"]
)
def test_titles_of_any_script_and_length_go_through_all_phases(environment: PipelineEnvironment, title: str) -> None:
    one = carried(environment, GO_ON, TOLD, OVER, title=title, scope=Scope())
    assert one.outcome == "done", one.sentence()
    kept = incident_of(one).first.title
    assert kept == " ".join(title.split()) or (len(kept) == 200 and kept.endswith(" ..."))


def edited(sandbox: Sandbox, environment: PipelineEnvironment) -> str:
    """An incident whose first entry somebody has changed."""
    incident = incident_of(carried(environment, scope=Scope()))
    name = f"{incident.case.prefix}000001.json"
    found = sandbox.store.get(OPS, name)
    assert found is not None
    sandbox.store.put(OPS, name, found.data.replace(b"sev3", b"sev4"), quiet=True)
    return incident.id


def test_a_record_that_was_edited_is_not_carried_on(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = edited(sandbox, environment)
    sandbox.requests.reset()
    one = carried(environment, GO_ON, incident=id_)
    assert (one.outcome, "000002.json does not follow" in one.reasons[0]) == ("failed", True)
    assert sandbox.requests.mutating() == {"total": 0}
    planned = check(ShowResponse(), heir(environment), wanted(incident=id_))
    assert (planned.outcome, "000002.json" in planned.reasons[0]) == ("failed", True)


def test_when_the_ops_bucket_does_not_answer_it_fails_and_goes_on_later(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = declare(heir(environment), wanted(scope=Scope()).declaration())
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=403))
    one = carried(environment, GO_ON, incident=incident.id)
    assert (one.outcome, "Could not write" in one.reasons[0]) == ("failed", True)
    sandbox.faults.clear()
    assert carried(environment, GO_ON, TOLD, OVER, incident=incident.id).outcome == "done"
    assert incident_ids(heir(environment)) == [incident.id]


def test_when_everything_but_the_ops_bucket_is_silent_the_evidence_says_so_and_it_goes_on(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for service in ("workflows", "executions", "run", "eventarc", "scheduler", "logging", "kubernetes", "pubsub"):
        sandbox.faults.add(FaultRule(service=service, kind="status", status=403))
    one = carried(environment, GO_ON, TOLD, OVER, scope=Scope())
    assert one.outcome == "done", one.sentence()
    incident = incident_of(one)
    assert incident.diagnosis is not None
    assert incident.diagnosis.unknown
    kept = {evidence.name.rpartition("/")[2] for evidence in incident.evidence}
    assert kept == {"intake.json", "switches.json", "versions.json", "manifest.json"}


def test_what_is_shown_of_a_run_says_unknown_for_a_pause_that_cannot_be_read(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = carried(environment, pause="yes", scope=Scope())
    run = incident_of(one).actions[0][1].run
    sandbox.store.put(OPS, f"remediation/journal/@intake/{run}/000002.json", b"not an entry", quiet=True)
    shown = "".join(section.markdown() for section in sections(one))
    assert "- Unknown: " in shown
    assert f"{run}/000002.json" in shown
