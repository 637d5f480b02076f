"""The sandbox's own interface at its edges: the last value a body may hold, archives, and what is counted."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from deployments.sandbox.control_bodies import EventCopies, NewScene
from deployments.sandbox.control_objects import put_archive
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.load import CHUNK_BYTES, _chunks
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.pipeline.simulator_faults import FaultBoard, SimulatorFault
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store import ObjectStore
from tests.sandbox.service_world import control


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1, job_seconds=0.0) as running:
        yield running


@pytest.fixture
def store() -> ObjectStore:
    made = ObjectStore()
    made.create_bucket(DATA_BUCKET)
    return made


@pytest.mark.parametrize(
    ("model", "good", "bad"),
    [
        (NewScene, {"scene_id": "a" * 128}, {"scene_id": "a" * 129}),
        (NewScene, {"scene_id": "a", "objects": 1}, {"scene_id": "a", "objects": 0}),
        (NewScene, {"scene_id": "a", "objects": 1000}, {"scene_id": "a", "objects": 1001}),
        (NewScene, {"scene_id": "a", "object_bytes": 0}, {"scene_id": "a", "object_bytes": -1}),
        (EventCopies, {"copies": 10}, {"copies": 11}),
        (FaultRule, {"kind": "status", "probability": 1}, {"kind": "status", "probability": 1.1}),
        (FaultRule, {"kind": "status", "probability": 0}, {"kind": "status", "probability": -0.1}),
        (FaultRule, {"kind": "hang", "seconds": 0}, {"kind": "hang", "seconds": -1}),
        (FaultRule, {"kind": "reset", "times": 1}, {"kind": "reset", "times": 0}),
        (SimulatorFault, {"kind": "slow", "seconds": 0}, {"kind": "slow", "seconds": -1}),
        (SimulatorFault, {"kind": "slow", "times": 1}, {"kind": "slow", "times": 0}),
        (SimulatorFault, {"kind": "hold"}, {"kind": "hold", "colour": "red"}),
    ],
)  # fmt: skip
def test_a_body_may_hold_this_and_not_that(model: Any, good: dict[str, Any], bad: dict[str, Any]) -> None:
    model.model_validate(good)
    with pytest.raises(ValidationError):
        model.model_validate(bad)


def test_a_rule_that_says_no_status_is_a_503_and_is_not_changed_any_more() -> None:
    rule = FaultRule(kind="status")
    assert rule.status == 503
    with pytest.raises(ValidationError):
        rule.status = 500  # type: ignore[misc]


def test_a_rule_that_is_spent_leaves_the_others_in_force() -> None:
    faults = Faults()
    for number, times in ((500, 1), (501, 2), (502, None)):
        faults.add(FaultRule(kind="status", status=number, times=times))
    drawn = [faults.draw("storage", "objects.get") for _ in range(5)]
    assert [rule.status for rule in drawn if rule] == [500, 501, 501, 502, 502]
    assert [rule.status for rule in faults.rules] == [502]


def test_a_rule_of_the_simulator_names_a_job_or_means_every_one_that_is_run() -> None:
    board = FaultBoard()
    board.add(SimulatorFault(kind="raise", scene_id="s1", times=1))
    assert board.draw("simready-job", "s1", wildcard=False)[0] is None
    assert board.draw("simready-job", "s2")[0] is None
    assert [board.draw("simready-job", "s1")[0] is not None for _ in range(2)] == [True, False]


def archive(*names: str) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"1"))
    return body.getvalue()


def test_files_of_an_archive_get_their_type_and_the_time_that_is_asked_for(store: ObjectStore) -> None:
    at = "2026-01-02T03:04:05+00:00"
    assert put_archive(store, archive("./scenes/a/x.json", "scenes/a/y"), {"at": at}) == 2
    found = {one.name: one for one in store.list(DATA_BUCKET)}
    assert {name: one.content_type for name, one in found.items()} == {
        "scenes/a/x.json": "application/json", "scenes/a/y": None,
    }  # fmt: skip
    assert {one.time_created for one in found.values()} == {datetime.fromisoformat(at)}


@pytest.mark.parametrize("name", ["/scenes/a/x", "scenes/../x", "../x"])
def test_a_name_that_leads_elsewhere_spoils_the_whole_archive(store: ObjectStore, name: str) -> None:
    with pytest.raises(ValueError, match="no object name"):
        put_archive(store, archive("scenes/a/fine", name), {})
    assert list(store.list(DATA_BUCKET)) == []


def test_a_load_is_cut_where_it_would_be_too_large(tmp_path: Path) -> None:
    files = {}
    for name in ("a", "b", "c"):
        files[name] = tmp_path / name
        with files[name].open("wb") as file:
            file.truncate(CHUNK_BYTES // 2)
    assert [[name for name, _ in chunk] for chunk in _chunks(files)] == [["a", "b"], ["c"]]


def test_requests_that_are_forgotten_are_forgotten_as_changes_too() -> None:
    log = RequestLog()
    log.record("storage", "objects.delete", mutates=True)
    log.record("run", "GetJob", mutates=False)
    assert (log.mutating(), log.snapshot()) == (
        {"total": 1, "storage": 1}, {"run.GetJob": 1, "storage.objects.delete": 1},
    )  # fmt: skip
    log.reset()
    assert (log.mutating(), log.snapshot()) == ({"total": 0}, {})


def test_executions_that_skipped_are_shown_when_asked_for_and_the_newest_first(sandbox: Sandbox) -> None:
    sandbox.store.put(DATA_BUCKET, "scenes/a/notes.txt", b"1")
    assert control(sandbox, "GET", "executions")["workflows"] == []
    shown = control(sandbox, "GET", "executions/?skipped=true&limit=3")["workflows"]
    assert len(shown) == 3 and [one["created"] for one in shown] == sorted(
        (one["created"] for one in shown), reverse=True
    )
    assert {(one["state"], one["result"]["status"]) for one in shown} == {("SUCCEEDED", "SKIPPED")}


def test_a_body_that_is_no_json_is_told(sandbox: Sandbox) -> None:
    answer = requests.post(f"{sandbox.endpoints.control}/faults", data=b"{", timeout=30)
    assert (answer.status_code, "the body" in answer.json()["error"]) == (400, True)


def test_a_scene_says_how_many_objects_it_has(sandbox: Sandbox) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC).isoformat()
    made = control(
        sandbox, "POST", "scenes", {"scene_id": "b", "objects": 2, "upto": "inputs", "at": at, "quiet": True}
    )
    names = [one.name for one in sandbox.store.list(DATA_BUCKET, "scenes/b/")]
    assert made == {"scene_id": "b", "objects": len(names)} and names
