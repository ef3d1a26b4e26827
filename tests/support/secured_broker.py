"""A real Apache Kafka that asks who is there: TLS, SASL and an authoriser that forbids all that nobody granted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.support.broker import KafkaBroker
from tests.support.broker_client import REQUEST_SECONDS
from tests.support.broker_process import free_ports
from tests.support.certificates import Authority
from tests.support.token_server import AUDIENCE, ISSUER, TokenServer

USER = "detector"
PASSWORD = "correct-horse-battery"
KEY_PASSWORD = "key-password-of-the-test"
CLIENT_ID = "detector-client"
CLIENT_SECRET = "client-secret-of-the-test"
TOKEN_SECONDS = 8  # short, so that a run outlives several; the client renews after four fifths
LOGIN = "org.apache.kafka.common.security"


class Grant(NamedTuple):
    """One access right of ``USER``: a line of the table in the README."""

    resource: str  # topic, group or transactional-id
    name: str
    operation: str  # READ, WRITE, ...
    is_prefix: bool = False


class SecuredBroker(KafkaBroker):
    """A broker with a listener of each kind; ``bootstrap`` is the plain one, where the test itself may do all.

    ``scram``, ``mutual`` and ``oauth`` are the addresses that the service uses; there it is ``USER`` and may do
    nothing before ``grant``.
    """

    def __init__(self) -> None:
        self._certificates = tempfile.TemporaryDirectory(prefix="stream-rcf-certificates-")
        folder = Path(self._certificates.name)
        self.authority = Authority(folder / "authority")
        # Good for the address, not for the name localhost, by which a test comes too.
        certificate, key = self.authority.issue("broker", "IP:127.0.0.1")
        both = folder / "broker.pem"
        both.write_text(key.read_text() + certificate.read_text(), encoding="ascii")
        self.client_certificate, self.client_key = self.authority.issue(USER, password=KEY_PASSWORD)
        self.tokens = TokenServer(folder, CLIENT_ID, CLIENT_SECRET, USER, TOKEN_SECONDS)
        self._ports = dict(zip(("SCRAM", "MUTUAL", "OAUTH"), free_ports(3), strict=True))
        self.scram, self.mutual, self.oauth = (f"127.0.0.1:{port}" for port in self._ports.values())
        super().__init__(_properties(both, self.authority.ca_file, self.tokens))

    def __enter__(self) -> SecuredBroker:
        self.start()
        return self

    def start(self) -> None:
        """Start the broker and the token server, and make the user known."""
        self.tokens.__enter__()
        super().start()
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(USER, credential, PASSWORD.encode())
        admin = self.admin()
        for future in admin.alter_user_scram_credentials([change]).values():
            future.result(REQUEST_SECONDS)

    def stop(self) -> None:
        """End all of it."""
        super().stop()
        self.tokens.__exit__(None, None, None)
        self._certificates.cleanup()

    def grant(self, *grants: Grant) -> None:
        """Give ``USER`` these rights."""
        admin = self.admin()
        for future in admin.create_acls([AclBinding(*_binding(grant)) for grant in grants]).values():
            future.result(REQUEST_SECONDS)

    def revoke(self, *grants: Grant) -> None:
        """Take these rights from ``USER``; each must have been given."""
        admin = self.admin()
        for future in admin.delete_acls([AclBindingFilter(*_binding(grant)) for grant in grants]).values():
            assert len(future.result(REQUEST_SECONDS)) == 1

    def revoke_if_there(self, *grants: Grant) -> None:
        """Take these rights from ``USER``, as far as it has them."""
        admin = self.admin()
        for future in admin.delete_acls([AclBindingFilter(*_binding(grant)) for grant in grants]).values():
            future.result(REQUEST_SECONDS)

    def _client_listeners(self) -> dict[str, int]:
        return {**super()._client_listeners(), **self._ports}

    def _java_options(self) -> list[str]:
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.tokens.keys_url}"]


def _binding(
    grant: Grant,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    kinds = {
        "topic": ResourceType.TOPIC,
        "group": ResourceType.GROUP,
        "transactional-id": ResourceType.TRANSACTIONAL_ID,
    }
    return (
        kinds[grant.resource],
        grant.name,
        ResourcePatternType.PREFIXED if grant.is_prefix else ResourcePatternType.LITERAL,
        f"User:{USER}",
        "*",
        AclOperation[grant.operation],
        AclPermissionType.ALLOW,
    )


def _properties(key_and_certificate: Path, ca_file: Path, tokens: TokenServer) -> dict[str, str]:
    oauth, scram = "listener.name.oauth", "listener.name.scram"
    return {
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
        "SCRAM:SASL_SSL,MUTUAL:SSL,OAUTH:SASL_SSL",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # the plain listener: the test itself, and the broker to itself
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(key_and_certificate),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca_file),
        "ssl.principal.mapping.rules": "RULE:^CN=(.*?)(,.*)?$/$1/,DEFAULT",
        "listener.name.mutual.ssl.client.auth": "required",
        f"{scram}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{scram}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        f"{oauth}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{oauth}.oauthbearer.sasl.jaas.config": f"{LOGIN}.oauthbearer.OAuthBearerLoginModule required;",
        f"{oauth}.oauthbearer.sasl.server.callback.handler.class": (
            f"{LOGIN}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        f"{oauth}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": tokens.keys_url,
        f"{oauth}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{oauth}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
        # A connection must not outlive its token: the client has to come with a new one.
        f"{oauth}.oauthbearer.connections.max.reauth.ms": str(TOKEN_SECONDS * 1000),
    }
