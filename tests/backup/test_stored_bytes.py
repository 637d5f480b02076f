"""What is stored is what counts: compressed bytes stay compressed, long names and changed metadata are captured too."""

from __future__ import annotations

import gzip

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.restore.drill_record import DrillRecord, past_drills
from tasks.restore.request import RestoreRequest, ScopeKind
from tasks.snapshots.nights import last_good
from tasks.snapshots.summary import body_of, parse_entry
from tests.backup.world import (
    BACKUP,
    DATA,
    backup,
    copies,
    done,
    fill,
    manifest,
    newest,
    untrue,
    verification,
    verified,
)
from tests.restore.world import drill, restore


def Wanted(kind: ScopeKind, name: str = "", **options: object) -> RestoreRequest:
    """What a restore is asked."""
    return RestoreRequest(kind=kind, name=name, **options)  # type: ignore[arg-type]


def drilled(environment: PipelineEnvironment, *scenes: str) -> DrillRecord:
    """The record of one drill."""
    run = drill(environment, *scenes)
    (record,) = [one for one in past_drills(environment) if one.run == run.id]
    return record


DESCRIBED = {
    "contentType": "model/vnd.usda",
    "cacheControl": "no-store",
    "contentDisposition": "attachment",
    "contentLanguage": "en",
    "contentEncoding": "gzip",
    "customTime": "2026-01-01T00:00:00Z",
    "metadata": {"goog-reserved-file-mtime": "1", "label": "ä"},
}
"""What gsutil, rclone and Terraform set on objects."""
LONG = "scenes/s_000/" + "x" * 700 + "/" + "é" * 155
"""1,024 bytes."""


def upload(environment: PipelineEnvironment, name: str, data: bytes, **fields: object) -> None:
    """Write an object as other tools do, with whatever they say of it."""
    blob = environment.storage.client().bucket(DATA).blob(name)
    for field, value in fields.items():
        blob._patch_property(field, value)
    blob.upload_from_string(data, content_type=str(fields.get("contentType", "application/json")))


def described(sandbox: Sandbox, name: str, bucket: str = DATA) -> dict[str, object]:
    """Everything but the bytes."""
    version = sandbox.store.get(bucket, name)
    assert version is not None
    return {"contentType": version.content_type, "metadata": dict(version.metadata or {}), **version.extra}


def bring_back(environment: PipelineEnvironment, name: str, **options: object) -> str:
    """Restore the scene of an object; how that ended."""
    wanted = Wanted("scene", name.split("/")[1], mode="apply", reason="a test", **options)
    result = restore(Context(environment, "a test"), wanted)
    assert result.outcome in ("done", "nothing_to_do"), result.sentence()
    return result.outcome


def test_a_copy_that_is_stored_compressed_is_verified_as_it_is(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.content_cycle_nights = 1
    stored = gzip.compress(b'{"scene_id": "s_000"}' * 50)
    upload(environment, "scenes/s_000/scene_manifest.json", stored, contentEncoding="gzip")
    done(environment)
    found = verification(environment)
    assert (found.findings_count, found.read_bytes) == (0, len(stored))


def test_a_bomb_is_read_as_the_few_bytes_it_is_stored_in(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    bomb = gzip.compress(bytes(64 << 20))
    upload(environment, "scenes/s_000/bomb.json", bomb, contentEncoding="gzip")
    found = environment.storage.stat(DATA, "scenes/s_000/bomb.json")
    assert found is not None
    assert (found.size, found.content_encoding) == (len(bomb), "gzip")
    assert environment.storage.read(DATA, found.name) == bomb
    assert environment.storage.read(DATA, found.name, start=10, end=20) == bomb[10:20]


def test_what_other_tools_have_set_on_an_object_comes_back_with_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    name, stored = "scenes/s_000/notes.bin", gzip.compress(b"anything")
    upload(environment, name, stored, **DESCRIBED)
    before = described(sandbox, name)
    done(environment)
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    sandbox.store.delete(DATA, name)
    assert bring_back(environment, name) == "done"
    assert described(sandbox, name) == before
    version = sandbox.store.get(DATA, name)
    assert version is not None
    assert version.data == stored


def test_a_name_as_long_as_names_may_be_is_captured_verified_drilled_and_restored(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    assert len(LONG.encode()) == 1024
    alike = [LONG[:-1], LONG[:-2] + "a+b", LONG[:-40], "scenes/s_000/" + "+" * 500]
    names = [LONG, *alike, *fill(sandbox.store, 5, scenes=2)]
    for number, name in enumerate([LONG, *alike]):
        sandbox.store.put(DATA, name, b"long %d" % number, quiet=True)
    summary = done(environment)
    assert (summary.good, set(manifest(environment))) == (True, set(names))
    assert max(len(name.encode()) for name in copies(sandbox.store)) <= 1024
    assert done(environment).copied.objects == 0, "they are found again"
    assert verified(environment).good
    record = drilled(environment, "s_000")
    assert record.problems == ()
    spoilt = next(name for name in copies(sandbox.store) if "sha256" in name)
    sandbox.store.put(BACKUP, spoilt, b"spoilt", quiet=True)
    assert "not what was recorded" in drilled(environment, "s_000").problems[0]
    assert done(environment).copied.objects == 1, "the night after makes it again"
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    for name in (LONG, *alike):
        sandbox.store.delete(DATA, name)
    wanted = Wanted("object", LONG, mode="apply", reason="a test")
    assert restore(Context(environment, "a test"), wanted).outcome == "done"
    assert bring_back(environment, LONG) == "done"
    for number, name in enumerate([LONG, *alike]):
        found = sandbox.store.get(DATA, name)
        assert found is not None
        assert found.data == b"long %d" % number


def test_the_service_of_large_copies_leaves_long_names_to_this_process(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.transfer_above_objects = 3
    fill(sandbox.store, 5)
    sandbox.store.put(DATA, LONG, b"long", quiet=True)
    summary = done(environment)
    assert (summary.engine, summary.objects) == ("transfer", 6)


def test_an_object_that_cannot_be_captured_costs_that_object_alone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = fill(sandbox.store, 6, scenes=2)
    good, bad = done(environment), "scenes/s_009/new.bin"
    sandbox.store.put(DATA, bad, b"new", quiet=True)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403))
    result = backup(environment)
    sandbox.faults.clear()
    assert (result.outcome, newest(environment).missing) == ("partial", (bad,))
    assert [reason for reason in result.reasons if bad in reason]
    assert last_good(environment) == good
    sandbox.store.delete(DATA, names[0])
    context = Context(environment, "a test")
    others = restore(context, Wanted("scene", "s_000"))
    assert others.night == newest(environment).night, "the night has all of that scene"
    assert any("1 objects are not in it" in note for note in others.notes)
    assert restore(context, Wanted("scene", "s_009")).night != newest(environment).night
    assert restore(context, Wanted("bucket")).night == good.night


def test_a_night_that_does_not_say_what_it_lacks_is_not_trusted_to_have_anything(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 2)
    whole = done(environment)
    assert b'missing":' not in body_of(whole), "nights from before keep their bytes and their signature"
    assert whole.has_all(lambda _: True)
    partial = whole.model_copy(update={"outcome": "partial", "missing_count": 2})
    assert not partial.has_all(lambda _: False)
    assert not partial.model_copy(update={"missing": ("a",)}).has_all(lambda _: False), "another one is not named"
    assert partial.model_copy(update={"missing": ("a", "b")}).has_all(lambda name: name == "c")
    assert not partial.model_copy(update={"missing": ("a", "b")}).has_all(lambda name: name == "b")


@pytest.mark.parametrize("versioning", [False, True])
def test_metadata_that_changes_is_captured_beside_the_copy_with_the_former(
    environment: PipelineEnvironment, sandbox: Sandbox, versioning: bool
) -> None:
    sandbox.store.bucket(DATA).settings.versioning = versioning
    name = "scenes/s_000/usd/scene.usda"
    upload(environment, name, b"#usda 1.0", contentType="text/plain")
    first = done(environment)
    client = environment.storage.client().bucket(DATA).blob(name)
    client.content_type, client.metadata = "model/vnd.usda", {"checked": "yes"}
    client.patch()
    second = done(environment)
    assert (second.copied.objects, len(copies(sandbox.store))) == (1, 2)
    assert untrue(environment, sandbox.store) == []
    assert verified(environment).good
    entry = manifest(environment, second)[name]
    assert (entry.generation, entry.metageneration) == (manifest(environment, first)[name].generation, 2)
    assert described(sandbox, f"objects/{entry.key}", BACKUP)["contentType"] == "model/vnd.usda"
    assert done(environment).copied.objects == 0


def test_a_change_of_metadata_is_undone_only_when_everything_may_be_replaced(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    name = "scenes/s_000/usd/scene.usda"
    upload(environment, name, b"#usda 1.0", contentType="model/vnd.usda", metadata={"checked": "yes"})
    before = described(sandbox, name)
    done(environment)
    blob = environment.storage.client().bucket(DATA).blob(name)
    blob.content_type = "text/plain"
    blob.patch()
    assert bring_back(environment, name) == "nothing_to_do"
    assert described(sandbox, name)["contentType"] == "text/plain"
    assert bring_back(environment, name, overwrite="always") == "done"
    assert described(sandbox, name) == before
    assert bring_back(environment, name, overwrite="always") == "nothing_to_do"


def test_a_night_that_recorded_no_state_of_metadata_is_read_and_its_copies_are_found(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    line = b'{"name":"a","generation":17,"size":1,"crc32c":"","updated":"","class":"output"}'
    assert parse_entry(line).key == "a+17"
    assert (parse_entry(line).metageneration, parse_entry(line).storage_class) == (0, "")


def test_a_lost_storage_class_is_said(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    names = fill(sandbox.store, 3, scenes=1)
    blob = environment.storage.client().bucket(DATA).blob(names[0])
    blob.update_storage_class("NEARLINE")
    done(environment)
    assert manifest(environment)[names[0]].storage_class == "NEARLINE"
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    for name in names:
        sandbox.store.delete(DATA, name)
    result = restore(Context(environment, "a test"), Wanted("scene", "s_000"))
    assert [note for note in result.notes if note.startswith("1 object of storage class NEARLINE")]
