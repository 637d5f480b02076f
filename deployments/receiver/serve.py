"""`remediate receiver`: the service in the foreground, until it is told to stop."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from prefect.settings import PREFECT_API_URL
from starlette.applications import Starlette

from blocks.calls import CallLimits
from blocks.clients import OF_WORK, load_libraries
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.identity import PersonTokens
from deployments.receiver import spool
from deployments.receiver.app import Receiver, make_app
from deployments.receiver.auth import doors, read_secrets
from deployments.receiver.rules import load_rules
from deployments.state import STATE

SECRET = "REMEDIATION_WEBHOOK_SECRET"
"""The environment variable with the webhook's secret."""
SPOOL = STATE / "receiver.db"
SERVER_SECONDS = 60.0
"""How long Prefect is waited for at the start: after a restart of the whole machine both begin at once."""
QUICK = CallLimits(attempts=2, total_seconds=5.0, call_seconds=5.0)
"""Of questions to Google: the event that asks waits and is tried again, and the others do not wait for it meanwhile."""


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    environment: str = "default"
    host: str = "127.0.0.1"
    port: int = 8080
    audience: str = ""
    accounts: tuple[str, ...] = ()
    iap_audience: str = ""
    secret_file: Path | None = None
    spool: Path = SPOOL
    rules: Path | None = None
    keep_days: float = 14.0


def serve(settings: Settings) -> None:
    """Run the receiver. Raises PermanentError when it must not or cannot, ValueError for rules that are none."""
    secrets = read_secrets(settings.secret_file, os.environ.pop(SECRET, ""))
    guards = doors(settings.host, settings.audience, settings.accounts, secrets)
    url = PREFECT_API_URL.value()
    if not url:
        raise PermanentError("PREFECT_API_URL is not set: name the Prefect server that shall have the events.")
    environment = load(settings.environment, url)
    for block in (environment.storage, environment.workflows, environment.jobs):
        block.limits = QUICK
    rules = load_rules(environment, settings.rules)
    spool.prepare(settings.spool).close()  # said in one sentence here, rather than in uvicorn's log
    people = PersonTokens(settings.iap_audience) if settings.iap_audience else None
    app = make_app(Receiver(settings.spool, rules, guards, settings.keep_days, people))
    listen(app, settings.host, settings.port)


def listen(app: Starlette, host: str, port: int) -> None:
    """Answer requests until this process is told to stop.

    Everything is loaded before, for the first event would wait for it, and is never walked again by the collector of
    garbage, which would stop all requests for a third of a second each time.
    """
    load_libraries(OF_WORK)
    gc.collect()
    gc.freeze()
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)


def load(name: str, url: str) -> PipelineEnvironment:
    """The environment block, waited for while its server is just starting. Raises PermanentError."""
    deadline = time.monotonic() + SERVER_SECONDS
    while True:
        try:
            return PipelineEnvironment.named(name)
        except Exception as error:  # whatever it is, the person who started this gets one sentence
            if not isinstance(error, httpx.TransportError) or time.monotonic() > deadline:
                said = f"The environment {name!r} cannot be loaded from {url}: {error}"
                raise PermanentError(said) from error
        time.sleep(0.5)
