"""A new override: what is incomplete is refused, nobody approves their own, and what is on record cannot be changed unseen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from deployments.stack import free_port
from tasks.override_audit.recording import Person, approve, person, request, revoke
from tasks.pipeline.override_ledger import ROOT, Recorded, Requested, as_data, read_all, read_one
from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tests.override_audit.world import ASKER, GATE, HOUR, LEAD, WHY, put_scene, report
from tests.receiver import google
from tests.receiver.google import ANN, IAP_AUDIENCE, assertion

NEVER = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        put_scene(sandbox, "stopped", datetime(2026, 2, 1, tzinfo=UTC), report(datetime(2026, 2, 1, tzinfo=UTC), GATE))
        yield sandbox, environment
        environment.close()


@pytest.fixture
def here(world: tuple[Sandbox, PipelineEnvironment]) -> Context:
    """A context with an environment of its own, whose policy and catalogue a test may change."""
    return Context(world[1].model_copy(), "a test")


def wanted(**changes: Any) -> Requested:
    said = {
        "scene": "stopped", "gate": GATE, "requester": ASKER, "category": "known_issue", "ticket": "OPS-12", "justification": WHY,
        "failing": "", "until": datetime.now(UTC) + 24 * HOUR,
    }  # fmt: skip
    return Requested.model_validate(said | changes)


def objects(world: tuple[Sandbox, PipelineEnvironment]) -> list[str]:
    return [one.name for one in world[0].store.list(OPS_BUCKET, ROOT)]


def test_what_fails_and_which_report_says_so_is_read_from_the_scene(here: Context) -> None:
    asked = request(here, wanted()).asked
    assert asked.failing == f"{GATE}: 1 of 9"
    assert asked.report.startswith("gs://sandbox-scenes/scenes/stopped/usd-assembly-job/quality_gate_report.json#")


def test_a_gate_that_does_not_fail_has_nothing_to_override(here: Context) -> None:
    with pytest.raises(Refused, match="No gate report of stopped says that qg-9 fails"):
        request(here, wanted(gate="qg-9"))
    assert request(here, wanted(gate="qg-9", failing="seen by hand")).asked.failing == "seen by hand"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scene": ""}, "give --scene"),
        ({"scene": "../x"}, "is no scene id"),
        ({"gate": " "}, "give --gate"),
        ({"requester": ""}, "give --requester"),
        ({"category": "because"}, "one of data_gap, tooling_failure"),
        ({"category": ""}, "'' is no category"),
        ({"ticket": "see chat"}, "'see chat' is no ticket"),
        ({"justification": "fine" + " " * 60}, "has 4 characters and needs 50"),
        ({"until": NEVER}, "30 are the most"),
        ({"until": datetime(2026, 1, 1, tzinfo=UTC)}, "ended at 2026-01-01 00:00 UTC already"),
    ],
)
def test_what_is_incomplete_is_refused_in_a_sentence_and_nothing_is_written(
    world: tuple[Sandbox, PipelineEnvironment], here: Context, changes: dict[str, Any], told: str
) -> None:
    before = objects(world)
    with pytest.raises(Refused) as refused:
        request(here, wanted(**changes))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert objects(world) == before


@pytest.mark.parametrize("ticket", ["OPS-12", "https://example.com/browse/OPS-12"])
def test_a_ticket_is_an_id_or_an_address(here: Context, ticket: str) -> None:
    assert request(here, wanted(ticket=ticket)).asked.ticket == ticket


@pytest.mark.parametrize("name", [ASKER, ASKER.upper(), f" {ASKER} "])
def test_nobody_approves_what_they_asked_for(here: Context, name: str) -> None:
    id_ = request(here, wanted()).case.id
    with pytest.raises(Refused, match="cannot approve it too; ask somebody else"):
        approve(here, id_, Person(name))
    assert read_one(here, id_).approved is None


def test_an_approval_is_claimed_unless_somebody_vouches_for_it(here: Context) -> None:
    one, other = request(here, wanted()).case.id, request(here, wanted()).case.id
    assert as_data(approve(here, one, Person(LEAD), "seen"))["identity"] == "claimed"
    assert as_data(approve(here, other, Person(LEAD, verified=True)))["identity"] == "verified"
    assert as_data(read_one(here, one))["state"] == "approved"


def test_a_name_that_is_only_claimed_is_refused_where_the_policy_wants_it_proved(here: Context) -> None:
    id_ = request(here, wanted()).case.id
    here.environment.policy = here.environment.policy.model_copy(update={"verified_approvers": True})
    with pytest.raises(Refused, match="only claimed"):
        approve(here, id_, Person(LEAD))
    assert approve(here, id_, Person(LEAD, verified=True)).approved is not None


@pytest.mark.parametrize(
    ("allowed", "told"), [(["boss@example.com"], "ask boss@example.com"), ([], "the list is empty")]
)
def test_only_who_is_allowed_may_approve_where_the_catalogue_says_who(
    world: tuple[Sandbox, PipelineEnvironment], allowed: list[str], told: str
) -> None:
    overlay = f"gates: {{rules: {{allowed_overriders: {allowed}}}}}"
    environment = for_sandbox(world[0].endpoints)
    environment.catalogue_overlay = overlay
    here = Context(environment, "a test")
    assert load_catalogue(overlay).gates.rules.allows(LEAD) is False
    id_ = request(here, wanted()).case.id
    with pytest.raises(Refused, match=told):
        approve(here, id_, Person(LEAD))
    if allowed:
        assert approve(here, id_, Person("Boss@example.com")).approved is not None
    environment.close()


def test_nobody_has_said_who_may_so_anybody_else_may(here: Context) -> None:
    assert here.environment.catalogue.gates.rules.allows(LEAD) is None
    assert approve(here, request(here, wanted()).case.id, Person(LEAD)).approved is not None


def test_it_is_approved_once_and_a_second_time_is_refused(here: Context) -> None:
    id_ = request(here, wanted()).case.id
    approve(here, id_, Person(LEAD))
    with pytest.raises(Refused, match="is approved already"):
        approve(here, id_, Person("other@example.com"))


def test_of_many_who_approve_at_the_same_time_one_does(here: Context) -> None:
    id_ = request(here, wanted()).case.id
    said: list[str] = []

    def one(number: int) -> None:
        try:
            approve(here, id_, Person(f"lead-{number}@example.com"))
            said.append("done")
        except Refused:
            said.append("refused")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["done"] + ["refused"] * 5
    assert [entry.kind for entry in read_one(here, id_).case.entries] == ["requested", "approved"]


def test_what_is_over_is_expired_and_cannot_be_approved(here: Context) -> None:
    made = request(here, wanted())
    assert made.word(datetime.now(UTC) + timedelta(days=2)) == "expired"
    id_ = "ovr-20260101t000000z-0000beef"
    case = Case(here.environment.storage, OPS_BUCKET, f"{ROOT}{id_}/", id_, "a test")
    case.append("requested", wanted(until=datetime(2026, 1, 2, tzinfo=UTC)).model_dump(mode="json"))
    with pytest.raises(Refused, match="is expired already"):
        approve(here, id_, Person(LEAD))


def test_a_revoked_one_is_told_with_who_and_why_and_is_revoked_once(here: Context) -> None:
    id_ = request(here, wanted()).case.id
    approve(here, id_, Person(LEAD))
    told = as_data(revoke(here, id_, "boss", "it was wrong"))
    assert (told["state"], told["revoked_by"], told["revoked_because"]) == ("revoked", "boss", "it was wrong")
    for again in (lambda: revoke(here, id_, "boss", "again"), lambda: approve(here, id_, Person("x"))):
        with pytest.raises(Refused, match="revoked already"):
            again()


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("boss", " ")])
def test_a_revocation_needs_a_name_and_a_reason(here: Context, by: str, reason: str) -> None:
    with pytest.raises(Refused, match="--by NAME --reason TEXT"):
        revoke(here, request(here, wanted()).case.id, by, reason)


@pytest.mark.parametrize("id_", ["", "ovr-x", "../secrets", "ovr-20260101t000000z-00000000"])
def test_what_is_no_override_is_refused(here: Context, id_: str) -> None:
    with pytest.raises(Refused, match="`remediate override list` shows them"):
        read_one(here, id_)


def test_an_entry_that_was_edited_shows_and_hides_no_other_override(
    world: tuple[Sandbox, PipelineEnvironment], here: Context
) -> None:
    good, bad = request(here, wanted()), request(here, wanted())
    approve(here, bad.case.id, Person(LEAD))
    name, storage = f"{ROOT}{bad.case.id}/000001.json", here.environment.storage
    live = storage.stat(OPS_BUCKET, name)
    assert live is not None
    storage.replace(
        OPS_BUCKET, name, storage.read(OPS_BUCKET, name).replace(b"OPS-12", b"OPS-13"), generation=live.generation
    )
    found = dict(read_all(here))
    assert isinstance(found[bad.case.id], LedgerDamaged)
    assert isinstance(found[good.case.id], Recorded)


# Who approves


def test_an_assertion_of_the_proxy_proves_the_name() -> None:
    with google.serving(google.proxy_keys()) as keys:
        assert person("", assertion(), IAP_AUDIENCE, keys.url) == Person(ANN, verified=True)
        assert person(ANN.upper(), assertion(), IAP_AUDIENCE, keys.url).verified
        with pytest.raises(Refused, match="is about"):
            person("somebody else", assertion(), IAP_AUDIENCE, keys.url)
        with pytest.raises(Refused, match="The name is not proved"):
            person("", assertion("a thief"), IAP_AUDIENCE, keys.url)


def test_a_name_without_an_assertion_is_claimed() -> None:
    assert person(" bo ") == Person("bo")
    with pytest.raises(Refused, match="give --iap-audience"):
        person("bo", "token")


def test_without_the_proxy_s_keys_nobody_can_tell() -> None:
    with pytest.raises(TemporaryError):
        person("", assertion(), IAP_AUDIENCE, f"http://127.0.0.1:{free_port()}/keys")
