"""Providers of OpenID Connect: one that others wrote, and one that does what it is told."""

import base64
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.fakes.ports import free_port

_START_S = 20
_BYTES = 32


@contextmanager
def independent() -> Iterator[str]:
    """Run the provider of the package `oidc-provider-mock`; give its issuer."""
    port = free_port()
    words = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


def _wait(port: int) -> None:
    until_s = time.monotonic() + _START_S
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            connection.getresponse().read()
        except OSError:
            assert time.monotonic() < until_s
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


class Key:
    """A key of a provider, which signs whatever it is given (RFC 7515, RFC 7518 §3.4)."""

    def __init__(self, name: str = "k-1") -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        """The public part."""
        numbers = self._key.public_key().public_numbers()
        x, y = (code(one.to_bytes(_BYTES)) for one in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.name, "x": x, "y": y}

    def signed(self, claims: object, **header: object) -> str:
        """Return a token; words of the header that are None are left out."""
        words = {"alg": "ES256", "kid": self.name, **header}
        text = unsigned(claims, {name: said for name, said in words.items() if said is not None})
        signature = self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        numbers = decode_dss_signature(signature)
        return f"{text}.{code(b''.join(one.to_bytes(_BYTES) for one in numbers))}"


def unsigned(claims: object, header: object) -> str:
    """Return the first two parts of a token."""
    said = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"{code(json.dumps(header).encode())}.{code(said)}"


def code(data: bytes) -> str:
    """Return bytes as a token has them (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Scripted:
    """A provider that does what a test says.

    Attributes:
        claims: Of the next token; those that are None are left out.
        answers: By path, in place of what it would say.
        nonce: Of the attempt.
        challenge: Of the attempt; a verifier that does not fit gets no token.
        asked: The paths of what was asked.
    """

    url: str = ""
    key: Key = field(default_factory=Key)
    claims: dict[str, object] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    nonce: str = ""
    challenge: str = ""
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)

    def takes(self, location: str) -> dict[str, str]:
        """Take the words with which a browser is sent here; return them."""
        query = {name: one[0] for name, one in parse_qs(location.partition("?")[2]).items()}
        self.nonce, self.challenge = query["nonce"], query["code_challenge"]
        return query

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        said: object
        match path:
            case "/.well-known/openid-configuration":
                names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                said = {"issuer": self.url} | {name: f"{self.url}/{name}" for name in names}
            case "/jwks_uri":
                said = {"keys": [self.key.jwk]}
            case "/token_endpoint":
                verifier = parse_qs(body.decode())["code_verifier"][0]
                digest = code(hashlib.sha256(verifier.encode()).digest())
                if digest != self.challenge:
                    return 400, b'{"error": "invalid_grant"}'
                said = {"id_token": self.key.signed(self._claims())}
            case _:
                return 404, b"{}"
        return 200, json.dumps(said).encode()

    def _claims(self) -> dict[str, object]:
        now_s = int(time.time())
        usual: dict[str, object] = {"iss": self.url, "aud": "edge", "sub": "s-1", "iat": now_s}
        usual |= {"exp": now_s + 300, "nonce": self.nonce, "preferred_username": "anna"}
        return {name: one for name, one in (usual | self.claims).items() if one is not None}


@contextmanager
def scripted() -> Iterator[Scripted]:
    """Run a provider that does what it is told, on the loopback."""
    found = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.credentials.append(self.headers.get("Authorization", ""))
            status, said = found.answer(self.path, body)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", said.decode())
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
