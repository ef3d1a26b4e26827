"""The measured programs for real: ours in both forms and AWS's, each told what to do through the protocol."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from load_tests.forest import our_forests
from load_tests.forest.implementation import Implementation
from load_tests.forest.our_forests import ManyKeys, OneForest
from load_tests.forest.python_peers import Peer
from load_tests.forest.series import Series
from load_tests.forest.shapes import Shape
from load_tests.forest.start import measuring_core, start_aws, start_ours
from stream_rcf import Detector, RandomCutForest
from stream_rcf.core.parameters import DetectorParameters, ForestParameters

SMALL = Shape(trees=5, sample_size=16, features=2, shingle_size=2)
FOREST = ForestParameters(trees=5, sample_size=16, dimensions=2, shingle_size=2)
PARAMETERS = DetectorParameters(("a", "b"), FOREST)


def test_our_program_scores_and_learns_and_weighs_its_forest() -> None:
    series = Series(SMALL.features)
    with start_ours(SMALL, [measuring_core()]) as ours:
        ours.learn(series.take(40))
        turn = ours.turn(series.take(200))
        saved = int(ours.ask("bytes", "saved"))

    again = Series(SMALL.features)
    forest = RandomCutForest(2, 2, 5, 16)
    forest.process_many(again.take(40)[:, 0])
    forest.process_many(again.take(200)[:, 0])
    assert turn.points == 200
    assert turn.rate > 0.0
    assert 0.0 < turn.on_core <= 1.1
    assert saved == len(forest.to_bytes()), "it has learned exactly these records"


def test_our_program_holds_many_keys() -> None:
    series = Series(SMALL.features, keys=4)
    with start_ours(SMALL, [measuring_core()], keys=4, traced=1) as ours:
        ours.learn(series.take(30))
        turn = ours.turn(series.take(50), 2)
        memory, saved = int(ours.ask("bytes", "memory")), int(ours.ask("bytes", "saved"))

    assert turn.points == 200
    assert memory > saved > 0


def test_aws_s_program_scores_and_learns_and_weighs_its_forests() -> None:
    series = Series(SMALL.features, keys=3)
    with start_aws(SMALL, [measuring_core()], keys=3) as aws:
        aws.learn(series.take(40))
        turn = aws.turn(series.take(50))
        with_trees, without_trees = int(aws.ask("saved", "trees")), int(aws.ask("saved", "samples"))
        held = int(aws.ask("heap"))
        assert aws.ask("boxes", 0.0) == "set"
        assert aws.turn(series.take(5)).points == 15
        assert aws.ask("forget") == "forgotten"
        rest = int(aws.ask("heap"))

    assert turn.points == 150
    assert turn.rate > 0.0
    assert with_trees > without_trees > 0
    assert held > rest > 0


def test_a_program_that_fails_is_named_with_its_complaint() -> None:
    complaining = [sys.executable, "-c", "import sys; sys.exit('no such forest')"]
    with pytest.raises(RuntimeError, match=r"theirs gave no answer and ended with 1:\nno such forest"):
        Implementation("theirs", complaining, [measuring_core()])

    with (
        start_aws(SMALL, [measuring_core()]) as aws,
        pytest.raises(RuntimeError, match=r"AWS Java gave no answer and ended with 1:[^$]*unknown: sing"),
    ):
        aws.ask("sing")


@pytest.mark.parametrize("keys", [1, 3, 7])
@pytest.mark.parametrize("threads", [1, 2])
def test_many_keys_learn_what_a_detector_of_each_would(
    keys: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        our_forests, "BATCH_SIZE", 140
    )  # cuts through rounds of 3 keys; enough for two threads
    monkeypatch.setattr(our_forests, "LEARNED_TOGETHER", 2)
    monkeypatch.setattr(our_forests, "EVENT_MILLISECONDS", 0)  # a model remembers when its anomaly began
    monkeypatch.setattr(our_forests.os, "cpu_count", lambda: 2)
    series = Series(SMALL.features, keys)
    learned, scored = series.take(30), series.take(100)
    forests = ManyKeys(PARAMETERS, keys)
    forests.learn(learned)
    assert forests.turn(scored, threads) > 0.0

    for number in range(keys):
        detector = Detector(("a", "b"), shingle_size=2, trees=5, sample_size=16, key=f"host-{number}")
        for record in (*learned[:, number], *scored[:, number]):
            detector.process({"a": float(record[0]), "b": float(record[1])}, 0)
        assert forests._table.pack(f"host-{number}") == detector.to_bytes(quick=True)


def test_one_forest_is_one_thread_s_work() -> None:
    forest = OneForest(FOREST)
    with pytest.raises(ValueError, match="one thread, not of 2"):
        forest.turn(np.zeros((3, 1, 2), np.float32), 2)


class Recorder(Peer):
    """Notes the points that it is given."""

    def __init__(self) -> None:
        super().__init__({"dimensions": "2", "shingle_size": "3"})
        self.learned: list[list[float]] = []
        self.scored: list[list[float]] = []

    def learn_point(self, point: np.ndarray) -> None:
        self.learned.append(point.tolist())

    def score_and_learn_point(self, point: np.ndarray) -> float:
        self.scored.append(point.tolist())
        return 1.0


def test_the_python_peers_see_shingles_that_go_on_from_part_to_part() -> None:
    peer = Recorder()
    peer._records = np.arange(8, dtype=np.float32).reshape(4, 1, 2)
    assert peer.learn([]) == "learned"
    peer._records = np.arange(8, 10, dtype=np.float32).reshape(1, 1, 2)
    assert peer.turn([]) > 0.0

    assert peer.learned == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7]]
    assert peer.scored == [[4, 5, 6, 7, 8, 9]]
