"""The response as it is deployed: it leaves its process at each question, and another one goes on from the record."""

from __future__ import annotations

import json
from typing import Any

from tasks.incidents.entries import Diagnosed, Entered
from tasks.incidents.incident import incident_ids, read_incident
from tasks.remediation.context import Context
from tests.deployments.test_runs import has_its_form
from tests.deployments.world import Run, RunningStack, wait_for

RESPONSE = "incident-response/incident-response"


def asked(stack: RunningStack, run: Run) -> None:
    """Until the run waits for a person who could answer."""

    def look() -> bool:
        now = stack.read(run)
        assert now["state_type"] not in ("COMPLETED", "FAILED", "CRASHED"), now["state"]["message"]
        return now["state_type"] == "PAUSED" and has_its_form(stack, run)

    wait_for(look, "the run to wait for a person")


def answered(stack: RunningStack, run: Run, **answer: Any) -> None:
    """A person fills in the form."""
    given = stack.prefect("POST", f"flow_runs/{run['id']}/resume", {"run_input": answer})
    assert given["status"] == "ACCEPT", given


def test_a_response_is_suspended_at_each_question_and_resumed_by_other_processes(stack: RunningStack) -> None:
    scene = stack.scene("incident_001", "export_corrupt")
    context = Context(stack.environment, "a test")
    before = set(incident_ids(context))
    asks = {"title": "Exports fail", "scenes": [scene], "mode": "apply", "commander": "bo", "requested_by": "ann"}
    run = stack.start(RESPONSE, **asks)
    asked(stack, run)
    (id_,) = set(incident_ids(context)) - before
    lease = f"remediation/leases/@{id_}.json"
    wait_for(
        lambda: stack.environment.storage.stat("sandbox-ops", lease) is None,
        "the lease to be given back while one thinks",
    )
    answered(stack, run, choice="recover", by="bo")
    asked(stack, run)
    assert len(stack.worked(scene)) == 1
    answered(stack, run, choice="go_on", by="bo")
    asked(stack, run)
    answered(stack, run, impact="no export", mitigation="recovered", by="bo")
    asked(stack, run)
    answered(stack, run, choice="resolved", how="exported again", by="bo")
    ended = stack.ended(run)
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    assert set(incident_ids(context)) - before == {id_}, "a process that began again has declared a second one"
    incident = read_incident(context, id_)
    phases = [said.phase for _, said in incident.all_of(Entered)]
    assert phases == ["stabilise", "diagnose", "mitigate", "communicate", "resolve", "review"]
    assert (len(incident.all_of(Diagnosed)), len(incident.actions), len(stack.worked(scene))) == (1, 1, 1)
    assert incident.actions[0][1].outcome == "done"
    assert stack.is_healthy(scene)


def test_a_person_at_the_same_machine_sees_and_writes_the_record_of_what_runs(stack: RunningStack) -> None:
    """Each command is a process of its own that finds the environment block of `remediate up` by itself."""
    declared = stack.remediate("incident", "declare", "Typed at a terminal", "--commander", "bo")
    assert declared.returncode == 0, declared.stderr
    id_ = declared.stdout.split()[-1]
    assert read_incident(Context(stack.environment, "a test"), id_).first.title == "Typed at a terminal"
    noted = stack.remediate("incident", "note", id_, "looked")
    assert noted.returncode == 0, noted.stderr
    listed = stack.remediate("incident", "list", "--json")
    assert id_ in [one["id"] for one in json.loads(listed.stdout)], listed.stderr
    verified = stack.remediate("incident", "verify", id_)
    assert (verified.returncode, "one unbroken chain" in verified.stdout) == (0, True), verified.stdout
