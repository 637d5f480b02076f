"""A record that is read again asks only for what is new, and still sees what anybody did to what it had read."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Declared, Noted
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged

OPS = "sandbox-ops"


@pytest.fixture
def incident(environment: PipelineEnvironment, sandbox: Sandbox) -> Incident:
    """One with three entries, which were read."""
    one = declare(Context(environment, "ann"), Declared(title="Exports fail", severity="sev3"))
    for text in ("a", "b"):
        one.say(Noted(text=text))
    read = read_incident(Context(environment, "bo"), one.id)
    sandbox.requests.reset()
    return read


def reads(sandbox: Sandbox) -> int:
    return sandbox.requests.count("storage", "objects.media")


def test_only_what_is_new_is_asked_for(environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident) -> None:
    incident.case.read()
    assert reads(sandbox) == 0
    other = read_incident(Context(environment, "cy"), incident.id)
    other.say(Noted(text="of another process"))
    before = reads(sandbox)
    incident.case.read()
    assert reads(sandbox) == before + 1
    assert incident.case.entries == other.case.entries
    assert incident.case.last_hash == other.case.last_hash


def test_an_entry_that_was_edited_after_it_was_read_is_still_found(sandbox: Sandbox, incident: Incident) -> None:
    name = f"{incident.case.prefix}000002.json"
    found = sandbox.store.get(OPS, name)
    assert found is not None
    sandbox.store.put(OPS, name, found.data.replace(b'"a"', b'"z"'))
    with pytest.raises(LedgerDamaged, match=r"000003\.json does not follow"):
        incident.case.read()


def test_an_entry_that_was_removed_after_it_was_read_is_still_found(sandbox: Sandbox, incident: Incident) -> None:
    sandbox.store.delete(OPS, f"{incident.case.prefix}000002.json")
    with pytest.raises(LedgerDamaged, match=r"000003\.json does not follow"):
        incident.case.read()
    assert incident.case.verify() != []
