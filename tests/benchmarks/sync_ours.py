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
from tasks.sync.compare import Compared, CopyItem, compare_listings, read_items
from tasks.sync.copy_names import copy_key
from tasks.sync.copying import Job, copy_all
from tasks.sync.key_ranges import KeyRange, key_ranges_at, key_ranges_by_folder
from tasks.sync.listing import copies, each_key_range, sources
from tasks.sync.merge_join import merge_join

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
    key_ranges = key_ranges_at(cuts(known)) if known else key_ranges_by_folder(storage, source, PREFIX, most=32)
    with tempfile.TemporaryDirectory() as folder:

        def look(number: int, key_range: KeyRange) -> Compared:
            pairs = merge_join(sources(bulk, source, PREFIX, key_range), copies(bulk, target, ROOT, PREFIX, key_range))
            return compare_listings(pairs, lambda _: "data", Path(folder), number)

        found = each_key_range(key_ranges, look, WORKERS)

        def jobs() -> Iterator[Job[CopyItem]]:
            for key_range in found:
                for item in read_items(key_range.item):
                    name = ROOT + copy_key(item.name, item.generation)
                    copy = Copy(source, item.name, item.generation, target, name, item.replaces)
                    yield Job(copy, item.size, item)

        results = Counter(answer.result for _, answer in copy_all(bulk, jobs(), workers=WORKERS))
    seconds = time.monotonic() - began
    seen = sum(key_range.counts.seen for key_range in found)
    return {
        "seconds": seconds,
        "seen": seen,
        "parts": [(one.first, one.counts.seen) for one in found if one.first],
        **results,
    }


if __name__ == "__main__":
    print(json.dumps(sync(sys.argv[1], sys.argv[2], sys.argv[3], [Part(*one) for one in json.loads(sys.argv[4])])))
