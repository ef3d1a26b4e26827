"""The settings about who the service is to Kafka, and how the connection is kept private."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from stream_rcf.settings.base import Section

Protocol = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["", "plain", "scram-sha-256", "scram-sha-512", "oauthbearer"]

MECHANISMS = "plain, scram-sha-256, scram-sha-512 or oauthbearer"
NO_SECRET = SecretStr("")


class SecuritySettings(Section):
    """TLS and SASL. Empty is unset; ``kafka.properties`` may then hold librdkafka's own option instead.

    Secrets are ``SecretStr``: whoever prints the section prints a mask.
    """

    protocol: Protocol = Field(
        default="plaintext",
        description="how to talk to the brokers: in clear or by TLS, with SASL or without",
    )
    ca_file: str = Field(
        default="", description="certificates to trust, PEM; empty for those that the machine trusts"
    )
    certificate_file: str = Field(
        default="", description="the service's own certificate, PEM, where brokers ask for one"
    )
    key_file: str = Field(default="", description="the private key of that certificate, PEM")
    key_password: SecretStr = Field(default=NO_SECRET, description="the password of that key, if it has one")
    sasl_mechanism: Mechanism = Field(
        default="",
        description="how the service proves who it is, where protocol says sasl",
        json_schema_extra={"allowed": MECHANISMS},
    )
    username: str = Field(default="", description="the name for plain and scram")
    password: SecretStr = Field(default=NO_SECRET, description="the password for plain and scram")
    oauth_token_url: str = Field(
        default="",
        description="where oauthbearer fetches its tokens: the token endpoint of an OpenID provider",
        json_schema_extra={"allowed": "a URL that begins with https:// or http://"},
    )
    oauth_client_id: str = Field(default="", description="the service's name at that provider")
    oauth_client_secret: SecretStr = Field(
        default=NO_SECRET, description="the service's secret at that provider"
    )
    oauth_scope: str = Field(default="", description="the scope to ask that provider for, if it wants one")

    @field_validator("protocol", "sasl_mechanism", mode="before")
    @classmethod
    def _ignore_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value  # librdkafka's own names are capitals

    @field_validator("ca_file", "certificate_file", "key_file")
    @classmethod
    def _check_file(cls, path: str) -> str:
        if path:
            _check_readable(Path(path))
        return path

    @field_validator("oauth_token_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("must be a URL that begins with https:// or http://")
        return url


def _check_readable(path: Path) -> None:
    """Raise ``ValueError`` unless this is a file that may be read: the client would say so less clearly."""
    try:
        # Without O_NONBLOCK a named pipe would hold us until somebody writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ValueError(f"must be a file that can be read: {error.strerror}") from None
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
    if not is_file:
        raise ValueError("must be a file")
