"""What the sandbox was asked, counted: a test proves with it that nothing was written, or how few calls were made."""

import threading
from collections import Counter


class RequestLog:
    """Thread-safe counter of requests by service and method."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._mutating: Counter[str] = Counter()

    def record(self, service: str, method: str, *, mutates: bool) -> None:
        """Count one request; `mutates`: it asks for a change, whether or not it gets it."""
        with self._lock:
            self._counts[service, method] += 1
            if mutates:
                self._mutating[service] += 1

    def count(self, service: str, method: str) -> int:
        """How often `method` of `service` was asked for since the last reset."""
        with self._lock:
            return self._counts[service, method]

    def snapshot(self) -> dict[str, int]:
        """Every count, as `{"storage.objects.get": 12, ...}`."""
        with self._lock:
            return {f"{service}.{method}": count for (service, method), count in sorted(self._counts.items())}

    def mutating(self) -> dict[str, int]:
        """How many requests asked for a change, by service, and as `total`: what only looks makes none."""
        with self._lock:
            return {"total": self._mutating.total(), **dict(sorted(self._mutating.items()))}

    def reset(self) -> None:
        """Forget every count."""
        with self._lock:
            self._counts.clear()
            self._mutating.clear()
