"""Surveying and copying between two buckets of the sandbox, through the real client."""

from __future__ import annotations

import gzip
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.errors import PermanentError
from blocks.storage_bulk import Answer, BulkStorage, Copy, Deletion
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.sync.compare import Compared, CopyItem, Counts, compare_listings, read_items
from tasks.sync.copy_names import copy_key
from tasks.sync.copying import LARGE, Job, copy_all, delete_all
from tasks.sync.key_ranges import KeyRange, key_ranges_by_folder
from tasks.sync.listing import copies, each_key_range, sources
from tasks.sync.merge_join import merge_join

ROOT = "objects/"


def fill(sandbox: Sandbox, count: int = 250) -> None:
    for number in range(count):
        sandbox.store.put("source", f"scenes/s{number // 25:02d}/o{number % 25:02d}.bin", f"bytes {number}".encode())


def look(bulk: BulkStorage, folder: Path, key_ranges: list[KeyRange] | None = None) -> list[Compared]:
    """Survey scenes/ in every range; locks are left out."""

    def one(number: int, key_range: KeyRange) -> Compared:
        pairs = merge_join(
            sources(bulk, "source", "scenes/", key_range), copies(bulk, "target", ROOT, "scenes/", key_range)
        )
        return compare_listings(pairs, lambda name: None if "/locks/" in name else "data", folder, number)

    return each_key_range(key_ranges or [KeyRange()], one, 4)


def jobs(found: list[Compared]) -> Iterator[Job[CopyItem]]:
    for key_range in found:
        for item in read_items(key_range.item):
            target = ROOT + copy_key(item.name, item.generation)
            yield Job(Copy("source", item.name, item.generation, "target", target, item.replaces), item.size, item)


def total(found: list[Compared]) -> Counts:
    counts = Counts()
    for key_range in found:
        counts += key_range.counts
    return counts


def same(sandbox: Sandbox) -> bool:
    """Whether the target holds a copy of every live object and nothing else, byte for byte."""
    expected = {ROOT + copy_key(v.name, v.generation): v.data for v in sandbox.store.list("source")}
    return {v.name: v.data for v in sandbox.store.list("target")} == expected


def test_everything_is_copied_once_and_then_there_is_nothing_to_do(
    sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path
) -> None:
    fill(sandbox)
    key_ranges = key_ranges_by_folder(bulk.storage, "source", "scenes/", most=4)
    found = look(bulk, tmp_path, key_ranges)
    assert total(found).to_copy == (250, sum(v.size for v in sandbox.store.list("source")))
    assert Counter(answer.result for _, answer in copy_all(bulk, jobs(found))) == {"done": 250}
    assert same(sandbox)
    sandbox.requests.reset()
    assert total(look(bulk, tmp_path, key_ranges)).to_copy == (0, 0)
    assert set(sandbox.requests.snapshot()) == {"storage.objects.list"}


def test_a_change_that_keeps_the_size_is_seen(sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path) -> None:
    fill(sandbox, 30)
    list(copy_all(bulk, jobs(look(bulk, tmp_path))))
    sandbox.store.put("source", "scenes/s00/o03.bin", b"bytes X")
    found = look(bulk, tmp_path)
    assert [item.name for item in read_items(found[0].item)] == ["scenes/s00/o03.bin"]
    assert total(found).objects["older"] == 1, "the copy of the generation before stays"


def test_a_copy_with_other_bytes_than_its_generation_differs(
    sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path
) -> None:
    fill(sandbox, 3)
    list(copy_all(bulk, jobs(look(bulk, tmp_path))))
    victim = next(sandbox.store.list("target"))
    sandbox.store.put("target", victim.name, b"bytes Y")
    (item,) = read_items(look(bulk, tmp_path)[0].item)
    assert item.replaces == sandbox.store.get("target", victim.name).generation  # type: ignore[union-attr]
    list(copy_all(bulk, jobs(look(bulk, tmp_path))))
    assert same(sandbox)


def test_the_manifest_part_names_what_is_there_and_leaves_out_what_has_no_class(
    sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path
) -> None:
    fill(sandbox, 5)
    sandbox.store.put("source", "scenes/s00/locks/usd.lock", b"{}")
    (found,) = look(bulk, tmp_path)
    lines = [json.loads(line) for line in gzip.decompress(found.part.read_bytes()).splitlines()]
    expected = [v for v in sandbox.store.list("source") if "/locks/" not in v.name]
    assert [(line["name"], line["generation"], line["size"], line["crc32c"], line["class"]) for line in lines] == [
        (v.name, v.generation, v.size, v.crc32c, "data") for v in expected
    ]
    assert found.counts.objects["left_out"] == 1
    assert (found.first, found.last) == (expected[0].name, expected[-1].name)


def test_a_source_that_changed_since_is_refused_and_nothing_is_written(
    sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path
) -> None:
    fill(sandbox, 3)
    found = look(bulk, tmp_path)
    sandbox.store.put("source", "scenes/s00/o01.bin", b"newer")
    sandbox.store.delete("source", "scenes/s00/o02.bin")
    answers = {item.name[-7:-4]: answer.result for item, answer in copy_all(bulk, jobs(found))}
    assert answers["o00"] == "done"
    assert answers["o01"] in ("refused", "missing")
    assert answers["o02"] in ("refused", "missing")
    assert len(list(sandbox.store.list("target"))) == 1


def test_what_is_already_in_the_place_of_a_copy_is_never_overwritten(
    sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path
) -> None:
    fill(sandbox, 1)
    found = look(bulk, tmp_path)
    (job,) = jobs(found)
    sandbox.store.put("target", job.copy.name, b"somebody else's")
    ((_, answer),) = copy_all(bulk, [job])
    assert answer.result == "refused"
    assert sandbox.store.get("target", job.copy.name).data == b"somebody else's"  # type: ignore[union-attr]


def test_a_large_object_is_copied_by_itself_in_as_many_calls_as_it_takes(sandbox: Sandbox, bulk: BulkStorage) -> None:
    made = sandbox.store.put("source", "scenes/s00/recording.bin", bytes(LARGE))
    job = Job(Copy("source", made.name, made.generation, "target", "copy"), made.size, None)
    ((_, answer),) = copy_all(bulk, [job])
    assert (answer.result, answer.size, answer.crc32c) == ("done", made.size, made.crc32c)
    assert "storage.batch" not in sandbox.requests.snapshot()


def test_one_call_in_five_failing_gives_the_same_copies(sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path) -> None:
    fill(sandbox)
    for kind, status in (("status", 503), ("status", 429), ("reset", 0), ("lost_answer", 0)):
        sandbox.faults.add(FaultRule(service="storage", kind=kind, status=status or 503, probability=0.05))
    results = Counter(answer.result for _, answer in copy_all(bulk, jobs(look(bulk, tmp_path))))
    sandbox.faults.clear()
    assert results["done"] + results["refused"] == 250, "refused: copied already, by a call whose answer was lost"
    assert same(sandbox), f"seed {sandbox.faults.seed}"


def test_a_part_that_fails_for_now_is_repeated_without_the_others(
    sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path
) -> None:
    fill(sandbox, 50)
    found = look(bulk, tmp_path)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=503, times=3))
    sandbox.requests.reset()
    assert Counter(answer.result for _, answer in copy_all(bulk, jobs(found), workers=1)) == {"done": 50}
    assert sandbox.requests.snapshot()["storage.objects.rewrite"] == 53


def test_what_never_works_is_failed_and_the_rest_is_done(sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path) -> None:
    fill(sandbox, 20)
    found = look(bulk, tmp_path)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403, times=2))
    results = Counter(answer.result for _, answer in copy_all(bulk, jobs(found), workers=1))
    assert results == {"done": 18, "failed": 2}


def test_a_bucket_that_does_not_exist_is_one_sentence(sandbox: Sandbox, bulk: BulkStorage) -> None:
    with pytest.raises(PermanentError, match=r"Could not list gs://nowhere/.*check data_bucket"):
        list(bulk.pages("nowhere"))


def test_what_check_raises_ends_the_copying(sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path) -> None:
    fill(sandbox)
    asked: list[None] = []

    def check() -> None:
        asked.append(None)
        if len(asked) > 1:
            raise RuntimeError("the lease is lost")

    with pytest.raises(RuntimeError, match="the lease is lost"):
        list(copy_all(bulk, jobs(look(bulk, tmp_path)), workers=1, check=check))
    assert len(list(sandbox.store.list("target"))) == 100, "one batch, and no more after that"


def test_no_more_is_drawn_than_can_be_in_flight(sandbox: Sandbox, bulk: BulkStorage, tmp_path: Path) -> None:
    fill(sandbox, 30)
    drawn: list[int] = []

    def endless() -> Iterator[Job[int]]:
        for number in range(100_000):
            drawn.append(number)
            yield Job(Copy("source", secrets.token_hex(4), 1, "target", str(number)), LARGE, number)

    for number, (_, answer) in enumerate(copy_all(bulk, endless(), workers=2)):
        assert answer.result == "missing"
        assert len(drawn) <= number + 8
        if number > 20:
            break


def test_a_deletion_with_another_generation_is_refused(sandbox: Sandbox, bulk: BulkStorage) -> None:
    made = [sandbox.store.put("target", f"o{number}", b"x") for number in range(3)]
    wanted = [
        Deletion("target", "o0", made[0].generation),
        Deletion("target", "o1", made[1].generation - 1),
        Deletion("target", "gone", 5),
    ]
    answers: dict[str, Answer] = {deletion.name: answer for deletion, answer in delete_all(bulk, wanted)}
    assert [answers[name].result for name in ("o0", "o1", "gone")] == ["done", "refused", "missing"]
    assert [version.name for version in sandbox.store.list("target")] == ["o1", "o2"]


def test_a_range_holds_at_least_ten_folders(sandbox: Sandbox, bulk: BulkStorage) -> None:
    for number in range(25):
        sandbox.store.put("source", f"scenes/s{number:02d}/o", b"x")
    key_ranges = key_ranges_by_folder(bulk.storage, "source", "scenes/")
    assert key_ranges == [
        KeyRange("", "scenes/s00/"),
        KeyRange("scenes/s00/", "scenes/s13/"),
        KeyRange("scenes/s13/", ""),
    ]


def test_one_small_copy_is_one_request(sandbox: Sandbox, bulk: BulkStorage) -> None:
    made = sandbox.store.put("source", "a", b"x")
    sandbox.requests.reset()
    ((_, answer),) = copy_all(bulk, [Job(Copy("source", "a", made.generation, "target", "b"), 1, None)])
    assert answer.result == "done"
    assert sandbox.requests.count("storage", "objects.get") == 0, "only a large one is looked at first"
