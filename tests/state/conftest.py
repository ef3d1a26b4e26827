"""Object storage for the tests of this folder: moto, a proxy before it, and objects in it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream_rcf.state.cloud_objects import CloudObjects
from tests.support.faulty_http import FaultyProxy
from tests.support.s3_server import PROGRAM_VARIABLE, S3Server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """moto with a bucket, or the server that ``STREAM_RCF_TEST_S3_SERVER`` names."""
    program = os.environ.get(PROGRAM_VARIABLE)
    with S3Server(Path(program) if program else None) as server:
        yield server


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    """A proxy before the server, in order until a fault is planned."""
    with FaultyProxy(s3_server.port) as running:
        yield running


@pytest.fixture
def direct(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> CloudObjects:
    """Empty objects, asked of the server itself."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    objects = CloudObjects(s3_server.url(uuid.uuid4().hex))
    assert objects.list("") == []  # from here on the environment may change
    return objects


@pytest.fixture
def through(
    proxy: FaultyProxy, direct: CloudObjects, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CloudObjects]:
    """Make what asks for the objects of ``direct`` through the proxy; takes the limits of ``CloudObjects``."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return lambda **limits: CloudObjects(direct.root, **limits)
