"""The override audit of 2,000 scenes, 20 of which were let past a gate silently: how long it takes, and what it asks for."""

from __future__ import annotations

import io
import sys
import tarfile
import time
from datetime import UTC, datetime, timedelta

import httpx

from blocks.clients import load_libraries
from deployments.sandbox_environment import for_sandbox
from tasks.override_audit.audit import audit
from tasks.remediation.context import Context
from tests.benchmarks.serving import sandbox_process
from tests.override_audit.world import GATE, dumped, report, stamp

SCENES = 2_000
EVERY = 100
TARGET_SECONDS = 60.0
OTHERS = 30
"""Objects of a scene that are no gate's."""


def scene(number: int) -> dict[str, bytes]:
    """One scene: two gate reports, two markers, and what else lies there."""
    at, name = datetime.now(UTC) - timedelta(hours=10), f"scene_{number:05}"
    wrong = number % EVERY == 0
    marker = {"status": "complete", "timestamp": stamp(at + timedelta(hours=1))}
    objects = {
        "usd-assembly-job/quality_gate_report.json": report(at, GATE, passed=not wrong),
        "simready-job/quality_gate_report.json": report(at, "qg-2-physics", passed=True),
        "replicator/.replicator_complete": marker,
        "assets/.simready_complete": marker,
        **{f"assets/obj_{other}/metadata.json": {} for other in range(OTHERS)},
    }
    return {f"scenes/{name}/{path}": dumped(value) for path, value in objects.items()}


def archive(count: int) -> bytes:
    """All scenes as a tar archive, as the sandbox takes them in one call."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(count):
            for name, body in scene(number).items():
                info = tarfile.TarInfo(name)
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def main(count: int) -> int:
    """Make the scenes, audit them, and print the figures. 1: something else was found than is there."""
    with sandbox_process() as served:
        httpx.post(f"{served.endpoints.control}/objects", content=archive(count), timeout=300).raise_for_status()
        environment = for_sandbox(served.endpoints)
        load_libraries()
        served.control("DELETE", "requests")
        began = time.perf_counter()
        seen = audit(Context(environment, "benchmark"))
        seconds = time.perf_counter() - began
        asked = served.requests()
        environment.close()
    lists, reads = asked.get("storage.objects.list", 0), asked.get("storage.objects.media", 0)
    print(
        f"{seen.facts.seen:,} scenes, {count * (OTHERS + 4):,} objects, {seen.facts.reports:,} gate reports: {seconds:.1f} s"
    )
    print(f"  ({seen.facts.seen / seconds:,.0f} scenes/s; at most {TARGET_SECONDS:g} s wanted)")
    print(f"{sum(asked.values()):,} requests, of which {lists} lists and {reads:,} reads of the buckets")
    wanted = -(-count // EVERY)
    print(f"{len(seen.findings)} of {wanted} silent overrides found, {len(seen.facts.unknown)} things unknown")
    return int(len(seen.findings) != wanted or bool(seen.facts.unknown))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SCENES))
