"""What single runs have left in the ops bucket goes after some days, and never what anybody may still need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.backup.expiry import ExpiryRequest
from tasks.backup.leftovers import ExpireLeftovers
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Mode
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.backup.world import OPS
from tests.recovery.world import everything

AGED = timedelta(days=31)
RUN = "20260101t020000z-00000001"
LIST = f"remediation/restore/{RUN}/data/00000.jsonl.gz"
COPY = "remediation/quarantine/kitchen_001/scenes/kitchen_001/usd/scene.usda#17"
TOKEN = "remediation/rewrites/abc.json"


def expired(
    environment: PipelineEnvironment, after: timedelta = AGED, mode: Mode = "apply", actor: str = "a test"
) -> Run:
    """Expiry of what was left, as it would be after some time."""
    request = ExpiryRequest(mode=mode, now=datetime.now(UTC) + after)
    return run(ExpireLeftovers(), Context(environment, actor), request)


def left(sandbox: Sandbox, *names: str) -> None:
    """Objects of runs."""
    for name in names:
        sandbox.store.put(OPS, name, b"left", quiet=True)


def there(sandbox: Sandbox) -> set[str]:
    """What is left of them."""
    roots = ("remediation/restore/", "remediation/quarantine/", "remediation/rewrites/")
    return {found.name for root in roots for found in sandbox.store.list(OPS, root)}


def journal(environment: PipelineEnvironment, subject: str, run_id: str = RUN) -> Journal:
    """The journal of a run that has begun."""
    made = Journal(environment.storage, OPS, subject, run_id, "a test")
    made.append("begin", {"plan": Plan(procedure="restore-objects", subject=subject).model_dump(mode="json")})
    return made


def test_what_runs_that_have_ended_have_left_goes_after_the_days_of_the_policy(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for subject in ("@restore", "kitchen_001"):
        journal(environment, subject).append("end", {"outcome": "done"})
    left(sandbox, LIST, COPY, TOKEN)
    assert expired(environment, timedelta(days=29)).outcome == "nothing_to_do"
    assert there(sandbox) == {LIST, COPY, TOKEN}
    planned = expired(environment, mode="plan")
    assert planned.summary.endswith("to delete")
    assert there(sandbox) == {LIST, COPY, TOKEN}
    done = expired(environment)
    assert done.outcome == "done", done.sentence()
    assert done.summary.endswith("deleted")
    assert there(sandbox) == set()


def test_lists_without_any_journal_are_those_of_a_run_that_never_began(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    left(sandbox, LIST)
    assert expired(environment).outcome == "done"
    assert there(sandbox) == set()


@pytest.mark.parametrize("subject", ["@restore", "restore"])
def test_the_lists_of_a_run_without_an_end_stay_however_old_they_are(
    environment: PipelineEnvironment, sandbox: Sandbox, subject: str
) -> None:
    made = journal(environment, subject)
    other = LIST.replace("00000001", "00000002")
    left(sandbox, LIST, other)
    result = expired(environment, timedelta(days=4000))
    assert there(sandbox) == {LIST}
    assert any(RUN in note and "has no end" in note for note in result.notes)
    made.append("end", {"outcome": "done"})
    assert expired(environment).outcome == "done"
    assert there(sandbox) == set()


def test_quarantined_copies_of_a_subject_with_a_run_without_an_end_stay(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    journal(environment, "kitchen_001", "20250101t020000z-00000001")
    journal(environment, "kitchen_001").append("end", {"outcome": "done"})
    left(sandbox, COPY, COPY.replace("kitchen_001", "kitchen_002"))
    expired(environment)
    assert there(sandbox) == {COPY}


def test_what_is_left_on_a_subject_that_somebody_works_on_stays(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    left(sandbox, COPY)
    with Context(environment, "another run").holding("kitchen_001", "another"):
        result = expired(environment)
        assert there(sandbox) == {COPY}
        assert any("kitchen_001 is worked on" in note for note in result.notes)
    expired(environment)
    assert there(sandbox) == set()


def test_the_lists_by_which_a_hold_is_given_back_stay(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    left(sandbox, LIST)
    sandbox.store.put(OPS, f"remediation/holds/{RUN}.json", b"{}", quiet=True)
    result = expired(environment)
    assert there(sandbox) == {LIST}
    assert any("see hold-watch" in note for note in result.notes)
    sandbox.store.put(OPS, f"remediation/holds/{RUN}.redeemed.json", b"{}", quiet=True)
    expired(environment)
    assert there(sandbox) == set()


def test_a_run_whose_list_is_partly_young_keeps_all_of_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """A continued run writes on what it became long after its list was sent."""
    ago = datetime.now(UTC) - timedelta(days=100)
    sandbox.store.put(OPS, LIST, b"left", quiet=True, at=ago)
    young = LIST.replace("00000.jsonl", "00000.done.jsonl")
    left(sandbox, young)
    expired(environment, timedelta())
    assert there(sandbox) == {LIST, young}


def test_nothing_younger_than_an_interrupted_run_is_looked_for_goes(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    with pytest.raises(ValidationError):
        BackupPolicy(keep_leftovers_days=7)
    environment.backup = environment.backup.model_copy(update={"keep_leftovers_days": 1})
    left(sandbox, LIST, COPY, TOKEN)
    assert expired(environment, timedelta(days=6)).outcome == "nothing_to_do"
    assert len(there(sandbox)) == 3


def test_a_journal_or_a_lease_that_cannot_be_read_keeps_what_is_left(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    left(sandbox, LIST, COPY)
    sandbox.store.put(OPS, f"remediation/journal/@restore/{RUN}/000001.json", b"{", quiet=True)
    sandbox.store.put(OPS, "remediation/leases/kitchen_001.json", b"{", quiet=True)
    result = expired(environment)
    assert result.outcome == "nothing_to_do"
    assert there(sandbox) == {LIST, COPY}
    assert len(result.notes) == 2


@pytest.mark.parametrize(
    ("policy", "rules", "outcome"),
    [
        ({"kill_switch": ["an investigation"]}, {}, "refused"),
        ({"window_start": "00:00", "window_end": "00:01", "window_days": "mon"}, {}, "refused"),
        ({"max_objects": 0}, {}, "refused"),
        ({}, {"expire_max_objects": 1}, "refused"),
        ({}, {"expire_max_bytes": 1}, "refused"),
        ({"approval": {"low": "automatic", "medium": "person", "high": "person"}}, {}, "needs_approval"),
    ],
)
def test_it_obeys_what_every_procedure_obeys(
    environment: PipelineEnvironment,
    sandbox: Sandbox,
    policy: dict[str, object],
    rules: dict[str, object],
    outcome: str,
) -> None:
    left(sandbox, LIST, COPY)
    if "window_days" in policy:
        policy = policy | {"window_days": "mon" if datetime.now(UTC).weekday() else "tue"}
    environment.policy = environment.policy.model_copy(update=policy)
    environment.backup = environment.backup.model_copy(update=rules)
    before = everything(sandbox.store)
    assert expired(environment, mode="plan").outcome == ("planned" if outcome == "needs_approval" else outcome)
    assert everything(sandbox.store) == before
    assert expired(environment).outcome == outcome
    assert there(sandbox) == {LIST, COPY}


def test_no_restore_begins_meanwhile_and_it_waits_for_one(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    left(sandbox, LIST)
    with Context(environment, "a restore").holding("@restore", RUN):
        assert expired(environment).outcome == "busy"
        assert expired(environment, mode="plan").outcome == "nothing_to_do"
    assert there(sandbox) == {LIST}


def test_other_records_in_the_ops_bucket_are_not_looked_at(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    journal(environment, "kitchen_001").append("end", {"outcome": "done"})
    left(sandbox, "remediation/backup/drills/a.json", "remediation/holds/x.json", "remediation/restored/elsewhere")
    kept = {found.name for found in sandbox.store.list(OPS)}
    left(sandbox, LIST)
    assert expired(environment).outcome == "done"
    assert kept <= {found.name for found in sandbox.store.list(OPS)}
