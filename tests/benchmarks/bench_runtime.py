"""The runtime report of a million log entries: how long it takes, how much memory, and that its percentiles are numpy's."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np

from blocks.clients import load_libraries
from deployments.sandbox_environment import for_sandbox
from tasks.remediation.context import Context
from tasks.runtime_report.check import reported
from tasks.runtime_report.report import Report
from tasks.runtime_report.window import Question
from tests.benchmarks.serving import sandbox_process

ENTRIES = 1_000_000
TARGET_SECONDS, TARGET_MIB = 60.0, 500.0


@contextmanager
def log_process(until: float) -> Iterator[str]:
    """The log in a process of its own; its address."""
    command = [sys.executable, "-m", "tests.benchmarks.runtime_server", str(ENTRIES), str(until)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)


def peak() -> float:
    """The most memory this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def same_as_numpy(report: Report) -> int:
    """How many percentiles were compared with numpy's over the same runs."""
    runs = report.in_window()
    assert runs is not None
    for step in report.steps:
        mine = (
            (runs["job"] == step.job) & (runs["workflow"] == step.workflow) & (runs["timeout_seconds"] == step.timeout)
        )
        wanted = np.quantile(runs[mine]["duration_seconds"].to_numpy(), [0.5, 0.9, 0.95, 0.99])
        assert np.allclose(wanted, [step.p50, step.p90, step.p95, step.p99], rtol=1e-12), step
    return 4 * len(report.steps)


def main() -> None:
    """Print what was seen."""
    until = datetime.now(UTC)
    with sandbox_process() as served, log_process(until.timestamp()) as address:
        environment = for_sandbox(served.endpoints)
        environment.logs.endpoint = address
        load_libraries()
        before = peak()
        began, worked = time.perf_counter(), time.process_time()
        report, _ = reported(Context(environment, "a benchmark"), Question(until=until), until)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        used = peak()
        environment.close()
    assert report.unknown == [], report.unknown
    compared = same_as_numpy(report)
    print(
        f"{ENTRIES:,} entries of two weeks, read, judged and kept: {seconds:.1f} s (target {TARGET_SECONDS:g} s), {worked:.1f} s of it at work"
    )
    print(f"memory at most: {used:.0f} MiB (target {TARGET_MIB:g} MiB), {before:.0f} MiB of it before the first entry")
    print(
        f"{len(report.steps)} steps, {sum(one.runs for one in report.steps):,} runs in the window; {compared} percentiles equal numpy's"
    )


if __name__ == "__main__":
    main()
