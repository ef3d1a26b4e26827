"""Incremental deletion: the exact reverse of insertion (paper, algorithm 1; algorithm reference, section 4.5)."""

from __future__ import annotations

from stream_rcf.core.boxes import drop_box, is_on_border, kept_box, point_address
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import with_more_left
from stream_rcf.core.rows import remove_node, remove_sample
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import is_left, mass_of, slot_of, walk_to_sample


@inlined_kernel
def delete_sample(block: Block, model: Model, tree: int, position: int, scratch: Scratch) -> None:
    """Take the sample at ``position`` out of the tree: the last one of a leaf takes the cut above it along."""
    way = scratch.ways[0]
    depth = walk_to_sample(block, model, tree, position, way)
    removed = depth  # the place whose node goes
    if mass_of(way[depth]) == 1:
        removed = depth - 1
    point, mask = point_address(block, model, tree, position), address_of(scratch.mask)
    for above in range(removed):
        place = way[above]
        slot = slot_of(place)
        word = with_more_left(block.node[tree, slot], -is_left(place, way[above + 1]))
        block.node[tree, slot] = word
        box = kept_box(block, model, word)
        if box != 0 and (mass_of(place) <= block.kept_above + 1 or is_on_border(model, box, point, mask)):
            drop_box(block, model, tree, slot)
    if removed >= 0:
        drop_box(block, model, tree, slot_of(way[removed]))
        remove_node(block, tree, slot_of(way[removed]))
    remove_sample(block, tree, position)
