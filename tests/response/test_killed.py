"""Killed before or after any entry, another process brings the incident on: nothing is done twice and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.incidents.entries import Decided, Diagnosed, Entered, Evidence, Resolved, Updated
from tasks.incidents.incident import Incident, incident_ids, read_incident
from tasks.incidents.verify import verify_incident
from tasks.intake.pauses import open_pauses
from tasks.response.respond import respond
from tasks.response.response import Means
from tests.response.world import (
    DATA,
    GO_ON,
    OPS,
    OVER,
    RECOVER,
    SCENE,
    TOLD,
    Killed,
    Person,
    broken,
    heir,
    killed_at,
    wanted,
)

ANSWERS = (RECOVER, GO_ON, TOLD, OVER.model_copy(update={"although_paused": True}))


@contextmanager
def world() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    """A broken scene in a sandbox of its own, whose leases outlast any test."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        broken(sandbox)
        for name in sandbox.eventarc.deployed.names():
            sandbox.eventarc.deployed.put(name, False)
        environment = for_sandbox(
            sandbox.endpoints, quick_policy(poll_seconds=0.02, settle_seconds=0.3, lease_seconds=120)
        )
        yield sandbox, environment
        environment.close()


def go(environment: PipelineEnvironment, person: Person, **changes: Any) -> Any:
    """One process of a deployed run: the incident is found again by its flow run."""
    context = heir(environment)
    context.flow_run_id = "one flow run"
    return respond(context, wanted(pause="yes", **changes), Means(ask=person))


def starts(sandbox: Sandbox) -> int:
    """Executions and job runs that were started."""
    return sandbox.requests.count("executions", "CreateExecution") + sandbox.requests.count("run", "RunJob")


@cache
def entries_of_one() -> int:
    """How many entries an undisturbed response writes, its procedures' journals included."""
    with world() as (_, environment), killed_at(10**6, before=True) as count:
        assert go(environment, Person(ANSWERS)).outcome == "done"
        return count()


def whole(sandbox: Sandbox, environment: PipelineEnvironment, where: object) -> None:
    """One incident, everything of it once, and it tells the truth of what was done."""
    (id_,) = incident_ids(heir(environment))
    incident: Incident = read_incident(heir(environment), id_)
    assert verify_incident(heir(environment), id_) == [], where
    assert incident.status == "resolved", where
    for kind, count in ((Diagnosed, 1), (Updated, 1), (Resolved, 1), (Decided, 2)):
        assert len(incident.all_of(kind)) == count, (where, kind)
    assert max(Counter(said.name for _, said in incident.all_of(Evidence)).values()) == 1, where
    assert max(Counter(said.phase for _, said in incident.all_of(Entered)).values()) == 1, where
    done = [(acted.procedure, acted.subject, acted.outcome) for _, acted in incident.actions]
    assert done == [("pause-intake", "@intake", "done"), ("export-recovery", SCENE, "done")], where
    assert all(acted.run for _, acted in incident.actions), where
    (pause,) = open_pauses(heir(environment))
    assert pause.run == incident.actions[0][1].run, where
    assert sandbox.store.get(DATA, f"scenes/{SCENE}/geniesim/scene_graph.json") is not None
    assert starts(sandbox) == 1, where


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("part", range(4))
def test_killed_at_any_entry_it_is_brought_to_its_end(before: bool, part: int) -> None:
    for number in range(1 + part, entries_of_one() + 1, 4):
        with world() as (sandbox, environment):
            person = Person(ANSWERS)
            with pytest.raises(Killed), killed_at(number, before=before):
                go(environment, person)
            one = go(environment, person)
            assert one.outcome == "done", (number, before, one.sentence())
            whole(sandbox, environment, (number, before))


def test_killed_twice_in_a_row_it_is_still_brought_to_its_end() -> None:
    with world() as (sandbox, environment):
        person = Person(ANSWERS)
        for number in (9, 4, 7):
            with pytest.raises(Killed), killed_at(number, before=False):
                go(environment, person)
        assert go(environment, person).outcome == "done"
        whole(sandbox, environment, "thrice")


def test_what_was_decided_is_done_though_the_flow_run_that_asked_is_gone() -> None:
    """The decision is in the record before it is done: another run, which knows no form's answer, carries it out."""
    with world() as (sandbox, environment):
        person = Person([RECOVER])
        real = Incident.say_once

        def dying(self: Incident, key: str, said: Any) -> bool:
            written = real(self, key, said)
            if isinstance(said, Decided):
                raise Killed
            return written

        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Incident, "say_once", dying)
            go(environment, person)
        (id_,) = incident_ids(heir(environment))
        assert starts(sandbox) == 0
        one = respond(heir(environment), wanted(incident=id_), Means(ask=Person([])))
        assert one.outcome == "escalated"
        assert starts(sandbox) == 1
        acted = read_incident(heir(environment), id_).actions[-1][1]
        assert (acted.subject, acted.outcome) == (SCENE, "done")


def test_a_batch_that_was_killed_does_only_what_is_left() -> None:
    from deployments.sandbox.pipeline.damage import damage
    from deployments.sandbox.pipeline.scenes import make_scene
    from tasks.incidents.entries import Scope

    with world() as (sandbox, environment):
        names = [SCENE, "office_001", "office_002"]
        for name in names[1:]:
            make_scene(sandbox.store, DATA, name, "kitchen", objects=1)
            damage(sandbox.store, DATA, name, "export_corrupt")
        person, scope = Person(ANSWERS), Scope(scenes=tuple(names))
        real = Incident.say_once

        def dying(self: Incident, key: str, said: Any) -> bool:
            if key.endswith(":office_001"):
                raise Killed
            return real(self, key, said)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Incident, "say_once", dying)
            go(environment, person, scope=scope)
        assert starts(sandbox) >= 2
        assert go(environment, person, scope=scope).outcome == "done"
        (id_,) = incident_ids(heir(environment))
        done = [
            acted for _, acted in read_incident(heir(environment), id_).actions if acted.procedure == "export-recovery"
        ]
        assert sorted((acted.subject, acted.outcome) for acted in done) == [(name, "done") for name in sorted(names)]
        assert len({acted.run for acted in done}) == 3
        assert starts(sandbox) == 3
        assert sandbox.store.get(OPS, f"remediation/leases/@{id_}.json") is None
