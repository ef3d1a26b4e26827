"""A registry that answers what a test tells it to, for the answers that a real one gives only when it is broken."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import SecretStr

from stream_rcf.settings.schema_registry_section import SchemaRegistrySettings

Answer = tuple[int, bytes] | Callable[[BaseHTTPRequestHandler], None]


def schema_answer(text: str, kind: str = "AVRO", references: list[dict[str, Any]] | None = None) -> Answer:
    """What a registry says about a schema that it has."""
    document = {"schema": text, "schemaType": kind, "references": references or []}
    return 200, json.dumps(document).encode()


def not_found(code: int = 40403) -> Answer:
    """What a registry says about one that it does not have."""
    return 404, json.dumps({"error_code": code, "message": "no such thing"}).encode()


class RegistryStub:
    """Answers by path; a list is given out one by one, the last one for good. Keeps what it was asked."""

    def __init__(self, secured_by: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stub.asked.append(self.path)
                stub.authorizations.append(self.headers.get("Authorization"))
                answer = stub.answers.get(self.path, not_found())
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if callable(answer):
                    answer(self)
                    return
                status, body = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if secured_by is not None:
            self._server.socket = secured_by.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if secured_by is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/api"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> RegistryStub:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, path: str, answer: Answer | list[Answer]) -> None:
        """Say what to answer to a path below the address."""
        self.answers[f"/api/{path}"] = answer

    def settings(
        self, timeout_seconds: float = 5.0, username: str = "", password: str = "", ca_file: str = ""
    ) -> SchemaRegistrySettings:
        """The settings that lead here."""
        return SchemaRegistrySettings(
            url=self.url,
            timeout_seconds=timeout_seconds,
            username=username,
            ca_file=ca_file,
            password=SecretStr(password),
        )
