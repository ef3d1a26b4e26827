"""Loading the next key's trees from memory while the present event is scored.

With many keys a forest is not in the processor's cache when its event comes, and waiting for memory costs several times
what the arithmetic does. So a batch asks for the next block part by part, between the trees of the present one: all at
once would be more requests than the processor keeps open. Nothing here has an effect on any result.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import HEADER_WORDS, open_block
from stream_rcf.core.memory import CACHE_LINE, address_of, prefetch, prefetch_line
from stream_rcf.core.model import Model

RANGES = 2  # of memory: the trees without their priorities, with their boxes; and the store


@inlined_kernel
def fetch_header(address: int) -> None:
    """Ask for the header of a block, which ``aim`` will read."""
    prefetch(address, HEADER_WORDS * 8)


@kernel
def aim(address: int, model: Model, ahead: np.ndarray) -> None:
    """Let ``ahead`` (RANGES, 2) int64, begin and end, be what an event of the block at ``address`` reads most."""
    block = open_block(address, model)
    ahead[0, 0] = address_of(block.offset)
    ahead[0, 1] = address_of(block.run_first)
    ahead[1, 0] = address_of(block.store)
    ahead[1, 1] = address_of(block.store) + 4 * block.store.shape[0]


@inlined_kernel
def aim_at_nothing(ahead: np.ndarray) -> None:
    """No block comes next."""
    ahead[:] = 0


@inlined_kernel
def fetch_part(ahead: np.ndarray, part: int, parts: int) -> None:
    """Ask for the ``part``-th of ``parts`` parts of what ``ahead`` says, counted from 0."""
    for row in range(RANGES):
        first, last = part_of(ahead[row, 0], ahead[row, 1], part, parts)
        for line in range(first, last, CACHE_LINE):
            prefetch_line(line)


@inlined_kernel
def part_of(begin: int, end: int, part: int, parts: int) -> tuple[int, int]:
    """Begin and end of a part of about equal length, in whole cache lines; together they are the whole."""
    lines = (end - begin + CACHE_LINE - 1) // CACHE_LINE
    return begin + lines * part // parts * CACHE_LINE, begin + lines * (part + 1) // parts * CACHE_LINE
