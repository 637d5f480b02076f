"""One run of the sync engine in a process of its own: survey, copy what is new, print one JSON line."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from blocks.storage import PipelineStorage
from blocks.storage_bulk import BulkStorage, Copy
from tasks.backup.observe import cuts
from tasks.sync.copying import Job, copy_all
from tasks.sync.listing import copies, each_shard, sources
from tasks.sync.order import copy_key
from tasks.sync.shards import Shard, shards_at, shards_by_folder
from tasks.sync.survey import Surveyed, Todo, read_todo, survey
from tasks.sync.walk import walk

PREFIX, ROOT, WORKERS = "scenes/", "objects/", 16


class Part(NamedTuple):
    """What is known of a range from an earlier run, as a night's manifest has it."""

    first: str
    objects: int


def sync(endpoint: str, source: str, target: str, known: list[Part]) -> dict[str, object]:
    """Copy what `target` lacks of `source`; `known`: the ranges of an earlier run."""
    storage = PipelineStorage(project="bench", endpoint=endpoint)
    bulk = BulkStorage(storage)
    began = time.monotonic()
    shards = shards_at(cuts(known)) if known else shards_by_folder(storage, source, PREFIX, most=32)
    with tempfile.TemporaryDirectory() as folder:

        def look(number: int, shard: Shard) -> Surveyed:
            pairs = walk(sources(bulk, source, PREFIX, shard), copies(bulk, target, ROOT, PREFIX, shard))
            return survey(pairs, lambda _: "data", Path(folder), number)

        found = each_shard(shards, look, WORKERS)

        def jobs() -> Iterator[Job[Todo]]:
            for shard in found:
                for todo in read_todo(shard.todo):
                    name = ROOT + copy_key(todo.name, todo.generation)
                    copy = Copy(source, todo.name, todo.generation, target, name, todo.replaces)
                    yield Job(copy, todo.size, todo)

        results = Counter(answer.result for _, answer in copy_all(bulk, jobs(), workers=WORKERS))
    seconds = time.monotonic() - began
    seen = sum(shard.counts.seen for shard in found)
    return {
        "seconds": seconds,
        "seen": seen,
        "parts": [(one.first, one.counts.seen) for one in found if one.first],
        **results,
    }


if __name__ == "__main__":
    print(json.dumps(sync(sys.argv[1], sys.argv[2], sys.argv[3], [Part(*one) for one in json.loads(sys.argv[4])])))
