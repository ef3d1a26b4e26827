from __future__ import annotations

import pytest

from tests.support.machine import MissingPartError
from tests.support.s3_server import S3Server


def test_a_server_that_is_not_built_is_said_with_the_line_that_builds_it(tmp_path):
    with pytest.raises(MissingPartError, match=r"run `tools/chaos_parts.sh`"):
        S3Server(tmp_path / "versitygw")


def test_moto_has_no_process_of_its_own():
    with S3Server() as moto, pytest.raises(RuntimeError, match="no process of its own"):
        moto.pid  # noqa: B018


def test_the_environment_names_the_server_or_a_proxy_before_it():
    with S3Server() as server:
        assert server.environment()["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{server.port}"
        assert server.environment("http://127.0.0.1:1")["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
        assert server.url("a/b") == f"s3://{server.bucket}/a/b"
        assert server.url() == f"s3://{server.bucket}"
