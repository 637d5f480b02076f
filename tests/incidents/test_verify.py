"""Any entry that was edited, removed or moved is found, and any file of evidence that is not what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Declared, Evidence, Noted
from tasks.incidents.incident import Incident, declare
from tasks.incidents.verify import keeps_history, verify_incident
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused

OPS = "sandbox-ops"


@pytest.fixture
def context(environment: PipelineEnvironment) -> Context:
    return Context(environment, "ann")


@pytest.fixture
def incident(context: Context, environment: PipelineEnvironment) -> Iterator[Incident]:
    """Five entries and one file."""
    made = declare(context, Declared(title="Exports fail"))
    for number in range(3):
        made.say(Noted(text=f"note {number}"))
    name = f"remediation/incidents/{made.id}/evidence/jobs.json"
    environment.storage.create(OPS, name, b"{}")
    made.say(Evidence(name=name, sha256=hashlib.sha256(b"{}").hexdigest(), bytes=2, what="jobs"))
    yield made


def entry(incident: Incident, number: int) -> str:
    return f"{incident.case.prefix}{number:06d}.json"


def data(sandbox: Sandbox, name: str) -> bytes:
    found = sandbox.store.get(OPS, name)
    assert found is not None
    return found.data


def test_what_nobody_has_touched_is_whole(context: Context, incident: Incident) -> None:
    assert verify_incident(context, incident.id) == []


@pytest.mark.parametrize("number", range(1, 5))
def test_an_entry_that_was_edited_is_found_by_the_one_after_it(
    context: Context, sandbox: Sandbox, incident: Incident, number: int
) -> None:
    name = entry(incident, number)
    sandbox.store.put(OPS, name, data(sandbox, name).replace(b'"ann"', b'"bob"'), quiet=True)
    problems = verify_incident(context, incident.id)
    assert any(f"{number + 1:06d}.json does not follow" in problem for problem in problems), problems


@pytest.mark.parametrize("number", range(1, 5))
def test_an_entry_that_was_removed_is_found(
    context: Context, sandbox: Sandbox, incident: Incident, number: int
) -> None:
    sandbox.store.delete(OPS, entry(incident, number))
    problems = verify_incident(context, incident.id)
    assert any(f"{number + 1:06d}.json" in problem for problem in problems), problems


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 3), (2, 4), (4, 5)])
def test_entries_that_were_exchanged_are_found(
    context: Context, sandbox: Sandbox, incident: Incident, first: int, second: int
) -> None:
    one, other = data(sandbox, entry(incident, first)), data(sandbox, entry(incident, second))
    sandbox.store.put(OPS, entry(incident, first), other, quiet=True)
    sandbox.store.put(OPS, entry(incident, second), one, quiet=True)
    assert verify_incident(context, incident.id)


def test_an_entry_that_was_put_in_between_is_found(context: Context, sandbox: Sandbox, incident: Incident) -> None:
    sandbox.store.put(OPS, entry(incident, 6), data(sandbox, entry(incident, 3)), quiet=True)
    assert verify_incident(context, incident.id)


def test_an_object_that_is_no_entry_is_named(context: Context, sandbox: Sandbox, incident: Incident) -> None:
    sandbox.store.put(OPS, f"{incident.case.prefix}notes.txt", b"hello", quiet=True)
    (problem,) = verify_incident(context, incident.id)
    assert "notes.txt is no entry" in problem


def test_a_file_that_was_altered_is_found(context: Context, sandbox: Sandbox, incident: Incident) -> None:
    (name,) = [one.name for one in incident.evidence]
    sandbox.store.put(OPS, name, b"{ }", quiet=True)
    (problem,) = verify_incident(context, incident.id)
    assert f"{name} was altered" in problem


def test_a_file_that_is_gone_is_found(context: Context, sandbox: Sandbox, incident: Incident) -> None:
    (name,) = [one.name for one in incident.evidence]
    sandbox.store.delete(OPS, name)
    (problem,) = verify_incident(context, incident.id)
    assert f"{name} is missing; the record has 2 bytes of it" in problem


@pytest.mark.parametrize("id_", ["inc-20260118t120000z-01234567", "nonsense"])
def test_what_is_no_incident_is_refused(context: Context, id_: str) -> None:
    with pytest.raises(Refused, match="incident list"):
        verify_incident(context, id_)


# The end of a record


def with_history(sandbox: Sandbox, environment: PipelineEnvironment, how: str) -> None:
    bucket = environment.storage.client().get_bucket(OPS)
    bucket.versioning_enabled = how == "versioning"
    bucket.soft_delete_policy.retention_duration_seconds = 7 * 24 * 3600 if how == "soft delete" else 0
    bucket.patch()


@pytest.mark.parametrize("how", ["versioning", "soft delete"])
def test_an_end_that_was_removed_is_found_where_the_bucket_keeps_history(
    environment: PipelineEnvironment, context: Context, sandbox: Sandbox, how: str
) -> None:
    with_history(sandbox, environment, how)
    assert keeps_history(context)
    made = declare(context, Declared(title="Exports fail"))
    made.say(Noted(text="I deleted the wrong bucket"))
    assert verify_incident(context, made.id) == []
    sandbox.store.delete(OPS, entry(made, 2))
    (problem,) = verify_incident(context, made.id)
    assert "000002.json was deleted; the bucket still keeps what it was." in problem


def test_a_last_entry_that_was_overwritten_is_found_where_the_bucket_keeps_versions(
    environment: PipelineEnvironment, context: Context, sandbox: Sandbox
) -> None:
    with_history(sandbox, environment, "versioning")
    made = declare(context, Declared(title="Exports fail"))
    sandbox.store.put(OPS, entry(made, 1), data(sandbox, entry(made, 1)).replace(b"fail", b"work"), quiet=True)
    (problem,) = verify_incident(context, made.id)
    assert "000001.json was overwritten; the bucket still keeps what it was." in problem


def test_without_history_the_end_cannot_be_proved_and_that_is_known(
    environment: PipelineEnvironment, context: Context, sandbox: Sandbox, incident: Incident
) -> None:
    with_history(sandbox, environment, "none")
    sandbox.store.delete(OPS, entry(incident, 5))
    assert verify_incident(context, incident.id) == []
    assert not keeps_history(context)
