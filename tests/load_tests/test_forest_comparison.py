"""Turns, their rates and their order, with programs that take the time they are told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from load_tests.figures import Figure
from load_tests.forest import comparison as comparison_module
from load_tests.forest.comparison import Comparison, Plan, compare, rounds_of, settle
from load_tests.forest.implementation import Turn
from load_tests.forest.series import Series


class Program:
    """Takes ``seconds_of(turn)`` for each point of its turn number ``turn``, and has half of the core."""

    def __init__(
        self, name: str, seconds_of: Callable[[int], float], diary: list[tuple[str, np.ndarray]]
    ) -> None:
        self.name = name
        self._seconds_of = seconds_of
        self._diary = diary
        self._turns = 0

    def turn(self, records: np.ndarray) -> Turn:
        points = records.shape[0] * records.shape[1]
        self._diary.append((self.name, records))
        self._turns += 1
        return Turn(points, self._seconds_of(self._turns) * points, on_core=0.5)


def test_a_rate_by_the_core_leaves_out_what_others_took_of_it() -> None:
    turn = Turn(points=1000, seconds=2.0, on_core=0.25, waited=0.75)

    assert turn.rate == 500.0
    assert turn.core_rate == 2000.0
    assert turn.share_had == 0.25


def test_both_see_the_same_records_by_turns_after_they_have_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_module, "SETTLING_SECONDS", 0.0)
    diary: list[tuple[str, np.ndarray]] = []
    ours, peer = Program("ours", lambda _: 1e-5, diary), Program("peer", lambda _: 4e-5, diary)

    found = compare(ours, peer, Series(2, keys=10), 10, Plan(repetitions=3, seconds=0.1))

    assert [name for name, _ in diary] == ["ours", "peer"] * 4
    for own, other in zip(diary[::2], diary[1::2], strict=True):
        assert own[1] is other[1]
    assert not np.array_equal(diary[0][1], diary[2][1])
    assert diary[2][1].shape == (500, 10, 2), (
        "a tenth of a second of the slower side's time on the core, ten keys"
    )
    assert found.ours.samples == pytest.approx([200_000.0] * 3)
    assert found.peer.samples == pytest.approx([50_000.0] * 3)
    assert found.ratio.samples == pytest.approx([4.0] * 3)
    assert found.wall_ratio.samples == pytest.approx([4.0] * 3)
    assert found.disturbed


def test_settling_goes_on_until_the_slower_side_had_its_time_on_the_core() -> None:
    diary: list[tuple[str, np.ndarray]] = []
    compiling = Program("peer", lambda turn: 1e-3 if turn < 4 else 1e-4, diary)

    rate = settle([compiling], Series(1), 1)

    assert rate == pytest.approx(20_000.0), "of the last turn"
    seconds = [1e-3 * len(records) if i < 3 else 1e-4 * len(records) for i, (_, records) in enumerate(diary)]
    assert 0.5 * sum(seconds[:-1]) < comparison_module.SETTLING_SECONDS <= 0.5 * sum(seconds)


def test_a_turn_has_whole_rounds_at_least_one_and_not_too_many() -> None:
    assert rounds_of(rate=1000.0, seconds=2.0, keys=10) == 200
    assert rounds_of(rate=10.0, seconds=0.1, keys=1000) == 1
    assert rounds_of(rate=1e9, seconds=1.0, keys=1) == comparison_module.MOST_POINTS


def test_a_comparison_that_had_the_core_to_itself_is_not_disturbed() -> None:
    figure = Figure("a", (1.0, 2.0))

    assert not Comparison(figure, figure, figure, least_on_core=0.99).disturbed
    assert Comparison(figure, figure, figure, least_on_core=0.5).disturbed
