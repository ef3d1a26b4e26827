"""Fixtures of the tests of members that come and go."""

from __future__ import annotations

import pytest

from tests.faults.membership_support import Stream


@pytest.fixture(scope="package")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """The events of all these tests."""
    return Stream(tmp_path_factory.mktemp("offline"))
