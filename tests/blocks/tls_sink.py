"""A real HTTPS server that stands for hosts of the internet, reached as behind a company's proxy: by CONNECT.

The address that a client asks for is its own; the proxy leads every host here, and the certificate is for the hosts that are
named. Nothing of the client is replaced: proxy and authority are given to it by the usual variables of the environment.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.certificates import self_signed


@dataclass(frozen=True)
class Posted:
    """One request."""

    host: str
    """As the client asked the proxy for it, with its port."""
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class TlsSink:
    """What came, and what is answered."""

    status: int = 200
    answer: bytes = b"ok"
    posted: list[Posted] = field(default_factory=list)


def certificate(folder: Path, hosts: tuple[str, ...]) -> tuple[Path, Path]:
    """Files of a key and a certificate for these hosts."""
    private, public = folder / "key.pem", folder / "certificate.pem"
    for path, body in zip((private, public), self_signed(*map(x509.DNSName, hosts)), strict=True):
        path.write_bytes(body)
    return private, public


def request_of(connection: Any) -> tuple[str, dict[str, str], bytes]:
    """The target of one request, its headers in small letters, and its body."""
    with connection.makefile("rb") as lines:
        target = lines.readline().decode().split(" ")[1]
        headers = {}
        while line := lines.readline().decode().strip():
            key, _, value = line.partition(": ")
            headers[key.lower()] = value
        return target, headers, lines.read(int(headers.get("content-length", 0)))


@contextmanager
def tls_sink(folder: Path, *hosts: str) -> Iterator[TlsSink]:
    """The server, with the environment that leads clients to it."""
    private, public = certificate(folder, hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    sink, listener = TlsSink(), socket.create_server(("127.0.0.1", 0))

    def take(plain: socket.socket) -> None:
        host, _, _ = request_of(plain)
        plain.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(plain, server_side=True) as secure:
            path, headers, body = request_of(secure)
            sink.posted.append(Posted(host, path, headers, json.loads(body)))
            head = f"HTTP/1.1 {sink.status} X\r\nContent-Length: {len(sink.answer)}\r\nConnection: close\r\n\r\n"
            secure.sendall(head.encode() + sink.answer)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            with plain:
                try:
                    take(plain)
                except OSError:
                    continue  # a client that trusts no such certificate hangs up

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            patch.delenv(name, raising=False)
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        patch.setenv("REQUESTS_CA_BUNDLE", str(public))
        yield sink
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)
