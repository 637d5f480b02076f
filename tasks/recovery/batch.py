"""Many scenes: ramp up (1, 2, 4 ... at a time), stop when too many go wrong, and say how far it is.

The first scene shows whether the plan is right at all, before a hundred are touched. What is in flight when the
threshold is passed is finished; the rest is not started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from blocks.policy import RemediationPolicy
from tasks.recovery.outcome import RecoveryResult

RecoverOne = Callable[[str], RecoveryResult]
Wave = Callable[[list[str]], list[RecoveryResult]]


class BatchRefused(Exception):
    """The batch as a whole may not be started."""


def check_batch(scene_ids: Sequence[str], policy: RemediationPolicy) -> list[str]:
    """The batch without repetitions. Raises `BatchRefused` when it is empty (that never means 'all') or too large."""
    unique = list(dict.fromkeys(scene_ids))
    if not unique:
        raise BatchRefused("No scene is named. Name the scenes to recover; an empty list never means all of them.")
    if len(unique) > policy.max_scenes:
        raise BatchRefused(f"{len(unique)} scenes are named; the policy's max_scenes is {policy.max_scenes}.")
    return unique


def waves(scene_ids: Sequence[str], limit: int) -> Iterator[list[str]]:
    """Groups of 1, 2, 4 ... scenes, up to `limit` at a time."""
    done, size = 0, 1
    while done < len(scene_ids):
        yield list(scene_ids[done : done + size])
        done += size
        size = min(size * 2, max(limit, 1))


def recover_batch(
    scene_ids: Sequence[str], policy: RemediationPolicy, wave: Wave, progress: Callable[[int, int], None]
) -> list[RecoveryResult]:
    """Recover the scenes wave by wave.

    Args:
        scene_ids: The scenes, already checked.
        policy: Limits: `ramp_limit` at a time, stop above `error_threshold_percent` of the batch.
        wave: Recovers a few scenes at a time.
        progress: Told how many of how many are done.
    """
    allowed = int(len(scene_ids) * policy.error_threshold_percent / 100)
    results: list[RecoveryResult] = []
    for group in waves(scene_ids, policy.ramp_limit):
        bad = sum(not result.good for result in results)
        if bad > allowed or any(result.outcome == "stopped" for result in results):
            why = f"Not started: {bad} of {len(results)} scenes went wrong before it (at most {allowed} may)."
            rest = scene_ids[len(results) :]
            return results + [RecoveryResult(scene_id=s, outcome="not_started", reasons=[why]) for s in rest]
        results += wave(group)
        progress(len(results), len(scene_ids))
    return results


def threads(recover: RecoverOne) -> Wave:
    """A wave without Prefect: one thread for each scene."""

    def wave(group: list[str]) -> list[RecoveryResult]:
        with ThreadPoolExecutor(max_workers=len(group)) as pool:
            return list(pool.map(recover, group))

    return wave
