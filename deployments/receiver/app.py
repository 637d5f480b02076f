"""The receiver as an ASGI service: a request is let in, understood, kept on disk, and only then acknowledged.

Answers: 204 kept, known already, or of no interest (a message nobody can read is kept too, as a dead letter); 401 and 403
not let in; 413 too large; 503 nothing was kept, send it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from blocks.errors import TemporaryError
from blocks.identity import PersonTokens
from deployments.receiver import spool
from deployments.receiver.acknowledge import AcknowledgePages
from deployments.receiver.approve import ApprovalPages
from deployments.receiver.auth import Door, Forged
from deployments.receiver.decode import DECODERS
from deployments.receiver.dispatch import Dispatcher
from deployments.receiver.message import Message
from deployments.receiver.metrics import Metrics
from deployments.receiver.people import People
from deployments.receiver.rules import Rules
from deployments.receiver.strict import Undecodable
from deployments.receiver.writer import SpoolBusy, Writer
from deployments.receiver.writes import Accept
from tasks.incidents.links import PATH

MAX_BODY = 1024 * 1024
"""Bytes. The largest message we take is a log entry: 256 KB at Google, a third more as base64."""
KEPT_BODY = 16_384
"""Bytes of a dead letter that are kept."""
LATELY_SECONDS = 60.0
"""Prefect must have answered within this time for the receiver to call itself ready."""
WARN_SECONDS = 60.0
"""A line in the log about requests that are not let in is written this often at most."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

_log = logging.getLogger(__name__)


class Receiver:
    """The parts that belong together: spool, writer, dispatcher, and what is counted."""

    def __init__(
        self,
        path: Path,
        rules: Rules,
        doors: dict[str, Door],
        keep_days: float = 14.0,
        people: PersonTokens | None = None,
    ) -> None:
        """
        Args:
            path: The spool's file.
            rules: The rules in force.
            doors: Who may come in, for each path.
            keep_days: How long an ended event is remembered.
            people: Reads who has signed in before the pages; None: nobody is known there.
        """
        self.people = People(people, rules.environment.on_call.link_url)
        self.path, self.rules, self.doors = path, rules, doors
        self.metrics = Metrics(path)
        self._warned = float("-inf")
        self.writer = Writer(path, lambda: self.dispatcher.wake())
        self.dispatcher = Dispatcher(path, rules, self.writer, self.metrics, keep_days)

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """Hold the spool and work on it until the app ends. Raises `PermanentError` when it cannot be had."""
        held = spool.prepare(self.path)
        self.writer.start()
        self.dispatcher.start()
        try:
            yield
        finally:
            await run_in_threadpool(self.dispatcher.stop)
            await run_in_threadpool(self.writer.stop)
            held.close()

    async def take(self, request: Request) -> Response:
        """One message."""
        path, begun = request.scope["path"], time.perf_counter()
        try:
            return await self._taken(request, path, self.doors[path])
        except Forged as error:
            self.metrics.forged.labels(path).inc()
            self._warn(f"A request to {path} was not let in: {error}")
            return Response("Not let in.", error.status)
        except (TemporaryError, SpoolBusy, sqlite3.Error) as error:
            self.metrics.unkept.labels(type(error).__name__).inc()
            return Response("It was not kept; send it again.", 503)
        except ClientDisconnect:
            return Response(status_code=204)  # nobody hears it
        finally:
            self.metrics.answered.observe(time.perf_counter() - begun)

    def _warn(self, sentence: str) -> None:
        """For whoever sets it up; now and then only, as anybody can send anything."""
        if time.monotonic() - self._warned > WARN_SECONDS:
            self._warned = time.monotonic()
            _log.warning(sentence)

    async def _taken(self, request: Request, path: str, door: Door) -> Response:
        if not door.knows(request.headers):
            await run_in_threadpool(door.knock, request.headers)
        body = await read_body(request)
        if body is None:
            self.metrics.unkept.labels("too_large").inc()
            return Response(f"More than {MAX_BODY} bytes.", 413)
        door.enter(request.headers, body)
        try:
            return await self._matched(DECODERS[path](request.headers, body))
        except Undecodable as error:
            return await self._keep(dead_letter(path, body, str(error)))

    async def said(self, message: Message) -> Response:
        """A message of our own pages, kept like every other: 204 when it is on disk, 503 when it is not."""
        try:
            return await self._matched(message)
        except (SpoolBusy, sqlite3.Error) as error:
            self.metrics.unkept.labels(type(error).__name__).inc()
            return Response("It was not kept; send it again.", 503)

    def refused_link(self, sentence: str) -> None:
        """A link that is not one of ours, or not any more."""
        self.metrics.forged.labels(PATH).inc()
        self._warn(f"A link was not taken: {sentence}")

    async def _matched(self, message: Message) -> Response:
        event = self.rules.event_of(message)
        if event is None:
            self.metrics.ignored.labels("no_rule").inc()
            return Response(status_code=204)
        return await self._keep(Accept(event.key, event.rule, event.values))

    async def _keep(self, what: Accept) -> Response:
        new = await asyncio.wrap_future(self.writer.submit(what))
        if not new:
            self.metrics.duplicates.labels(what.rule).inc()
        elif what.word:
            self.metrics.dead.labels(what.word).inc()
        else:
            self.metrics.accepted.labels(what.rule).inc()
        return Response(status_code=204)

    def health(self, _request: Request) -> Response:
        """Whether the process lives."""
        return JSONResponse({"status": "ok"})

    def ready(self, _request: Request) -> Response:
        """Whether what comes can be kept, and Prefect has answered lately."""
        ago = time.monotonic() - self.dispatcher.prefect_answered
        wrong = {"spool": self.writer.trouble, "prefect": "" if ago < LATELY_SECONDS else "It has not answered lately."}
        return JSONResponse({name: said or "ok" for name, said in wrong.items()}, 503 if any(wrong.values()) else 200)

    def numbers(self, _request: Request) -> Response:
        """What Prometheus reads."""
        return Response(self.metrics.text(), media_type=PROMETHEUS)


def make_app(receiver: Receiver) -> Starlette:
    """The service."""
    routes = [Route(path, receiver.take, methods=["POST"]) for path in DECODERS]
    routes += [
        Route("/healthz", receiver.health),
        Route("/readyz", receiver.ready),
        Route("/metrics", receiver.numbers),
    ]
    policy = receiver.rules.environment.on_call
    routes += AcknowledgePages(policy, receiver.people, receiver.said, receiver.refused_link).routes()
    routes += ApprovalPages(policy, receiver.people, receiver.refused_link).routes()
    return Starlette(routes=routes, lifespan=receiver.running)


async def read_body(request: Request) -> bytes | None:
    """The body; None, as soon as that is clear, when it is too large."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdecimal() and int(announced) > MAX_BODY:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def dead_letter(path: str, body: bytes, reason: str) -> Accept:
    """What is kept of a message that nobody can read: never its headers, which may hold a token."""
    key = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
    shown = body[:KEPT_BODY].decode(errors="backslashreplace")
    return Accept(key, spool.UNDECODABLE, {"path": path, "bytes": str(len(body)), "body": shown}, "undecodable", reason)
