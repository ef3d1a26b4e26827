from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.settings.kafka_properties import is_secret
from stream_rcf.settings.model import load_with_origins
from stream_rcf.settings.security_checks import SAME_AS, effective_protocol, warnings
from stream_rcf.settings.security_section import SecuritySettings

SCRAM = {"protocol": "sasl_ssl", "sasl_mechanism": "scram-sha-512", "username": "me", "password": "hunter2"}
OAUTH = {
    "protocol": "sasl_ssl",
    "sasl_mechanism": "oauthbearer",
    "oauth_token_url": "https://id/token",
    "oauth_client_id": "me",
    "oauth_client_secret": "hunter2",
}


def complaints(properties: str = "{}", **security: str) -> list[str]:
    """The complaints about these settings, without their origin, which is the environment."""
    variables = {f"STREAM_RCF_SECURITY__{name.upper()}": value for name, value in security.items()}
    try:
        load_with_origins(None, {}, {**variables, "STREAM_RCF_KAFKA__PROPERTIES": properties})
    except UsageError as error:
        sentences = [line.strip().rpartition(" (")[0] for line in str(error).splitlines()[1:]]
    else:
        sentences = []
    assert "hunter2" not in "".join(sentences)
    return sentences


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "any.pem"
    path.touch(mode=0o600)
    return str(path)


def test_what_belongs_together_is_accepted(pem: str) -> None:
    assert complaints() == []
    assert complaints(**SCRAM, ca_file=pem) == []
    assert complaints(**OAUTH, oauth_scope="x") == []
    assert complaints(protocol="ssl", ca_file=pem, certificate_file=pem, key_file=pem, key_password="x") == []
    assert complaints('{"security.protocol": "SASL_SSL", "sasl.mechanisms": "GSSAPI"}') == []


def test_the_password_alone_may_come_from_here() -> None:
    """A deployment that has the rest in its properties moves only its secret to a file."""
    properties = '{"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "me"}'
    assert complaints(properties, password="hunter2") == []
    assert (
        complaints('{"sasl.oauthbearer.config": "x"}', protocol="sasl_ssl", sasl_mechanism="oauthbearer")
        == []
    )


@pytest.mark.parametrize("name", sorted(SAME_AS))
def test_the_same_thing_twice_is_refused_by_both_names(name: str, pem: str) -> None:
    every = {**SCRAM, **OAUTH, **dict.fromkeys(("ca_file", "certificate_file", "key_file"), pem)}
    value = {"oauth_scope": "x", "key_password": "hunter2"}.get(name) or every[name]
    for option in SAME_AS[name]:
        found = complaints(f'{{"{option}": "x"}}', **{name: value})
        expected = f"security.{name} and {option} in kafka.properties set the same thing: keep one of them"
        assert expected in found


def test_what_is_secret_here_is_secret_as_a_property() -> None:
    for name in ("password", "key_password", "oauth_client_secret"):
        assert all(is_secret(option) for option in SAME_AS[name])


@pytest.mark.parametrize("name", ["sasl_mechanism", "username", "password", "oauth_client_id"])
def test_a_part_of_sasl_without_sasl_is_refused(name: str) -> None:
    value = {**OAUTH, **SCRAM}[name]
    sentence = (
        f"security.{name} is set, but security.protocol is plaintext, which has no SASL: set it to sasl_ssl"
    )
    assert sentence in complaints(**{name: value})


@pytest.mark.parametrize(("protocol", "wanted"), [("plaintext", "ssl"), ("sasl_plaintext", "sasl_ssl")])
def test_a_part_of_tls_without_tls_is_refused(protocol: str, wanted: str, pem: str) -> None:
    found = complaints(**{**SCRAM, "protocol": protocol}, ca_file=pem)
    assert (
        f"security.ca_file is set, but security.protocol is {protocol}, which has no TLS: set it to {wanted}"
        in found
    )


def test_what_is_missing_is_named() -> None:
    assert complaints(protocol="sasl_ssl") == [
        "security.sasl_mechanism must be set where security.protocol is sasl_ssl: "
        "plain, scram-sha-256, scram-sha-512 or oauthbearer"
    ]
    assert complaints(protocol="sasl_ssl", sasl_mechanism="plain") == [
        "security.username must be set where security.sasl_mechanism is plain",
        "security.password must be set where security.sasl_mechanism is plain",
    ]
    assert complaints(protocol="sasl_ssl", sasl_mechanism="oauthbearer") == [
        f"security.{name} must be set where security.sasl_mechanism is oauthbearer"
        for name in ("oauth_token_url", "oauth_client_id", "oauth_client_secret")
    ]


def test_a_certificate_and_its_key_go_together(pem: str) -> None:
    end = "the one is of no use without the other"
    assert complaints(protocol="ssl", certificate_file=pem) == [
        f"security.key_file must be set where security.certificate_file is: {end}"
    ]
    assert complaints(protocol="ssl", key_file=pem) == [
        f"security.certificate_file must be set where security.key_file is: {end}"
    ]
    assert complaints(protocol="ssl", key_password="x") == [
        "security.key_file must be set where security.key_password is"
    ]


def test_what_a_mechanism_does_not_use_is_refused() -> None:
    end = "which does not use it"
    assert complaints(**SCRAM, oauth_scope="x") == [
        f"security.oauth_scope is set, but security.sasl_mechanism is scram-sha-512, {end}"
    ]
    assert complaints(**OAUTH, username="me") == [
        f"security.username is set, but security.sasl_mechanism is oauthbearer, {end}"
    ]


def test_each_complaint_says_where_its_setting_comes_from(tmp_path: Path) -> None:
    config = tmp_path / "service.toml"
    config.write_text('[security]\nprotocol = "ssl"\nusername = "me"\n', encoding="utf-8")
    with pytest.raises(UsageError) as failure:
        load_with_origins(config, {}, {"STREAM_RCF_SECURITY__PASSWORD": "hunter2"})
    username, password = str(failure.value).splitlines()[1:]
    assert username.endswith(f"(file {config})")
    assert password.endswith("(environment STREAM_RCF_SECURITY__PASSWORD)")


@pytest.mark.parametrize(
    ("security", "properties", "protocol"),
    [
        ("plaintext", {}, "plaintext"),
        ("ssl", {}, "ssl"),
        ("plaintext", {"security.protocol": "SASL_SSL"}, "sasl_ssl"),
    ],
)
def test_the_protocol_is_the_sections_or_else_the_properties(
    security: str, properties: dict[str, str], protocol: str
) -> None:
    assert effective_protocol(SecuritySettings(protocol=security), properties) == protocol  # type: ignore[arg-type] # -- by name


@pytest.mark.parametrize(
    ("mechanism", "part"),
    [
        ("plain", "the password goes over the network in clear"),
        ("oauthbearer", "the token goes over the network in clear"),
        ("scram-sha-256", "the password stays hidden, but events and scores go over the network in clear"),
    ],
)
def test_sasl_without_tls_is_warned_of(mechanism: str, part: str) -> None:
    insecure = SecuritySettings(protocol="sasl_plaintext", sasl_mechanism=mechanism)  # type: ignore[arg-type] # -- by name
    (warning,) = warnings(insecure, {})
    assert part in warning
    assert warnings(SecuritySettings(protocol="sasl_ssl", sasl_mechanism=mechanism), {}) == []  # type: ignore[arg-type] # -- by name


def test_a_key_that_all_may_read_is_warned_of(pem: str) -> None:
    security = SecuritySettings(protocol="ssl", certificate_file=pem, key_file=pem)
    assert warnings(security, {}) == []
    Path(pem).chmod(0o644)
    (warning,) = warnings(security, {})
    assert warning == (
        f"security.key_file {pem} may be read by every user of this machine: chmod o-rwx {pem}"
    )


def test_a_token_endpoint_without_tls_is_warned_of_unless_it_is_here() -> None:
    for url, count in (
        ("http://id.example/token", 1),
        ("http://127.0.0.1:9/token", 0),
        ("https://id/token", 0),
    ):
        security = SecuritySettings(**{**OAUTH, "oauth_token_url": url})  # type: ignore[arg-type] # -- by name
        assert len(warnings(security, {})) == count
