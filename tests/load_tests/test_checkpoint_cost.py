from __future__ import annotations

import pytest

from load_tests.checkpoint_cost import CheckpointCost, compare, markdown, plain_data
from load_tests.checkpoint_service import Pauses
from load_tests.figures import Figure
from load_tests.workload import Workload
from tests.support.broker import KafkaBroker

PAUSES = {"beginning": 1.0, "copying": 4.0, "copies_of_a_batch": 12.0}


def test_the_cost_is_the_share_of_throughput_that_is_lost() -> None:
    saving, never = Figure("with", (96.0, 99.0)), Figure("without", (100.0, 100.0))
    found = CheckpointCost(Workload(5, 100, 100), {30.0: never, 10.0: saving}, never, PAUSES)

    assert found.cost(10.0).samples == pytest.approx((0.04, 0.01))
    assert "Every 30 s they cost 0.0 % (0.0 to 0.0). Every 10 s they cost 2.5 % (1.0 to 4.0)." in markdown(
        found
    )
    assert "at most 12 ms at a time" in markdown(found)
    assert plain_data(found)["longest_ms"] == PAUSES


def test_copies_of_a_batch_are_one_stretch_and_young_events_are_left_out() -> None:
    pauses = Pauses(young=2)
    copy = pauses.copied(lambda: sum(range(20_000)))
    taken: list[int] = []

    def batch(_processor: object, messages: list[int], _publisher: object) -> None:
        taken.extend(messages)
        for _ in messages:
            copy()

    take = pauses.counted(batch)
    take(None, [1, 2, 3], None)
    assert (pauses.is_counting, pauses.longest["copies_of_a_batch"]) == (True, 0.0)
    take(None, [4], None)
    one = pauses.longest["copies_of_a_batch"]
    take(None, [0] * 50, None)
    assert 0.0 < one < pauses.longest["copies_of_a_batch"]
    assert taken == [1, 2, 3, 4, *[0] * 50]


def test_a_real_run_gives_every_figure(broker: KafkaBroker) -> None:
    """What they are is the benchmark's business."""
    found = compare(broker, Workload(5, 2000, 4000), repetitions=2, intervals=(0.5, 0.2))

    figures = (*found.saving.values(), found.never)
    assert [len(figure.samples) for figure in figures] == [2, 2, 2]
    assert min(sample for figure in figures for sample in figure.samples) > 0.0
    assert set(found.pauses) == set(PAUSES)
    assert found.pauses["beginning"] > 0.0
