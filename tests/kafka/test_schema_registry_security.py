"""Who is trusted, and who we are: certificates, name and password."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from stream_rcf.errors import RegistryUnavailableError, UnreachableError, UsageError
from stream_rcf.kafka.schema_registry import SchemaRegistry
from stream_rcf.settings.schema_registry_section import SchemaRegistrySettings
from tests.kafka.registry_stub import RegistryStub, schema_answer

SEVEN = "schemas/ids/7"


@pytest.fixture
def stub() -> Iterator[RegistryStub]:
    with RegistryStub() as running:
        yield running


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_end_the_service(stub: RegistryStub, status: int) -> None:
    stub.put(SEVEN, (status, b""))
    with pytest.raises(UnreachableError, match=r"check schema_registry\.username") as failure:
        SchemaRegistry(stub.settings(username="me", password="hunter2")).schema(7, serialized=False)
    assert not isinstance(failure.value, RegistryUnavailableError)
    assert failure.value.exit_code == 3
    assert "hunter2" not in str(failure.value)


def test_name_and_password_are_sent(stub: RegistryStub) -> None:
    stub.put(SEVEN, schema_answer("x"))
    SchemaRegistry(stub.settings(username="me", password="hunter2")).schema(7, serialized=False)
    SchemaRegistry(stub.settings()).schema(7, serialized=False)
    assert stub.authorizations == ["Basic bWU6aHVudGVyMg==", None]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry of a test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


def test_https_trusts_the_certificates_it_is_given_and_no_others(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with RegistryStub(context) as stub:
        stub.put(SEVEN, schema_answer("x"))
        trusting = SchemaRegistry(stub.settings(ca_file=str(certificate)))
        assert trusting.schema(7, serialized=False).text == "x"
        with pytest.raises(RegistryUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            SchemaRegistry(stub.settings()).schema(7, serialized=False)


def test_certificates_that_cannot_be_read_are_named() -> None:
    with pytest.raises(UsageError, match=r"ca_file '/nowhere/ca.pem'"):
        SchemaRegistry(SchemaRegistrySettings(url="https://r", ca_file="/nowhere/ca.pem"))
