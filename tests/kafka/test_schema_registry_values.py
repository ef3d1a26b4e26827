from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.kafka.schema_registry_values import decimal_number, moment


def test_moments_are_exact_from_the_first_year_to_the_last() -> None:
    for known in (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1, UTC),
        datetime.max.replace(tzinfo=UTC),
    ):
        microseconds = (known - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert moment(microseconds) == known


@pytest.mark.parametrize(
    "microseconds", [2**63 - 1, -(2**63), 253_402_300_800_000_000, -62_135_596_800_000_001]
)
def test_other_times_are_told_as_text(microseconds: int) -> None:
    assert moment(microseconds) == f"{microseconds} microseconds since 1970"


@given(st.integers(-(10**18), 10**18), st.integers(0, 30))
def test_a_decimal_is_rounded_once(unscaled: int, scale: int) -> None:
    assert decimal_number(unscaled.to_bytes(9, signed=True), scale) == float(f"{unscaled}e-{scale}")


def test_a_decimal_beyond_a_double_is_infinite() -> None:
    assert decimal_number(b"\x7f" * 200, 0) == float("inf")
    assert decimal_number(b"\x80" * 200, 0) == float("-inf")
    assert decimal_number(b"\x01" * 100_000, 0) == float("inf")
    assert decimal_number(b"", 0) == 0.0
