"""The recovery's plan as a pure function: what it may name, in which order, and that equal facts give equal plans."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.catalogue_query import class_of, writes
from blocks.patterns import matches
from tasks.recovery.observe import SceneFacts
from tasks.recovery.plan import NEVER_DELETED, plan_recovery
from tasks.recovery.rerun import BROKEN
from tasks.remediation.plan import Plan
from tasks.validation.findings import SceneReport, StageState
from tests.recovery.observed import BUCKET, CATALOGUE, LOCK, PREFIX, SCENE, facts


def planned(found: SceneFacts, restore: bool = False) -> Plan:
    return plan_recovery(found, CATALOGUE, BUCKET, restore)


def deletions(plan: Plan) -> list[str]:
    """Paths that the plan deletes, relative to the scene."""
    return [str(a.params["name"]).removeprefix(PREFIX) for a in plan.actions if a.effect == "delete"]


quickly = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@quickly
@given(facts(), st.booleans())
def test_there_is_always_a_plan_or_a_reason_whatever_was_seen(found: SceneFacts, restore: bool) -> None:
    plan = planned(found, restore)
    broken = any(state in BROKEN for state in found.report.stages.values())
    assert plan.actions or plan.escalations or not broken


@quickly
@given(facts())
def test_every_deletion_is_of_this_scene_of_the_generation_seen_and_no_input(found: SceneFacts) -> None:
    plan = planned(found, True)
    for action in (a for a in plan.actions if a.effect == "delete"):
        name = str(action.params["name"])
        assert name.startswith(PREFIX)
        assert ".." not in name.split("/")
        path = name.removeprefix(PREFIX)
        assert action.params["generation"] == found.files[path].generation
        assert class_of(CATALOGUE, path) not in NEVER_DELETED
        assert bool(action.params.get("copy_first")) == (not found.protection.undoable)


@quickly
@given(facts())
def test_inputs_and_idempotency_records_are_never_named_unless_a_good_copy_is_put_back(found: SceneFacts) -> None:
    for restore in (False, True):
        for action in planned(found, restore).actions:
            if "name" in action.params and action.kind != "restore_object":
                path = str(action.params["name"]).removeprefix(PREFIX)
                assert class_of(CATALOGUE, path) not in ("input", "idempotency_record", "guard")
    assert not [a for a in planned(found, False).actions if a.kind == "restore_object"]


@quickly
@given(facts())
def test_every_object_is_deleted_and_every_action_is_named_once(found: SceneFacts) -> None:
    plan = planned(found, True)
    assert len(deletions(plan)) == len(set(deletions(plan)))
    assert len({action.key for action in plan.actions}) == len(plan.actions)


@quickly
@given(facts(), st.randoms())
def test_the_same_facts_give_the_same_digest_in_whatever_order_they_were_seen(
    found: SceneFacts, dice: random.Random
) -> None:
    shuffled = list(found.files.items())
    dice.shuffle(shuffled)
    again = replace(found, files=dict(shuffled))
    assert planned(found).digest == planned(again).digest
    assert [a.key for a in planned(found).actions] == [a.key for a in planned(again).actions]


@quickly
@given(facts())
def test_another_generation_of_an_object_to_be_deleted_is_another_plan(found: SceneFacts) -> None:
    plan = planned(found)
    for path in deletions(plan)[:1]:
        file = found.files[path]
        newer = replace(file, generation=(file.generation or 0) + 10_000)
        changed = replace(
            found,
            files=found.files | {path: newer},
            locks=tuple(replace(lock, generation=lock.generation + 10_000) for lock in found.locks),
        )
        assert planned(changed).digest != plan.digest


@quickly
@given(facts())
def test_markers_go_before_outputs_outputs_before_the_start_the_start_before_the_check(found: SceneFacts) -> None:
    steps = [step.name for step in planned(found, True).steps()]
    assert len(steps) == len(set(steps)), "a step that is taken up again would be skipped as done"
    ahead = [name for name in ("remove stale lock", "restore inputs", "clear completion markers") if name in steps]
    assert steps[: len(ahead)] == ahead
    rest = steps[len(ahead) :]
    entries = list(dict.fromkeys(name.rpartition(" ")[2] for name in rest))
    expected = [
        name
        for entry in entries
        for name in (f"clear outputs for {entry}", f"rerun {entry}", f"check {entry}", f"record {entry}")
        if name in rest
    ]
    assert rest == expected
    assert all(f"rerun {entry}" in rest and f"check {entry}" in rest for entry in entries)


@quickly
@given(facts())
def test_only_what_belongs_to_a_stage_that_is_made_again_is_deleted(found: SceneFacts) -> None:
    plan = planned(found)
    patterns = [
        pattern.replace("{job_id}", found.job_id or "{none}")
        for stage in {*plan.details["stages"], *(stage for unit in found.units for stage in unit.stages)}
        for rules in [CATALOGUE.stages[stage]]
        for pattern in (*rules.clear.markers, *rules.clear.outputs, *rules.failure_markers)
    ]
    for path in deletions(plan):
        assert path == LOCK or any(matches(pattern, path) for pattern in patterns)


@quickly
@given(facts())
def test_only_markers_that_nobody_else_writes_are_written(found: SceneFacts) -> None:
    may = {PREFIX + marker.paths[0] for marker in CATALOGUE.markers.values() if marker.rewrite}
    assert {a.target for a in planned(found).actions if a.kind == "write_object"} <= may


@quickly
@given(facts())
def test_every_start_is_checked_by_the_stages_it_makes(found: SceneFacts) -> None:
    plan = planned(found)
    starts = {a.target: set(map(str, a.params["stages"])) for a in plan.actions if a.effect == "start"}  # type: ignore[union-attr, arg-type]
    checks = {str(a.params["after"]): set(map(str, a.params["stages"])) for a in plan.actions if a.effect == "read"}  # type: ignore[union-attr, arg-type]
    assert set(starts) == set(checks)
    for target, stages in starts.items():
        assert checks[target] <= stages
        assert stages & set(plan.details["stages"]) <= checks[target]


@quickly
@given(facts())
def test_a_scene_without_a_broken_stage_loses_at_most_a_stale_lock(found: SceneFacts) -> None:
    whole: dict[str, StageState] = dict.fromkeys(CATALOGUE.stages, "complete")
    calm = replace(
        found, report=SceneReport(SCENE, True, whole, ()), promised=(), units=(), bad_inputs=(), candidates=()
    )
    stale = [LOCK] if any(lock.alive is False for lock in found.locks) else []
    assert deletions(planned(calm)) == stale
    assert len(planned(calm).actions) == len(stale)


@quickly
@given(facts())
def test_a_scene_that_nobody_could_read_is_escalated_and_never_nothing_to_do(found: SceneFacts) -> None:
    whole: dict[str, StageState] = dict.fromkeys(CATALOGUE.stages, "complete")
    unread = SceneReport(SCENE, None, whole, (), ("assets/scene_manifest.json",))
    plan = planned(replace(found, report=unread, promised=(), units=(), bad_inputs=(), candidates=(), locks=()))
    assert not plan.actions
    assert [reason for reason in plan.escalations if "assets/scene_manifest.json could not be read" in reason]


@quickly
@given(facts())
def test_a_bad_input_is_escalated_unless_a_good_copy_is_put_back(found: SceneFacts) -> None:
    offered = {candidate.object.removeprefix(PREFIX) for candidate in found.candidates}
    for restore in (False, True):
        plan = planned(found, restore)
        for finding in found.bad_inputs:
            said = any(finding.object in reason for reason in plan.escalations)
            assert said == (not (restore and finding.object in offered))


@quickly
@given(facts())
def test_no_workflow_is_started_with_the_id_of_a_simulation_that_is_run_again(found: SceneFacts) -> None:
    again = False
    for action in planned(found).actions:
        if action.effect == "start":
            assert not (again and "local-1" in str(action.params.get("argument")))
            again = again or "genie-sim-run" in str(action.params["stages"])


@quickly
@given(facts())
def test_no_plan_deletes_an_object_that_the_restarted_stages_do_not_write_again(found: SceneFacts) -> None:
    plan = planned(found)
    made = {*plan.details["stages"], *(stage for unit in found.units for stage in unit.stages)}
    again = [path.replace("{object_id}", "*") for stage in made for path in writes(CATALOGUE.stages[stage])]
    for path in deletions(plan):
        if class_of(CATALOGUE, path) not in ("completion_marker", "failure_marker", "lock"):
            assert any(matches(pattern.replace("{job_id}", found.job_id or "{none}"), path) for pattern in again), path
