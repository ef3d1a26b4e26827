"""What the client is told about security: each setting becomes one option, and what is unset becomes none."""

from __future__ import annotations

from pathlib import Path

from confluent_kafka import Producer

from stream_rcf.kafka.client_configuration import consumer_configuration, producer_configuration
from stream_rcf.kafka.client_security import security_options
from stream_rcf.settings.model import Settings
from stream_rcf.settings.security_checks import SAME_AS
from stream_rcf.settings.security_section import SecuritySettings


def ignore(*_arguments: object) -> None:
    """A callback."""


def test_nothing_set_is_nothing_said() -> None:
    assert security_options(SecuritySettings()) == {}


def test_every_setting_is_an_option_of_the_client(tmp_path: Path) -> None:
    pem = tmp_path / "any.pem"
    pem.touch()
    values = dict.fromkeys(SAME_AS, "hunter2")
    values |= dict.fromkeys(("ca_file", "certificate_file", "key_file"), str(pem))
    values |= {"protocol": "sasl_ssl", "sasl_mechanism": "oauthbearer", "oauth_token_url": "https://id/token"}
    options = security_options(SecuritySettings(**values))  # type: ignore[arg-type] # -- by name
    assert options.pop("sasl.oauthbearer.method") == "oidc"
    assert options.pop("security.protocol") == "sasl_ssl"
    assert options.pop("sasl.mechanisms") == "OAUTHBEARER"
    assert options.pop("sasl.oauthbearer.token.endpoint.url") == "https://id/token"
    assert {
        options.pop(name) for name in list(options) if name.startswith("ssl.") and "password" not in name
    } == {str(pem)}
    assert set(options.values()) == {"hunter2"}, "secrets are uncovered here and nowhere else"
    known = {option for same in SAME_AS.values() for option in same}
    assert options.keys() <= known, "a property of the same name would be a contradiction"


def test_every_client_gets_them() -> None:
    settings = Settings(
        kafka={"properties": {"linger.ms": "9"}},  # type: ignore[arg-type] # -- pydantic takes a mapping
        security={  # type: ignore[arg-type] # -- as above
            "protocol": "sasl_plaintext",
            "sasl_mechanism": "scram-sha-256",
            "username": "me",
            "password": "hunter2",
        },
    )
    producer = producer_configuration(settings, None, ignore, ignore)
    for configuration in (producer, consumer_configuration(settings, ignore)):
        assert configuration["security.protocol"] == "sasl_plaintext"
        assert configuration["sasl.mechanisms"] == "SCRAM-SHA-256"
        assert (configuration["sasl.username"], configuration["sasl.password"]) == ("me", "hunter2")
    assert Producer({**producer, "log_level": 0}).flush(0) == 0
