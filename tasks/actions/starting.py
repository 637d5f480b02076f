"""Starting something exactly once, when the answer to a start may be lost and the lease may be.

A start is never just repeated. Every start carries this run's id, and whoever is in doubt looks for what carries it and
adopts that. Directly before each start the bucket is asked whether the lease is still ours, and then the world whether
somebody has started it meanwhile: a process may have been asleep between planning and now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from blocks.errors import UnknownOutcome
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.kind import Doing
from tasks.remediation.outcome import StillRunning

Started = TypeVar("Started")

CLOCK_SKEW = timedelta(seconds=5)
"""How far our clock may be ahead of the service's when we ask for executions 'since'."""


def begin(doing: Doing, start: Callable[[], Started], look: Callable[[], Started | None]) -> Started:
    """Start it, unless it is there. After an unknown outcome look for it first; only when it is not there, start again.

    Args:
        doing: The action.
        start: Starts it; never called without the lease.
        look: What carries this run's id, or None.

    Raises:
        LeaseLost: another run may have taken over; nothing was started.
        UnknownOutcome: no start was ever answered and none can be found: a person must look.
    """
    policy = doing.context.environment.policy
    for _ in range(policy.start_attempts):
        doing.run.confirm()
        if (found := look()) is not None:
            return found
        doing.check()
        doing.note(starting=True)  # before it: an attempt counts although its answer, or this process, is lost
        try:
            return start()
        except UnknownOutcome as lost:
            doing.note(unknown=str(lost))
            if (found := settle(doing, look)) is not None:
                return found
    raise UnknownOutcome(
        f"Starting {doing.action.target} got no answer {policy.start_attempts} times and nothing with "
        f"{RUN_LABEL}={doing.journal.run} appeared. Look for it in the console before starting it by hand."
    )


def settle(doing: Doing, look: Callable[[], Started | None]) -> Started | None:
    """Look repeatedly for the policy's settling time: what was started may show up late in a listing."""
    policy = doing.context.environment.policy
    deadline = time.monotonic() + policy.settle_seconds
    while True:
        if (found := look()) is not None:
            return found
        if time.monotonic() >= deadline:
            return None
        time.sleep(min(policy.poll_seconds, policy.settle_seconds))


def wait_until_ended(
    doing: Doing, fetch: Callable[[], Started], ended: Callable[[Started], bool], timeout: float
) -> Started:
    """Poll until `ended`, saying so as time passes.

    `timeout`: the catalogue's for the stage in seconds; the policy's `wait_seconds` goes before it.

    Raises `StillRunning` when it is still going after that time, `LeaseLost` when the run is not ours any more.
    """
    policy = doing.context.environment.policy
    limit = timeout if policy.wait_seconds is None else policy.wait_seconds
    began = time.monotonic()
    while True:
        current = fetch()
        if ended(current):
            return current
        doing.run.check(goes_on=True)  # waiting changes nothing, so only a lost lease ends it
        waited = time.monotonic() - began
        if waited > limit:
            raise StillRunning(
                f"{doing.action.target} is still running after {limit:.0f} s. It was left alone; look at its job, then "
                "run this again: it will be adopted, not started twice."
            )
        doing.context.say(f"{doing.action.target}: running for {waited:.0f} s of at most {limit:.0f} s")
        time.sleep(policy.poll_seconds)
