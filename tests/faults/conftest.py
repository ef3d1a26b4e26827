"""Fixtures of the tests of members that come and go, and of those that begin with a history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.backfill_support import Past, Stage
from tests.faults.membership_support import Stream
from tests.support.broker import KafkaBroker


@pytest.fixture(scope="package")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """The events of all these tests."""
    return Stream(tmp_path_factory.mktemp("offline"))


@pytest.fixture(scope="package")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A history that was scored and saved."""
    return Past(tmp_path_factory.mktemp("past"))


@pytest.fixture
def stage(broker: KafkaBroker, past: Past, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    """Topics of the test's own, and a copy of what was saved."""
    word = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-60:]
    return Stage(broker, word, past, tmp_path)
