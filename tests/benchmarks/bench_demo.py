"""The time from an emitted event to a verified scene, part by part, as `make demo` prints it."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys

ROUNDS = 3


def main() -> None:
    """Run the demo `ROUNDS` times; print each part's median."""
    parts: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "deployments.cli", "demo"]
        done = subprocess.run(command, capture_output=True, text=True, env=None)
        assert done.returncode == 0, done.stdout[-2000:]
        for name, seconds in re.findall(r"^│ (.+?) +│ ([0-9.]+) +│$", done.stdout, re.M):
            parts.setdefault(name, []).append(float(seconds))
        waiting = re.search(r"jobs: ([0-9.]+) s", done.stdout)
        parts.setdefault("of which waiting on simulated work", []).append(float(waiting.group(1)) if waiting else 0.0)
    for name, seconds in parts.items():
        print(f"{statistics.median(seconds):6.2f} s  {name}  (runs: {', '.join(f'{s:.2f}' for s in seconds)})")
    print("goal: event to verified under 15 s, at most half of it waiting")


if __name__ == "__main__":
    main()
