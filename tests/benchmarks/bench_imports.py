"""What a flow run pays before it begins: processor time and memory of importing each flow's module, beside Prefect."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
ROUNDS = 5
GOAL = 1.6
MEASURE = """
import {module}, resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def cost(module: str) -> tuple[float, float]:
    """Seconds of processor time and MiB of a fresh interpreter that imports `module`."""
    command = [sys.executable, "-c", MEASURE.format(module=module)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def main() -> None:
    """Every module once, then all again: what else the machine does falls on all of them alike."""
    flows = sorted(path.stem for path in (HOME / "flows").glob("*.py") if "@flow(" in path.read_text())
    modules = ["prefect", *(f"flows.{name}" for name in flows)]
    for module in modules:
        cost(module)  # writes the compiled files
    seen = [{module: cost(module) for module in modules} for _ in range(ROUNDS)]
    middle = {module: [statistics.median(one[module][which] for one in seen) for which in (0, 1)] for module in modules}
    base = middle["prefect"][0]
    for module, (seconds, memory) in middle.items():
        print(f"import {module:<24} {seconds:5.2f} s of processor, {seconds / base:5.2f} x prefect, {memory:4.0f} MiB")
    worst = max(seconds / base for seconds, _ in middle.values())
    print(f"goal: at most {GOAL} x prefect; the dearest is {worst:.2f} x")


if __name__ == "__main__":
    main()
