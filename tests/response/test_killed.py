"""Killed before or after any entry, another process brings the incident on: nothing is done twice and nothing is lost.

One incident is killed at every entry that it has, each time in a process that remembers nothing of the one before; a few
are killed once, so that what a process remembers from its resumption to the end is tried too; one is killed by SIGKILL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.delivery.pauses import open_pauses
from tasks.incidents.entries import Decided, Diagnosed, Entered, Evidence, Resolved, Updated
from tasks.incidents.incident import Incident, incident_ids, read_incident
from tasks.incidents.verify import verify_incident
from tasks.remediation.context import Context
from tasks.remediation.journal import read_journal
from tasks.remediation.ledger import Ledger
from tasks.response.respond import respond
from tasks.response.response import Means
from tests.recovery.killer import Victims, Watch, at
from tests.response.world import (
    ANSWERS,
    DATA,
    FLOW_RUN,
    OPS,
    QUICK,
    RECOVER,
    SCENE,
    Killed,
    Person,
    broken,
    heir,
    killed_at,
    killed_at_each,
    wanted,
    what_it_is,
)

MOST_ENTRIES = 80
"""More than an undisturbed response and its procedures write together."""


@contextmanager
def world() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    """A broken scene in a sandbox of its own, whose leases outlast any test."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        broken(sandbox)
        for name in sandbox.eventarc.deployed.names():
            sandbox.eventarc.deployed.put(name, False)
        environment = for_sandbox(sandbox.endpoints, quick_policy(**QUICK))
        yield sandbox, environment
        environment.close()


def go(environment: PipelineEnvironment, person: Person, **changes: Any) -> Any:
    """One process of a deployed run: the incident is found again by its flow run."""
    context = heir(environment)
    context.flow_run_id = FLOW_RUN
    return respond(context, wanted(pause="yes", **changes), Means(ask=person))


def starts(sandbox: Sandbox) -> int:
    """Executions and job runs that were started."""
    return sandbox.requests.count("executions", "CreateExecution") + sandbox.requests.count("run", "RunJob")


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
def test_killed_at_every_entry_one_after_the_other_it_is_brought_to_its_end(before: bool) -> None:
    seen: set[tuple[str, ...]] = set()
    with world() as (sandbox, environment):
        person, processes, one = Person(ANSWERS), 0, None
        while one is None:
            assert processes <= MOST_ENTRIES, sorted(seen)
            processes += 1
            with suppress(Killed), killed_at_each(seen, before=before):
                one = go(environment, person)
        assert one.outcome == "done", one.sentence()
        assert processes == len(seen) + 1
        whole(sandbox, environment, before)
        assert written(environment) <= seen, "an entry that killed nobody"


def written(environment: PipelineEnvironment) -> set[tuple[str, ...]]:
    """Every entry of the incident's record and of the journals of what was done for it."""
    (id_,) = incident_ids(heir(environment))
    incident = read_incident(heir(environment), id_)
    ledgers: list[Ledger] = [incident.case]
    for _, acted in incident.actions:
        ledgers.append(read_journal(environment.storage, OPS, acted.subject, acted.run, "a test"))
    return {what_it_is(ledger, entry.kind, entry.data) for ledger in ledgers for entry in ledger.entries}


@pytest.mark.parametrize(
    ("number", "before"), [(12, False), (19, True), (27, False)], ids=["evidence", "decided", "recovering"]
)
def test_killed_once_the_next_process_goes_on_from_there_to_the_end(number: int, before: bool) -> None:
    with world() as (sandbox, environment):
        person = Person(ANSWERS)
        with pytest.raises(Killed), killed_at(number, before=before):
            go(environment, person)
        one = go(environment, person)
        assert one.outcome == "done", one.sentence()
        whole(sandbox, environment, (number, before))


def test_a_process_that_is_really_killed_while_it_starts_the_recovery_is_followed_by_one_that_finds_it_gone() -> None:
    """SIGKILL, just when the start has taken effect: its answer is never read, and nobody says that the process is gone."""
    victims = Victims("tests.response.victim")
    try:
        with world() as (sandbox, environment):
            watch = Watch(at("executions.CreateExecution", done=True))
            sandbox.faults.draw = watch.draw  # type: ignore[method-assign]
            watch.victim_is(victims.send({"endpoints": sandbox.endpoints.model_dump()}))
            ended = victims.ended()
            assert (ended["exit"], watch.struck.is_set()) == (-9, True), ended
            left = Person(ANSWERS[1:])  # the first answer is a decision in the record by now
            one = respond(Context(environment, "ann", flow_run_id=FLOW_RUN), wanted(pause="yes"), Means(ask=left))
            assert one.outcome == "done", one.sentence()
            whole(sandbox, environment, "SIGKILL")
    finally:
        victims.close()


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
