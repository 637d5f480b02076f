"""`remediate status` from a cold start among 10,000 scenes: how long it takes, and with how many requests."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.recovery.sweep import Verdict
from tasks.recovery.sweep_record import write_sweep
from tests.restore.world import DATA, make_night

SCENES, BROKEN, NIGHTS, RUNS = 10_000, 500, 35, 3
TARGET_SECONDS = 10.0


def main() -> None:
    """Print the time of each of several cold starts, and the requests of one."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox, tempfile.TemporaryDirectory() as folder:
        environment = for_sandbox(sandbox.endpoints)
        for back in reversed(range(NIGHTS)):
            make_night(environment, sandbox.store, datetime.now(UTC) - timedelta(days=back, hours=1))
        for number in range(SCENES):
            sandbox.store.put(DATA, f"scenes/scene_{number:05}/assets/scene_manifest.json", b"{}", quiet=True)
        write_sweep(environment, datetime.now(UTC), SCENES, map(broken, range(BROKEN)))
        file = Path(folder) / "environment.json"
        file.write_text(environment.model_dump_json(context={"include_secrets": True}))
        times, before = [], cpu()
        for _ in range(RUNS):
            sandbox.requests.reset()
            began = time.perf_counter()
            said = status(file, folder)
            times.append(time.perf_counter() - began)
        of_it = (cpu() - before) / RUNS
        requests, mutating = sum(sandbox.requests.snapshot().values()), sandbox.requests.mutating()["total"]
        environment.close()
    found = [len(item["subjects"]) for part in said["parts"] if part["part"] == "broken" for item in part["items"]]
    assert found == [BROKEN], found
    shown = ", ".join(f"{seconds:.1f} s" for seconds in times)
    print(f"{SCENES:,} scenes, {BROKEN} of them broken, {NIGHTS} nights: {shown} (target {TARGET_SECONDS:g} s)")
    print(
        f"each takes {of_it:.1f} s of one core's time, most of it imports; load of this machine: {os.getloadavg()[0]:.1f}"
    )
    print(
        f"of the last, loading the environment and asking: {said['seconds']} s; requests: {requests}, of which ask for a change: {mutating}"
    )


def cpu() -> float:
    """Seconds of cores that ended child processes have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def broken(number: int) -> Verdict:
    """One broken scene."""
    stages = {"usd-assembly": "complete", "genie-sim-export": "missing", "genie-sim-import": "never_ran"}
    fault = "genie-sim-export:export-incomplete"
    return Verdict(
        scene_id=f"scene_{number:05}", healthy=False, fault=fault, errors=1, first="It is missing.", stages=stages
    )


def status(file: Path, folder: str) -> dict[str, list[dict[str, object]]]:
    """What the command says, in a process of its own that knows no Prefect server."""
    command = [sys.executable, "-m", "deployments.cli", "status", "--json", "--environment-file", str(file)]
    without = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=without | {"PREFECT_HOME": folder, "REMEDIATION_STATE": folder}
    )
    assert done.returncode in (1, 5), done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
