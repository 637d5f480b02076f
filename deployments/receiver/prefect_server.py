"""The Prefect server: creates flow runs, takes events. Every request may be made twice without a second effect."""

from __future__ import annotations

import contextlib
import json
import ssl
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_CLIENT_RETRY_EXTRA_CODES,
    temporary_settings,
)

REQUEST_SECONDS = 10.0
"""How long an answer is waited for; a busy server on SQLite takes seconds."""

BUSY = (408, 429, 502, 503)
"""Answers after which Prefect's client would try again."""
REFUSED = (400, 404, 409, 413, 422)
"""Answers to what will not be taken however often it is said."""


class NotNow(Exception):
    """Prefect did not answer, or not as itself: the event waits, and all others with it."""


class Broken(Exception):
    """Prefect failed at this one request; it may be at this one only: the event waits, and the others do not."""


class Refused(Exception):
    """Prefect understood and said no: asking again does not help; the message is its reason."""


class PrefectServer:
    """A connection to the server in use, for one thread. Opened when it is needed, and again when it broke."""

    def __init__(self) -> None:
        self._open: contextlib.ExitStack | None = None
        self._client: SyncPrefectClient | None = None
        self._ids: dict[str, str] = {}

    def create_run(self, deployment: str, parameters: dict[str, Any], key: str) -> str:
        """Create a flow run of a deployment (`flow/name`), or find the one that was created with this key. Its id.

        Raises `NotNow`, `Broken`, `Refused`.
        """
        body = {"parameters": parameters, "idempotency_key": key, "state": {"type": "SCHEDULED"}}
        if deployment not in self._ids:
            self._ids[deployment] = str(self._request("GET", f"/deployments/name/{deployment}")["id"])
        try:
            return str(self._request("POST", f"/deployments/{self._ids[deployment]}/create_flow_run", body)["id"])
        except Refused:
            self._ids.pop(deployment, None)  # deployed anew, it has another id
            raise

    def runs_of(self, keys: list[str]) -> dict[str, str]:
        """The ids of the flow runs that were created with these keys, by key; 200 keys at most. Raises `NotNow`, `Refused`."""
        wanted = {"flow_runs": {"idempotency_key": {"any_": keys}}, "limit": len(keys)}
        try:
            found = self._request("POST", "/flow_runs/filter", wanted)
        except Broken as error:  # it is about many events, and none can go on without it
            raise NotNow(str(error)) from error
        return {one["idempotency_key"]: str(one["id"]) for one in found}

    def emit(self, name: str, resource: str, key: str, payload: dict[str, str], occurred: float) -> None:
        """Hand one event to the server. Raises `NotNow`, `Broken`, `Refused`."""
        event = {
            "id": str(uuid5(NAMESPACE_URL, key)),
            "event": name,
            "occurred": datetime.fromtimestamp(occurred, UTC).isoformat(),
            "resource": {"prefect.resource.id": resource, "prefect.resource.name": resource.rpartition(".")[2]},
            "payload": payload,
        }
        self._request("POST", "/events", [event])

    def resume(self, flow_run: str, answer: dict[str, str]) -> None:
        """Give a run that waits for a person its answer. Raises `NotNow`, `Broken`, `Refused`."""
        said = self._request("POST", f"/flow_runs/{flow_run}/resume", {"run_input": answer})
        if said.get("status") != "ACCEPT":
            raise Refused(str((said.get("details") or {}).get("reason") or "The run waits for nobody."))

    def check(self) -> None:
        """Raises `NotNow` unless the server answers that it is healthy."""
        try:
            self._request("GET", "/health")
        except Broken as error:  # it is not healthy, whatever is asked of it
            raise NotNow(str(error)) from error

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            with contextlib.suppress(Exception):
                self._open.close()
        self._open = self._client = None

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self._connected().request(method, path, json=body)  # type: ignore[arg-type]
            return answer.json() if answer.content else None
        except (httpx.HTTPStatusError, PrefectHTTPStatusError) as error:
            status = error.response.status_code
            if status in REFUSED:
                raise Refused(f"Prefect refused {method} {path} ({status}): {_detail(error.response)}") from error
            if status == 500:
                raise Broken(f"Prefect answered {method} {path} with 500: its own log has the reason.") from error
            raise NotNow(f"Prefect answered {method} {path} with {status}.") from error
        except NotNow:
            raise
        except httpx.TransportError as error:  # the client opens another connection; another client would take 50 ms
            if _certificate(error):  # but only another one reads the file of authorities again
                self.close()
            raise NotNow(f"Prefect did not answer {method} {path}: {type(error).__name__}.") from error
        except Exception as error:  # refused, reset, timed out, no JSON: whatever it is, the event is not lost
            self.close()
            raise NotNow(f"Prefect did not answer {method} {path}: {type(error).__name__}.") from error

    def _connected(self) -> SyncPrefectClient:
        if self._client is None:
            with contextlib.ExitStack() as stack:
                # The events wait in the spool: better to be told soon that Prefect is away.
                limits = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: REQUEST_SECONDS}
                stack.enter_context(temporary_settings(limits))
                hooks = {"event_hooks": {"response": [_at_once]}}
                self._client = stack.enter_context(get_client(hooks, sync_client=True))
                self._open = stack.pop_all()
        return self._client


def _at_once(response: httpx.Response) -> None:
    """What means 'not now' is told as soon as it is answered.

    Prefect's client waits two seconds after such an answer, also after its last try (3.9.1), and its server on SQLite gives
    one whenever another writer comes between its reading and its writing.
    """
    if response.status_code in {*BUSY, *PREFECT_CLIENT_RETRY_EXTRA_CODES.value()}:
        response.read()  # so that the connection is kept
        path = response.request.url.path
        raise NotNow(f"Prefect answered {response.request.method} {path} with {response.status_code}.")


def _certificate(error: BaseException | None) -> bool:
    """Whether a connection failed because of the server's certificate."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _detail(response: httpx.Response) -> str:
    try:
        said = json.loads(response.content)
    except ValueError:
        return "no reason given"
    return str(said.get("detail", said) if isinstance(said, dict) else said)[:500]
