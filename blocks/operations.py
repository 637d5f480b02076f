"""Google's long-running operations: waiting for the end of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from blocks.calls import Call, CallLimits, read, translate
from blocks.errors import UnknownOutcome

LONGEST_SECONDS = 300.0
"""How long an operation is waited for. Google names no bound; deploying a workflow or a job takes seconds."""
_FIRST_LOOK, _LONGEST_LOOK = 0.05, 2.0


def wait(call: Call, fetch: Callable[[], Any], limits: CallLimits, seconds: float = LONGEST_SECONDS) -> None:
    """Look with `fetch` (which gives the `Operation`) until it is done.

    Raises the error the operation ended with (`PreconditionFailed`, `PermanentError`, ...), or `UnknownOutcome` when
    it has not ended after `seconds`.
    """
    until, pause = time.monotonic() + seconds, _FIRST_LOOK
    while True:
        operation = read(call, fetch, limits)
        if operation.done:
            break
        if time.monotonic() > until:
            raise UnknownOutcome(
                f"Google has not finished after {seconds:.0f} s when asked to {call.what}; look at it before trying again."
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_LOOK)
    if operation.HasField("error"):
        from google.api_core.exceptions import from_grpc_status

        error = from_grpc_status(operation.error.code, operation.error.message)  # type: ignore[no-untyped-call]
        raise translate(error, call, has_effect=True) from error
