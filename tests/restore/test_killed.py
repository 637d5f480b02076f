"""A restore is killed with SIGKILL at any moment; the next one ends it, starts nothing, and gives delivery back."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox import server
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.api import StorageApp
from tasks.delivery.tickets import open_tickets
from tasks.remediation.context import Context
from tasks.restore.request import RestoreRequest
from tests.recovery.killer import Moment, Victims, at
from tests.recovery.world import live
from tests.restore.world import (
    DATA,
    MARKERS,
    OPS,
    PREFIX,
    SCENE,
    Restored,
    contents,
    delete_all,
    do,
    executions,
    give_back,
    killed,
    kind,
    make_night,
    pushing,
    quick,
    restore,
    scene,
    started_for,
    without_history,
)

INSERT, REWRITE, UNDELETE = "storage.objects.insert", "storage.objects.rewrite", "storage.objects.restore"
DELETE, HOLD, ACK, PULL = "storage.objects.delete", "pubsub.ModifyPushConfig", "pubsub.Acknowledge", "pubsub.Pull"
START = "executions.CreateExecution"
EXPORT = "genie-sim-export-pipeline"
FOREIGN = f"{PREFIX}usd/of-somebody-else.bin"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One trigger that fires for everything, so that every moment comes once."""
    with Sandbox(job_seconds=0.01, seed=7) as running:
        for name in list(running.eventarc.deployed.names()):
            if name != "genie-sim-export-trigger":
                running.eventarc.deployed.put(name, False)
        yield running


MOMENTS: dict[str, Moment] = {
    "the scene's lease": at(INSERT, 2, done=True),
    "the list, not written": at(INSERT, 5, done=False),
    "the list, written": at(INSERT, 5, done=True),
    "begin, written": at(INSERT, 7, done=True),
    "the ticket, not written": at(INSERT, 9, done=False),
    "the ticket, written": at(INSERT, 9, done=True),
    "holding, not done": at(HOLD, 1, done=False),
    "holding, done": at(HOLD, 1, done=True),
    "outcome of the hold": at(INSERT, 10, done=True),
    "first object, not done": at(REWRITE, 1, done=False),
    "first object, done": at(REWRITE, 1, done=True),
    "an object in the middle": at(REWRITE, 7, done=True),
    "what became of the part, not written": at(INSERT, 12, done=False),
    "what became of the part, written": at(INSERT, 12, done=True),
    "outcome of the data": at(INSERT, 13, done=True),
    "outcome of the proof": at(INSERT, 15, done=True),
    "first marker, done": at(REWRITE, 24, done=True),
    "outcome of the markers": at(INSERT, 18, done=True),
    "removing, not done": at(DELETE, 1, done=False),
    "removing, done": at(DELETE, 1, done=True),
    "looking at what waits": at(PULL, 1, done=True),
    "dropping its own events": at(ACK, 1, done=True),
    "dropping its own events, not done": at(ACK, 1, done=False),
    "delivering a marker's event, not done": at(START, 1, done=False),
    "delivering a marker's event, done": at(START, 1, done=True),
    "letting it push, not done": at(HOLD, 2, done=False),
    "letting it push, done": at(HOLD, 2, done=True),
    "the hold, redeemed": at(INSERT, 28, done=True),
    "removing the mark": at(DELETE, 2, done=False),
    "giving the lease back": at(DELETE, 3, done=False),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_killed_anywhere_the_next_one_ends_it_and_every_event_is_delivered_once(
    victims: Victims, sandbox: Sandbox, moment: Moment
) -> None:
    environment = quick(sandbox)
    scene(sandbox, upto="regen3d")
    before, push = contents(sandbox.store), pushing(environment)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    sandbox.store.put(DATA, f"{PREFIX}usd/extra.bin", b"extra", quiet=True)
    options = {"markers": True, "remove_extra": True}
    killed(victims, sandbox, moment, **options)
    result = do(environment, **options)  # type: ignore[arg-type]
    assert (result.outcome, result.reasons) in (("done", []), ("nothing_to_do", []))
    assert contents(sandbox.store) == before
    marker = [name for name in before if kind(environment, name) in MARKERS]
    assert started_for(sandbox, EXPORT) == marker, "the marker's event is delivered once, the data's never"
    assert pushing(environment) == push
    assert [name for name in live(sandbox.store, OPS) if "/leases/" in name] == []
    assert do(environment, **options).outcome == "nothing_to_do"  # type: ignore[arg-type]
    environment.close()


@pytest.mark.parametrize(
    "moment",
    [at(UNDELETE, 1, done=True), at(UNDELETE, 5, done=False), at(INSERT, 10, done=True)],
    ids=["first undeleted", "in the middle, not done", "part"],
)
def test_killed_while_undeleting_every_object_comes_back_once(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox, moment: Moment
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    killed(victims, sandbox, moment)
    assert do(environment).outcome == "done"
    generations = [found.name for found in sandbox.store.list(DATA, PREFIX, soft_deleted=True)]
    assert len(generations) == len(set(generations)), "nothing was written twice"
    assert executions(sandbox) == []


def test_somebody_elses_event_survives_the_kill(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    killed(victims, sandbox, at(INSERT, 11, done=True))
    sandbox.store.put(DATA, FOREIGN, b"theirs")
    assert started_for(sandbox, EXPORT) == []
    assert do(environment).outcome == "done"
    assert started_for(sandbox, EXPORT) == [FOREIGN]


def test_giving_up_a_killed_restore_drops_the_events_of_what_it_had_written(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    killed(victims, sandbox, at(REWRITE, 7, done=True))
    assert 7 <= len(contents(sandbox.store)) < 23
    ((ticket,), _) = open_tickets(environment)
    given = give_back(environment, ticket.run)
    assert given.outcome == "done"
    assert "0 others delivered" in " ".join(given.done.values())
    assert executions(sandbox) == []
    assert do(environment).outcome == "done"


def test_a_list_that_was_changed_meanwhile_is_not_carried_out(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    killed(victims, sandbox, at(INSERT, 8, done=True))
    (part,) = [found for found in sandbox.store.list(OPS, "remediation/restore/") if "/data/" in found.name]
    lines = gzip.decompress(part.data).splitlines(keepends=True)
    sandbox.store.put(OPS, part.name, gzip.compress(b"".join(lines[1:])))
    push = pushing(environment)
    result = do(environment)
    assert result.outcome == "failed"
    assert "is not the one of the plan" in result.reasons[0]
    assert contents(sandbox.store) == {}
    assert pushing(environment) != push, "what the killed one held is given back"


def test_a_large_object_goes_on_where_its_copy_was(victims: Victims, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google copies a large object by several calls; one that was interrupted is not begun anew."""
    monkeypatch.setattr(server, "StorageApp", partial(StorageApp, rewrite_bytes_per_call=1 << 20))
    with Sandbox(job_seconds=0.01, seed=7) as sandbox:
        environment, name = quick(sandbox), f"{PREFIX}regen3d/large.bin"
        sandbox.store.put(DATA, name, bytes(6 << 20), quiet=True)
        make_night(environment, sandbox.store)
        without_history(sandbox)
        sandbox.store.delete(DATA, name)
        killed(victims, sandbox, at(REWRITE, 5, done=False), kind="object", name=name)
        sandbox.requests.reset()
        assert do(environment, "object", name).outcome == "done"
        assert sandbox.requests.count("storage", "objects.rewrite") < 6
        assert contents(sandbox.store) == {name: bytes(6 << 20)}
        assert list(sandbox.store.list(OPS, "remediation/rewrites/")) == []
        environment.close()


def test_another_restore_does_not_begin_while_one_is_unfinished(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    killed(victims, sandbox, at(INSERT, 10, done=True))
    result = do(environment, "object", f"{PREFIX}regen3d/scene_info.json")
    assert result.outcome == "refused"
    assert "was interrupted" in result.reasons[0]
    assert do(environment).outcome == "done"


def test_two_at_once_make_one_restore(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    wanted = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test")
    ready = threading.Barrier(2)

    def one(number: int) -> Restored:
        ready.wait(20)
        return restore(Context(environment, f"person {number}"), wanted)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, range(2)))
    outcomes = sorted(result.outcome for result in results)
    assert outcomes in (["busy", "done"], ["done", "nothing_to_do"])
    for result in results:
        assert result.outcome != "busy" or "is being worked on by person" in result.reasons[0]
    restored = [found.name for found in sandbox.store.list(DATA, PREFIX)]
    assert len(restored) == len(set(restored))
    assert executions(sandbox) == []


@pytest.mark.parametrize("kind_of_fault", ["status", "lost_answer", "reset"])
def test_one_call_in_five_failing_gives_the_same_result(
    environment: PipelineEnvironment, sandbox: Sandbox, kind_of_fault: str
) -> None:
    scene(sandbox, upto="regen3d")
    before = contents(sandbox.store)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    for service in ("storage", "pubsub"):
        sandbox.faults.add(FaultRule(service=service, kind=kind_of_fault, probability=0.2))  # type: ignore[arg-type]
    environment.storage.limits = environment.storage.limits.model_copy(
        update={"attempts": 12, "first_wait_seconds": 0.001}
    )
    environment.delivery.limits = environment.storage.limits
    result = do(environment, markers=True)
    sandbox.faults.clear()
    assert (result.outcome, result.reasons) == ("done", [])
    assert contents(sandbox.store) == before
    assert len(executions(sandbox)) == 1
