"""What retention will remove too soon: of scenes that somebody needs and of no other, with the command that keeps it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_rules import kept_as
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import REDEEMED, Ticket, stamp, write_ticket
from tasks.incidents.entries import Closed, Declared, Scope
from tasks.incidents.incident import Incident, declare
from tasks.override_audit.recording import request, revoke
from tasks.pipeline.override_findings import Answer, Found, read_known
from tasks.pipeline.override_ledger import ROOT as OVERRIDES
from tasks.pipeline.override_ledger import Requested
from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerTaken
from tasks.retention import looking
from tasks.retention.risk import ends_at, leaving, needed_scenes
from tests.backup.world import done
from tests.override_audit.planted import recorded
from tests.override_audit.world import GATE, WHY
from tests.retention.world import INVENTORY, LAYOUT, cleaned, line, watched

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def in_days(days: float) -> datetime:
    """So many days after everything in the sandbox was written."""
    return datetime.now(UTC) + days * DAY


def incident(context: Context, *scenes: str) -> Incident:
    return declare(context, Declared(title="no exports", scope=Scope(scenes=scenes)))


def asked_for(environment: PipelineEnvironment, scene: str) -> Case:
    """An override that nobody has approved yet."""
    until = datetime.now(UTC) + DAY
    wanted = {"scene": scene, "gate": GATE, "requester": "ann", "category": "known_issue", "ticket": "OPS-12"}
    said = Requested.model_validate(wanted | {"justification": WHY, "failing": "1 broken reference", "until": until})
    return request(Context(environment, "a test"), said).case


@pytest.fixture
def old(sandbox: Sandbox) -> Sandbox:
    """Two scenes with objects of two classes, and one that is never removed."""
    for scene in ("s-1", "s-2"):
        for path in (LAYOUT, INVENTORY, "usd/scene.usda", "geniesim/scene_graph.json"):
            sandbox.store.put(DATA_BUCKET, f"scenes/{scene}/{path}", b"x")
    return sandbox


@pytest.mark.parametrize(("after", "objects"), [(0, 0), (22, 0), (24, 2), (29, 2), (31, 2), (359, 3), (3000, 3)])
def test_an_object_is_told_of_a_week_before_its_class_ends(
    old: Sandbox, context: Context, after: float, objects: int
) -> None:
    incident(context, "s-1")
    found = leaving(context, needed_scenes(context), in_days(after), {})
    assert [one.objects for one in found] == ([objects] if objects else [])


def test_the_sentence_says_why_when_and_how_to_keep_it(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    id_ = incident(context, "s-1").id
    run, found = watched(environment, in_days(25))
    assert run.outcome == "failed"
    (said,) = run.reasons
    assert said.startswith("2 objects of s-1 may be removed")
    assert f"incident {id_} is not closed" in said
    assert "`remediate backup --apply`" in said
    assert "`remediate restore scene s-1 --apply --reason 'kept for an incident'`" in said
    assert [one.scene for one in found.leaving] == ["s-1"]


def test_scenes_that_nobody_needs_are_no_warning(old: Sandbox, environment: PipelineEnvironment) -> None:
    run, found = watched(environment, in_days(3000))
    assert (run.outcome, found.leaving) == ("nothing_to_do", [])


def test_a_closed_incident_needs_nothing(old: Sandbox, environment: PipelineEnvironment, context: Context) -> None:
    incident(context, "s-1").say(Closed(summary="done"))
    assert watched(environment, in_days(25))[1].leaving == []


def test_a_night_that_has_a_copy_of_all_of_it_is_enough(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    incident(context, "s-1")
    night = done(environment).night
    run, found = watched(environment, in_days(25))
    assert run.outcome == "nothing_to_do", run.reasons
    assert [one.kept_in for one in found.leaving] == [night]
    assert any(f"Night {night} has a copy of them all" in note for note in run.notes)


def test_a_night_with_another_generation_is_no_copy(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    incident(context, "s-1")
    done(environment)
    old.store.put(DATA_BUCKET, f"scenes/s-1/{LAYOUT}", b"newer")
    run, _ = watched(environment, in_days(25))
    assert run.outcome == "failed"
    assert "no night has a copy of them all" in run.reasons[0]


@pytest.mark.parametrize("subject", ["scene s-2", "stage s-2/usd", "prefix scenes/s-2/layout/"])
def test_what_a_restore_holds_is_needed_until_it_is_given_back(
    old: Sandbox, environment: PipelineEnvironment, context: Context, subject: str
) -> None:
    now = datetime.now(UTC)
    ticket = Ticket(run="r-1", subject=subject, owner="ann", made_at=now, deadline=now + DAY, held=())
    write_ticket(environment, ticket)
    (one,) = leaving(context, needed_scenes(context), in_days(25), {})
    assert (one.scene, one.why) == ("s-2", "restore r-1 holds it")
    stamp(environment, "r-1", REDEEMED, {})
    assert leaving(context, needed_scenes(context), in_days(25), {}) == []


def test_what_an_override_is_about_is_needed_until_it_is_revoked(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    id_ = recorded(environment, "s-1")
    (one,) = leaving(context, needed_scenes(context), in_days(25), {})
    assert (one.scene, one.why) == ("s-1", f"override {id_} of {GATE} is approved")
    revoke(context, id_, "ann", "it was wrong")
    assert needed_scenes(context).why == {}


def test_an_override_that_nobody_has_approved_yet_counts_too_and_one_that_has_ended_does_not(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    id_ = asked_for(environment, "s-2").id
    assert needed_scenes(context).why == {"s-2": f"override {id_} of {GATE} is requested"}
    name = f"{OVERRIDES}{id_}/000001.json"
    ended = re.sub(rb'"until":"\d{4}', b'"until":"2020', environment.storage.read(environment.ops_bucket, name))
    old.store.put(environment.ops_bucket, name, ended)
    assert needed_scenes(context).why == {}


def test_a_record_of_an_override_that_is_damaged_is_unknown_and_hides_no_other(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    bad, good = asked_for(environment, "s-1"), asked_for(environment, "s-2")
    old.store.put(environment.ops_bucket, f"{bad.prefix}000001.json", b"{}")
    run, found = watched(environment, in_days(25))
    assert run.outcome == "failed"
    assert [one.scene for one in found.leaving] == ["s-2"]
    assert any(f"The override {bad.id}: " in one for one in run.reasons)
    assert good.id in run.reasons[0]


def test_a_record_of_an_incident_that_is_damaged_is_said_and_hides_no_other(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    bad, good = incident(context, "s-1"), incident(context, "s-2")
    old.store.put(environment.ops_bucket, f"{bad.case.prefix}000001.json", b"{}")
    run, found = watched(environment, in_days(25))
    assert run.outcome == "failed"
    assert [one.why for one in found.leaving] == [f"incident {good.id} is not closed"]
    assert any(bad.id in one for one in found.unknown)


def test_a_bucket_that_does_not_answer_is_unknown_and_not_well(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    incident(context, "s-1")
    old.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    run, _ = watched(environment, in_days(25))
    assert run.outcome == "partial"
    assert any(reason.startswith("Unknown: What is removed soon") for reason in run.reasons)


def test_looking_changes_nothing_but_its_own_record(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    incident(context, "s-1")

    def others() -> dict[str, int]:
        buckets = (DATA_BUCKET, environment.ops_bucket, environment.backup_bucket)
        listed = (one for bucket in buckets for one in old.store.list(bucket, ""))
        return {one.name: one.generation for one in listed if not one.name.startswith("remediation/retention/")}

    before = others()
    watched(environment, in_days(25))
    assert others() == before


@pytest.mark.parametrize(("state", "path", "days"), [
    (None, "layout/x", 30), (None, "input/x", 90), (None, "logs/x", 180), (None, "episodes/x", 365),
    (None, "geniesim/x", None), (None, "usd/.failed", 365), ("2026-06", "episodes/x", None), ("2026-06", "geniesim/.failed", 30),
    ("2026-06", "assets/.failed", 30), ("2026-06", "replicator/.failed", 30), ("2026-06", "isaac_lab/.failed", 30),
    ("2026-06", "usd/.failed.summary", 30), ("2026-06", "usd/scene.usda", 365), ("2026-06", "assets/.interactive_failed", 365),
    ("2026-06", "geniesim/idempotency/4b.json", 30), ("2026-06", "geniesim/idempotency/import/local-1.json", None),
])  # fmt: skip
def test_each_state_of_the_pipeline_has_its_own_windows(
    sandbox: Sandbox, environment: PipelineEnvironment, state: str | None, path: str, days: int | None
) -> None:
    sandbox.store.put(DATA_BUCKET, f"scenes/s-1/{path}", b"x")
    stored = environment.storage.stat(DATA_BUCKET, f"scenes/s-1/{path}")
    assert stored is not None
    end = ends_at(load_catalogue(state), path, stored, {})
    assert end == (None if days is None else stored.updated + days * DAY)


def test_a_marker_among_the_outputs_is_kept_as_a_marker_as_the_clean_up_does_it() -> None:
    """Its own code gathers the outputs, then the markers over them."""
    classes = load_catalogue("2026-06").retention
    found = [
        kept_as(classes, path) for path in ("assets/.failed", "assets/obj_1/model.usd", "geniesim/scene_graph.json")
    ]
    assert [one and one[0] for one in found] == ["markers", "outputs", None]


def test_a_class_that_the_clean_up_keeps_for_less_ends_sooner(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    """As with PIPELINE_RETENTION_DAYS=7: the log says so of each object that it removes."""
    incident(context, "s-1")
    now = in_days(1)
    cleaned(old, now - HOUR, line("s-9", at=now - HOUR, retention_days=7))
    _, found = watched(environment, now)
    assert [(one.scene, one.objects) for one in found.leaving] == [("s-1", 2)]
    _, found = watched(environment, now + HOUR)
    assert len(found.leaving) == 1, "the next look, which reads nothing of it, knows it too"


def test_a_night_that_cannot_be_asked_is_unknown_and_no_missing_copy(
    old: Sandbox, environment: PipelineEnvironment, context: Context
) -> None:
    incident(context, "s-1")
    done(environment)
    environment.backup_bucket = "no-such-bucket"
    run, found = watched(environment, in_days(25))
    assert [one.kept_in for one in found.leaving] == [None]
    assert run.outcome == "partial"
    assert any("nobody can say whether a night has a copy" in one for one in run.reasons)
    assert not any("no night has a copy" in one for one in run.reasons)


def test_somebody_who_records_at_this_moment_hides_no_finding(
    old: Sandbox, environment: PipelineEnvironment, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object) -> None:
        raise LedgerTaken("Another process continues it; this one stops.")

    monkeypatch.setattr(looking, "write_look", taken)
    assert watched(environment, in_days(25))[0].outcome == "busy"
    incident(context, "s-1")
    run, found = watched(environment, in_days(25))
    assert run.outcome == "failed" and len(found.leaving) == 1
    assert any("Another process continues it" in one for one in run.reasons)


def test_a_scene_with_an_unsettled_finding_of_the_override_audit_is_needed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "a test")
    at = datetime.now(UTC)
    one = Found(id="f-1", code="self-approved", scene="s-7", where="w", sentence="s", since=at, due=at)
    read_known(context).see([one, one.model_copy(update={"id": "f-2", "scene": "not a scene"})], at)
    assert needed_scenes(context).why == {"s-7": "the override audit's finding f-1 (self-approved) is not settled"}
    read_known(context).answer(Answer(id="f-1", by="bo", reason="seen", at=at), at)
    assert needed_scenes(context).why == {}
