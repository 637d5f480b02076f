"""A storage server of the sandbox in a thread, and what tests need to speak HTTP to it with real clients."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
import uvicorn
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from deployments.sandbox.faults import Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.storage.api import GIB, StorageApp
from deployments.sandbox.storage.store import ObjectStore, StoredVersion


@dataclass
class StorageServer:
    """A running storage server, and everything behind it that a test looks at."""

    url: str
    store: ObjectStore
    faults: Faults
    requests: RequestLog
    session: requests.Session = field(default_factory=requests.Session)

    def client(self) -> storage.Client:
        """The stock Google client, pointed at this server."""
        options = {"api_endpoint": self.url}
        return storage.Client(project="sandbox-project", credentials=AnonymousCredentials(), client_options=options)

    def call(self, verb: str, path: str, **kwargs: Any) -> requests.Response:
        """One HTTP request; `path` follows the host. A 308 is not followed."""
        return self.session.request(verb, self.url + path, timeout=30, allow_redirects=False, **kwargs)

    def object_path(self, bucket: str, name: str) -> str:
        """The path of an object in the JSON API."""
        return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"

    def upload(self, bucket: str, name: str, data: bytes, **query: Any) -> requests.Response:
        """A simple upload by HTTP."""
        parameters = {"uploadType": "media", "name": name, **query}
        return self.call("POST", f"/upload/storage/v1/b/{bucket}/o", params=parameters, data=data)

    def live(self, bucket: str, name: str) -> StoredVersion:
        """The live version, which must be there."""
        version = self.store.get(bucket, name)
        assert version is not None
        return version

    def listing(self, bucket: str, **query: Any) -> dict[str, Any]:
        """One page of a listing."""
        answer = self.call("GET", f"/storage/v1/b/{bucket}/o", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def reason(answer: requests.Response) -> str:
    """Google's word for why a request was refused."""
    body = json.loads(answer.text)["error"]
    assert body["code"] == answer.status_code
    assert body["message"] == body["errors"][0]["message"]
    return body["errors"][0]["reason"]


@contextmanager
def serve_storage(rewrite_bytes_per_call: int = GIB) -> Iterator[StorageServer]:
    """Serve a new, empty store on a free port of this machine."""
    store, faults, log = ObjectStore(), Faults(seed=1), RequestLog()
    app = StorageApp(store, faults, log, rewrite_bytes_per_call=rewrite_bytes_per_call)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", timeout_keep_alive=60, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    # Without the protocol named, asyncio leaves Nagle's algorithm on and every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    running = StorageServer(f"http://127.0.0.1:{listener.getsockname()[1]}", store, faults, log)
    try:
        yield running
    finally:
        running.session.close()
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def multipart(resource: dict[str, Any], data: bytes) -> tuple[dict[str, str], bytes]:
    head = f"--x\r\nContent-Type: application/json\r\n\r\n{json.dumps(resource)}\r\n--x\r\nContent-Type: a/b\r\n\r\n"
    return {"Content-Type": "multipart/related; boundary=x"}, head.encode() + data + b"\r\n--x--"
