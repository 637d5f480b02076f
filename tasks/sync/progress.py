"""How far a long copy is: objects, bytes, rate and time left, told now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = 2.0
"""Between two reports."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One report."""

    what: str
    objects: int
    of_objects: int
    """0: not known yet."""
    bytes: int
    of_bytes: int
    seconds: float
    failed: int = 0

    @property
    def percent(self) -> float:
        """Of the bytes and the objects, whichever is further behind; 100 when there is nothing to do."""
        parts = [
            100.0 * done / total
            for done, total in ((self.objects, self.of_objects), (self.bytes, self.of_bytes))
            if total
        ]
        return min(parts, default=100.0)

    def sentence(self) -> str:
        """As in `copying: 12,000 of 20,020 objects, 1.2 of 3.4 GB, 2,400 objects/s, about 4 s left`."""
        rate = self.objects / self.seconds if self.seconds > 0 else 0.0
        of = f" of {self.of_objects:,}" if self.of_objects else ""
        words = [f"{self.objects:,}{of} objects", f"{human(self.bytes)}", f"{rate:,.0f} objects/s"]
        if 0 < self.percent < 100 and self.seconds > 0:
            words.append(f"about {self.seconds * (100 - self.percent) / self.percent:,.0f} s left")
        if self.failed:
            words.append(f"{self.failed:,} failed")
        return f"{self.what}: {', '.join(words)}"


class ProgressCounter:
    """Counts what is done, from any thread, and tells `report` at most every two seconds and at the end."""

    def __init__(
        self,
        what: str,
        of_objects: int = 0,
        of_bytes: int = 0,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.what, self.of_objects, self.of_bytes, self.report = what, of_objects, of_bytes, report
        self.objects = self.bytes = self.failed = 0
        self._begun = self._told = time.monotonic()
        self._lock = threading.Lock()

    def add(self, objects: int, size: int, failed: int = 0) -> None:
        """Some more are done."""
        with self._lock:
            self.objects += objects
            self.bytes += size
            self.failed += failed
            now = time.monotonic()
            if now - self._told < SECONDS:
                return
            self._told = now
            progress = self.now()
        self.report(progress)

    def now(self) -> Progress:
        """The state of things."""
        seconds = time.monotonic() - self._begun
        return Progress(self.what, self.objects, self.of_objects, self.bytes, self.of_bytes, seconds, self.failed)

    def finish(self) -> Progress:
        """Tell the last state."""
        progress = self.now()
        self.report(progress)
        return progress


def human(size: float) -> str:
    """Bytes as a person reads them: `3.4 GB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} PB"
