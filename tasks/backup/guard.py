"""Reasons not to back up, found before anything is written: a source that looks wrong, or a backup in a wrong place.

A backup of a source that was emptied would be worth nothing, and a week of them would age the good ones out.
"""

from __future__ import annotations

from collections.abc import Iterator

from blocks.environment import PipelineEnvironment
from tasks.backup.night import Night
from tasks.sync.progress import human


def misplaced(environment: PipelineEnvironment) -> Iterator[str]:
    """What is wrong with where things are, one sentence each. Looks at nothing but the settings."""
    data, backup, rules = environment.data_bucket, environment.backup_bucket, environment.backup
    if not data:
        yield "The environment block names no data_bucket; name the pipeline's bucket."
    if not backup:
        yield "The environment block names no backup_bucket; create one, best with a retention policy, and name it."
    if data and data == backup:
        yield (
            f"The backup bucket is the data bucket {data}: what destroys one would destroy the other, and each copy "
            "would start workflows. Use a bucket of its own."
        )
        if environment.backup_prefix.startswith(rules.prefix):
            yield f"backup_prefix {environment.backup_prefix} is inside {rules.prefix}: it would back up its own copies."
    if backup and backup == environment.ops_bucket:
        yield f"The backup bucket is the ops bucket {backup}: leases are given back, so it can have no retention policy."


def suspicious(night: Night) -> Iterator[str]:
    """Empty, shrunken, or without its sentinel; one sentence each. Reads the sentinel and nothing else."""
    rules, bucket = night.rules, night.environment.data_bucket
    where, seen = f"gs://{bucket}/{rules.prefix}", night.source.counts.seen
    if seen == 0:
        yield f"{where} holds no object to back up: an empty source is never backed up. Check data_bucket and prefix."
    if rules.sentinel and night.environment.storage.stat(bucket, rules.sentinel) is None:
        yield (
            f"The sentinel gs://{bucket}/{rules.sentinel} is missing, so this may not be the bucket it should be; "
            "bring it back, or correct the policy's sentinel."
        )
    if night.reference is not None and night.reference.data_bucket != bucket:
        yield (
            f"The nights here are of gs://{night.reference.data_bucket}, and data_bucket is {bucket}: correct it, or begin "
            "under another backup_prefix, so that no restore takes one for the other."
        )
        return
    if night.reference is None or night.reference.prefix != rules.prefix:
        return
    before = night.reference.objects
    fewer = before - seen
    if seen and fewer > rules.shrink_objects and 100 * fewer > rules.shrink_percent * before:
        yield (
            f"{where} has {seen:,} objects, {fewer:,} ({100 * fewer / before:.0f} %) fewer than in night "
            f"{night.reference.night}; more than shrink_objects {rules.shrink_objects:,} and shrink_percent "
            f"{rules.shrink_percent:g} are not believed. Find out what removed them; if it was meant, raise one of the "
            "two for one night."
        )


def too_much(night: Night) -> Iterator[str]:
    """Over the caps on what one night copies."""
    rules, (objects, size) = night.rules, night.source.counts.to_copy
    if rules.max_copy_objects and objects > rules.max_copy_objects:
        yield f"{objects:,} objects are to be copied; the policy's max_copy_objects is {rules.max_copy_objects:,}."
    if rules.max_copy_bytes and size > rules.max_copy_bytes:
        yield f"{human(size)} are to be copied; the policy's max_copy_bytes is {human(rules.max_copy_bytes)}."
