"""Starting something exactly once, when the answer to a start may be lost.

A start is never just repeated. Every start carries this run's id, and whoever is in doubt looks for what carries it
and adopts that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from blocks.errors import PermanentError, UnknownOutcome
from tasks.remediation.actions import Doing
from tasks.remediation.labels import RUN_LABEL

Started = TypeVar("Started")

CLOCK_SKEW = timedelta(seconds=5)
"""How far our clock may be ahead of the service's when we ask for executions 'since'."""


class StillRunning(PermanentError):
    """What was started has not ended in time. It is left alone, and whoever continues the run waits for it again."""


def begin(doing: Doing, start: Callable[[], Started], look: Callable[[], Started | None]) -> Started:
    """Start it. After an unknown outcome look for it first; only when it is certainly not there, start it again.

    Raises:
        UnknownOutcome: no start was ever answered and none can be found: a person must look.
    """
    policy = doing.context.environment.policy
    for _ in range(policy.start_attempts):
        try:
            return start()
        except UnknownOutcome as lost:
            doing.journal.append("note", {"action": doing.action.key, "unknown": str(lost)})
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
    doing: Doing, fetch: Callable[[], Started], ended: Callable[[Started], bool], limit: float
) -> Started | None:
    """Poll until `ended`, saying so as time passes. None when it is still going after `limit` seconds."""
    policy = doing.context.environment.policy
    began = time.monotonic()
    while True:
        current = fetch()
        if ended(current):
            return current
        waited = time.monotonic() - began
        if waited > limit:
            return None
        doing.context.say(f"{doing.action.target}: running for {waited:.0f} s of at most {limit:.0f} s")
        time.sleep(policy.poll_seconds)


def wait_limit(doing: Doing) -> float:
    """Seconds to wait for the action: the policy's limit if it sets one, else the catalogue's timeout of the stage."""
    limit = doing.context.environment.policy.wait_seconds
    return float(doing.number("timeout_seconds")) if limit is None else limit
