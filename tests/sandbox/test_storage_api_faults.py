"""Each kind of fault as the stock Google client sees it, and what of the request took effect."""

import threading
import time

import pytest
import requests
from google.api_core import exceptions
from google.cloud.storage import Bucket
from google.cloud.storage.retry import DEFAULT_RETRY

from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from tests.sandbox.storage_world import StorageServer, reason

QUICK = DEFAULT_RETRY.with_delay(0.01, 0.02).with_timeout(10)


@pytest.fixture
def bucket(storage_server: StorageServer) -> Bucket:
    """The bucket `data` with an object `a`."""
    storage_server.store.put("data", "a", b"old", quiet=True)
    return storage_server.client().bucket("data")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, exceptions.Forbidden),
        (429, exceptions.TooManyRequests),
        (500, exceptions.InternalServerError),
        (503, exceptions.ServiceUnavailable),
    ],
)
def test_a_status_is_answered_and_nothing_takes_effect(
    storage_server: StorageServer, bucket: Bucket, status: int, error: type[Exception]
) -> None:
    storage_server.faults.add(FaultRule(kind="status", status=status))
    for call in (
        lambda: bucket.blob("a").delete(retry=None),
        lambda: bucket.blob("a").upload_from_string("new", retry=None),
        lambda: bucket.blob("a").reload(retry=None),
        lambda: bucket.blob("a").download_as_bytes(retry=None),
        lambda: bucket.blob("b").rewrite(bucket.blob("a"), retry=None),
    ):
        with pytest.raises(error):
            call()
    assert [(each.name, each.data) for each in storage_server.store.list("data")] == [("a", b"old")]


def test_a_denied_request_has_googles_error_body(storage_server: StorageServer) -> None:
    storage_server.faults.add(FaultRule(method="objects.delete", kind="status", status=403))
    answer = storage_server.call("DELETE", "/storage/v1/b/data/o/a")
    assert (answer.status_code, reason(answer)) == (403, "forbidden")


def test_temporary_trouble_is_over_when_the_rule_is_spent(storage_server: StorageServer, bucket: Bucket) -> None:
    for kind in ("status", "reset"):
        storage_server.faults.add(FaultRule(method="objects.get", kind=kind, times=2))
    bucket.blob("a").reload(retry=QUICK)
    assert storage_server.requests.count("storage", "objects.get") == 5


def test_a_reset_cuts_the_connection_before_anything_happens(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(kind="reset"))
    with pytest.raises(requests.ConnectionError):
        bucket.blob("a").delete(retry=None)
    with pytest.raises(requests.ConnectionError):
        bucket.blob("a").upload_from_string(b"x" * 3_000_000, retry=None)
    assert storage_server.live("data", "a").data == b"old"


def test_a_lost_answer_cuts_the_connection_after_the_effect(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(kind="lost_answer"))
    with pytest.raises(requests.ConnectionError):
        bucket.blob("b").upload_from_string("new", retry=None)
    assert storage_server.live("data", "b").data == b"new"
    with pytest.raises(requests.ConnectionError):
        bucket.blob("a").delete(retry=None)
    assert storage_server.store.get("data", "a") is None


def test_a_retried_create_whose_answer_was_lost_meets_its_own_object(
    storage_server: StorageServer, bucket: Bucket
) -> None:
    storage_server.faults.add(FaultRule(method="objects.insert", kind="lost_answer", times=1))
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("b").upload_from_string("new", if_generation_match=0, retry=QUICK)
    assert storage_server.live("data", "b").data == b"new"
    assert storage_server.requests.count("storage", "objects.insert") == 2


def test_a_resumable_upload_goes_on_after_a_lost_chunk(storage_server: StorageServer, bucket: Bucket) -> None:
    data = b"0123456789abcdef" * 65536
    storage_server.faults.add(FaultRule(method="objects.insert", kind="lost_answer", times=2, probability=0.5))
    blob = bucket.blob("big", chunk_size=256 * 1024)
    with blob.open("wb", ignore_flush=True, retry=QUICK) as stream:
        stream.write(data)
    assert storage_server.live("data", "big").data == data


def test_latency_delays_an_answer_that_is_right(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(method="objects.media", kind="latency", seconds=0.3))
    before = time.monotonic()
    assert bucket.blob("a").download_as_bytes() == b"old"
    assert time.monotonic() - before >= 0.3


def test_latency_of_one_request_does_not_hold_up_another(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(method="objects.list", kind="latency", seconds=4))
    slow = threading.Thread(target=lambda: list(bucket.list_blobs()))
    slow.start()
    before = time.monotonic()
    bucket.blob("a").reload()
    assert time.monotonic() - before < 3.5
    slow.join()


def test_a_hang_ends_without_an_answer_or_an_effect(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(method="objects.*", kind="hang", seconds=0.3, times=1))
    before = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        bucket.blob("a").delete(retry=None)
    assert time.monotonic() - before >= 0.3
    storage_server.faults.add(FaultRule(method="objects.*", kind="hang", seconds=60, times=1))
    with pytest.raises(requests.Timeout):
        bucket.blob("a").delete(retry=None, timeout=0.2)
    assert storage_server.live("data", "a").data == b"old"


def test_a_call_in_a_batch_can_fail_alone(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.store.put("data", "b", b"x", quiet=True)
    storage_server.faults.add(FaultRule(method="objects.delete", kind="status", status=503, times=1))
    with pytest.raises(exceptions.ServiceUnavailable), bucket.client.batch():
        bucket.blob("a").delete()
        bucket.blob("b").delete()
    assert [each.name for each in storage_server.store.list("data")] == ["a"]


def test_a_batch_can_lose_its_answer(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(method="batch", kind="lost_answer", times=1))
    with pytest.raises(requests.ConnectionError), bucket.client.batch():
        bucket.blob("a").delete()
    assert storage_server.store.get("data", "a") is None


def test_every_method_draws_under_its_own_name(storage_server: StorageServer, bucket: Bucket) -> None:
    storage_server.faults.add(FaultRule(method="objects.delete", kind="status", status=403))
    storage_server.faults.add(FaultRule(service="run", kind="status", status=500))
    bucket.blob("a").reload()
    bucket.blob("a").upload_from_string("x")
    with pytest.raises(exceptions.Forbidden):
        bucket.blob("a").delete()


def test_rules_fire_in_their_order_as_often_as_they_say() -> None:
    faults = Faults(seed=3)
    faults.add(FaultRule(service="storage", method="objects.*", kind="reset", times=1))
    faults.add(FaultRule(method="objects.get", kind="status", status=500))
    assert faults.draw("storage", "buckets.get") is None
    drawn = [faults.draw("storage", "objects.get") for _ in range(3)]
    assert [rule.kind for rule in drawn if rule] == ["reset", "status", "status"]
    assert len(faults.rules) == 1
    faults.clear()
    assert faults.draw("storage", "objects.get") is None


def test_the_same_seed_draws_the_same_faults() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(FaultRule(kind="reset", probability=0.3))
        return [faults.draw("storage", "objects.get") is not None for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 30 < sum(drawn(1)) < 90


def test_requests_are_counted_by_method() -> None:
    log = RequestLog()
    for method in ("a", "b", "a"):
        log.record("storage", method, mutates=method == "b")
    assert log.snapshot() == {"storage.a": 2, "storage.b": 1}
    assert (log.count("storage", "a"), log.count("storage", "c")) == (2, 0)
    log.reset()
    assert log.snapshot() == {}
