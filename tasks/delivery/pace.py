"""The rate at which what waited is let go: never faster, however many subscriptions are emptied."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """So many a minute. The first goes at once, and time that was not used is not made up for."""

    per_minute: Callable[[], float]
    """Asked each time: a person may turn it down while it goes on."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=float("-inf"), init=False)

    @property
    def per_second(self) -> float:
        """The rate now."""
        return self.per_minute() / 60

    def wait(self) -> None:
        """Wait until the next one may go."""
        while (left := self._next - self.clock()) > 0:
            self.sleep(left)
        self._next = self.clock() + 1 / self.per_second
