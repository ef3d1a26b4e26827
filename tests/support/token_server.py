"""An OpenID provider for tests: a token endpoint that signs JSON web tokens (RS256), and the keys to check them."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from tests.support.certificates import openssl

ISSUER = "stream-rcf-tests"
AUDIENCE = "kafka"
KEY_NAME = "key-1"


class TokenServer:
    """Listens on 127.0.0.1 while its ``with`` block lasts; gives a token to whoever knows id and secret.

    ``issued`` are the tokens given so far, ``refused`` counts the others, ``scopes`` are those asked for.

    :param subject: whom the tokens speak of; the broker's principal
    :param lifetime_seconds: how long a token is good
    """

    def __init__(
        self, folder: Path, client_id: str, client_secret: str, subject: str, lifetime_seconds: int
    ) -> None:
        self._key = folder / "token.key"
        self._client = f"{client_id}:{client_secret}"
        self._subject = subject
        self.lifetime_seconds = lifetime_seconds
        self.issued: list[str] = []
        self.scopes: set[str] = set()
        self.refused = 0
        openssl("genrsa", "-out", str(self._key), "2048")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        address = f"http://127.0.0.1:{self._server.server_port}"
        self.token_url, self.keys_url = f"{address}/token", f"{address}/keys"

    def __enter__(self) -> TokenServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def keys(self) -> dict[str, Any]:
        """The public key as a JSON web key set."""
        printed = openssl("rsa", "-in", str(self._key), "-noout", "-modulus").decode()
        modulus = bytes.fromhex(printed.strip().removeprefix("Modulus="))
        exponent = (65537).to_bytes(3, "big")
        key = {"kty": "RSA", "kid": KEY_NAME, "use": "sig", "alg": "RS256"}
        return {"keys": [{**key, "n": _base64(modulus), "e": _base64(exponent)}]}

    def token(self) -> str:
        """A new token."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": KEY_NAME}
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self._subject,
            "scope": "events",
            "iat": now,
            "exp": now + self.lifetime_seconds,
            "jti": uuid.uuid4().hex,
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        signature = openssl("dgst", "-sha256", "-sign", str(self._key), given=signed.encode())
        return f"{signed}.{_base64(signature)}"

    def _answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        given = authorization.removeprefix("Basic ")
        if base64.b64decode(given).decode() != self._client or form["grant_type"] != ["client_credentials"]:
            self.refused += 1
            return 401, {"error": "invalid_client"}
        token = self.token()
        self.issued.append(token)
        self.scopes.update(form.get("scope", []))
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_seconds}

    def _handler(provider) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- the handler's own is self
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(*provider._answer(self.headers["Authorization"], parse_qs(body)))

            def do_GET(self) -> None:
                self._send(200, provider.keys())

            def _send(self, status: int, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        return Handler


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
