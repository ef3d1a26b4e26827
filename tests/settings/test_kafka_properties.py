from __future__ import annotations

import pytest

from stream_rcf.settings.kafka_properties import MASK, REFUSED, is_secret, masked, refusals


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_delivery_rests_on_is_refused_by_name_with_a_reason(name: str) -> None:
    assert refusals({name: "x"}) == [f"must not hold {name}: {REFUSED[name]}"]
    assert len(refusals({name.upper(): "x"})) == 1


@pytest.mark.parametrize(
    "name", ["error_cb", "oauth_cb", "on_delivery", "logger", "default.topic.config.acks"]
)
def test_what_cannot_be_given_as_text_is_refused(name: str) -> None:
    assert len(refusals({name: "x"})) == 1


@pytest.mark.parametrize(
    "name",
    [
        "linger.ms",
        "compression.type",
        "security.protocol",
        "sasl.username",
        "ssl.ca.location",
        "session.timeout.ms",
    ],
)
def test_ordinary_options_pass(name: str) -> None:
    assert refusals({name: "x"}) == []


def test_every_refusal_is_reported() -> None:
    assert len(refusals({"acks": "1", "linger.ms": "5", "group.id": "x", "isolation.level": "y"})) == 3


def test_only_partitioners_that_keep_a_key_together_pass() -> None:
    assert refusals({"partitioner": "murmur2"}) == []
    (reason,) = refusals({"partitioner": "random"})
    assert "murmur2_random" in reason


@pytest.mark.parametrize(
    "name",
    [
        "sasl.password",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.certificate.pem",
        "ssl.keystore.password",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.jaas.config",
        "some.TOKEN",
    ],
)
def test_secrets_are_masked(name: str) -> None:
    assert is_secret(name)
    assert masked({name: "hunter2", "linger.ms": "5"}) == {name: MASK, "linger.ms": "5"}


@pytest.mark.parametrize(
    "name", ["ssl.key.location", "ssl.ca.pem", "sasl.username", "sasl.mechanism", "client.id"]
)
def test_names_and_places_are_not_secret(name: str) -> None:
    assert not is_secret(name)
