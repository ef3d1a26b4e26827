from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.ahead import RANGES, aim, part_of
from stream_rcf.core.inspect import views
from stream_rcf.core.memory import CACHE_LINE
from tests.core.direct_trees import DirectTrees


@pytest.mark.parametrize("length", [0, 1, 64, 65, 1000, 123_456])
@pytest.mark.parametrize("parts", [1, 2, 13])
def test_parts_cover_every_byte_once(length: int, parts: int) -> None:
    begin = 6400
    edges = [part_of(begin, begin + length, part, parts) for part in range(parts)]

    assert edges[0][0] == begin
    assert [first for first, _ in edges[1:]] == [end for _, end in edges[:-1]]
    assert begin + length <= edges[-1][1] < begin + length + CACHE_LINE
    lengths = [end - first for first, end in edges]
    assert max(lengths) - min(lengths) <= CACHE_LINE


def test_aims_at_the_trees_and_the_store() -> None:
    trees = DirectTrees(trees=3, dimensions=2, capacity=16)
    for record in range(30):
        trees.insert(record % 3, [record % 5, record % 4])
    ahead = np.full((RANGES, 2), -1, np.int64)

    aim(trees.block.address, trees.model, ahead)

    parts = views(trees.block)
    assert ahead[0].tolist() == [parts.offset.ctypes.data, parts.run_first.ctypes.data]
    assert parts.offset.ctypes.data < parts.node.ctypes.data < parts.pool.ctypes.data < ahead[0, 1]
    assert ahead[1].tolist() == [parts.store.ctypes.data, parts.store.ctypes.data + parts.store.nbytes]
