"""``/live``, ``/ready`` and ``/metrics`` over HTTP, in a thread beside the loop.

Nothing here changes anything, so nobody has to say who they are.
"""

from __future__ import annotations

import errno
import http.client
import logging
import socket
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self

import orjson

from stream_rcf.errors import UsageError
from stream_rcf.observe.health import Answer
from stream_rcf.observe.http_limits import Connections, HeadReader
from stream_rcf.observe.metrics import CONTENT_TYPE

logger = logging.getLogger(__name__)

IDLE_SECONDS = 30.0  # a connection that says nothing this long is closed, so that its thread ends
STOP_POLL_SECONDS = 0.05  # how often the accepting thread looks whether it should end


class Observed(Protocol):
    """What the endpoints tell about: one process, or several. Asked from any thread."""

    def live(self) -> Answer:
        """Whether it runs; the answer of ``/live``."""

    def ready(self) -> Answer:
        """Whether it does its share of the work; the answer of ``/ready``."""

    def exposition(self) -> bytes:
        """Its metrics, of type ``CONTENT_TYPE``."""


class Endpoints:
    """The HTTP side of one process: listens from construction, answers from ``start`` to ``stop``.

    ``port`` 0 takes a free one, which the attribute ``port`` then names. Raises ``UsageError`` where the
    address cannot be used.
    """

    def __init__(self, host: str, port: int, observed: Observed) -> None:
        try:
            self._server = _Server(host, port, observed)
        except (OSError, OverflowError) as error:
            raise UsageError(_cannot_listen(host, port, error)) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_POLL_SECONDS,), name="http-endpoints", daemon=True
        )

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer requests from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port. May be called without ``start``."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, observed: Observed) -> None:
        self.observed = observed
        self.connections = Connections()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the name service for its own name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.opened(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.closed(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        self.connections.end_overdue()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            logger.debug("an HTTP client went away", exc_info=True)
        else:
            logger.exception("an HTTP request failed")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "stream-rcf"
    sys_version = ""
    timeout = IDLE_SECONDS
    # Buffered, and sent without delay: otherwise head and body are two packets, and the second waits 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._head = HeadReader(self.rfile)
        self.rfile = self._head  # type: ignore[assignment] # -- what the base class asks of it, it can

    def handle_one_request(self) -> None:
        self.server.connections.moved(self.connection, is_working=False)
        self._head.begin()
        try:
            self._head.wait()
            self.server.connections.moved(self.connection, is_working=True)
            super().handle_one_request()
        except TimeoutError:
            self.close_connection = True  # nothing more has come for IDLE_SECONDS
        except http.client.LineTooLong:  # the first line; the base class sees to those after it
            self.requestline, self.request_version, self.command = "", self.protocol_version, "GET"
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no proper request, without repeating any of it."""
        self.close_connection = True
        status = HTTPStatus(code)
        logger.debug("an HTTP request is refused: %s (%s)", status.phrase, message)
        self._send_json(status, {"error": status.phrase})

    def do_GET(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # nobody reads that body, and it must not be taken for a request
        path = self.path.partition("?")[0]
        if path == "/live":
            self._send_answer(self.server.observed.live())
        elif path == "/ready":
            self._send_answer(self.server.observed.ready())
        elif path == "/metrics":
            self._send(HTTPStatus.OK, CONTENT_TYPE, self.server.observed.exposition())
        else:
            self._send_json(
                HTTPStatus.NOT_FOUND, {"error": "not found", "paths": ["/live", "/ready", "/metrics"]}
            )

    do_HEAD = do_GET  # noqa: N815 - the base class looks methods up by these names

    def _refuse(self) -> None:
        self.close_connection = True  # as above
        self._send_json(
            HTTPStatus.METHOD_NOT_ALLOWED, {"error": "only GET and HEAD are allowed"}, allow="GET, HEAD"
        )

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse  # noqa: N815 - as above

    def _send_answer(self, answer: Answer) -> None:
        self._send_json(HTTPStatus.OK if answer.ok else HTTPStatus.SERVICE_UNAVAILABLE, answer.details)

    def _send_json(self, status: HTTPStatus, document: dict[str, Any], allow: str | None = None) -> None:
        self._send(status, "application/json", orjson.dumps(document) + b"\n", allow)

    def _send(self, status: HTTPStatus, content_type: str, body: bytes, allow: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if allow is not None:
            self.send_header("Allow", allow)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        logger.debug(format, *args)


def _cannot_listen(host: str, port: int, error: OSError | OverflowError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"http.port {port} on {host} is in use by another program: set http.port to a free one"
    if number == errno.EACCES:
        return f"http.port {port} may not be used without more rights: set http.port to one above 1023"
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"http.host {host!r} is not an address of this machine: set http.host to 127.0.0.1 or 0.0.0.0"
    return f"http.host {host!r} with http.port {port} cannot be listened on: {error}"
