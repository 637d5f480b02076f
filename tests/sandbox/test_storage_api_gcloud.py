"""gcloud storage, Google's own command, copies, syncs, lists, reads and deletes against the sandbox."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.storage_world import StorageServer

GCLOUD = shutil.which("gcloud")
pytestmark = pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed (Google Cloud CLI)")


class Gcloud:
    """gcloud storage with the sandbox as its only Cloud Storage and settings of its own."""

    def __init__(self, server: StorageServer, settings: Path) -> None:
        """Point it at a server."""
        self.environment = os.environ | {
            "CLOUDSDK_CONFIG": str(settings),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{server.url}/",
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_PROJECT": "sandbox-project",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        }

    def run(self, *arguments: str) -> list[str]:
        """Run `gcloud storage`; the lines it wrote. Fails when it does."""
        command = [str(GCLOUD), "storage", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def test_gcloud_uploads_syncs_lists_reads_and_deletes(storage_server: StorageServer, tmp_path: Path) -> None:
    store = storage_server.store
    for bucket in ("scenes", "copies"):
        store.create_bucket(bucket)
    files = {"a.json": b"{}", "dir/b.txt": b"text", "large.bin": random.Random(1).randbytes(9 << 20)}
    for name, data in files.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_bytes(data)
    gcloud = Gcloud(storage_server, tmp_path / "settings")
    gcloud.run("cp", "--recursive", str(tmp_path / "files"), "gs://scenes/")
    assert {version.name: version.data for version in store.list("scenes")} == {
        f"files/{name}": data for name, data in files.items()
    }
    gcloud.run("rsync", "--recursive", "gs://scenes/files", "gs://copies/files")
    assert [v.crc32c for v in store.list("copies")] == [v.crc32c for v in store.list("scenes")]
    listed = [line for line in gcloud.run("ls", "--recursive", "gs://copies/files/**") if line]
    assert listed == [f"gs://copies/files/{name}" for name in sorted(files)]
    assert gcloud.run("cat", "gs://copies/files/dir/b.txt") == ["text"]
    gcloud.run("rm", "gs://copies/files/a.json")
    assert [version.name for version in store.list("copies")] == ["files/dir/b.txt", "files/large.bin"]


def test_gcloud_compresses_on_the_way_and_what_was_meant_is_stored(
    storage_server: StorageServer, tmp_path: Path
) -> None:
    storage_server.store.create_bucket("scenes")
    files = {"small.json": b'{"a": 1}' * 100, "large.json": b'{"b": 2}' * (2 << 20)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    gcloud = Gcloud(storage_server, tmp_path / "settings")
    gcloud.run("cp", "--gzip-in-flight-all", *(str(tmp_path / name) for name in files), "gs://scenes/")
    stored = {version.name: version for version in storage_server.store.list("scenes")}
    assert {name: version.data == files[name] for name, version in stored.items()} == dict.fromkeys(files, True)
    assert not any(version.extra.get("contentEncoding") for version in stored.values())
