from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from stream_rcf.settings.security_section import SecuritySettings


def test_the_default_is_no_security_at_all() -> None:
    security = SecuritySettings()
    assert security.protocol == "plaintext"
    values = security.model_dump(exclude={"protocol", "password", "key_password", "oauth_client_secret"})
    assert set(values.values()) == {""}
    for secret in (security.password, security.key_password, security.oauth_client_secret):
        assert secret.get_secret_value() == ""


def test_secrets_are_masked_wherever_the_section_is_shown_and_survive_the_way_to_another_process() -> None:
    security = SecuritySettings(password="hunter2", key_password="hunter3", oauth_client_secret="hunter4")  # type: ignore[arg-type] # -- what sources give
    assert "hunter" not in f"{security!r} {security} {security.model_dump()} {security.model_dump_json()}"
    again = pickle.loads(pickle.dumps(security))
    assert again == security
    assert again.password.get_secret_value() == "hunter2"


def test_librdkafkas_own_spelling_is_understood() -> None:
    security = SecuritySettings(protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512")  # type: ignore[arg-type] # -- what is tested
    assert (security.protocol, security.sasl_mechanism) == ("sasl_ssl", "scram-sha-512")


@pytest.mark.parametrize("name", ["ca_file", "certificate_file", "key_file"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    there = tmp_path / "there.pem"
    there.touch()
    assert getattr(SecuritySettings(**{name: str(there)}), name) == str(there)
    with pytest.raises(ValidationError, match="must be a file that can be read: No such file"):
        SecuritySettings(**{name: str(tmp_path / "absent.pem")})
    with pytest.raises(ValidationError, match="must be a file"):
        SecuritySettings(**{name: str(tmp_path)})


def test_a_pipe_does_not_hold_the_start_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValidationError, match="must be a file"):
        SecuritySettings(ca_file=str(pipe))


@pytest.mark.parametrize("url", ["token", "ftp://x/token", "file:///etc/passwd", "HTTPS//x"])
def test_a_token_endpoint_is_a_web_address(url: str) -> None:
    with pytest.raises(ValidationError, match="must be a URL that begins with https:// or http://"):
        SecuritySettings(oauth_token_url=url)


def test_errors_repeat_no_value() -> None:
    with pytest.raises(ValidationError) as failure:
        SecuritySettings(password=["hunter2"], protocol="hunter3")  # type: ignore[arg-type] # -- what is tested
    assert "hunter" not in str(failure.value)
