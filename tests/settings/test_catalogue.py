from __future__ import annotations

import pytest

from stream_rcf.settings.catalogue import (
    allowed,
    catalogue_of,
    is_secret,
    is_wholly_secret,
    may_take_json,
    nearest,
    takes_json,
)
from stream_rcf.settings.model import Settings

CATALOGUE = catalogue_of(Settings)


def test_the_contracts_settings_are_all_there() -> None:
    promised = {
        "kafka": "bootstrap_servers group_id group_protocol delivery input_topic scores_topic alerts_topic "
        "dead_letter_topic properties",
        "events": "key timestamp features",
        "forest": "trees sample_size shingle_size time_decay seed initial_accept_fraction threads",
        "checkpoint": "url interval_seconds",
        "keys": "memory_limit_mb",
        "http": "host port",
        "security": "protocol ca_file certificate_file key_file key_password sasl_mechanism username password "
        "oauth_token_url oauth_client_id oauth_client_secret oauth_scope",
    }
    names = {f"{section}.{name}" for section, names in promised.items() for name in names.split()}
    assert names | {"workers"} <= CATALOGUE.keys()


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_setting_says_what_it_is_for_and_what_it_takes(name: str) -> None:
    description = CATALOGUE[name].description
    assert description is not None
    assert len(description) > 15
    assert allowed(CATALOGUE[name])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forest.trees", "a whole number between 1 and 1000"),
        ("forest.time_decay", "a number at least 0 and below 1"),
        ("keys.retire_after_seconds", "a number between 0.001 and 10000000000"),
        ("detector.lower_threshold", "a number above 0 and at most 8"),
        ("kafka.delivery", "exactly_once or at_least_once"),
        ("kafka.group_id", "text that is not empty, at most 249 characters"),
        ("http.host", "text that is not empty"),
        ("events.timestamp", "text"),
        ("events.features", 'a list of texts, such as ["value"]'),
        ("rules", "a list of tables: [[rules]] above each, in TOML"),
        ("events.key", "empty, a dotted path, or a list of dotted paths"),
    ],
)
def test_what_is_allowed_is_said_in_words(name: str, text: str) -> None:
    assert allowed(CATALOGUE[name]) == text


def test_lists_and_maps_are_json_in_the_environment() -> None:
    assert {name for name in CATALOGUE if takes_json(CATALOGUE[name])} == {
        "detector.transforms",
        "detector.weights",
        "events.features",
        "forecast.maximum",
        "forecast.minimum",
        "kafka.properties",
        "output.copy_fields",
        "rules",
    }
    assert {name for name in CATALOGUE if may_take_json(CATALOGUE[name])} == {"events.key"}


def test_secrets_are_known_by_their_type() -> None:
    """Printing, complaints and the command line go by this."""
    secrets = {
        "schema_registry.password",
        "security.password",
        "security.key_password",
        "security.oauth_client_secret",
    }
    assert {name for name in CATALOGUE if is_wholly_secret(CATALOGUE[name])} == secrets
    assert {name for name in CATALOGUE if is_secret(CATALOGUE[name])} == {*secrets, "kafka.properties"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("kafka.bootstrap_server", "kafka.bootstrap_servers"),
        ("kafka.bootstrap.servers", "kafka.bootstrap_servers"),
        ("forest.tres", "forest.trees"),
        ("shingle_size", "forest.shingle_size"),
        ("zzzzzz", None),
    ],
)
def test_the_setting_that_was_meant_is_found(written: str, meant: str | None) -> None:
    assert nearest(written, CATALOGUE) == meant
