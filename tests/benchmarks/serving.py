"""A sandbox in a process of its own, so that its work is not counted as the measured program's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.stack import call

PROGRAM = (
    "import sys; from deployments.sandbox.server import serve; "
    "sys.exit(serve(0, as_json=True, seed=1, job_seconds=float(sys.argv[1])))"
)


class Served:
    """A running sandbox: where it is, and its control interface."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call to `/_sandbox/`."""
        return call(method, f"{self.endpoints.control}/{path}", body)

    def requests(self) -> dict[str, int]:
        """How often each method was called since the last reset."""
        return dict(self.control("GET", "requests"))


@contextmanager
def sandbox_process(job_seconds: float = 0.05, program: str = PROGRAM) -> Iterator[Served]:
    """Start one, and end it afterwards. `program` is given the seconds, and prints first where it is."""
    process = subprocess.Popen([sys.executable, "-c", program, str(job_seconds)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        yield Served(Endpoints.model_validate({key: first[key] for key in Endpoints.model_fields}))
    finally:
        process.terminate()
        process.wait(10)
