"""What a bucket is set to and what we may do in it, asked by the real client."""

from __future__ import annotations

import pytest
from google.cloud import storage as gcs

from blocks.bucket_facts import bucket_facts, granted, notifications
from blocks.delivery import EventDelivery
from blocks.errors import NotFound
from blocks.run_jobs import CloudRunJobs
from blocks.storage import PipelineStorage
from deployments.sandbox.server import Sandbox

OBJECTS = ("storage.objects.create", "storage.objects.delete")


def test_a_bucket_says_where_it_is_and_what_it_lets_go(storage: PipelineStorage, bucket: str) -> None:
    found = storage.client().get_bucket(bucket)
    found.add_lifecycle_delete_rule(age=30, matches_prefix=["scenes/"])
    found.retention_period = 60
    found.patch()
    found.lock_retention_policy()
    facts = bucket_facts(storage, bucket)
    assert facts.protection.exists
    assert facts.protection.retention_seconds == 60
    assert facts.retention_locked
    assert facts.uniform_access
    assert facts.location == found.location
    assert facts.project_number
    assert facts.lifecycle == ({"action": {"type": "Delete"}, "condition": {"age": 30, "matchesPrefix": ["scenes/"]}},)


def test_a_bucket_that_is_not_there_is_a_normal_answer(storage: PipelineStorage) -> None:
    assert not bucket_facts(storage, "no-such-bucket").protection.exists
    for ask in (lambda: notifications(storage, "no-such-bucket"), lambda: granted(storage, "no-such-bucket", OBJECTS)):
        with pytest.raises(NotFound):
            ask()


def test_whom_a_bucket_tells_of_its_objects(storage: PipelineStorage, bucket: str) -> None:
    assert notifications(storage, bucket) == []
    made = gcs.notification.BucketNotification(
        storage.client().bucket(bucket), "topic-1", topic_project="some-project", event_types=["OBJECT_FINALIZE"],
        payload_format="JSON_API_V1", blob_name_prefix="scenes/",
    )  # fmt: skip
    made.create()
    (one,) = notifications(storage, bucket)
    assert (one.topic, one.prefix, one.event_types) == ("topic-1", "scenes/", ("OBJECT_FINALIZE",))
    made.delete()
    assert notifications(storage, bucket) == []


def test_what_may_be_done_in_a_bucket_is_asked_for_and_changes_nothing(
    storage: PipelineStorage, bucket: str, sandbox: Sandbox
) -> None:
    assert granted(storage, bucket, OBJECTS) == set(OBJECTS)
    sandbox.requests.reset()
    sandbox.denied.add("storage.objects.delete")
    assert granted(storage, bucket, OBJECTS) == {"storage.objects.create"}
    sandbox.denied.update(OBJECTS)
    assert granted(storage, bucket, OBJECTS) == set()
    assert sandbox.requests.mutating()["total"] == 0


def test_what_may_be_done_with_a_job_and_a_subscription(
    jobs: CloudRunJobs, delivery: EventDelivery, sandbox: Sandbox
) -> None:
    name = sandbox.eventarc.deployed.named("objects-trigger").subscription
    asked = {"pubsub.subscriptions.get", "pubsub.subscriptions.update"}
    assert delivery.granted(name, asked) == asked
    assert jobs.granted("objects-job", {"run.jobs.runWithOverrides"}) == {"run.jobs.runWithOverrides"}
    sandbox.denied.update(["pubsub.subscriptions.update", "run.jobs.runWithOverrides"])
    assert delivery.granted(name, asked) == {"pubsub.subscriptions.get"}
    assert jobs.granted("objects-job", {"run.jobs.runWithOverrides"}) == set()
    with pytest.raises(NotFound):
        delivery.granted("projects/p/subscriptions/none", asked)
    with pytest.raises(NotFound):
        jobs.granted("no-such-job", {"run.jobs.get"})


def test_a_job_says_why_it_cannot_be_run(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    before = jobs.get("scale-job")
    assert before is not None and before.problem == ""
    sandbox.run.images.put(before.image, False)
    try:
        sandbox.run.deployed.put("scale-job", False)
        sandbox.run.deployed.put("scale-job", True)
        after = jobs.get("scale-job")
        assert after is not None and "not found" in after.problem
    finally:
        sandbox.run.images.put(before.image, True)
        sandbox.run.deployed.put("scale-job", False)
        sandbox.run.deployed.put("scale-job", True)
