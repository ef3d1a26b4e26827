"""Our own look at a broker's certificate, against a server of the test's own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream_rcf.kafka.certificates import certificate_complaint, speaks_tls
from tests.support.broker_process import free_ports
from tests.support.certificates import Authority

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def server(certificate: tuple[Path, Path] | None) -> Iterator[int]:
    """A port where somebody speaks TLS with this certificate, or hangs up on everybody."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    if connection.getsockname() == connection.getpeername() or is_over.is_set():
                        return
                    if context is not None:
                        shake_hands(context, connection)

        is_over = threading.Event()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        yield port
        is_over.set()
        socket.create_connection((HOST, port)).close()
        thread.join(20)
        assert not thread.is_alive()


def shake_hands(context: ssl.SSLContext, connection: socket.socket) -> None:
    """Until the client is content, or goes."""
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        return  # a client that does not trust us says so and hangs up


def test_a_certificate_is_as_it_should_be(authority: Authority) -> None:
    with server(authority.issue("good", f"IP:{HOST}")) as port:
        assert certificate_complaint(HOST, port, str(authority.ca_file)) is None
        assert speaks_tls(HOST, port)


def test_an_authority_that_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with server(authority.issue("unknown", f"IP:{HOST}")) as port:
        complaint = certificate_complaint(HOST, port, str(other.ca_file))
        assert complaint is not None
        assert "certificate" in complaint
        assert speaks_tls(HOST, port), "whom to trust is another question"


def test_a_name_that_is_not_the_brokers(authority: Authority) -> None:
    with server(authority.issue("elsewhere", "DNS:elsewhere")) as port:
        complaint = certificate_complaint(HOST, port, str(authority.ca_file))
    assert complaint is not None
    assert "mismatch" in complaint


def test_who_does_not_speak_tls_has_no_certificate(authority: Authority) -> None:
    with server(None) as port:
        assert certificate_complaint(HOST, port, str(authority.ca_file)) is None
        assert not speaks_tls(HOST, port)


def test_nobody_there_is_no_complaint(authority: Authority) -> None:
    (port,) = free_ports(1)
    assert certificate_complaint(HOST, port, str(authority.ca_file)) is None
    assert not speaks_tls(HOST, port)
