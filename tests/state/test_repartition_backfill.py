"""A topic gains partitions before every key had its first event: the others still begin with the backfill, anywhere."""

from __future__ import annotations

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_store import CheckpointStore
from tests.state.repartition_support import grow, save
from tests.state.support import memory_store

FIRST, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def store() -> CheckpointStore:
    return memory_store()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((FIRST, FIRST), [FIRST, FIRST, FIRST]),
        (("", FIRST), ["", FIRST, FIRST]),
        (("", ""), ["", "", ""]),
    ],
)
def test_a_new_partition_goes_on_from_that_of_the_others(
    store: CheckpointStore, before: tuple[str, str], after: list[str]
) -> None:
    save(store, "backfill", *before)
    assert grow(store, "backfill") == after


def test_two_different_ones_are_refused(store: CheckpointStore) -> None:
    save(store, "backfill", FIRST, OTHER)
    with pytest.raises(CheckpointError, match="go on from different backfills"):
        grow(store, "backfill")
