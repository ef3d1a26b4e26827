"""No secret is printed: not in a log at its most talkative, an error, a traceback, the metrics or the arguments."""

from __future__ import annotations

import base64
import subprocess
import urllib.request
from pathlib import Path

import pytest

from stream_rcf.settings.model import load_with_origins
from tests.security.support import EVENTS, PARTITIONS, granted, produce, rights_of_the_readme, secured
from tests.support.secured_broker import (
    CLIENT_ID,
    CLIENT_SECRET,
    KEY_PASSWORD,
    PASSWORD,
    SecuredBroker,
)
from tests.support.service import COMMAND, Service, Topics, wait_for_outputs

SECRETS = (PASSWORD, KEY_PASSWORD, CLIENT_SECRET)


def forms_of(secret: str) -> list[bytes]:
    """A secret as it may stand in a text: plain, or as HTTP and SASL write it."""
    plain = secret.encode()
    basic = base64.b64encode(f"{CLIENT_ID}:{secret}".encode())
    return [
        plain,
        base64.b64encode(plain),
        base64.urlsafe_b64encode(plain).rstrip(b"="),
        basic,
        plain.hex().encode(),
    ]


def assert_no_secret(text: bytes, *more: str) -> None:
    for secret in (*SECRETS, *more):
        for form in forms_of(secret):
            assert form not in text, f"{secret[:12]}... is in {text[:200]!r}..."


def identities(broker: SecuredBroker) -> dict[str, dict[str, object]]:
    """The ways to be known, each with its secret in the environment."""
    return {
        "scram": {},
        "mutual": {
            "kafka__bootstrap_servers": broker.mutual,
            "security__protocol": "ssl",
            "security__sasl_mechanism": "",
            "security__username": "",
            "secrets_dir": "",
            "security__certificate_file": broker.client_certificate,
            "security__key_file": broker.client_key,
            "security__key_password": KEY_PASSWORD,
        },
        "oauth": {
            "kafka__bootstrap_servers": broker.oauth,
            "security__sasl_mechanism": "oauthbearer",
            "security__username": "",
            "secrets_dir": "",
            "security__oauth_token_url": broker.tokens.token_url,
            "security__oauth_client_id": CLIENT_ID,
            "security__oauth_client_secret": CLIENT_SECRET,
        },
    }


@pytest.mark.parametrize("identity", ["scram", "mutual", "oauth"])
def test_a_running_service_shows_none_even_when_all_is_logged(
    secured_broker: SecuredBroker, tmp_path: Path, identity: str
) -> None:
    topics = Topics(secured_broker, f"secrets-{identity}", PARTITIONS)
    produce(topics)
    environment = secured(
        topics,
        tmp_path,
        kafka__properties='{"debug": "all"}',
        logging__level="debug",
        **identities(secured_broker)[identity],
    )
    with (
        granted(secured_broker, rights_of_the_readme(topics)),
        Service(environment, tmp_path / "log") as service,
    ):
        wait_for_outputs(topics, EVENTS, [service])
        service.wait_for("starting")
        (started,) = [entry for entry in service.messages() if entry["message"] == "starting"]
        with urllib.request.urlopen(f"http://{started['http']}/metrics", timeout=20) as answer:
            metrics = answer.read()
        arguments = Path(f"/proc/{service.process.pid}/cmdline").read_bytes()
        assert service.stop() == 0
    log = service.log.read_bytes()
    assert b"librdkafka" in log
    assert b"SASL" in log or identity == "mutual", "the client did say what it does"
    assert b"run" in arguments
    for text in (metrics, arguments, log):
        assert_no_secret(text, *secured_broker.tokens.issued)


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_settings_in_error_show_none_with_debug_either(tmp_path: Path, command: str) -> None:
    """The errors are about the secrets' neighbours, and about the secrets themselves."""
    (tmp_path / "service.toml").write_text(
        f'[security]\nprotocol = "ssl"\nkey_password = "{KEY_PASSWORD}"\npassword = ["{PASSWORD}"]\n'
        f'[kafka]\nproperties = {{"sasl.password" = ["{CLIENT_SECRET}"]}}\n'
    )
    done = subprocess.run(
        [*COMMAND, command, "--debug", "--config", str(tmp_path / "service.toml")],
        capture_output=True,
        check=False,
        cwd=Path.cwd(),
    )
    assert done.returncode == 2
    assert b"security.password" in done.stderr
    assert b"kafka.properties" in done.stderr
    assert b"Traceback" in done.stderr
    assert_no_secret(done.stdout + done.stderr)


def test_a_client_that_refuses_its_options_shows_none(tmp_path: Path) -> None:
    key = tmp_path / "broken.key"
    key.write_text("no key at all", encoding="ascii")
    key.chmod(0o644)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "STREAM_RCF_SECURITY__KEY_PASSWORD").write_text(KEY_PASSWORD, encoding="ascii")
    settings = {
        "security.protocol": "ssl",
        "security.certificate_file": str(key),
        "security.key_file": str(key),
        "http.port": "0",
        "checkpoint.url": (tmp_path / "checkpoints").as_uri(),
    }
    arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    done = subprocess.run(
        [*COMMAND, "run", "--debug", *arguments],
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ".", "STREAM_RCF_SECRETS_DIR": str(secrets)},
    )
    assert done.returncode == 2, done.stderr
    assert b"kafka.properties, or security: " in done.stderr
    assert b"ssl.certificate.location failed" in done.stderr
    assert f"security.key_file {key} may be read by every user".encode() in done.stderr
    assert b"Traceback" in done.stderr
    assert_no_secret(done.stdout + done.stderr)


def test_loaded_settings_show_none() -> None:
    environment = {
        "STREAM_RCF_SECURITY__PROTOCOL": "sasl_ssl",
        "STREAM_RCF_SECURITY__SASL_MECHANISM": "plain",
        "STREAM_RCF_SECURITY__USERNAME": "me",
        "STREAM_RCF_SECURITY__PASSWORD": PASSWORD,
        "STREAM_RCF_KAFKA__PROPERTIES": f'{{"ssl.key.password": "{KEY_PASSWORD}"}}',
    }
    loaded = load_with_origins(None, {}, environment)
    assert loaded.settings.security.password.get_secret_value() == PASSWORD
    for text in (repr(loaded), str(loaded.settings), f"{loaded.settings.security}"):
        assert_no_secret(text.encode())
