"""The override audit of 2,000 scenes with every kind of wrong override among them: how long it takes, and what it finds."""

from __future__ import annotations

import io
import json
import signal
import sys
import tarfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx

from blocks.clients import load_libraries
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.override_audit.audit import audit
from tasks.remediation.context import Context
from tests.benchmarks.serving import sandbox_process
from tests.override_audit.planted import ALLOWED, KINDS, WITHOUT_A_SCENE, code_of
from tests.override_audit.world import GATE, dumped, report, stamp

SCENES = 2_000
TARGET_SECONDS = 60.0
OTHERS = 30
"""Objects of a scene that are no gate's."""
PROGRAM = "import sys; from tests.benchmarks.bench_overrides import serve_planted; serve_planted({count})"


def name_of(number: int) -> str:
    """The scene of that number. Names of the cluster have no underscores."""
    return f"scene-{number:05}"


def places(count: int) -> dict[str, int]:
    """By kind, the number of the scene in which it is planted: spread among all."""
    return {kind: index * count // len(KINDS) for index, kind in enumerate(KINDS)}


def serve_planted(count: int) -> None:
    """A sandbox in which every kind is planted, until its process is ended."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with Sandbox(job_seconds=0.05, seed=1) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        environment.catalogue_overlay = ALLOWED
        for kind, number in places(count).items():
            KINDS[kind][1](sandbox, environment, name_of(number))
        environment.close()
        print(json.dumps(sandbox.describe()), flush=True)
        ended.wait()


def wanted(count: int) -> Counter[tuple[str, str]]:
    """The (scene, code) of everything that is planted."""
    pairs = [(number, code_of(kind)) for kind, number in places(count).items()]
    return Counter(("" if code in WITHOUT_A_SCENE else name_of(number), code) for number, code in pairs)


def scene(number: int) -> dict[str, bytes]:
    """One scene without a fault: two gate reports, two markers, and what else lies there."""
    at, name = datetime.now(UTC) - timedelta(hours=10), name_of(number)
    marker = {"status": "complete", "timestamp": stamp(at + timedelta(hours=1))}
    objects = {
        "usd-assembly-job/quality_gate_report.json": report(at, GATE, passed=True),
        "simready-job/quality_gate_report.json": report(at, "qg-2-physics", passed=True),
        "replicator/.replicator_complete": marker,
        "assets/.simready_complete": marker,
        **{f"assets/obj_{other}/metadata.json": {} for other in range(OTHERS)},
    }
    return {f"scenes/{name}/{path}": dumped(value) for path, value in objects.items()}


def archive(count: int) -> bytes:
    """All scenes in which nothing is planted as a tar archive, as the sandbox takes them in one call."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in sorted(set(range(count)) - set(places(count).values())):
            for name, body in scene(number).items():
                info = tarfile.TarInfo(name)
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def main(count: int) -> int:
    """Make the scenes, audit them, and print the figures. 1: something else was found than is there."""
    with sandbox_process(program=PROGRAM.format(count=count)) as served:
        httpx.post(f"{served.endpoints.control}/objects", content=archive(count), timeout=300).raise_for_status()
        environment = for_sandbox(served.endpoints)
        environment.catalogue_overlay = ALLOWED
        load_libraries()
        served.control("DELETE", "requests")
        began = time.perf_counter()
        seen = audit(Context(environment, "benchmark"))
        seconds = time.perf_counter() - began
        asked = served.requests()
        environment.close()
    lists, reads = asked.get("storage.objects.list", 0), asked.get("storage.objects.media", 0)
    print(
        f"{seen.facts.seen:,} scenes, {(count - len(KINDS)) * (OTHERS + 4):,} objects and those of {len(KINDS)} planted, {seen.facts.reports:,} gate reports: {seconds:.1f} s"
    )
    print(f"  ({seen.facts.seen / seconds:,.0f} scenes/s; at most {TARGET_SECONDS:g} s wanted)")
    print(f"{sum(asked.values()):,} requests, of which {lists} lists and {reads:,} reads of the buckets")
    expected, found = wanted(count), Counter((one.scene, one.code) for one in seen.findings)
    missed, invented = expected - found, found - expected
    print(
        f"{(expected & found).total()} of {expected.total()} planted found, {missed.total()} missed, {invented.total()} invented, "
        f"{len(seen.facts.unknown)} things unknown"
    )
    for word, which in (("missed", missed), ("invented", invented)):
        print(*(f"  {word}: {code} {of}" for of, code in which), sep="\n", end="\n" if which else "")
    return int(bool(missed or invented or seen.facts.unknown))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SCENES))
