"""A recovery is killed with SIGKILL at any moment; the next one makes the scene whole, and nothing happens twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tests.recovery.killer import Moment, Victims, Watch, at
from tests.recovery.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    Live,
    Wanted,
    healthy,
    ill,
    inputs,
    job_runs,
    journals,
    live,
    plan_undo,
    quick_environment,
    recover_scene,
    without_triggers,
    worked,
)

INSERT, DELETE, RESTORE = "storage.objects.insert", "storage.objects.delete", "storage.objects.restore"
COPY, LIST = "storage.objects.rewrite", "storage.objects.list"
START, RUN_JOB = "executions.CreateExecution", "run.RunJob"
VARIATION, REPLICATOR = "variation-assets-pipeline", "replicator-job"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox in which a scene stays as far as it has got."""
    with Sandbox(job_seconds=0.01, seed=7) as running:
        without_triggers(running)
        yield running


def line(sandbox: Sandbox) -> None:
    """A scene whose recovery does everything but restore: stale lock, markers, a job, a marker of ours, a workflow."""
    ill(sandbox, "replicator_missing", upto="variation")
    damage(sandbox.store, DATA, SCENE, "stale_lock")


def killed(victims: Victims, sandbox: Sandbox, moment: Moment, **wanted: Any) -> None:
    """Start a recovery in a process of its own and kill it at the moment."""
    watch = Watch(moment)
    sandbox.faults.draw = watch.draw  # type: ignore[method-assign]
    watch.victim_is(victims.start(sandbox, SCENE, **wanted))
    ended = victims.ended()
    assert (ended["exit"], watch.struck.is_set()) == (-9, True), f"it was never killed: {ended}"


def whole(environment: PipelineEnvironment, sandbox: Sandbox, before: Live, **wanted: Any) -> None:
    """The next recovery ends well, and everything a person may ask afterwards has the right answer."""
    context = Context(environment, "the next one", gone=lambda _: True)
    result = recover_scene(context, SCENE, Wanted("apply", **wanted))
    assert (result.outcome, result.reasons) in (("done", []), ("nothing_to_do", []))
    assert healthy(environment, depth="documents") == []
    runs, now = journals(environment, sandbox.store), live(sandbox.store)
    restored = {a.params["name"] for journal in runs for a in journal.plan().actions if a.kind == "restore_object"}
    for name, generation in inputs(environment, before).items():
        assert name in now
        assert now[name] == generation or name in restored
    for journal in runs:
        assert journal.ended
        assert plan_undo(environment, journal, markers=True).escalations == (), "every deletion can be undone"
    assert [name for name in live(sandbox.store, OPS) if "/leases/" in name] == []


LINE: dict[str, Moment] = {
    # The lease (1), the fault (2), the mark (3), then the journal's entries, one after the other.
    "taking the lease": at(INSERT, 1, done=True),
    "recording the fault": at(INSERT, 2, done=True),
    "the mark, written": at(INSERT, 3, done=True),
    "begin, written": at(INSERT, 4, done=True),
    "intent of the lock's removal": at(INSERT, 5, done=True),
    "removing the lock, not done": at(DELETE, 1, done=False),
    "removing the lock, done": at(DELETE, 1, done=True),
    "outcome of the lock's removal": at(INSERT, 6, done=True),
    "intent to clear markers": at(INSERT, 7, done=True),
    "first marker, not done": at(DELETE, 2, done=False),
    "first marker, done": at(DELETE, 2, done=True),
    "last marker, done": at(DELETE, 3, done=True),
    "outcome of clearing, written": at(INSERT, 8, done=True),
    "intent to run the job": at(INSERT, 9, done=True),
    "start of the job announced, written": at(INSERT, 10, done=True),
    "running the job, not done": at(RUN_JOB, done=False),
    "running the job, done": at(RUN_JOB, done=True),
    "note of the job, written": at(INSERT, 11, done=True),
    "waiting for the job": at("run.GetExecution", done=True, after=(INSERT, 11)),
    "outcome of the job, not written": at(INSERT, 12, done=False),
    "outcome of the job, written": at(INSERT, 12, done=True),
    "checking the job's outputs": at(LIST, done=True, after=(INSERT, 13)),
    "outcome of the check, written": at(INSERT, 14, done=True),
    "writing a marker, not done": at(INSERT, 16, done=False),
    "writing a marker, done": at(INSERT, 16, done=True),
    "outcome of the marker": at(INSERT, 17, done=True),
    "first output, done": at(DELETE, 4, done=True),
    "an output in the middle, not done": at(DELETE, 6, done=False),
    "last output, done": at(DELETE, 8, done=True),
    "intent to start the workflow": at(INSERT, 20, done=True),
    "starting the workflow, not done": at(START, done=False),
    "starting the workflow, done": at(START, done=True),
    "note of the workflow, written": at(INSERT, 22, done=True),
    "waiting for the workflow": at("executions.GetExecution", done=True, after=(INSERT, 22)),
    "outcome of the workflow, written": at(INSERT, 23, done=True),
    "proving the whole scene": at(LIST, done=True, after=(INSERT, 25)),
    "end, not written": at(INSERT, 26, done=False),
    "end, written": at(INSERT, 26, done=True),
    "removing the mark, not done": at(DELETE, 9, done=False),
    "giving the lease back, not done": at(DELETE, 10, done=False),
}


@pytest.mark.parametrize("moment", LINE.values(), ids=LINE.keys())
def test_killed_anywhere_the_scene_ends_whole_and_nothing_runs_twice(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox, moment: Moment
) -> None:
    line(sandbox)
    before = live(sandbox.store)
    killed(victims, sandbox, moment)
    whole(environment, sandbox, before)
    assert len(job_runs(sandbox, REPLICATOR)) == 1
    assert len(worked(sandbox, VARIATION)) == 1
    assert len(journals(environment, sandbox.store)) == 1


RESTORING: dict[str, Moment] = {
    "the bad input, not done": at(DELETE, 1, done=False),
    "the bad input, done": at(DELETE, 1, done=True),
    "restoring, not done": at(RESTORE, done=False),
    "restoring, done": at(RESTORE, done=True),
    "outcome of the restoring": at(INSERT, 6, done=True),
}


@pytest.mark.parametrize("moment", RESTORING.values(), ids=RESTORING.keys())
def test_killed_while_an_input_is_put_back_the_good_one_is_there_in_the_end(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox, moment: Moment
) -> None:
    ill(sandbox, "input_mesh_truncated", upto="regen3d")
    before = live(sandbox.store)
    killed(victims, sandbox, moment, restore_inputs=True)
    whole(environment, sandbox, before, restore_inputs=True)
    assert len(worked(sandbox, "regen3d-pipeline")) == 1


COPYING: dict[str, Moment] = {
    "copying, not done": at(COPY, done=False),
    "copying, done": at(COPY, done=True),
    "deleting what was copied, not done": at(DELETE, done=False),
    "deleting what was copied, done": at(DELETE, done=True),
}


@pytest.mark.parametrize("moment", COPYING.values(), ids=COPYING.keys())
def test_killed_where_the_bucket_keeps_nothing_every_deleted_object_has_its_copy(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox, moment: Moment
) -> None:
    ill(sandbox, "isaac_missing", upto="isaac-lab")
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    before = live(sandbox.store)
    killed(victims, sandbox, moment)
    whole(environment, sandbox, before)
    (journal,) = journals(environment, sandbox.store)
    deleted = {f"{a.params['name']}#{a.params['generation']}" for a in journal.plan().actions if a.effect == "delete"}
    root = f"remediation/quarantine/{SCENE}/"
    assert {found.name.removeprefix(root) for found in sandbox.store.list(OPS, root)} == deleted


def test_killed_again_and_again_it_still_gets_there(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    seed = random.randrange(2**31)
    dice = random.Random(seed)
    line(sandbox)
    before, deaths = live(sandbox.store), 0
    while True:
        watch = Watch(Moment((("any write", dice.randint(2, 8)),), done=dice.random() < 0.5))
        sandbox.faults.draw = watch.draw  # type: ignore[method-assign]
        watch.victim_is(victims.start(sandbox, SCENE, dead=["victim"]))
        ended = victims.ended()
        if ended["exit"] == 0:
            break
        deaths += 1
        assert deaths < 40, f"it makes no progress (seed {seed})"
    assert ended["outcome"] in ("done", "nothing_to_do"), f"{ended} (seed {seed})"
    assert deaths > 2
    whole(environment, sandbox, before)
    assert len(job_runs(sandbox, REPLICATOR)) == 1, f"seed {seed}"
    assert len(worked(sandbox, VARIATION)) == 1, f"seed {seed}"


def test_the_moments_reach_every_kind_of_action_and_of_journal_entry(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    line(sandbox)
    names: list[str] = []
    sandbox.store.on_finalize(lambda bucket, version: names.append(version.name) if bucket == OPS else None)
    assert recover_scene(Context(environment, "a test"), SCENE, Wanted("apply")).outcome == "done"
    (journal,) = journals(environment, sandbox.store)
    kinds = {action.kind for action in journal.plan().actions}
    assert kinds == {"delete_object", "run_job", "start_workflow", "verify_stages", "write_object"}
    assert {entry.kind for entry in journal.entries} == {"begin", "intent", "note", "outcome", "end"}
    assert [action.effect for action in journal.plan().actions].count("delete") == 8
    assert [entry.sequence for entry in journal.entries if entry.kind == "note"] == [7, 8, 17, 18]
    assert sum("/leases/" in name for name in names) == 1, "taken; confirming it is a read while it is young"
    assert f"{PREFIX}replicator/.replicator_complete" in live(sandbox.store)


def test_a_run_that_cannot_take_over_says_who_holds_the_scene(victims: Victims, sandbox: Sandbox) -> None:
    line(sandbox)
    killed(victims, sandbox, LINE["starting the workflow, done"])
    patient = quick_environment(sandbox)
    elsewhere = Context(patient, "the next one", gone=lambda _: False)
    result = recover_scene(elsewhere, SCENE, Wanted("apply"))
    patient.close()
    assert result.outcome == "busy"
    assert "victim" in result.reasons[0]
