"""Our sync engine beside rclone and gcloud, in the same run, on the same server, behind a line that is 20 ms late.

A first copy, a second one with nothing to do, and one with a single changed object; the median of five rounds.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blocks.storage import PipelineStorage
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.backup.procedure import NightlyBackup
from tasks.remediation.context import Context
from tasks.remediation.procedure import Request
from tasks.remediation.runner import run

ROUNDS = 5
SMALL, LARGE, LARGE_BYTES = 20_000, 20, 32 << 20
LINE_SECONDS = 0.02
STEPS = ("first copy", "nothing to do", "one changed")
RCLONE_FLAGS = ("--fast-list", "--checksum", "--gcs-no-check-bucket", "--transfers=256", "--checkers=256")
Seconds = dict[str, list[float]]


class World:
    """A storage server, a slow line to it, and what can be done to it."""

    def __init__(self, direct: str, line: str, source: str, names: list[str]) -> None:
        self.direct, self.line, self.source, self.names = direct, line, source, names
        self.storage = PipelineStorage(project="bench", endpoint=direct)

    def bucket(self, name: str) -> str:
        """A new empty bucket."""
        body = json.dumps({"name": name}).encode()
        call(f"{self.direct}/storage/v1/b?project=bench", body)
        return name

    def change(self) -> None:
        """Other bytes of the same size for one object."""
        blob = self.storage.client().bucket(self.source).blob(random.choice(self.names))
        blob.upload_from_string(random.randbytes(4096))


def call(url: str, body: bytes | None = None) -> Any:
    """A JSON request."""
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@contextmanager
def helper(*arguments: object) -> Iterator[dict[str, str]]:
    """A process of `sync_server`, and what it prints first."""
    command = [sys.executable, "-m", "tests.benchmarks.sync_server", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def sandbox_world() -> Iterator[World]:
    """The sandbox's storage with the large set of objects."""
    with (
        helper(SMALL, LARGE, LARGE_BYTES) as server,
        helper("--line", server["direct"].rpartition(":")[2], LINE_SECONDS) as line,
    ):
        names = [f"scenes/scene_{n // 40:05d}/assets/obj_{n % 40:02d}/asset.glb" for n in range(SMALL)]
        yield World(server["direct"], line["line"], "bench-source", names)


class Ours:
    """The engine, each run in a new process. The ranges of a run are kept for the next, as a night's manifest does."""

    name = "ours"

    def __init__(self) -> None:
        self.parts: list[list[object]] = []
        self.inside: Seconds = {step: [] for step in STEPS}

    def run(self, world: World, target: str, step: str) -> None:
        known = [] if step == STEPS[0] else self.parts
        arguments = [world.line, world.source, target, json.dumps(known)]
        command = [sys.executable, "-m", "tests.benchmarks.sync_ours", *arguments]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        expected = {STEPS[0]: answer["seen"], STEPS[1]: 0, STEPS[2]: 1}[step]
        assert answer.get("done", 0) == expected, answer
        self.parts = answer["parts"]
        self.inside[step].append(answer["seconds"])


class Rclone:
    """rclone with the flags that were fastest here."""

    name = "rclone"

    def run(self, world: World, target: str, step: str) -> None:
        settings = {
            "TYPE": "google cloud storage",
            "ANONYMOUS": "true",
            "ENDPOINT": f"{world.line}/storage/v1/",
            "PROJECT_NUMBER": "bench",
            "BUCKET_POLICY_ONLY": "true",
        }
        environ = os.environ | {f"RCLONE_CONFIG_GCS_{key}": value for key, value in settings.items()}
        program = Path(sys.executable).with_name("rclone")
        command = [program, "sync", f"GCS:{world.source}/scenes", f"GCS:{target}/scenes", *RCLONE_FLAGS]
        subprocess.run(command, check=True, capture_output=True, env=environ | {"RCLONE_CONFIG": os.devnull})


class Gcloud:
    """gcloud storage rsync, where it is installed."""

    name = "gcloud"

    def run(self, world: World, target: str, step: str) -> None:
        environ = os.environ | {
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{world.line}/",
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_PROJECT": "bench",
        }
        command = ["gcloud", "storage", "rsync", "--recursive", "--checksums-only"]
        command += [f"gs://{world.source}/scenes", f"gs://{target}/scenes"]
        subprocess.run(command, check=True, capture_output=True, env=environ)


Peer = Ours | Rclone | Gcloud


def race(world: World, rounds: int, peers: list[Peer], count_requests: bool) -> dict[str, Seconds]:
    """Wall seconds of every peer and step, round by round in turn; each peer has a bucket of its own each round."""
    seconds: dict[str, Seconds] = {peer.name: {step: [] for step in STEPS} for peer in peers}
    for number in range(rounds):
        for peer in peers:
            target = world.bucket(f"bench-{peer.name}-{number}")
            for step in STEPS:
                if step == STEPS[2]:
                    world.change()
                if count_requests:
                    call(f"{world.direct}/count")
                began = time.monotonic()
                peer.run(world, target, step)
                seconds[peer.name][step].append(time.monotonic() - began)
                if count_requests and number == 0:
                    print(f"  {peer.name:6} {step:13} {requests(call(f'{world.direct}/count'))}")
    return seconds


def requests(counted: dict[str, int]) -> str:
    """What was asked of the server, and that against the least it could be: pages and copies."""
    short = {name.removeprefix("storage.").removeprefix("objects."): number for name, number in counted.items()}
    copies = short.get("rewrite", 0)
    http = sum(short.values()) - (copies if "batch" in short else 0)
    least = copies + 2 * (SMALL + LARGE) // 1000 + 2
    return f"{http:>6,} requests, {sum(short.values()) / least:.2f} of the least calls: {short}"


def show(seconds: dict[str, Seconds], ours: Ours) -> None:
    """Medians, and their ratio to ours."""
    for step in STEPS:
        inside = statistics.median(ours.inside[step])
        whole = statistics.median(seconds["ours"][step])
        words = [f"{step:13} ours {inside:6.2f} s (process and imports included {whole:.2f})"]
        for name, steps in seconds.items():
            if name != "ours":
                peer = statistics.median(steps[step])
                words.append(f"{name} {peer:.2f} s: {inside / peer:.2f} of it (included {whole / peer:.2f})")
        print("; ".join(words))
    nothing, one = (statistics.median(ours.inside[step]) for step in STEPS[1:])
    print(f"one changed object against nothing to do: {one / nothing:.2f} (goal: at most 1.2)")


def nights(world: World) -> None:
    """The whole nightly backup over the same line: definitions, manifest, journal and summary included."""
    with Sandbox() as rest:
        target = world.bucket("bench-nights")
        environment = for_sandbox(rest.endpoints).model_copy(
            update={
                "storage": PipelineStorage(project="bench", endpoint=world.line),
                "data_bucket": world.source,
                "backup_bucket": target,
                "ops_bucket": world.bucket("bench-ops"),
            }
        )
        for step in STEPS:
            if step == STEPS[2]:
                world.change()
            began = time.monotonic()
            result = run(NightlyBackup(), Context(environment, "bench"), Request(mode="apply"))
            assert result.good, result.sentence()
            print(f"  whole night, {step:13} {time.monotonic() - began:6.2f} s: {result.summary}")


def peers() -> tuple[Ours, list[Peer]]:
    """Who takes part."""
    ours = Ours()
    if shutil.which("gcloud"):
        return ours, [ours, Rclone(), Gcloud()]
    print("gcloud is not installed here and takes no part.")
    return ours, [ours, Rclone()]


def main() -> None:
    """The race, then whole nights."""
    ours, all_peers = peers()
    print(f"Sandbox, {SMALL:,} objects of 4 KiB in 500 scenes and {LARGE} of 32 MiB, median of {ROUNDS} rounds:")
    with sandbox_world() as world:
        show(race(world, ROUNDS, all_peers, True), ours)
        nights(world)
    print("goals: first copy at most 1.0 of rclone (0.2 of gcloud), nothing to do at most 0.5 (0.1)")


if __name__ == "__main__":
    main()
