"""Validate 1,000 scenes of 25 objects from the sandbox's Cloud Storage, and one manifest with both schema libraries.

Run with `python -m tests.benchmarks.bench_validation [SCENES]`. The sandbox runs in another process, so that the peak
memory printed is the validator's own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from blocks.catalogue_load import load_catalogue
from blocks.storage import PipelineStorage
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.validation.documents.schemas import rule
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tasks.validation.source import BucketSource

SCENES, OBJECTS, WORKERS, WANTED_SPEEDUP = 1000, 25, 4, 50
KINDS = ("kitchen", "office", "warehouse")


def serve(scenes: int) -> None:
    """The other process: a sandbox full of scenes, until its standard input ends."""
    with Sandbox() as sandbox:
        for index in range(scenes):
            kind = KINDS[index % len(KINDS)]
            make_scene(sandbox.store, DATA_BUCKET, f"{kind}_{index}", kind, objects=OBJECTS)  # type: ignore[arg-type]
        sandbox.requests.reset()
        print(json.dumps({"storage": sandbox.endpoints.storage}), flush=True)
        for _ in sys.stdin:
            print(json.dumps(sandbox.requests.snapshot()), flush=True)


def peak_megabytes() -> float:
    """The most memory this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def validated(storage: PipelineStorage, scene_ids: Iterator[str]) -> Iterator[SceneReport]:
    """Reports as they come, no more than a few scenes being held at a time."""
    catalogue = load_catalogue()

    def look(scene_id: str) -> SceneReport:
        return validate_scene(
            BucketSource(storage, DATA_BUCKET, scene_id, f"scenes/{scene_id}/"), catalogue, "documents"
        )

    with ThreadPoolExecutor(WORKERS) as pool:
        running: list[Future[SceneReport]] = [pool.submit(look, scene) for scene in islice(scene_ids, WORKERS * 2)]
        while running:
            yield running.pop(0).result()
            running += [pool.submit(look, scene) for scene in islice(scene_ids, 1)]


def bench_scenes(scenes: int) -> None:
    """Print scenes a second, requests a scene and the peak memory."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_validation", "--serve", str(scenes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        storage = PipelineStorage(endpoint=json.loads(other.stdout.readline())["storage"])
        before, began = peak_megabytes(), time.perf_counter()
        ids = (prefix.split("/")[1] for prefix in storage.prefixes(DATA_BUCKET, "scenes/"))
        verdicts = Counter(report.healthy for report in validated(storage, ids))
        seconds = time.perf_counter() - began
        other.stdin.write("\n")
        other.stdin.flush()
        requests = sum(json.loads(other.stdout.readline()).values())
        other.stdin.close()
    print(f"{scenes} scenes of {OBJECTS} objects, {WORKERS} at a time: {scenes / seconds:,.1f} scenes/s")
    print(f"  healthy: {verdicts[True]}, not: {verdicts[False]}; {requests / scenes:.2f} requests a scene")
    print(f"  peak memory {peak_megabytes():.0f} MB, {peak_megabytes() - before:.0f} MB of it for the scenes")
    if verdicts[False]:
        raise SystemExit("a generated scene is not healthy")


def seconds_each(work: Callable[[], object], least: float = 1.0) -> float:
    """Seconds that one call takes, over at least `least` seconds."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < least:
        work()
        count += 1
    return (time.perf_counter() - began) / count


def bench_schema() -> None:
    """Print how much faster the compiled schema is than plain jsonschema on the same manifest."""
    import jsonschema

    with Sandbox() as sandbox:
        make_scene(sandbox.store, DATA_BUCKET, "kitchen_1", "kitchen", objects=OBJECTS, upto="regen3d")
        found = sandbox.store.get(DATA_BUCKET, "scenes/kitchen_1/assets/scene_manifest.json")
        assert found is not None
        manifest = json.loads(found.data)
    compiled = rule("scene_manifest")
    plain = jsonschema.Draft7Validator(compiled.schema)
    assert list(plain.iter_errors(manifest)) == list(compiled.validator.iter_errors(manifest)) == []
    slow = seconds_each(lambda: list(plain.iter_errors(manifest)))
    fast = seconds_each(lambda: list(compiled.validator.iter_errors(manifest)))
    print(f"schema of a manifest of {OBJECTS} objects: {fast * 1e3:.3f} ms, jsonschema {slow * 1e3:.1f} ms,", end=" ")
    print(f"{slow / fast:.0f} times as fast (at least {WANTED_SPEEDUP} wanted)")
    if slow / fast < WANTED_SPEEDUP:
        raise SystemExit("the schema check is too slow")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(int(sys.argv[-1]))
    else:
        bench_schema()
        bench_scenes(int(sys.argv[1]) if len(sys.argv) > 1 else SCENES)
