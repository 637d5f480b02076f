"""The recovery's plan as a pure function: what it may name, in which order, and that equal facts give equal plans."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import class_of
from blocks.genie_sim import GenieSimHealth
from blocks.patterns import matches
from blocks.stored_object import Protection
from deployments.sandbox.scenes import make_scene
from deployments.sandbox.store import ObjectStore
from tasks.recovery.observe import SceneFacts
from tasks.recovery.plan import NEVER_DELETED, plan_recovery
from tasks.recovery.units import BROKEN, stages_to_make, units
from tasks.remediation.live import LockFact
from tasks.remediation.plan import Offer, Plan
from tasks.validation.findings import Finding, SceneReport, StageState
from tasks.validation.source import SceneFile

CATALOGUE = load_catalogue()
SCENE, PREFIX, BUCKET = "kitchen_001", "scenes/kitchen_001/", "sandbox-scenes"
STATES: list[StageState] = ["complete", "missing", "corrupt", "stale", "failed", "blocked", "never_ran"]
LOCK = "locks/usd-assembly.lock"
NOW = datetime(2026, 1, 18, tzinfo=UTC)
ODD = (
    LOCK,
    "geniesim/idempotency/key.json",
    "assets/.failed",
    "geniesim/.failed",
    "geniesim/.geniesim_failed",
    "regen3d-job/.failed.summary",
    "config.json",
    "images/room.png",
    "layout/metric_metadata.json",
    "usd/by_hand.usda",
    "somewhere/else.bin",
    "episodes/geniesim_local-2/recordings/0.h5",
)


def paths_of_a_scene() -> list[str]:
    """Every path of a scene that has been through the whole line, and some that stand about."""
    store = ObjectStore()
    store.create_bucket(BUCKET)
    make_scene(store, BUCKET, SCENE, "kitchen", objects=1, upto="dream2flow")
    return sorted({found.name.removeprefix(PREFIX) for found in store.list(BUCKET)} | set(ODD))


PATHS = paths_of_a_scene()


@st.composite
def facts(draw: st.DrawFn) -> SceneFacts:
    """Anything that might be observed of a scene, likely or not."""
    states = {stage: draw(st.sampled_from(STATES)) for stage in CATALOGUE.stages}
    absent = draw(st.sets(st.sampled_from(PATHS), max_size=40))
    files = {
        p: SceneFile(p, draw(st.integers(0, 9)), NOW, n + 1, "AAAAAA==") for n, p in enumerate(PATHS) if p not in absent
    }
    promised = tuple(draw(st.sets(st.sampled_from(list(CATALOGUE.stages)), max_size=3)))
    alive = draw(st.sampled_from([True, False, None]))
    bad = draw(
        st.lists(
            st.sampled_from(sorted(p for p in PATHS if class_of(CATALOGUE, p) == "input")), max_size=3, unique=True
        )
    )
    findings = tuple(Finding("glb-damaged", "error", path, "", "It is bad.", "Mend it.", "regen3d") for path in bad)
    offered = [path for path in bad if draw(st.booleans())]
    return SceneFacts(
        scene_id=SCENE,
        report=SceneReport(SCENE, not findings, states, findings),
        files=files,
        protection=Protection(True, draw(st.booleans()), draw(st.sampled_from([0, 604800]))),
        locks=(LockFact(LOCK, files[LOCK].generation or 0, 10, "e-1", alive),) if LOCK in files else (),
        promised=promised,
        job_id=draw(st.sampled_from([None, "local-1"])),
        genie_sim=draw(st.sampled_from([None, GenieSimHealth("serving", "."), GenieSimHealth("down", "No answer.")])),
        triggers=tuple(draw(st.sets(st.sampled_from(list(CATALOGUE.triggers)), max_size=4))),
        bad_inputs=findings,
        offers=tuple(
            Offer(object=PREFIX + p, source="version", bucket=BUCKET, name=PREFIX + p, generation=7, size=1, crc32c="x")
            for p in offered
        ),
        units=tuple(units(stages_to_make(states, CATALOGUE, promised), CATALOGUE)),
    )


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
                assert class_of(CATALOGUE, path) not in ("input", "idempotency_record")
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
        for stage in {*plan.stages, *(stage for unit in found.units for stage in unit.stages)}
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
        assert stages & set(plan.stages) <= checks[target]


@quickly
@given(facts())
def test_a_scene_without_a_broken_stage_loses_at_most_a_stale_lock(found: SceneFacts) -> None:
    whole: dict[str, StageState] = dict.fromkeys(CATALOGUE.stages, "complete")
    calm = replace(found, report=SceneReport(SCENE, True, whole, ()), promised=(), units=(), bad_inputs=(), offers=())
    stale = [LOCK] if any(lock.alive is False for lock in found.locks) else []
    assert deletions(planned(calm)) == stale
    assert len(planned(calm).actions) == len(stale)


@quickly
@given(facts())
def test_a_bad_input_is_escalated_unless_a_good_copy_is_put_back(found: SceneFacts) -> None:
    offered = {offer.object.removeprefix(PREFIX) for offer in found.offers}
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
