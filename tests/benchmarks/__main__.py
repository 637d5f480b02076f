"""`make bench`: run benchmarks, print what they print, and keep it in docs/benchmarks.md with the machine's name."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
PAGE = HOME / "docs" / "benchmarks.md"
BENCHMARKS = {
    "bench_validation": "Validation: scenes per second, requests per scene, and the schema check against jsonschema",
    "bench_readers": "Validation: one scene of 200,000 objects, 300 MiB of recordings, and hostile files",
    "bench_overhead": "Orchestration: 50 recoveries through the flow and through the plain functions",
    "bench_imports": "Start of a flow run: what importing each flow costs",
    "bench_events": "Events: what the receiver takes, and from the event to a running flow",
    "bench_survival": "Survival: a flow, a host, a worker, a server that die in the middle of a recovery",
    "bench_status": "Status: the state of everything among 10,000 scenes, from a cold start",
    "bench_diagnosis": "Diagnosis: five faults at once, named with their evidence",
    "bench_incident": "Incident response: five faults at once, named and seen through to the review",
    "bench_gpu": "GPU watch: 50 scenes that failed in a stock-out, once there are GPUs again",
    "bench_gpu_classes": "GPU capacity: which shortage it is, in varied worlds, and none where there is none",
    "bench_outage": "Simulator outage: 20 scenes in flight, one restart, one smoke run, and each made again",
    "bench_runtime": "The runtime report: a million log entries, read, judged and kept",
    "bench_overrides": "The override audit: 2,000 scenes with every kind of wrong override among them",
    "bench_demo": "The demo: from the event to the proof",
    "bench_plan": "Backup: planning without a server",
    "bench_sync": "Backup: the sync engine beside rclone and gcloud",
    "bench_sync_check": "Backup: the same on another server",
}


def main() -> int:
    """Run the benchmarks named on the command line, or all. Returns how many did not end well."""
    wanted = sys.argv[1:] or list(BENCHMARKS)
    failed, sections = 0, kept()
    for name in wanted:
        print(f"== {BENCHMARKS[name]}", flush=True)
        lines = []
        command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
        with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for line in running.stdout:
                print(line, end="", flush=True)
                lines.append(line.rstrip())
        failed += running.returncode != 0
        if not running.returncode:
            said = "\n".join(lines)
            sections[name] = f"`python -m tests.benchmarks {name}`, {datetime.now(UTC):%Y-%m-%d}\n\n```\n{said}\n```\n"
    parts = [f"## {title}\n\n{sections[name]}" for name, title in BENCHMARKS.items() if name in sections]
    PAGE.write_text(introduction() + "\n" + "\n".join(parts))
    return failed


def kept() -> dict[str, str]:
    """What the page says of each benchmark now."""
    if not PAGE.exists():
        return {}
    found = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        title, _, text = section.partition("\n\n")
        found |= {name: text for name, known in BENCHMARKS.items() if known == title}
    return found


def introduction() -> str:
    """What machine it was, and with which versions."""
    packages = ("prefect", "google-cloud-storage", "jsonschema-rs", "jsonschema", "grpcio")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`, `make bench-sync` and `make bench-events`; the last run of each. Nothing here passes or fails: the figures are what was seen, beside the "
        "goal where there is one. The sandbox runs in a process of its own on the same machine, so it takes part of the "
        "cores.\n\n"
        f"Machine: {processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}; {versions}.\n"
    )


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
