"""What may not be deleted or overwritten is known before it is tried, and so is a bucket in which no lease could live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks import object_protection
from blocks.environment import PipelineEnvironment
from blocks.errors import Cause, NotFound, PermanentError
from blocks.object_protection import kept_by, kept_objects, ops_bucket_problems
from blocks.storage import PipelineStorage
from blocks.stored_object import Protection, StoredObject
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store_bucket import BucketSettings
from tests.blocks.conftest import PROJECT

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def hold(storage: PipelineStorage, bucket: str, name: str, field: str) -> None:
    """Put an object under a hold, as gcloud does."""
    blob = storage.client().bucket(bucket).blob(name)
    setattr(blob, field, True)
    blob.patch()


@pytest.mark.parametrize(
    ("field", "words"), [("temporary_hold", "temporary hold"), ("event_based_hold", "event-based hold")]
)
def test_each_held_object_has_a_sentence_and_the_service_agrees(
    storage: PipelineStorage, bucket: str, field: str, words: str
) -> None:
    found = [storage.create(bucket, f"scenes/a/{number}", b"x") for number in range(4)]
    hold(storage, bucket, "scenes/a/1", field)
    (sentence,) = kept_objects(storage, bucket, {one.name: one.generation for one in found})
    assert sentence.startswith(f"gs://{bucket}/scenes/a/1 is under a")
    assert words in sentence
    with pytest.raises(PermanentError) as refused:
        storage.delete(bucket, "scenes/a/1", generation=found[1].generation)
    assert refused.value.cause is Cause.HOLD


def test_what_is_not_a_target_is_not_complained_about(storage: PipelineStorage, bucket: str) -> None:
    first, second = (storage.create(bucket, name, b"x") for name in ("a", "c"))
    storage.create(bucket, "b", b"x")
    hold(storage, bucket, "b", "temporary_hold")
    hold(storage, bucket, "c", "temporary_hold")
    assert kept_objects(storage, bucket, {"a": first.generation, "c": 17}) == [], "another generation: no target"
    assert len(kept_objects(storage, bucket, {"a": first.generation, "c": second.generation})) == 1
    assert kept_objects(storage, bucket, {}) == []
    with pytest.raises(NotFound):
        kept_objects(storage, "no-such-bucket", {"a": 1})


def test_of_many_objects_a_few_are_named_and_all_are_counted(storage: PipelineStorage, bucket: str) -> None:
    targets = {f"{number:02}": storage.create(bucket, f"{number:02}", b"x").generation for number in range(8)}
    for name in targets:
        hold(storage, bucket, name, "temporary_hold")
    told = kept_objects(storage, bucket, targets)
    assert len(told) == object_protection.NAMED + 1
    assert told[-1].startswith("3 more objects")


def test_retention_keeps_what_is_too_young_unless_it_can_become_a_version(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str
) -> None:
    found = storage.create(bucket, "x", b"x")
    settings = sandbox.store.bucket(bucket).settings
    settings.retention_seconds = 3600
    assert kept_objects(storage, bucket, {"x": found.generation}) == []
    settings.versioning = False
    (sentence,) = kept_objects(storage, bucket, {"x": found.generation})
    assert "kept by retention until" in sentence
    later = datetime.now(UTC) + timedelta(hours=2)
    assert kept_objects(storage, bucket, {"x": found.generation}, later) == []


def test_an_objects_own_retention_counts_as_the_buckets_does() -> None:
    found = StoredObject("b", "x", 1, 1, NOW, NOW, "", retained_until=NOW + timedelta(days=1))
    assert "until 2026-11-21 12:00:00 UTC" in kept_by(found, Protection(True), NOW)
    assert kept_by(found, Protection(True), NOW + timedelta(days=2)) == ""


@pytest.fixture
def environment(sandbox: Sandbox, storage: PipelineStorage, bucket: str) -> Iterator[PipelineEnvironment]:
    """An environment whose ops bucket is this test's own."""
    made = PipelineEnvironment(project=PROJECT, data_bucket="data", ops_bucket=bucket, storage=storage)
    yield made
    made.close()


def test_a_bucket_in_order_is_asked_once_and_has_no_problem(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.requests.reset()
    assert ops_bucket_problems(environment) == []
    assert ops_bucket_problems(environment) == []
    assert sandbox.requests.count("storage", "buckets.get") == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (BucketSettings(retention_seconds=3600), "retention policy of 3,600 s"),
        (BucketSettings(extra={"defaultEventBasedHold": True}), "--no-default-event-based-hold"),
    ],
)
def test_a_bucket_in_which_no_lease_could_be_given_back_is_named_with_the_reason(
    environment: PipelineEnvironment, sandbox: Sandbox, settings: BucketSettings, words: str
) -> None:
    sandbox.store.create_bucket(f"{environment.ops_bucket}-unfit", settings=settings)
    environment.ops_bucket += "-unfit"
    for _ in range(2):  # what is wrong may be mended, so it is asked again
        (problem,) = ops_bucket_problems(environment)
        assert words in problem
        assert environment.ops_bucket in problem


def test_a_missing_ops_bucket_is_named_and_one_that_cannot_be_asked_is_not_judged(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.ops_bucket = "no-such-bucket"
    assert "does not exist" in ops_bucket_problems(environment)[0]
    sandbox.faults.add(FaultRule(service="storage", method="buckets.get", kind="status", status=403))
    assert ops_bucket_problems(environment) == []
