"""The event receiver: Pub/Sub pushes to it, it emits Prefect events. Nothing else.

It answers 204 only when Prefect has taken the event, so that Pub/Sub sends it again otherwise. Prefect's open-source
event queue is in memory: an event can still be lost after that, which is why the sweep exists.

Run it: `remediate receiver --port 8080 --environment default`, behind HTTPS, with `--audience` and `--account` as set on
the push subscription. Without them it only listens on loopback.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, PermanentError
from blocks.identity import check_push_token
from deployments.failure_events import BadMessage, decode, failure_in

MAX_BODY = 12 * 1024 * 1024
"""Bytes; Pub/Sub's own limit for a message is 10 MB, and base64 makes it longer."""


def make_app(environment: PipelineEnvironment, audience: str = "", account: str = "") -> FastAPI:
    """The receiver as an ASGI app.

    Args:
        environment: The pipeline whose messages are understood.
        audience: Audience of the push subscription's OIDC token; empty: no check (loopback only).
        account: Service account of that token.
    """
    app = FastAPI(title="blueprint-remediation receiver", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthy() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/pubsub")
    async def push(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return Response("The message is too large.", 413)
        return await run_in_threadpool(take, environment, bytes(body), request.headers, (audience, account))

    return app


def take(environment: PipelineEnvironment, body: bytes, headers: Any, expected: tuple[str, str]) -> Response:
    """One message: 204 done or of no interest, 400 not a message, 401 not from Pub/Sub, 503 try again."""
    audience, account = expected
    if audience:
        try:
            check_push_token(headers.get("authorization", ""), audience, account)
        except PermanentError as error:
            return Response(str(error), 401)
    try:
        failure = failure_in(environment, *decode(body))
        if failure is not None:
            emit(failure.event(datetime.now(UTC).isoformat()))
    except BadMessage as error:
        return Response(str(error), 400)
    except OutsideError as error:
        return Response(str(error), 503)
    return Response(status_code=204)


def emit(event: dict[str, Any]) -> None:
    """Hand one event to Prefect's server and wait for its answer. Raises OutsideError when it does not take it."""
    try:
        with get_client(sync_client=True) as client:
            client.request("POST", "/events", json=[event])
    except Exception as error:  # any failure here means: let Pub/Sub send the message again
        raise OutsideError(f"Prefect did not take the event: {error}") from error


def serve(environment_name: str, host: str, port: int, audience: str, account: str) -> None:
    """Run the receiver in the foreground until it is told to stop. Raises PermanentError when it must not or cannot."""
    if bool(audience) != bool(account):
        raise PermanentError("--audience and --account belong together: give both, or neither on loopback.")
    if not audience and host not in ("127.0.0.1", "localhost", "::1"):
        raise PermanentError(
            "Without --audience and --account anybody could start recoveries: listen on 127.0.0.1 only."
        )
    url = PREFECT_API_URL.value()
    if not url:
        raise PermanentError("PREFECT_API_URL is not set: name the Prefect server that shall have the events.")
    try:
        environment = PipelineEnvironment.named(environment_name)
    except Exception as error:  # whatever it is, the person who started this gets one sentence
        raise PermanentError(f"The environment {environment_name!r} cannot be loaded from {url}: {error}") from error
    uvicorn.run(make_app(environment, audience, account), host=host, port=port, log_level="warning")
