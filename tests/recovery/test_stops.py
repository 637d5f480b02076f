"""A recovery never passes a stop, moves what would make its rerun skip, and keeps the scene's own options."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.recovery.observe import observe_scene
from tasks.recovery.options import with_former_options
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.journal import Journal
from tests.recovery.world import DATA, OPS, PLAN, SCENE, ill, journals, live, plan_undo, put_json, recover

JOB = "geniesim/job.json"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("geniesim/.canary_rollback", {"by": "a person"}, "put there by a person"),
        ("geniesim/.circuit_breaker.json", {"status": "open", "opened_at": "2999-01-01T00:00:00Z"}, "circuit breaker"),
    ],
)
def test_nothing_is_rerun_past_a_stop_of_the_scene(
    sandbox: Sandbox, environment: PipelineEnvironment, name: str, value: dict[str, str], said: str
) -> None:
    ill(sandbox, "export_missing")
    put_json(sandbox, name, value)
    before = live(sandbox.store)
    result = recover(environment)
    assert result.outcome == "escalated"
    assert any(said in reason for reason in result.reasons)
    assert result.plan is not None
    assert name not in str([action.target for action in result.plan.actions])
    assert live(sandbox.store) == before


def test_nothing_is_rerun_while_the_pipeline_is_paused(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    ill(sandbox, "usd_missing")
    sandbox.store.put(DATA, "automation/text_daily/.paused", b'{"paused": true}', quiet=True)
    result = recover(environment)
    assert result.outcome == "escalated"
    assert any("automation/text_daily/.paused" in reason for reason in result.reasons)
    assert sandbox.store.get(DATA, "automation/text_daily/.paused") is not None


def test_a_stop_of_other_stages_and_a_half_open_breaker_stand_in_no_way(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    ill(sandbox, "export_missing")
    put_json(sandbox, "geniesim/.circuit_breaker.json", {"status": "open", "opened_at": "2026-01-01T00:00:00Z"})
    assert recover(environment, wanted=PLAN).outcome == "planned"


def test_records_of_the_run_that_is_made_again_are_quarantined_and_no_others(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    ill(sandbox, "job_failed")
    job_id = json.loads(sandbox.store.get(DATA, f"scenes/{SCENE}/{JOB}").data)["job_id"]  # type: ignore[union-attr]
    ours = [f"geniesim/idempotency/import/{job_id}.json", "geniesim/idempotency/4b82.json"]
    for path in ours:
        put_json(sandbox, path, {"scene_id": SCENE, "status": "completed", "job_id": job_id})
    put_json(sandbox, "geniesim/idempotency/other.json", {"status": "completed", "job_id": "another"})
    plan = recover(environment, wanted=PLAN).plan
    assert plan is not None
    moved = {
        str(a.params["name"]).removeprefix(f"scenes/{SCENE}/"): a for a in plan.actions if "idempotency" in a.target
    }
    assert set(moved) == set(ours)
    assert all(action.params["copy_first"] and "quarantine" in action.undo for action in moved.values())


def test_a_record_of_nobody_knows_which_run_is_for_a_person(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    ill(sandbox, "job_failed")
    put_json(sandbox, "geniesim/idempotency/4b82.json", {"status": "completed"})
    result = recover(environment, wanted=PLAN)
    assert result.outcome == "escalated"
    assert any("4b82.json" in reason for reason in result.reasons)


def test_an_unknown_lock_holds_the_scene_until_a_person_has_looked(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    ill(sandbox, "usd_missing")
    put_json(sandbox, "locks/something-17.lock", {"scene_id": SCENE})
    result = recover(environment)
    assert result.outcome == "refused"
    assert any("locks/something-17.lock" in reason for reason in result.reasons)


def test_a_rerun_keeps_the_options_of_the_scenes_last_success(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="episodes")
    event = {"bucket": DATA, "name": f"scenes/{SCENE}/usd/.usd_complete"}
    asked = {"data": event, "bundle_tier": "foundation", "enforce_quality_gates": True, "extra": [1]}
    sandbox.store.delete(DATA, f"scenes/{SCENE}/episodes/.episodes_complete")
    started = environment.workflows.start("episode-generation-pipeline", asked, labels={})
    while environment.workflows.execution(started.name).live:
        pass
    sandbox.store.delete(DATA, f"scenes/{SCENE}/episodes/quality/validation_report.json")
    facts = observe_scene(Context(environment, "a test"), SCENE)
    assert facts.options["episode-generation-pipeline"]["bundle_tier"] == "foundation"
    plan = recover(environment, wanted=PLAN).plan
    assert plan is not None
    arguments = [a.params["argument"] for a in plan.actions if a.kind == "start_workflow"]
    assert [(a["bundle_tier"], a["extra"], a["data"]) for a in arguments] == [("foundation", [1], event)]  # type: ignore[call-overload, index]


def test_a_job_is_rerun_with_the_variables_of_the_scenes_last_success(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="simready")
    for scene_id, mode in ((SCENE, "auto"), ("another", "no")):
        given = {"BUCKET": DATA, "SCENE_ID": scene_id, "SIMREADY_PHYSICS_MODE": mode, "ASSETS_PREFIX": "old", "X": "x"}
        started = environment.jobs.start("simready-job", given)
        while environment.jobs.execution(started.name).state == "running":
            pass
    for found in [found.name for found in sandbox.store.list(DATA, f"scenes/{SCENE}/") if "simready" in found.name]:
        sandbox.store.delete(DATA, found)
    plan = recover(environment, wanted=PLAN).plan
    assert plan is not None
    (env,) = [a.params["env"] for a in plan.actions if a.kind == "run_job"]
    assert env == {
        "BUCKET": DATA,
        "SCENE_ID": SCENE,
        "ASSETS_PREFIX": f"scenes/{SCENE}/assets",
        "SIMREADY_PHYSICS_MODE": "auto",
    }


def test_what_belongs_to_one_run_is_never_taken_from_a_former_one() -> None:
    template = {"data": {"name": "{event_name}"}, "job_id": "{job_id}", "tier": "standard"}
    argument = {"data": {"name": "new"}, "job_id": "new", "tier": "standard"}
    former = {"data": {"name": "old"}, "job_id": "old", "tier": "pro", "": "odd"}
    assert with_former_options(template, argument, former) == {"data": {"name": "new"}, "job_id": "new", "tier": "pro"}


def journal_of(environment: PipelineEnvironment, started: bool) -> None:
    """A run that failed, with or without having started anything."""
    facts = observe_scene(Context(environment, "a test"), SCENE)
    from tasks.recovery.plan import plan_recovery

    plan = plan_recovery(facts, environment.catalogue, DATA)
    journal = Journal(environment.storage, OPS, SCENE, new_run_id(), "a test")
    journal.append("begin", {"plan": plan.model_dump(mode="json")})
    if started:
        journal.append("note", {"action": "x", "starting": True})
    journal.end("failed", ["it did not work"])


def test_the_limit_of_attempts_counts_starts_and_not_runs(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """Runs that started nothing, and runs of long ago, keep nobody from trying."""
    ill(sandbox, "usd_missing")
    for started in (False, False, False, True):
        journal_of(environment, started)
    assert recover(environment, wanted=PLAN).outcome == "planned"
    journal_of(environment, True)
    refused = recover(environment, wanted=PLAN)
    assert (refused.outcome, "usd of kitchen_001 was restarted 2 times" in refused.reasons[0]) == ("refused", True)


def test_a_listing_that_was_cut_short_feeds_no_plan(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    from tasks.recovery.plan import plan_recovery

    ill(sandbox, "usd_missing")
    facts = observe_scene(Context(environment, "a test"), SCENE)
    plan = plan_recovery(replace(facts, incomplete=True), environment.catalogue, DATA)
    assert any("more objects than were listed" in reason for reason in plan.escalations)


def test_what_retention_removed_is_made_again_only_for_a_stage_that_reads_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    from deployments.sandbox.pipeline.varied import clean_up

    for name, restarted in (("isaac_missing", False), ("usd_missing", True)):
        folder = make_scene(sandbox.store, DATA, name, "kitchen", objects=1, at=datetime.now(UTC) - timedelta(days=45))
        damage(sandbox.store, DATA, name, name)
        clean_up(folder, datetime.now(UTC))
        facts = observe_scene(Context(environment, "a test"), name)
        made = {stage for unit in facts.units for stage in unit.stages}
        assert facts.report.stages["regen3d"] == "expired"
        assert ("regen3d" in made) is restarted


def test_an_undo_brings_the_quarantined_record_back_with_its_job(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    ill(sandbox, "job_failed", objects=1)
    job_id = json.loads(sandbox.store.get(DATA, f"scenes/{SCENE}/{JOB}").data)["job_id"]  # type: ignore[union-attr]
    record = f"scenes/{SCENE}/geniesim/idempotency/4b82.json"
    put_json(sandbox, record.removeprefix(f"scenes/{SCENE}/"), {"status": "failed", "job_id": job_id})
    result = recover(environment)
    assert result.outcome == "done", result.reasons
    assert sandbox.store.get(DATA, record) is None
    undone = plan_undo(environment, journals(environment, sandbox.store)[-1])
    assert record in [action.params["name"] for action in undone.actions]
