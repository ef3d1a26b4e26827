"""What the settings about security say together: contradictions, and what is allowed but unwise."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from stream_rcf.settings.base import WholeSentenceError
from stream_rcf.settings.security_section import MECHANISMS, SecuritySettings

# Each setting, and librdkafka's names for the same.
SAME_AS: Mapping[str, tuple[str, ...]] = {
    "protocol": ("security.protocol",),
    "ca_file": ("ssl.ca.location", "ssl.ca.pem"),
    "certificate_file": ("ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location"),
    "key_file": ("ssl.key.location", "ssl.key.pem", "ssl.keystore.location"),
    "key_password": ("ssl.key.password",),
    "sasl_mechanism": ("sasl.mechanism", "sasl.mechanisms"),
    "username": ("sasl.username",),
    "password": ("sasl.password",),
    "oauth_token_url": ("sasl.oauthbearer.token.endpoint.url",),
    "oauth_client_id": ("sasl.oauthbearer.client.id", "sasl.oauthbearer.client.credentials.client.id"),
    "oauth_client_secret": (
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.client.credentials.client.secret",
    ),
    "oauth_scope": ("sasl.oauthbearer.scope",),
}
TLS_SETTINGS = ("ca_file", "certificate_file", "key_file", "key_password")
PASSWORD_SETTINGS = ("username", "password")
TOKEN_SETTINGS = ("oauth_token_url", "oauth_client_id", "oauth_client_secret", "oauth_scope")
LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def effective_protocol(security: SecuritySettings, properties: Mapping[str, str]) -> str:
    """Return the protocol that clients use, in small letters: the section's unless only the properties name one."""
    if security.protocol != "plaintext":
        return security.protocol
    return properties.get("security.protocol", security.protocol).lower()


class _Together:
    """The section beside ``kafka.properties``: what is set, by whichever of the two."""

    def __init__(self, security: SecuritySettings, properties: Mapping[str, str]) -> None:
        self._security = security
        self._properties = properties
        self.protocol = effective_protocol(security, properties)
        self.mechanism = (
            security.sasl_mechanism
            or properties.get("sasl.mechanisms", properties.get("sasl.mechanism", "")).lower()
        )
        self.is_sasl = self.protocol.startswith("sasl")
        self.is_tls = self.protocol.endswith("ssl")
        # Tokens come in more ways than the section knows; the client checks those itself.
        self.has_own_tokens = any(name.startswith("sasl.oauthbearer.") for name in properties)

    def is_set_here(self, name: str) -> bool:
        """Whether the section itself sets this."""
        value = getattr(self._security, name)
        if isinstance(value, SecretStr):
            return bool(value.get_secret_value())
        return value not in {"", "plaintext"}

    def is_set(self, name: str) -> bool:
        """Whether the section or a property sets this."""
        return self.is_set_here(name) or bool(self.properties_of(name))

    def properties_of(self, name: str) -> list[str]:
        """The properties that mean the same as a setting of the section."""
        return [option for option in SAME_AS[name] if option in self._properties]


def contradictions(security: SecuritySettings, properties: Mapping[str, str]) -> list[WholeSentenceError]:
    """Return a sentence for everything that cannot be meant so, all at once."""
    together = _Together(security, properties)
    return [
        WholeSentenceError(f"security.{name} {sentence}", f"security.{name}")
        for name, sentence in (
            *_twice(together),
            *_pointless(together),
            *_incomplete(together),
        )
    ]


def _twice(together: _Together) -> Iterator[tuple[str, str]]:
    for name in SAME_AS:
        if together.is_set_here(name):
            for option in together.properties_of(name):
                yield name, f"and {option} in kafka.properties set the same thing: keep one of them"


def _pointless(together: _Together) -> Iterator[tuple[str, str]]:
    protocol, mechanism = together.protocol, together.mechanism
    for name in TLS_SETTINGS:
        if together.is_set_here(name) and not together.is_tls:
            wanted = "sasl_ssl" if together.is_sasl else "ssl"
            yield name, f"is set, but security.protocol is {protocol}, which has no TLS: set it to {wanted}"
    for name in ("sasl_mechanism", *PASSWORD_SETTINGS, *TOKEN_SETTINGS):
        if together.is_set_here(name) and not together.is_sasl:
            wanted = "sasl_ssl"
            yield (
                name,
                f"is set, but security.protocol is {protocol}, which has no SASL: set it to {wanted}",
            )
    if together.is_sasl and mechanism:
        others = PASSWORD_SETTINGS if mechanism == "oauthbearer" else TOKEN_SETTINGS
        for name in others:
            if together.is_set_here(name):
                yield name, f"is set, but security.sasl_mechanism is {mechanism}, which does not use it"


def _incomplete(together: _Together) -> Iterator[tuple[str, str]]:
    if together.is_set_here("protocol") and together.is_sasl and not together.mechanism:
        yield "sasl_mechanism", f"must be set where security.protocol is {together.protocol}: {MECHANISMS}"
    mechanism = together.mechanism
    if together.is_sasl and (mechanism == "plain" or mechanism.startswith("scram-")):
        for name in PASSWORD_SETTINGS:
            if not together.is_set(name):
                yield name, f"must be set where security.sasl_mechanism is {mechanism}"
    if together.is_sasl and mechanism == "oauthbearer" and not together.has_own_tokens:
        for name in TOKEN_SETTINGS:
            if name != "oauth_scope" and not together.is_set(name):
                yield name, "must be set where security.sasl_mechanism is oauthbearer"
    for name, other in (("certificate_file", "key_file"), ("key_file", "certificate_file")):
        if together.is_set_here(name) and not together.is_set(other):
            yield other, f"must be set where security.{name} is: the one is of no use without the other"
    if together.is_set_here("key_password") and not together.is_set("key_file"):
        yield "key_file", "must be set where security.key_password is"


def warnings(security: SecuritySettings, properties: Mapping[str, str]) -> list[str]:
    """Return a sentence for everything that works and should not be left so; for the log at start-up."""
    together = _Together(security, properties)
    found: list[str] = []
    if together.is_sasl and not together.is_tls and together.mechanism in {"plain", "oauthbearer"}:
        what = "password" if together.mechanism == "plain" else "token"
        found.append(
            f"security.protocol is {together.protocol}: the {what} goes over the network in clear, "
            "and whoever reads it there can use it; set security.protocol to sasl_ssl"
        )
    elif together.is_sasl and not together.is_tls:
        found.append(
            f"security.protocol is {together.protocol}: the password stays hidden, but events and scores go over "
            "the network in clear; set security.protocol to sasl_ssl"
        )
    if security.key_file and _others_may_read(Path(security.key_file)):
        found.append(
            f"security.key_file {security.key_file} may be read by every user of this machine: "
            f"chmod o-rwx {security.key_file}"
        )
    url = security.oauth_token_url
    if url.startswith("http://") and not url.startswith(LOOPBACK):
        found.append(
            "security.oauth_token_url begins with http://: the client secret goes over the network in clear; "
            "use https://"
        )
    return found


def _others_may_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False  # gone since the settings were checked: the client will say so
