"""What every test of the service needs first."""

from __future__ import annotations

import pytest

from stream_rcf.core.warmup import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled_kernels() -> None:
    """Compile once here: it takes half a minute, and no test's patience should pay for it."""
    warm_up()
