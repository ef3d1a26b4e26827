"""A copy of a key's block: the same bytes, in memory of its own."""

from __future__ import annotations

import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.layout import ALIGNMENT
from stream_rcf.core.packing import pack
from tests.oracle.streams import STREAMS, stream
from tests.properties.invariants import check_block


def forest_of(name: str, events: int) -> RandomCutForest:
    """A forest small enough to be soon full, large enough to keep boxes."""
    forest = RandomCutForest(2, 2, trees=3, sample_size=64, time_decay=0.05, seed=2)
    forest.process_many(stream(name, events, 2))
    return forest


@pytest.mark.parametrize("events", [0, 1, 40, 400])
@pytest.mark.parametrize("name", list(STREAMS))
def test_a_copy_packs_to_the_same_bytes(name: str, events: int) -> None:
    block = forest_of(name, events)._block
    copied = block.copy()
    assert (copied.bytes, copied.headroom, copied.capacities()) == (
        block.bytes,
        block.headroom,
        block.capacities(),
    )
    assert copied.address % ALIGNMENT == 0
    check_block(copied)
    assert pack(copied) == pack(block)


def test_a_copy_keeps_its_moment_while_the_original_goes_on() -> None:
    forest = forest_of("gaussian", 300)
    at_the_moment = pack(forest._block.copy())
    copied = forest._block.copy()
    for start in range(0, 500, 50):  # the original moves when it grows
        forest.process_many(stream("gaussian", 50, 2, seed=start))
    assert pack(copied) == at_the_moment
    assert pack(forest._block) != at_the_moment


def test_the_original_is_untouched_by_what_becomes_of_its_copy() -> None:
    forest, twin = forest_of("gaussian", 300), forest_of("gaussian", 300)
    before = forest._block._content(forest._block.bytes).tobytes()
    copied = forest._block.copy()
    pack(copied)  # which compacts
    copied.header()[:] = -1
    assert forest._block._content(forest._block.bytes).tobytes() == before
    further = stream("gaussian", 300, 2, seed=5)
    assert forest.process_many(further).tobytes() == twin.process_many(further).tobytes()
