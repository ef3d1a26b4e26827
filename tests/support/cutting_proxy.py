"""A TCP proxy on loopback that harms what passes: cut, reset, slow, hang, and hold back Kafka requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

CHUNK_BYTES = 65_536
CONNECT_SECONDS = 5.0
LENGTH_BYTES = 4  # before each Kafka request
END_TXN = 26  # Kafka's number for the request that commits or aborts a transaction

Judge = Callable[[bytes], bool]


def is_request(kind: int) -> Judge:
    """Tell Kafka requests of one kind, by what follows their length."""
    return lambda request: len(request) >= 2 and struct.unpack_from(">h", request)[0] == kind


class CuttingProxy:
    """Passes the connections of ``port`` on to ``target_port``; leaving the ``with`` block closes all.

    Harm holds for present and new connections until ``heal``.
    """

    def __init__(self, target_port: int, port: int = 0) -> None:
        self._target_port = target_port
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._open_gate = threading.Event()  # clear: nothing passes
        self._open_gate.set()
        self._delay_seconds = 0.0
        self._is_cut = False
        self._hold: HeldRequest | None = None
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections and stop listening."""
        self._is_over.set()
        self._open_gate.set()
        with contextlib.suppress(OSError):  # already shut
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.drop_connections()

    # -- harm ---------------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Close every connection, and every new one at once."""
        self._is_cut = True
        self.drop_connections()

    def reset(self) -> None:
        """Break every present connection by a TCP reset; new ones are served."""
        self.drop_connections(with_reset=True)

    def slow(self, delay_seconds: float) -> None:
        """Delay what passes, each way."""
        self._delay_seconds = delay_seconds

    def hang(self) -> None:
        """Let nothing pass and tell nobody, as when the other machine's power is gone."""
        self._open_gate.clear()

    def heal(self) -> None:
        """Serve again. Connections that hung are broken: the machine behind them has forgotten them."""
        was_hanging = not self._open_gate.is_set()
        self._is_cut = False
        self._delay_seconds = 0.0
        if was_hanging:
            self.drop_connections(with_reset=True)
        self._open_gate.set()

    def drop_connections(self, with_reset: bool = False) -> None:
        """Close every present connection."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close(with_reset)

    # -- requests held back ----------------------------------------------------------------------------------------

    def hold(self, judge: Judge) -> HeldRequest:
        """Hold back every Kafka request for which ``judge`` says so, and what its connection sends after it.

        They are kept although their sender gives up and closes; ``release`` lets the first one reach the broker then.
        """
        self._hold = HeldRequest(judge)
        return self._hold

    def hold_nothing(self) -> None:
        """Let requests that come from now on pass."""
        self._hold = None

    # -- passing ------------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed by us
                return
            if self._is_cut:
                client.close()
                continue
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._open_gate.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._target_port), CONNECT_SECONDS)
        except OSError:  # the broker is down: its clients see a closed connection
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(client, server)
        with self._lock:
            self._connections.add(connection)
        if self._is_cut or self._is_over.is_set():
            connection.close()
        requests = threading.Thread(target=self._pass_requests, args=(connection,), daemon=True)
        requests.start()
        self._pass_answers(connection)
        connection.close()
        requests.join()
        connection.let_go()
        with self._lock:
            self._connections.discard(connection)

    def _pass_answers(self, connection: _Connection) -> None:
        """Pass on what the broker sends until it, or the client, ends; the answer to a held request is kept."""
        with contextlib.suppress(OSError):  # a connection that breaks is what this is for
            while chunk := connection.server.recv(CHUNK_BYTES):
                self._wait()
                if connection.hold is None:
                    connection.client.sendall(chunk)
                else:
                    connection.hold.receive(chunk)
        if connection.hold is not None:
            connection.hold.receive(b"")

    def _pass_requests(self, connection: _Connection) -> None:
        """Pass on what the client sends, whole Kafka requests at a time while one is looked for."""
        pending = b""
        with contextlib.suppress(OSError):
            while chunk := connection.client.recv(CHUNK_BYTES):
                self._wait()
                if self._hold is None and not pending:
                    connection.server.sendall(chunk)
                    continue
                pending += chunk
                while (end := _request_end(pending)) is not None:
                    request, pending = pending[:end], pending[end:]
                    hold = self._hold
                    if hold is not None and hold.judge(request[LENGTH_BYTES:]):
                        connection.hold = hold.keep(connection.server, request)
                        return
                    connection.server.sendall(request)
        connection.close()

    def _wait(self) -> None:
        if self._delay_seconds:
            self._is_over.wait(self._delay_seconds)
        self._open_gate.wait()


class _Connection:
    """A client's connection and ours to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.hold: HeldRequest | None = None  # one that still has to go to the server
        self._is_closed = False

    def close(self, with_reset: bool = False) -> None:
        """Make both sides end; a second time does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for end in (self.client,) if self.hold is not None else (self.client, self.server):
            with contextlib.suppress(OSError):  # the other side was faster
                if with_reset:
                    # The reset goes out with the last close; until then this wakes whoever reads.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)
                else:
                    end.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Give both sockets back; nobody reads them any more."""
        self.client.close()
        self.server.close()


class HeldRequest:
    """A request kept back."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._has_come = threading.Event()
        self._has_answer = threading.Event()
        self._server: socket.socket | None = None
        self._request = b""
        self._answer = b""

    def keep(self, server: socket.socket, request: bytes) -> HeldRequest:
        """A request has come; returns what keeps it, for a second one something that never lets it go."""
        if self._has_come.is_set():
            return HeldRequest(self.judge)
        self._server, self._request = server, request
        self._has_come.set()
        return self

    def receive(self, chunk: bytes) -> None:
        """A piece of the server's answer, or nothing when it hung up."""
        self._answer += chunk
        if not chunk or _request_end(self._answer) is not None:
            self._has_answer.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the request has come; whether it has."""
        return self._has_come.wait(seconds)

    def release(self, seconds: float) -> bytes:
        """Send the request to the server now, and return its answer with its length before it.

        Raises ``TimeoutError`` when none comes within ``seconds``, ``ConnectionError`` when the server hung up.
        """
        assert self._server is not None, "no request was held"
        self._server.sendall(self._request)
        if not self._has_answer.wait(seconds):
            raise TimeoutError(f"no answer to the held request within {seconds:g} s")
        if _request_end(self._answer) is None:
            raise ConnectionError("the server hung up on the held request")
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        return self._answer


def _request_end(data: bytes) -> int | None:
    """Where the first whole request, or answer, in ``data`` ends."""
    if len(data) < LENGTH_BYTES:
        return None
    end = LENGTH_BYTES + int(struct.unpack_from(">I", data)[0])
    return end if len(data) >= end else None
