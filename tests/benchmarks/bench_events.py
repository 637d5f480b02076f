"""The event path: what the receiver takes by itself, and how long an event needs to a running flow.

`python -m tests.benchmarks.bench_events alone` measures the receiver only; `stack` the whole road, with the settings of
`make up` and with Prefect's defaults; without an argument both.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments import stack as stack_module
from deployments.receiver import spool
from deployments.stack import Stack, answers, call, free_port
from tasks.doctor.prefect_server import LEASE_STORAGE
from tests.receiver import messages as m

MANY = int(os.environ.get("REMEDIATION_BENCH_EVENTS", "100000"))
RATES = (1_000, 1_500, 2_000)
"""Events per second that are offered."""
SECONDS = 10.0
WARM = 1_000
"""Events of the first second, in which the receiver makes its client of Prefect."""
CONNECTIONS = 32
SCENES = 20
"""Failures measured from the event to a running flow, for each setting."""

ALONE = """
import sys
from pathlib import Path
from deployments.receiver.app import Receiver, make_app
from deployments.receiver.auth import doors
from deployments.receiver.rules import load_rules
from deployments.receiver.serve import listen
from tests.receiver.world import plain_environment
receiver = Receiver(Path(sys.argv[1]), load_rules(plain_environment()), doors("127.0.0.1"))
listen(make_app(receiver), "127.0.0.1", int(sys.argv[2]))
"""


def percentile(values: list[float], percent: float) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered)) - 1))]


def request_bytes(number: int) -> bytes:
    """One push as bytes on the wire: every event another one."""
    path, headers, body = m.notification(f"scenes/bench_{number % 1000}/geniesim/.failed", str(number + 1))
    lines = [f"POST {path} HTTP/1.1", "host: receiver", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def send(port: int, first: int, many: int, rate: float) -> tuple[list[float], float]:
    """Offer so many events at a steady rate (0: as fast as they are taken). Seconds of each answer, and of all.

    The time of an event counts from when it was due, so that a sender that falls behind does not hide it.
    """
    times: list[float] = []
    numbers = iter(range(many))
    begun = time.perf_counter() + 0.05

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            due = begun + number / rate if rate else time.perf_counter()
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            writer.write(request_bytes(first + number))
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204"), answer
            times.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return times, time.perf_counter() - begun


def memory(pid: int) -> float:
    """Resident memory in MiB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def cpu(pid: int) -> float:
    """Seconds that a process has spent on the processor (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alone() -> None:
    """The receiver by itself; its Prefect server is away, so everything stays in the spool."""
    with tempfile.TemporaryDirectory(prefix="bench-events-") as folder:
        path, port = Path(folder) / "receiver.db", free_port()
        environ = os.environ | {"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api", "PREFECT_HOME": folder}
        child = subprocess.Popen([sys.executable, "-c", ALONE, str(path), str(port)], env=environ)
        try:
            while not answers(f"http://127.0.0.1:{port}/healthz"):
                time.sleep(0.05)
            measure_alone(path, port, child.pid)
        finally:
            child.terminate()
            child.wait(60)


def measure_alone(path: Path, port: int, pid: int) -> None:
    gc.freeze()  # the sender's own pauses are none of the receiver's
    sent = len(asyncio.run(send(port, 0, WARM, WARM))[0])
    print(f"Receiver alone: a process of its own, {CONNECTIONS} connections, every event new and flushed to disk.")
    print("Goal: 1,000 events/s accepted and spooled, p99 under 50 ms, memory flat over 100,000.")
    print(
        f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. The first {WARM:,} are not counted."
    )
    for rate in RATES:
        spent = cpu(pid)
        times, took = asyncio.run(send(port, sent, int(rate * SECONDS), rate))
        sent += len(times)
        p50, p99 = (1000 * percentile(times, percent) for percent in (50, 99))
        each = 1000 * (cpu(pid) - spent) / len(times)
        taken = f"{len(times) / took:,.0f}/s taken, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        print(f"  offered {rate:,}/s: {taken}, {each:.2f} ms of a processor each")
    sizes = [memory(pid)]
    begun, before = time.perf_counter(), sent
    while sent < MANY:
        asyncio.run(send(port, sent, min(10_000, MANY - sent), 0))
        sent += min(10_000, MANY - sent)
        sizes.append(memory(pid))
    rate = (sent - before) / (time.perf_counter() - begun)
    print(f"  as fast as it takes them: {rate:,.0f}/s over {sent - before:,}")
    print(f"  memory after each 10,000: {', '.join(f'{size:.0f}' for size in sizes)} MiB")
    with spool.opened(path) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM events").fetchone()
    print(f"  in the spool: {kept:,} of {sent:,}; file {path.stat().st_size / kept:.0f} bytes an event")


class Defaults(Stack):
    """A stack that leaves to Prefect what Prefect decides by itself; only its leases are kept, as nothing works without."""

    OURS = (
        *stack_module.SERVER_SETTINGS,
        *stack_module.WORKER_SETTINGS,
        "PREFECT_API_SSL_CERT_FILE",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED",
    )

    def environ(self) -> dict[str, str]:
        return {key: value for key, value in super().environ().items() if key not in self.OURS} | dict([LEASE_STORAGE])

    def start(self) -> None:
        super().start()
        pool = f"{self.api_url}/work_pools/{stack_module.WORK_POOL}"
        template = call("GET", pool)["base_job_template"]
        template["variables"]["properties"]["command"]["default"] = None
        call("PATCH", pool, {"base_job_template": template})


def whole() -> None:
    """From the event to a running flow, with our settings and with Prefect's defaults."""
    print(
        "Failure marker written to flow run Running (sandbox, Prefect on SQLite and a process worker on the same machine)."
    )
    print("Goal: p50 3.0 s, p95 5.0 s with `make up`.")
    print(
        f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; `import prefect` takes {importing():.1f} s."
    )
    for name, kind in (("make up", Stack), ("Prefect's defaults", Defaults)):
        with kind(f"bench-events-{os.getpid()}") as stack:
            rest(stack)
            roads = [one_failure(stack, number) for number in range(SCENES)]
        alone = [one for one in roads if not one.beside]
        tell(f"{name}: created", [one.created for one in roads])
        tell(f"{name}: Running", [one.running for one in roads])
        tell(f"{name}: Running, with no other run beside it", [one.running for one in alone])
        marked = (f"{one.running:.1f}{'*' * one.beside}" for one in roads)
        print(f"    each (* a scheduled run beside it): {', '.join(marked)} s", flush=True)


@dataclass(frozen=True)
class Road:
    """One event's way, in seconds from the answer to it."""

    created: float
    running: float
    beside: int
    """Other flow runs that were at work meanwhile."""


def tell(what: str, values: list[float]) -> None:
    """The line of one figure."""
    p50, p95 = statistics.median(values), percentile(values, 95)
    print(f"  {what}: p50 {p50:.2f} s, p95 {p95:.2f} s ({len(values)} events)", flush=True)


def importing() -> float:
    """Seconds in which a new process has loaded Prefect."""
    subprocess.run([sys.executable, "-c", "import prefect"], check=True)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import prefect"], check=True)
    return time.perf_counter() - begun


def rest(stack: Stack) -> None:
    """Wait until the runs that begin with the stack have ended."""
    at_work = {"flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}}
    quiet = 0
    while quiet < 5:
        time.sleep(1.0)
        quiet = 0 if call("POST", f"{stack.api_url}/flow_runs/count", at_work) else quiet + 1


def one_failure(stack: Stack, number: int) -> Road:
    """One failed export, until its recovery has ended."""
    scene = f"bench_{number}"
    stack.control("POST", "scenes", {"scene_id": scene, "kind": "office", "objects": 1})
    stack.control("POST", f"scenes/{scene}/damage", {"name": "export_corrupt"})
    begun = datetime.now(UTC)
    stack.control("POST", f"scenes/{scene}/damage", {"name": "export_failed_marker"})
    wanted = {"deployments": {"name": {"any_": ["export-recovery-on-failure"]}}, "limit": 200}
    run: dict[str, Any] = {}
    while run.get("state_type") not in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        time.sleep(1.0)  # its times are the server's own, and asking it often would be work for it
        found = call("POST", f"{stack.api_url}/flow_runs/filter", wanted)
        run = next((one for one in found if one["parameters"].get("scene_ids") == [scene]), {})
    created, running = (datetime.fromisoformat(run[field]) for field in ("created", "start_time"))
    meanwhile = {"expected_start_time": {"before_": run["start_time"]}, "end_time": {"after_": begun.isoformat()}}
    others = call("POST", f"{stack.api_url}/flow_runs/count", {"flow_runs": meanwhile}) - 1
    return Road((created - begun).total_seconds(), (running - begun).total_seconds(), others)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["alone", "stack"]
    if "alone" in wanted:
        alone()
    if "stack" in wanted:
        whole()
