"""One run of the sync engine in a process of its own: survey, copy what is new, print one JSON line."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from blocks.storage import PipelineStorage
from blocks.storage_bulk import BulkStorage, Copy
from tasks.sync.copying import Job, copy_all
from tasks.sync.listing import copies, each_shard, sources
from tasks.sync.order import copy_key
from tasks.sync.shards import Shard, shards_at, shards_by_folder
from tasks.sync.survey import Surveyed, Todo, read_todo, survey
from tasks.sync.walk import walk

PREFIX, ROOT, WORKERS = "scenes/", "objects/", 16


def sync(endpoint: str, source: str, target: str, known: list[str]) -> dict[str, object]:
    """Copy what `target` lacks of `source`. `known` are boundaries from an earlier run, as a night's manifest has them."""
    storage = PipelineStorage(project="bench", endpoint=endpoint)
    bulk = BulkStorage(storage)
    began = time.monotonic()
    shards = shards_at(known) if known else shards_by_folder(storage, source, PREFIX, most=32)
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
    return {"seconds": seconds, "seen": seen, "boundaries": [shard.first for shard in found if shard.first], **results}


if __name__ == "__main__":
    print(json.dumps(sync(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))))
