"""A tree on the bench: while many events work on one tree, the boxes of all its nodes are kept, in the scratch.

A key has room for some boxes of each tree. The scratch has room for all boxes of one tree, and stays in the smallest
cache as long as that tree is worked on. Which boxes are kept changes no result.
"""

from __future__ import annotations

from stream_rcf.core.boxes import drop_box
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import FREE, FRESH, NO_BOX, Block
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import with_box
from stream_rcf.core.scratch import Scratch

KEPT_ABOVE_HERE = 1  # samples: every box pays where so many events read it


@inlined_kernel
def open_workshop(block: Block, model: Model, tree: int, scratch: Scratch) -> Block:
    """The same block with the scratch's pool in place of its own, for work on ``tree`` alone."""
    for slot in range(block.size[tree] - 1):
        drop_box(block, model, tree, slot)
    scratch.pool_state[FRESH], scratch.pool_state[FREE] = 1, NO_BOX
    return Block(
        block.integers,
        block.floats,
        block.limit,
        block.size,
        block.greatest,
        block.priority,
        block.offset,
        block.high_offset,
        block.node,
        scratch.pool,
        scratch.pool_state,
        KEPT_ABOVE_HERE,
        block.baseline,
        block.level,
        block.tail,
        block.episode,
        block.peak,
        block.unit,
        block.past,
        block.usual,
        block.usual_slot,
        block.usual_priority,
        block.recent_id,
        block.run_first,
        block.run_event,
        block.store,
    )


@inlined_kernel
def close_workshop(block: Block, model: Model, tree: int) -> None:
    """Forget the boxes of ``tree``, which are in the scratch."""
    for slot in range(block.size[tree] - 1):
        block.node[tree, slot] = with_box(model, block.node[tree, slot], NO_BOX)
