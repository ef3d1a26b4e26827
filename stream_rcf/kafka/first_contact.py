"""The first question to the brokers: who does not get an answer hears why.

The client hides the reason: its calls only time out, while the refusal goes to a callback and to the log.
"""

from __future__ import annotations

import re
import time

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from stream_rcf.errors import UnreachableError
from stream_rcf.kafka.certificates import certificate_complaint, speaks_tls
from stream_rcf.kafka.client_configuration import client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.settings.model import Settings
from stream_rcf.settings.security_checks import effective_protocol

ATTEMPT_SECONDS = 2.0  # of waiting for an answer before looking why none came
LEAST_SECONDS = 0.1  # of the last attempt; 0 would not even ask
MOST_CHARACTERS = 300  # of a refusal: a token endpoint's answer may be of any length
_WHERE = re.compile(r"^\w+://(?P<host>.+):(?P<port>\d+)/\S+: ")  # what the client begins its errors with
_STATE = re.compile(r" \(after \d+ms in state \w+\)")  # and ends them with


def ask_brokers(settings: Settings, seconds: float) -> tuple[AdminClient, ClusterMetadata]:
    """Return a client and what the brokers told it: the cluster's metadata.

    Raises ``UnreachableError``: at once with the reason where a broker refuses us, after ``seconds`` where none
    answers.
    """
    refusals: list[KafkaError] = []
    configuration = {**client_configuration(settings), "log_level": 0, "error_cb": refusals.append}
    client = new_client(AdminClient, configuration)
    deadline = time.monotonic() + seconds
    has_looked = False
    while True:
        try:
            left = max(LEAST_SECONDS, deadline - time.monotonic())
            return client, client.list_topics(timeout=min(ATTEMPT_SECONDS, left))
        except KafkaException as failure:
            client.poll(0)  # lets the refusals come
            reason = _reason(refusals, settings)
            if reason is None and not has_looked:
                has_looked = True
                reason = _unexpected_tls(settings)
            if reason is not None:
                raise UnreachableError(reason) from None
            if time.monotonic() >= deadline:
                raise UnreachableError(_nobody(settings, kafka_error(failure))) from None


def _nobody(settings: Settings, error: KafkaError) -> str:
    return (
        f"no Kafka broker answers at {settings.kafka.bootstrap_servers} ({error.str()}). "
        "Set kafka.bootstrap_servers (STREAM_RCF_KAFKA__BOOTSTRAP_SERVERS), or start the broker; "
        "should it ask for TLS or SASL, set security.protocol"
    )


def _reason(refusals: list[KafkaError], settings: Settings) -> str | None:
    for error in refusals:
        text = error.str()
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 -- the client publishes its local codes so
            return _not_authenticated(text, settings)
        if "PLAINTEXT broker listener" in text:
            protocol = effective_protocol(settings.security, settings.kafka.properties)
            return (
                f"{_place(text, settings)} does not speak TLS, but security.protocol is {protocol}: name another port "
                "in kafka.bootstrap_servers, or set security.protocol to plaintext or sasl_plaintext"
            )
        if "certificate verify failed" in text:
            return _not_trusted(text, settings)
        if "alert" in text and "SSL" in text:
            return (
                f"{_place(text, settings)} does not accept our certificate ({_plain(text)}): set "
                "security.certificate_file and security.key_file to a certificate that it trusts"
            )
        if error.code() == KafkaError._SSL:  # noqa: SLF001 -- as above
            return f"{_place(text, settings)}: TLS failed: {_plain(text)}. Look at the security section"
    return None


def _not_authenticated(text: str, settings: Settings) -> str:
    if "token" in text:
        return (
            f"no token for Kafka: {_plain(text)}. Look at security.oauth_token_url, security.oauth_client_id, "
            "security.oauth_client_secret and security.oauth_scope"
        )
    return (
        f"{_place(text, settings)} does not let us in: {_plain(text)}. Look at security.sasl_mechanism and at "
        + (
            "the token that security.oauth_token_url gives"
            if settings.security.oauth_token_url
            else "security.username and security.password"
        )
    )


def _not_trusted(text: str, settings: Settings) -> str:
    place = _WHERE.match(text)
    complaint = None
    if place is not None:
        complaint = certificate_complaint(place["host"], int(place["port"]), settings.security.ca_file)
    what = f"the certificate of {_place(text, settings)} is not trusted: {complaint or _plain(text)}. "
    if complaint is not None and ("mismatch" in complaint.lower() or "not valid for" in complaint):
        return what + "Name the broker in kafka.bootstrap_servers as its certificate does"
    return what + "Set security.ca_file to the certificate of the authority that signed it"


def _unexpected_tls(settings: Settings) -> str | None:
    """A broker with TLS hangs up on a client without it, and says nothing."""
    protocol = effective_protocol(settings.security, settings.kafka.properties)
    if protocol.endswith("ssl"):
        return None
    for server in settings.kafka.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition("://")[2].rpartition(":")
        if port.isdecimal() and speaks_tls(host.strip("[]"), int(port)):
            wanted = "sasl_ssl" if protocol.startswith("sasl") else "ssl, or to sasl_ssl,"
            return (
                f"{server.strip()} speaks TLS, but security.protocol is {protocol}: "
                f"set it to {wanted} and name what it takes to log in"
            )
    return None


def _place(text: str, settings: Settings) -> str:
    place = _WHERE.match(text)
    return (
        f"Kafka at {place['host']}:{place['port']}"
        if place is not None
        else f"Kafka at {settings.kafka.bootstrap_servers}"
    )


def _plain(text: str) -> str:
    """The client's words without its own addressing, printable and not too long."""
    words = _STATE.sub("", _WHERE.sub("", text))
    printable = "".join(letter if letter.isprintable() else "?" for letter in words)
    return printable if len(printable) <= MOST_CHARACTERS else printable[:MOST_CHARACTERS] + "..."
