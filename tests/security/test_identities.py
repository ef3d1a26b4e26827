"""The other ways to be known: a client certificate, and tokens that run out while the service works."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.security.support import (
    EVENTS,
    PARTITIONS,
    assert_all_scored,
    granted,
    produce,
    rights_of_the_readme,
    secured,
)
from tests.support.secured_broker import (
    CLIENT_ID,
    CLIENT_SECRET,
    KEY_PASSWORD,
    TOKEN_SECONDS,
    SecuredBroker,
)
from tests.support.service import Service, Topics, wait_for_outputs

RENEWALS_SECONDS = 120.0
SCOPE = "events-of-the-test"


def test_a_client_certificate_is_enough(secured_broker: SecuredBroker, tmp_path: Path) -> None:
    topics = Topics(secured_broker, "mutual", PARTITIONS)
    produce(topics)
    environment = secured(
        topics,
        tmp_path,
        kafka__bootstrap_servers=secured_broker.mutual,
        security__protocol="ssl",
        security__sasl_mechanism="",
        security__username="",
        secrets_dir="",
        security__certificate_file=secured_broker.client_certificate,
        security__key_file=secured_broker.client_key,
        security__key_password=KEY_PASSWORD,
    )
    with (
        granted(secured_broker, rights_of_the_readme(topics)),
        Service(environment, tmp_path / "log") as service,
    ):
        assert_all_scored(topics, service)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_token_is_renewed_before_it_runs_out(
    secured_broker: SecuredBroker, tmp_path: Path, protocol: str
) -> None:
    topics = Topics(secured_broker, f"tokens-{protocol}", PARTITIONS)
    produce(topics)
    environment = secured(
        topics,
        tmp_path,
        kafka__bootstrap_servers=secured_broker.oauth,
        kafka__group_protocol=protocol,
        security__sasl_mechanism="oauthbearer",
        security__username="",
        secrets_dir="",
        security__oauth_token_url=secured_broker.tokens.token_url,
        security__oauth_client_id=CLIENT_ID,
        security__oauth_client_secret=CLIENT_SECRET,
        security__oauth_scope=SCOPE,
    )
    with (
        granted(secured_broker, rights_of_the_readme(topics)),
        Service(environment, tmp_path / "log") as service,
    ):
        wait_for_outputs(topics, EVENTS, [service])
        first = len(secured_broker.tokens.issued)
        began = time.monotonic()
        # Consumer and producer fetch their own: at least two more for each, so that the first ones have run out.
        while len(secured_broker.tokens.issued) < first + 4 or time.monotonic() < began + 2 * TOKEN_SECONDS:
            assert service.process.poll() is None, service.log.read_text()[-3000:]
            assert time.monotonic() < began + RENEWALS_SECONDS, "the tokens are not renewed"
            time.sleep(0.1)
        produce(topics, seed=2)
        wait_for_outputs(topics, 2 * EVENTS, [service])
        assert service.stop() == 0
    assert SCOPE in secured_broker.tokens.scopes
    # A connection whose token ran out before it was renewed is closed by the broker and made anew by the client; no
    # more may come of it.
    troubles = [entry for entry in service.messages() if entry["level"] in {"warning", "error"}]
    assert [
        entry["message"]
        for entry in troubles
        if entry["logger"] != "librdkafka" and not str(entry["message"]).startswith("Kafka ")
    ] == []
