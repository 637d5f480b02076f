"""Many subjects: ramp up (1, 2, 4 ... at a time), stop when too many go wrong, and say how far it is.

The first one shows whether the plan is right at all, before a hundred are touched. What is in flight when the
threshold is passed is finished; the rest is not started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tasks.remediation.context import Context
from tasks.remediation.guard import stopped
from tasks.remediation.outcome import Refused
from tasks.remediation.run import Run

RunOne = Callable[[str], Run]
Wave = Callable[[list[str]], list[Run]]


def check_batch(names: Sequence[str], most: int, what: str = "scene") -> list[str]:
    """The names without repetitions. Raises `Refused` when there are none (that never means 'all') or too many."""
    unique = list(dict.fromkeys(names))
    if not unique:
        raise Refused(f"No {what} is named. Name the {what}s; an empty list never means all of them.")
    if len(unique) > most:
        raise Refused(f"{len(unique):,} {what}s are named; the policy's max_{what}s is {most}.")
    return unique


def waves(names: Sequence[str], limit: int) -> Iterator[list[str]]:
    """Groups of 1, 2, 4 ... names, up to `limit` at a time."""
    done, size = 0, 1
    while done < len(names):
        yield list(names[done : done + size])
        done += size
        size = min(size * 2, max(limit, 1))


def run_batch(
    names: Sequence[str], context: Context, procedure: str, wave: Wave, progress: Callable[[int, int], None]
) -> list[Run]:
    """Run a procedure on every subject, wave by wave.

    Args:
        names: The subjects, already checked.
        context: Whose policy limits it: `ramp_limit` at a time, stop above `error_threshold_percent` of the batch.
        procedure: Its name, for those that are not started.
        wave: Runs a few subjects at a time.
        progress: Told how many of how many are done.
    """
    policy = context.policy()
    allowed = int(len(names) * policy.error_threshold_percent / 100)
    runs: list[Run] = []
    for group in waves(names, policy.ramp_limit):
        bad = sum(not run.good for run in runs)
        why = f"Not started: {bad} of {len(runs)} went wrong before it (at most {allowed} may)."
        if any(run.outcome == "stopped" for run in runs) and (closed := stopped(context.policy())):
            why = f"Not started: {' '.join(closed)}"
        elif bad <= allowed:
            runs += wave(group)
            progress(len(runs), len(names))
            continue
        return [*runs, *(not_started(context, procedure, name, why) for name in names[len(runs) :])]
    return runs


def not_started(context: Context, procedure: str, name: str, why: str) -> Run:
    """One that the batch did not come to."""
    run = Run(context, procedure)
    run.subject = name
    run.end("not_started", why)
    return run


def threads(run_one: RunOne) -> Wave:
    """A wave without Prefect: one thread for each subject."""

    def wave(group: list[str]) -> list[Run]:
        with ThreadPoolExecutor(max_workers=len(group)) as pool:
            return list(pool.map(run_one, group))

    return wave
