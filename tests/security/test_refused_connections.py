"""A service that the broker does not let in ends by itself, with exit code 3 and a sentence that says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.support import ended, secured
from tests.support.certificates import Authority
from tests.support.secured_broker import CLIENT_ID, PASSWORD, USER, SecuredBroker
from tests.support.service import Service, Topics

WRONG = "wrong-secret-of-the-test"


@pytest.fixture(scope="module")
def topics(secured_broker: SecuredBroker) -> Topics:
    return Topics(secured_broker, "refused", partitions=1)


def refusal(environment: dict[str, str], folder: Path) -> str:
    """The last line of a service that is not let in."""
    with Service(environment, folder / "log") as service:
        code, line = ended(service)
    assert code == 3, line
    assert PASSWORD not in service.log.read_text()
    assert WRONG not in service.log.read_text()
    return line


def test_a_wrong_password(topics: Topics, tmp_path: Path) -> None:
    environment = secured(topics, tmp_path, security__password=WRONG)  # the environment wins over the file
    line = refusal(environment, tmp_path)
    for part in ("does not let us in", "invalid credentials", "security.password", topics_address(topics)):
        assert part in line


def test_a_mechanism_that_the_broker_does_not_have(topics: Topics, tmp_path: Path) -> None:
    line = refusal(secured(topics, tmp_path, security__sasl_mechanism="plain"), tmp_path)
    assert "supported mechanisms: SCRAM-SHA-512" in line
    assert "security.sasl_mechanism" in line


def test_a_certificate_of_an_authority_that_is_not_trusted(topics: Topics, tmp_path: Path) -> None:
    other = Authority(tmp_path / "another authority").ca_file
    line = refusal(secured(topics, tmp_path, security__ca_file=other), tmp_path)
    assert f"the certificate of Kafka at {topics_address(topics)} is not trusted" in line
    assert line.endswith("Set security.ca_file to the certificate of the authority that signed it")


def test_a_certificate_for_another_name(topics: Topics, tmp_path: Path) -> None:
    elsewhere = topics_address(topics).replace("127.0.0.1", "localhost")
    line = refusal(secured(topics, tmp_path, kafka__bootstrap_servers=elsewhere), tmp_path)
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in line
    assert line.endswith("Name the broker in kafka.bootstrap_servers as its certificate does")


@pytest.mark.parametrize("protocol", ["plaintext", "sasl_plaintext"])
def test_a_port_that_speaks_tls_asked_without(topics: Topics, tmp_path: Path, protocol: str) -> None:
    without = dict.fromkeys(("security__ca_file",), "")
    if protocol == "plaintext":
        without |= dict.fromkeys(("security__sasl_mechanism", "security__username", "secrets_dir"), "")
    line = refusal(secured(topics, tmp_path, security__protocol=protocol, **without), tmp_path)
    assert f"{topics_address(topics)} speaks TLS, but security.protocol is {protocol}: set it to" in line


def test_a_port_that_does_not_speak_tls(topics: Topics, tmp_path: Path) -> None:
    environment = secured(topics, tmp_path, kafka__bootstrap_servers=topics.broker.bootstrap)
    line = refusal(environment, tmp_path)
    assert f"Kafka at {topics.broker.bootstrap} does not speak TLS, but security.protocol is sasl_ssl" in line


def test_no_certificate_where_the_broker_wants_one(topics: Topics, tmp_path: Path) -> None:
    without = dict.fromkeys(("security__sasl_mechanism", "security__username", "secrets_dir"), "")
    line = refusal(
        secured(
            topics,
            tmp_path,
            kafka__bootstrap_servers=secured_broker_of(topics).mutual,
            security__protocol="ssl",
            **without,
        ),
        tmp_path,
    )
    assert "does not accept our certificate" in line
    assert "security.certificate_file" in line


@pytest.mark.parametrize(("client_id", "is_up"), [(CLIENT_ID, True), ("nobody", True), (CLIENT_ID, False)])
def test_no_token(topics: Topics, tmp_path: Path, client_id: str, is_up: bool) -> None:
    broker = secured_broker_of(topics)
    line = refusal(
        secured(
            topics,
            tmp_path,
            kafka__bootstrap_servers=broker.oauth,
            security__sasl_mechanism="oauthbearer",
            security__username="",
            secrets_dir="",
            security__oauth_token_url=broker.tokens.token_url if is_up else "http://127.0.0.1:1/token",
            security__oauth_client_id=client_id,
            security__oauth_client_secret=WRONG,
        ),
        tmp_path,
    )
    assert "no token for Kafka" in line
    assert ("invalid_client" if is_up else "Could not connect") in line
    assert "security.oauth_client_secret" in line


def topics_address(topics: Topics) -> str:
    """Where the service comes to."""
    return secured_broker_of(topics).scram


def secured_broker_of(topics: Topics) -> SecuredBroker:
    """The broker, by its own type."""
    assert isinstance(topics.broker, SecuredBroker)
    return topics.broker


def test_the_user_is_the_one_who_is_known(topics: Topics, tmp_path: Path) -> None:
    """The counterpart of all these: the same settings let us in, and then the rights are what is missing."""
    with Service(secured(topics, tmp_path), tmp_path / "log") as service:
        code, line = ended(service)
    assert code == 1
    assert f"denies the user {USER} access" in line
