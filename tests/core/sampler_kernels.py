"""The sampler's inlined steps as kernels that a test can call."""

from __future__ import annotations

from stream_rcf.core.kernel import kernel
from stream_rcf.core.sampler import draw_steps


@kernel
def draw_priority(uniform: float, weight: float) -> int:
    """The random part of a priority, in steps."""
    return draw_steps(uniform, weight)
