"""The little that the sandbox's own HTTP answers need of ASGI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from deployments.sandbox.storage.connection import Receive, Send

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def answer_json(send: Send, status: int, value: object) -> None:
    """Answer with `value` as JSON."""
    await answer_bytes(send, status, json.dumps(value).encode(), "application/json")


async def answer_bytes(send: Send, status: int, body: bytes, content_type: str) -> None:
    """Answer with bytes."""
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: str) -> str:
    """A header of the request, or ''."""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), "")
