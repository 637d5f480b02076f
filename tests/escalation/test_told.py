"""Whom nobody can reach, and what the record and the report say of who was told."""

from __future__ import annotations

import json

import pytest
from prefect.types import SecretDict
from pydantic import SecretStr

from blocks.environment import PipelineEnvironment
from blocks.notifier import Notifier
from blocks.on_call import Chains, OnCall, Tier
from deployments.sandbox.server import Sandbox
from tasks.escalation.procedure import Escalation
from tasks.incidents.links import PATH, read_token
from tests.escalation.world import ID, an_incident, an_update, came, states, tell
from tests.kernel.world import policies

OPS = "sandbox-ops"


# Nobody to tell


@pytest.mark.parametrize(
    ("policy", "sinks", "said"),
    [
        (OnCall(), {}, "names primary, which the notifier does not have"),
        (OnCall(chains=Chains(pipeline=())), {"primary": "json://x"}, "Nobody is on call for pipeline"),
        (OnCall(chains=Chains(pipeline=(Tier(label="a"),))), {"primary": "json://x"}, "has no sinks"),
    ],
)
def test_when_nobody_can_be_told_a_person_must_know_it(
    environment: PipelineEnvironment, sandbox: Sandbox, policy: OnCall, sinks: dict[str, str], said: str
) -> None:
    environment.on_call, environment.notifier = policy, Notifier(sinks=SecretDict(sinks))
    incident = an_incident(environment)
    one = tell(environment, incident)
    assert one.outcome == "escalated", one.sentence()
    assert any(said in reason for reason in one.reasons), one.reasons
    assert states(environment, incident.id) == {}


def test_a_tier_that_cannot_be_reached_is_told_beside_those_that_can(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sinks = {**environment.notifier.sinks.get_secret_value()}
    del sinks["platform"]
    environment.notifier = Notifier(sinks=SecretDict(sinks))
    incident = an_incident(environment)
    one = tell(environment, incident, ahead=15.1)
    assert one.outcome == "partial"
    assert any("platform, which the notifier does not have" in note for note in one.notes)
    assert came(sandbox) == {"primary": 1}


@pytest.mark.parametrize("id_", ["", "inc-1", "../x", ID])
def test_an_incident_that_there_is_not_is_refused(environment: PipelineEnvironment, sandbox: Sandbox, id_: str) -> None:
    one = tell(environment, id_, mode="plan")
    assert one.outcome == "refused"
    assert "remediate incident list" in one.reasons[0]
    assert sandbox.requests.mutating() == {"total": 0}


def test_neither_kill_switch_nor_window_keeps_a_page(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    policies(environment, kill_switch=["by bo: fire"], window_days="mon", window_start="03:00", window_end="03:01")
    assert tell(environment, an_incident(environment)).outcome == "done"
    assert came(sandbox) == {"primary": 1}


# Links and secrets


def test_each_page_carries_a_link_that_is_in_no_record_and_no_plan(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    secret = "s" * 20
    environment.on_call = OnCall(link_url="http://receiver/", link_secret=SecretStr(secret), updates_to=("updates",))
    incident = an_incident(environment)
    incident.say(an_update())
    tell(environment, incident)
    (page,) = sandbox.sinks.received("primary")
    token = page.text.split(f"http://receiver{PATH}")[1]
    link = read_token(secret.encode(), token, incident.declared_at)
    assert (link.incident, link.tier) == (incident.id, "primary")
    assert PATH not in sandbox.sinks.received("updates")[0].text
    for stored in sandbox.store.list(OPS, "remediation/"):
        body = environment.storage.read(OPS, stored.name).decode()
        assert link.signature not in body, stored.name
        assert secret not in body


def test_no_address_of_a_sink_is_in_the_record_or_the_journal(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.notifier = Notifier(
        sinks=SecretDict({"primary": "json://ann:hunter2@127.0.0.1:1/hunter3"}), seconds=0.3
    )
    one = tell(environment, an_incident(environment))
    assert one.outcome == "failed"
    said = json.dumps([one.sentence(), one.notes, one.reasons, str(vars(one))])
    said += "".join(environment.storage.read(OPS, found.name).decode() for found in sandbox.store.list(OPS, ""))
    assert "hunter" not in said


def test_the_report_names_everybody_who_was_told(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    one = tell(environment, incident)
    (section,) = Escalation().sections(one)
    assert "| primary | primary | sent |" in section.document()


def test_a_record_that_cannot_be_read_afterwards_is_said_in_the_report(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    one = tell(environment, incident)
    environment.storage.create(OPS, f"{incident.case.prefix}000009.json", b"nonsense")
    (section,) = Escalation().sections(one)
    assert "cannot be read just now" in section.document()
    assert "000009.json" in section.document()
