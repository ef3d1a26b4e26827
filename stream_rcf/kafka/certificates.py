"""Why a TLS connection to a broker fails: the client says only that it does.

A connection of our own, made after the client's has failed, tells an unknown authority from a wrong name.
"""

from __future__ import annotations

import socket
import ssl

SECONDS = 3.0  # for a broker that has answered the client just before


def certificate_complaint(host: str, port: int, ca_file: str) -> str | None:
    """Return what is wrong with the broker's certificate, None where nothing is or nobody answers."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        with socket.create_connection((host, port), SECONDS) as connection:
            context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except OSError:
        return None
    return None


def speaks_tls(host: str, port: int) -> bool:
    """Tell whether whoever listens there answers to TLS; whom it belongs to is not looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), SECONDS) as connection:
            context.wrap_socket(connection, server_hostname=host).close()
    except OSError:
        return False
    return True
