"""Several looks at the same time, each in a thread of its own and with a limit: none hides another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass

from blocks.error_details import one_line
from blocks.errors import OutsideError

Look = Callable[[], None]
"""A look keeps what it finds by itself, so that what it found by the time it is given up is not lost."""


@dataclass(slots=True)
class Ended:
    """How one look ended."""

    seconds: float = 0.0
    problem: str = ""
    """Why not everything is known, one sentence; empty: it was done."""
    done: bool = False


def at_once(looks: Sequence[Look], seconds: float) -> list[Ended]:
    """Do them all and wait for `seconds` at most; how each ended, in their order.

    One that is not done by then goes on in its thread, which ends with the process; its caller reads it no more. Whoever
    lets several threads use client libraries calls `blocks.clients.load_libraries` before.
    """
    ends = [Ended() for _ in looks]
    threads = [
        # The settings of Prefect are in the context: each thread takes a copy of it along.
        threading.Thread(target=copy_context().run, args=(_do, look, end), daemon=True)
        for look, end in zip(looks, ends, strict=True)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, began + seconds - time.monotonic()))
    late = f"It was not done within {seconds:g} s; what it found by then is shown."
    return [end if end.done else Ended(time.monotonic() - began, late) for end in ends]


def _do(look: Look, end: Ended) -> None:
    began = time.monotonic()
    try:
        look()
    except OutsideError as error:
        end.problem = str(error)
    except Exception as error:  # a fault of one look's own must not hide what the others have found
        end.problem = f"It ended by a fault of its own ({type(error).__name__}: {one_line(error)})."
    end.seconds, end.done = time.monotonic() - began, True
