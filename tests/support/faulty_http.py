"""A proxy before an HTTP server that does to chosen requests what networks and tired servers do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UPSTREAM_SECONDS = 60.0
_OF_ONE_CONNECTION = ("connection", "keep-alive", "transfer-encoding")
REFUSAL = (
    "<Error><Code>{code}</Code><Message>leaked</Message><AWSAccessKeyId>AKIDTESTSONLY</AWSAccessKeyId>"
    "<StringToSign>secret-of-tests-only</StringToSign></Error>"
)


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    path: str  # with the query
    headers: dict[str, str]  # names in lower case

    @property
    def is_list(self) -> bool:
        """Whether it asks S3 for a listing."""
        return self.method == "GET" and "list-type=2" in self.path


@dataclass
class Fault:
    """What happens to the next ``times`` requests that ``matches`` takes."""

    act: Callable[[Exchange], None]
    matches: Callable[[Request], bool]
    times: float


class Exchange:
    """One request on its way, for faults to do with what they like. The connection ends with each exchange."""

    def __init__(
        self, proxy: FaultyProxy, handler: BaseHTTPRequestHandler, request: Request, body: bytes
    ) -> None:
        self.proxy = proxy
        self.request = request
        self.body = body
        self._handler = handler

    def perform(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Have the server do it, and return its status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream, timeout=UPSTREAM_SECONDS)
        try:
            self._send_head(connection)
            connection.send(self.body)
            response = connection.getresponse()
            headers = [pair for pair in response.getheaders() if pair[0].lower() not in _OF_ONE_CONNECTION]
            return response.status, headers, response.read()
        finally:
            connection.close()

    def perform_half(self) -> None:
        """Send the server the head and half of the body, and hang up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream, timeout=UPSTREAM_SECONDS)
        self._send_head(connection)
        connection.send(self.body[: len(self.body) // 2])
        connection.close()

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes, sent: float = 1.0) -> None:
        """Answer the client with a part of the body; below 1 the rest, which the headers promise, never comes."""
        handler = self._handler
        handler.send_response_only(status)
        for name, value in headers:
            if name.lower() != "content-length" or self.request.method == "HEAD":
                handler.send_header(name, value)
        if self.request.method != "HEAD":
            handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        if self.request.method != "HEAD":
            handler.wfile.write(body[: int(len(body) * sent)])

    def _send_head(self, connection: http.client.HTTPConnection) -> None:
        # Host as it came: it is part of what was signed.
        connection.putrequest(
            self.request.method, self.request.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in self.request.headers.items():
            if name not in _OF_ONE_CONNECTION:
                connection.putheader(name, value)
        connection.endheaders()


class FaultyProxy:
    """Passes requests on to a port of 127.0.0.1, except those that a planned fault takes. Ends with its ``with``."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.requests: list[Request] = []  # all that came in, in order
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._listings: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}
        self._lists_are_late = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def endpoint(self) -> str:
        """The URL at which the server is reached through the proxy."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultyProxy:
        serve = partial(self._server.serve_forever, poll_interval=0.02)  # that long does ending it take
        threading.Thread(target=serve, name="faulty-proxy", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def plan(
        self,
        act: Callable[[Exchange], None],
        matches: Callable[[Request], bool] = lambda _request: True,
        times: float = 1,
    ) -> None:
        """Let a fault happen to the next ``times`` requests that match; earlier plans come first."""
        with self._lock:
            self._faults.append(Fault(act, matches, times))

    def heal(self) -> None:
        """Forget all faults, and listings that are late."""
        with self._lock:
            self._faults.clear()
            self._lists_are_late = False

    def hold_listings(self) -> None:
        """From now on answer each request for a listing as it was last answered, if it ever was."""
        with self._lock:
            self._lists_are_late = True

    def serve(self, exchange: Exchange) -> None:
        """Deal with one request; called by the handler."""
        request = exchange.request
        with self._lock:
            self.requests.append(request)
            fault = next((fault for fault in self._faults if fault.matches(request)), None)
            if fault is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            held = self._listings.get(request.path) if self._lists_are_late and request.is_list else None
        if fault is not None:
            fault.act(exchange)
        elif held is not None:
            exchange.answer(*held)
        else:
            answer = exchange.perform()
            if request.is_list:
                with self._lock:
                    self._listings[request.path] = answer
            exchange.answer(*answer)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                self.close_connection = True
                if not self.raw_requestline or not self.parse_request():
                    return
                self.close_connection = True
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", "0")))
                try:
                    proxy.serve(Exchange(proxy, self, Request(self.command, self.path, headers), body))
                except ConnectionError:
                    return  # the client or the server hung up, as tests make them do

            def log_message(self, *_arguments: object) -> None:
                """Say nothing: tests look at ``requests``."""

        return Handler


def refuse(status: int, code: str = "Refused") -> Callable[[Exchange], None]:
    """Answer with an error, whose body quotes credentials, and do nothing."""

    def act(exchange: Exchange) -> None:
        exchange.answer(status, [("Content-Type", "application/xml")], REFUSAL.format(code=code).encode())

    return act


def delay(seconds: float) -> Callable[[Exchange], None]:
    """Do it late."""

    def act(exchange: Exchange) -> None:
        if not exchange.proxy.closing.wait(seconds):
            exchange.answer(*exchange.perform())

    return act


def hang(exchange: Exchange) -> None:
    """Neither do it nor answer, until the proxy ends."""
    exchange.proxy.closing.wait()


def cut_answer(exchange: Exchange) -> None:
    """Do it, answer with half of the body, and hang up."""
    exchange.answer(*exchange.perform(), sent=0.5)


def cut_request(exchange: Exchange) -> None:
    """Pass half of the body on, and hang up on both."""
    exchange.perform_half()


def drop_answer(exchange: Exchange) -> None:
    """Do it, and hang up without an answer."""
    exchange.perform()


def perform_then_hang(exchange: Exchange) -> None:
    """Do it, and never answer."""
    exchange.perform()
    exchange.proxy.closing.wait()


def perform_then_refuse(status: int) -> Callable[[Exchange], None]:
    """Do it, and answer with an error all the same."""

    def act(exchange: Exchange) -> None:
        exchange.perform()
        refuse(status)(exchange)

    return act
