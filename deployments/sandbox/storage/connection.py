"""The connection under a storage request: reading the body, sending the answer, waiting, and cutting the line."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from deployments.sandbox.storage.http import Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SLICE = 1 << 20
"""A large answer is sent in slices of this many bytes, so that it is never held twice."""


async def read_body(receive: Receive) -> bytes | None:
    """The whole body of a request; None when the caller went away before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def send_response(send: Send, response: Response, *, head: bool = False) -> None:
    """Send an answer; to a HEAD request only what is before the body."""
    headers = [(b"content-length", b"%d" % len(response.body)), *response.headers]
    if len(response.body):
        headers.append((b"content-type", response.content_type.encode()))
    if response.status in (204, 304):
        headers = response.headers
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if head else response.body
    while len(body) > SLICE:
        await send({"type": "http.response.body", "body": body[:SLICE], "more_body": True})
        body = memoryview(body)[SLICE:]
    await send({"type": "http.response.body", "body": body})


async def wait(receive: Receive, seconds: float) -> None:
    """Wait, but no longer than the caller does."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(receive), seconds)


async def gone(receive: Receive) -> None:
    """Wait until the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def cut(receive: Receive) -> None:
    """Cut the TCP connection without an answer, so that the caller sees a reset.

    ASGI has no word for this; uvicorn's `receive` belongs to the object that holds the transport.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("A fault rule cuts this connection, and the server gives no way to do it.")
    _reset_on_close(transport.get_extra_info("socket"))
    transport.abort()
    await gone(receive)


def _reset_on_close(sock: Any) -> None:
    """Make the kernel send a reset instead of an orderly end when the socket is closed."""
    with contextlib.suppress(OSError), socket.fromfd(sock.fileno(), sock.family, sock.type) as twin:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
