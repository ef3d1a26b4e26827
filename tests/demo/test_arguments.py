from __future__ import annotations

import math

import pytest

from stream_rcf.demo.arguments import require_range
from stream_rcf.errors import UsageError


@pytest.mark.parametrize("value", [1, 2.5, 10])
def test_a_number_within_its_range_passes(value: float) -> None:
    require_range("--keys", value, 1, 10)


@pytest.mark.parametrize("value", [0.99, 11, -1, math.nan, math.inf])
def test_any_other_is_refused_by_name_and_range(value: float) -> None:
    with pytest.raises(UsageError, match=r"--keys is .*, but must be between 1 and 10"):
        require_range("--keys", value, 1, 10)
