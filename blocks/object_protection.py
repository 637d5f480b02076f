"""What Cloud Storage will not let go: seen before anything is deleted or overwritten, not in the refusal afterwards.

Google ("Object holds", "Bucket Lock", "Object Retention Lock"): an object under a hold can be neither deleted nor
replaced. One that retention keeps cannot either, but where the bucket keeps versions it may become a noncurrent one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.storage import PipelineStorage
from blocks.stored_object import Protection, StoredObject

NAMED = 5
"""Objects that are named; all are counted."""


def kept_by(found: StoredObject, protection: Protection, now: datetime) -> str:
    """Why a live object can be neither deleted nor replaced now, and what to do; empty when it can."""
    if found.temporary_hold:
        return "under a temporary hold (release it: `gcloud storage objects update --no-temporary-hold`)"
    if found.event_based_hold:
        return "under an event-based hold (release it: `gcloud storage objects update --no-event-based-hold`)"
    until = found.retained_until
    if until is None and protection.retention_seconds:
        until = found.created + timedelta(seconds=protection.retention_seconds)
    if until is not None and until > now and not protection.versioning:
        return f"kept by retention until {until:%Y-%m-%d %H:%M:%S} UTC (wait until then; no permission shortens it)"
    return ""


def kept_objects(
    storage: PipelineStorage, bucket: str, targets: Mapping[str, int], now: datetime | None = None
) -> list[str]:
    """A sentence for each object that may not be deleted or overwritten, and so must be no part of a plan.

    One listing from the first name to the last finds them; what is gone or has another generation by now is left to
    the precondition.

    Args:
        storage: The buckets.
        bucket: The bucket of all targets.
        targets: By name the generation that is to go.
        now: What retention is compared with; by default this moment.

    Raises:
        NotFound: there is no such bucket.
        TemporaryError, PermanentError: the listing failed; then nothing may be concluded.
    """
    if not targets:
        return []
    moment, protection = now or datetime.now(UTC), storage.protection(bucket)
    listed = storage.list(bucket, start=min(targets), end=max(targets) + "\0")
    wanted = (found for found in listed if targets.get(found.name) == found.generation)
    whys = [(found.name, why) for found in wanted if (why := kept_by(found, protection, moment))]
    return sentences(bucket, whys)


def sentences(bucket: str, whys: list[tuple[str, str]]) -> list[str]:
    """One for each of the first objects, with the number of the others at the end of the last."""
    shown = [f"gs://{bucket}/{name} is {why}; nothing was changed." for name, why in whys[:NAMED]]
    more = len(whys) - NAMED
    return [*shown, f"{more:,} more objects of gs://{bucket} are kept likewise."] if more > 0 else shown


def ops_bucket_problems(environment: PipelineEnvironment) -> list[str]:
    """Why the ops bucket cannot hold leases and journals; one sentence each, none when it can.

    A lease is renewed and given back by replacing and deleting an object that is seconds old. Per-object retention
    ("Object Retention Lock") that is merely enabled on a bucket keeps no object, so it is no problem. A bucket whose
    settings cannot be read is not judged. Asked once in a process for each bucket that is in order.
    """
    storage, bucket = environment.storage, environment.ops_bucket
    asked = (storage.endpoint, storage.project, bucket)
    if not bucket or asked in _in_order:
        return []
    try:
        protection = storage.protection(bucket)
    except OutsideError:
        return []
    problems = [*_unfit(bucket, protection)]
    if not problems:
        _in_order.add(asked)
    return problems


_in_order: set[tuple[str, str, str]] = set()


def _unfit(bucket: str, protection: Protection) -> Iterator[str]:
    if not protection.exists:
        yield f"The ops bucket {bucket} does not exist; create it, or correct ops_bucket of the environment block."
    if protection.retention_seconds:
        yield (
            f"The ops bucket {bucket} has a retention policy of {protection.retention_seconds:,} s, so a lease could "
            "neither be renewed nor given back and its subject would stay locked; use a bucket without one as ops_bucket."
        )
    if protection.default_event_based_hold:
        yield (
            f"The ops bucket {bucket} puts every new object under an event-based hold, so no lease could be given back; "
            f"run `gcloud storage buckets update gs://{bucket} --no-default-event-based-hold`, or use another bucket."
        )
