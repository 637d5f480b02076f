"""Planning a backup of 100,000 and of 1,000,000 objects, without a server: entries a second, and memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from blocks.storage_bulk import Entry
from tasks.sync.compare import compare_listings
from tasks.sync.copy_names import copy_key, in_copy_order
from tasks.sync.merge_join import merge_join

SIZES = (100_000, 1_000_000)
CHANGED_EVERY = 1000


def entries(count: int) -> Iterator[Entry]:
    """A source of `count` objects, 40 to a scene."""
    for number in range(count):
        name = f"scenes/scene_{number // 40:06d}/assets/obj_{number % 40:02d}/asset.glb"
        yield Entry(name, 1763890000000000 + number, 4096, "AAAAAA==", "2026-11-23T02:00:00.000Z")


def copies(count: int) -> Iterator[tuple[str, Entry]]:
    """Their copies; of every thousandth object only an older one."""
    for entry in entries(count):
        number = entry.generation - 1763890000000000
        held = entry.generation - (number % CHANGED_EVERY == 0)
        yield copy_key(entry.name, held), entry._replace(generation=held)


def plan(count: int) -> None:
    """Walk, compare and spill; print one line."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = compare_listings(
            merge_join(in_copy_order(entries(count)), copies(count)), lambda _: "data", Path(folder), 0
        )
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    objects, _ = found.counts.to_copy
    print(
        f"{count:>9,} objects: {seconds:6.2f} s, {count / seconds:>9,.0f} objects/s, {objects:,} to copy, "
        f"peak memory {peak:.0f} MiB"
    )


def main() -> None:
    """Each size in a process of its own, so that its peak is its own."""
    if len(sys.argv) > 1:
        plan(int(sys.argv[1]))
        return
    for size in SIZES:
        subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_plan", str(size)], check=True)
    print("goal: under 300 MiB, and the same for both")


if __name__ == "__main__":
    main()
