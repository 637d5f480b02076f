"""Google's part in signing a token: keys, certificates served on loopback, and tokens good or bad."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

AUDIENCE, ACCOUNT = "https://receiver.example", "push@p.iam.gserviceaccount.com"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A private key; the same name is the same key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(name: str) -> str:
    """The certificate of that key."""
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "google")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(who, who, key(name).public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return made.sign(key(name), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def token(signed_by: str = "google", header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A bearer token as Google makes them, with claims changed (None: left out)."""
    now = int(time.time())
    good = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True}
    said = {
        name: value for name, value in {**good, "iat": now, "exp": now + 3600, **claims}.items() if value is not None
    }
    parts = [_encoded({"alg": "RS256", "kid": "1", "typ": "JWT"} | (header or {})), _encoded(said)]
    body = ".".join(parts).encode()
    signature = key(signed_by).sign(body, padding.PKCS1v15(), hashes.SHA256())
    return ".".join([*parts, base64.urlsafe_b64encode(signature).decode().rstrip("=")])


IAP_AUDIENCE, ANN = "/projects/1/global/backendServices/2", "ann@example.org"


@cache
def proxy_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key of Identity-Aware Proxy; the same name is the same key."""
    return ec.generate_private_key(ec.SECP256R1())


def assertion(signed_by: str = "proxy", **claims: Any) -> str:
    """What the proxy says of a person who has signed in, with claims changed (None: left out)."""
    now = int(time.time())
    good = {"iss": "https://cloud.google.com/iap", "aud": IAP_AUDIENCE, "email": ANN, "sub": "accounts.google.com:1"}
    said = {
        name: value for name, value in {**good, "iat": now, "exp": now + 600, **claims}.items() if value is not None
    }
    parts = [_encoded({"alg": "ES256", "kid": "p1", "typ": "JWT"}), _encoded(said)]
    r, s = utils.decode_dss_signature(proxy_key(signed_by).sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return ".".join([*parts, base64.urlsafe_b64encode(signature).decode().rstrip("=")])


def proxy_keys() -> bytes:
    """The proxy's public keys as Google publishes them."""
    pem = (
        proxy_key("proxy")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return json.dumps({"p1": pem.decode()}).encode()


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class Certificates(ThreadingHTTPServer):
    """Serves the certificates, and counts how often."""

    def __init__(self, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = body or json.dumps({"1": certificate("google")}).encode()
        self.status, self.asked = 200, 0
        self.url = f"http://127.0.0.1:{self.server_port}/certs"


class _Handler(BaseHTTPRequestHandler):
    server: Certificates

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("cache-control", "public, max-age=3600, must-revalidate")
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(body: bytes = b"") -> Iterator[Certificates]:
    """The certificates on loopback; or another body."""
    server = Certificates(body)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
