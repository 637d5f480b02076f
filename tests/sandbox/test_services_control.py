"""The sandbox's own interface below /_sandbox/: what it switches, what it refuses, and the loading of folders."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import ExecutionsGrpcTransport

from deployments.sandbox.load import LoadError, load_folder
from deployments.sandbox.names import DATA_BUCKET, LOCATION
from deployments.sandbox.server import Sandbox
from tests.sandbox.service_world import bucket, control, until

EXPORT = "genie-sim-export-pipeline"
EXPORT_MARKER = "scenes/kitchen_1/variation_assets/.variation_pipeline_complete"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(seed=7, job_seconds=0.01) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """The running sandbox, with the world as it was when the test ends."""
    yield running
    for what in ("faults", "simulator", "push"):
        control(running, "DELETE", what)
    control(running, "POST", "genie_sim", {"state": "serving"})


@contextmanager
def executions_client(sandbox: Sandbox) -> Iterator[executions_v1.ExecutionsClient]:
    with grpc.insecure_channel(sandbox.endpoints.executions) as channel:
        yield executions_v1.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))


def test_faults_are_put_in_force_and_taken_out(sandbox: Sandbox) -> None:
    control(
        sandbox, "POST", "faults", {"service": "storage", "method": "objects.list", "kind": "status", "status": 403}
    )
    assert [rule["status"] for rule in control(sandbox, "GET", "faults")] == [403]
    with pytest.raises(exceptions.Forbidden):
        list(bucket(sandbox).list_blobs())
    control(sandbox, "DELETE", "faults")
    list(bucket(sandbox).list_blobs())


def test_requests_are_counted_and_forgotten(sandbox: Sandbox) -> None:
    control(sandbox, "DELETE", "requests")
    assert requests.get(f"{sandbox.endpoints.storage}/storage/v1/b/{DATA_BUCKET}/o", timeout=60).ok
    assert control(sandbox, "GET", "requests") == {"storage.objects.list": 1}


def test_a_workflow_that_was_taken_away_is_not_found(sandbox: Sandbox) -> None:
    wish = {"kind": "workflow", "name": EXPORT, "deployed": False}
    control(sandbox, "POST", "deployment", wish)
    try:
        with executions_client(sandbox) as client, pytest.raises(exceptions.NotFound):
            client.create_execution(parent=f"{LOCATION}/workflows/{EXPORT}", timeout=60)
    finally:
        control(sandbox, "POST", "deployment", wish | {"deployed": True})


def test_scene_damage_and_simulator_are_controlled(sandbox: Sandbox) -> None:
    made = control(sandbox, "POST", "scenes", {"scene_id": "office_9", "kind": "office", "objects": 3})
    assert made["objects"] == len(list(bucket(sandbox).list_blobs(prefix="scenes/office_9/")))
    changed = control(sandbox, "POST", "scenes/office_9/damage", {"name": "manifest_truncated"})["changed"]
    assert changed == ["assets/scene_manifest.json"]
    control(sandbox, "POST", "simulator", {"workflow": "upsell-features-pipeline", "kind": "raise", "times": 1})
    event = {"data": {"bucket": DATA_BUCKET, "name": "scenes/office_9/episodes/.episodes_complete"}}
    with executions_client(sandbox) as client:
        started = client.create_execution(
            parent=f"{LOCATION}/workflows/upsell-features-pipeline",
            execution=executions_v1.Execution(argument=json.dumps(event | {"force_reprocess": True})),
        )
        ended = until(lambda: client.get_execution(name=started.name), lambda one: one.state.name != "ACTIVE")
    assert ended.state.name == "FAILED"


def test_genie_sim_and_kubernetes_jobs_are_switched(sandbox: Sandbox) -> None:
    control(sandbox, "POST", "genie_sim", {"state": "down"})
    host, port = sandbox.endpoints.genie_sim.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)
    manifest = {"metadata": {"name": "gpu-1"}, "spec": {"template": {"spec": {"containers": [{"name": "main"}]}}}}
    sandbox.cluster.create("blueprint", manifest)
    control(sandbox, "POST", "kubernetes/jobs/gpu-1", {"state": "failed"})
    assert sandbox.cluster.get("blueprint", "gpu-1")["status"]["failed"] == 1
    (pod,) = [one["metadata"]["name"] for one in sandbox.cluster.objects.all("pods", "blueprint")]
    control(sandbox, "POST", f"kubernetes/logs/{pod}", {"text": "no mesh\n"})
    path = f"/api/v1/namespaces/blueprint/pods/{pod}/log"
    assert requests.get(f"{sandbox.endpoints.kubernetes}{path}", timeout=60).text == "no mesh\n"
    sandbox.cluster.delete("blueprint", "gpu-1", {})


def test_what_shall_not_get_ready_is_told_and_an_image_may_get_ready_again(sandbox: Sandbox) -> None:
    control(sandbox, "POST", "jobs/simready-job", {"message": "no such secret"})
    assert sandbox.run.spoilt == {"simready-job": "no such secret"}
    sandbox.run.spoilt.clear()
    for ready in (False, True):
        control(sandbox, "POST", "kubernetes/images", {"image": "x:1", "ready": ready})
        assert ("x:1" in sandbox.cluster.controllers.broken_images) != ready


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "faults", {"kind": "explode"}, "kind"),
        ("POST", "faults", {"kind": "reset", "methd": "x"}, "methd"),
        ("POST", "simulator", {"kind": "unknown"}, "kind"),
        ("POST", "scenes", {"scene_id": "../etc"}, "scene_id"),
        ("POST", "scenes", {"scene_id": "a", "kind": "garden"}, "kind"),
        ("POST", "scenes", {"scene_id": "a", "upto": "nowhere"}, "nowhere"),
        ("POST", "scenes/absent/damage", {"name": "manifest_truncated"}, "absent"),
        ("POST", "scenes/a/damage", {"name": "unheard_of"}, "unheard_of"),
        ("POST", "genie_sim", {"state": "asleep"}, "state"),
        ("POST", "push", {"url": "nowhere"}, "url"),
        ("POST", "push", {}, "url"),
        ("POST", "events", {"copies": 0}, "copies"),
        ("POST", "deployment", {"kind": "workflow", "name": "nope", "deployed": True}, "nope"),
        ("POST", "kubernetes/logs/absent", {"text": ""}, "absent"),
        ("POST", "images", {"image": "", "exists": False}, "image"),
        ("POST", "kubernetes/jobs/absent", {"state": "failed"}, "absent"),
        ("POST", "jobs/absent", {"message": "no"}, "absent"),
        ("POST", "jobs/simready-job", {"message": ""}, "message"),
        ("POST", "kubernetes/images", {"image": "x"}, "ready"),
        ("POST", "objects?bucket=absent", {}, "bucket"),
        ("POST", "objects?at=yesterday", {}, "yesterday"),
        ("POST", "objects", {"not": "a tar"}, "tar"),
        ("GET", "executions?limit=many", None, "limit"),
    ],
)
def test_bad_input_answers_400_with_one_sentence_that_names_it(
    sandbox: Sandbox, method: str, path: str, body: object, words: str
) -> None:
    error = control(sandbox, method, path, body, status=400)["error"]
    assert words in error
    assert "\n" not in error


def test_unknown_paths_and_wrong_methods_are_said_to_be_so(sandbox: Sandbox) -> None:
    assert "/_sandbox/nothing" in control(sandbox, "GET", "nothing", status=404)["error"]
    assert "GET, POST, DELETE" in control(sandbox, "PUT", "faults", {}, status=405)["error"]


def write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


NAMES = ("scenes/loaded_1/assets/scene_manifest.json", f"{EXPORT_MARKER}", "scenes/loaded_2/usd/.usd_complete")


@pytest.mark.parametrize("inside", ["", "my-bucket/"])
def test_a_folder_is_loaded_quietly_and_with_one_time(tmp_path: Path, inside: str) -> None:
    write(tmp_path, *(inside + name for name in NAMES), "README.md")
    with Sandbox() as sandbox:
        loaded = load_folder(sandbox.endpoints.control, tmp_path)
        blobs = list(bucket(sandbox).list_blobs())
        executions = control(sandbox, "GET", "executions?skipped=true")
    assert sorted(blob.name for blob in blobs) == sorted(NAMES)
    assert len({blob.updated for blob in blobs}) == 1
    assert (loaded.scenes, loaded.objects, loaded.bytes) == (3, 3, sum(len(inside + name) for name in NAMES))
    assert executions == {"workflows": [], "jobs": []}


def test_the_scenes_folder_itself_is_loaded_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.sandbox.load.CHUNK_FILES", 2)
    write(tmp_path, *(f"scenes/many/data/{number}.txt" for number in range(7)))
    with Sandbox() as sandbox:
        assert load_folder(sandbox.endpoints.control, tmp_path / "scenes").objects == 7
        assert len({blob.updated for blob in bucket(sandbox).list_blobs(prefix="scenes/many/")}) == 1


def test_a_folder_that_cannot_be_loaded_is_refused_with_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    twice = write(tmp_path / "twice", "one/scenes/a/x.json", "two/scenes/a/x.json")
    scenes = write(tmp_path / "scenes_here", "scenes/a/x.json")
    table = [
        (sandbox.endpoints.control, tmp_path / "absent", "is not a folder"),
        (sandbox.endpoints.control, write(tmp_path / "empty", "a.txt"), "holds no scenes"),
        (sandbox.endpoints.control, twice, "would both become scenes/a/x.json"),
        ("http://127.0.0.1:9/_sandbox", scenes, "No sandbox answers"),
        (f"{sandbox.endpoints.control}/nothing", scenes, "refused"),
    ]
    for url, folder, words in table:
        with pytest.raises(LoadError, match=words):
            load_folder(url, folder)
