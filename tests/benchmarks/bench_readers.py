"""Validate one scene of many objects, and hostile files of just under 1 MiB: objects a second, seconds, peak memory.

Run with `python -m tests.benchmarks.bench_readers [OBJECTS]`. Each part runs in a process of its own, so that the peak
memory printed is its own. What is measured is processor time of the process and of those it starts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from blocks.catalogue_load import load_catalogue
from tasks.validation.scene import validate_scene
from tasks.validation.source import SceneFile
from tests.validation.file_makers import png
from tests.validation.hostile_files import HOSTILE
from tests.validation.scene_builder import SCENE_ID, Scene, dump, healthy

OBJECTS = 200_000
WANTED_PER_SECOND, WANTED_MIB, WANTED_SECONDS = 5_000, 400, 5


@dataclass
class Frames:
    """A healthy scene with very many small pictures of one run, which are made when they are read."""

    small: Scene
    count: int
    scene_id: str = SCENE_ID
    where: str = "benchmark"

    def files(self) -> dict[str, SceneFile]:
        """Every object."""
        found = {path: SceneFile(path, len(data)) for path, data in self.small.items()}
        size = len(png())
        for index in range(self.count):
            path = f"episodes/geniesim_local-1234/recordings/run_{index // 1000:03d}/{index % 1000:06d}.png"
            found[path] = SceneFile(path, size)
        return found

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of one."""
        return self.small.get(path, png())[start:end]


def spent() -> float:
    """Seconds of processor time of this process and of those it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mib() -> float:
    """The most memory this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bench_objects(count: int) -> None:
    """Objects a second and the peak memory of one large scene."""
    source, catalogue = Frames(healthy(), count), load_catalogue()
    began, clock = spent(), time.perf_counter()
    validate_scene(source, catalogue)
    seconds, wall = spent() - began, time.perf_counter() - clock
    print(
        f"{count:,} objects: {count / seconds:,.0f} objects/s of processor time ({seconds:.1f} s; {wall:.1f} s on the"
    )
    print(f"  clock; at least {WANTED_PER_SECOND:,}/s wanted), peak memory {peak_mib():.0f} MiB (at most {WANTED_MIB})")


def bench_recordings() -> None:
    """The peak memory of 300 MiB of recordings."""
    one = dump({"episode_id": None, "frames": [{"q": [0.123456789] * 7, "step": step} for step in range(20_000)]})
    small = healthy()
    names = [
        f"episodes/geniesim_local-1234/recordings/run_0/{index}.json" for index in range(300 * 1024**2 // len(one))
    ]
    source, before = Frames(small | dict.fromkeys(names, one), 0), peak_mib()
    began = spent()
    validate_scene(source, load_catalogue())
    print(
        f"{len(names)} recordings, 300 MiB: {spent() - began:.1f} s, peak memory {peak_mib():.0f} MiB ({before:.0f} before)"
    )


def bench_hostile() -> None:
    """The slowest of many hostile files."""
    catalogue, slow = load_catalogue(), list[tuple[float, str]]()
    for name, (path, make) in HOSTILE.items():
        source = Frames(healthy() | {path: make()}, 0)
        began = spent()
        validate_scene(source, catalogue)
        slow.append((spent() - began, name))
    slow.sort(reverse=True)
    listed = ", ".join(f"{name} {seconds:.2f} s" for seconds, name in slow[:4])
    print(
        f"{len(slow)} hostile files below 1 MiB, each in a scene: slowest {listed} (at most {WANTED_SECONDS} s wanted)"
    )
    print(f"  peak memory {peak_mib():.0f} MiB")


if __name__ == "__main__":
    parts = {"objects": lambda: bench_objects(OBJECTS), "recordings": bench_recordings, "hostile": bench_hostile}
    if sys.argv[1:] and sys.argv[1] in parts:
        parts[sys.argv[1]]()
    else:
        for part in parts:
            subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_readers", part], check=True)
