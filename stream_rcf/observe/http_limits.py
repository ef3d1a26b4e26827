"""What clients of the endpoints can take: so many connections, so much time for a request, so long a head of one.

Whoever can reach the port can be slow or endless; neither may keep ``/live`` from others, nor grow the process.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from dataclasses import dataclass
from io import BufferedIOBase

MOST_CONNECTIONS = 64  # each is a thread; Prometheus, a load balancer and a few people need less than ten
REQUEST_SECONDS = 10.0  # from the first byte of a request to the last of its answer
MOST_HEAD_BYTES = 16_384  # of a request's first line and its header fields; ours take a few hundred


@dataclass
class _State:
    since: float  # monotonic: when it began to wait for a request, or to serve one
    is_working: bool


class Connections:
    """The open connections. Full, it ends the one that has stood still longest: who comes anew is always served."""

    def __init__(self, most: int = MOST_CONNECTIONS, request_seconds: float = REQUEST_SECONDS) -> None:
        self._most = most
        self._request_seconds = request_seconds
        self._states: dict[socket.socket, _State] = {}
        self._lock = threading.Lock()

    def opened(self, connection: socket.socket) -> None:
        """A client has come."""
        with self._lock:
            if len(self._states) >= self._most:
                oldest = min(self._states, key=lambda other: self._states[other].since)
                del self._states[oldest]
                _end(oldest)
            self._states[connection] = _State(time.monotonic(), is_working=False)

    def moved(self, connection: socket.socket, is_working: bool) -> None:
        """A request has begun, or the connection waits for the next."""
        with self._lock:
            if connection in self._states:
                self._states[connection] = _State(time.monotonic(), is_working)

    def closed(self, connection: socket.socket) -> None:
        """A client is gone."""
        with self._lock:
            self._states.pop(connection, None)

    def end_overdue(self) -> None:
        """End the connections whose request takes too long: a client that writes or reads byte by byte."""
        latest = time.monotonic() - self._request_seconds
        with self._lock:
            for connection, state in list(self._states.items()):
                if state.is_working and state.since < latest:
                    del self._states[connection]
                    _end(connection)


class HeadReader:
    """A request's stream that yields only so much of a head; ``begin`` starts the next request's.

    Raises ``http.client.LineTooLong`` beyond that.
    """

    def __init__(self, stream: BufferedIOBase, most: int = MOST_HEAD_BYTES) -> None:
        self._stream = stream
        self._most = self._left = most

    def begin(self) -> None:
        """Count anew."""
        self._left = self._most

    def readline(self, _size: int = -1) -> bytes:
        """Return the next line; our bound is below any that a caller names."""
        line = self._stream.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("head of a request")
        return line

    def wait(self) -> None:
        """Wait for the next request's first byte, or for the client's end."""
        self._stream.peek(1)  # type: ignore[attr-defined] # -- a socket's reader has it, its base class not

    def close(self) -> None:
        """Let the stream go."""
        self._stream.close()


def _end(connection: socket.socket) -> None:
    """Wake the thread that reads or writes there; it closes the connection."""
    with contextlib.suppress(OSError):  # the client was faster
        connection.shutdown(socket.SHUT_RDWR)
