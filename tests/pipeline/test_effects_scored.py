"""Feedback where it counts: on the alerts of real models, by the budget as it comes."""

from __future__ import annotations

from functools import cache

import numpy as np
import orjson
import pytest

from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.pipeline.effects import Effects
from stream_rcf.pipeline.effects_judgement import with_effect_names, with_effects
from stream_rcf.pipeline.encode import RecordEncoder
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.notices import Maintenance, Missed, Notice, read_feedback
from stream_rcf.pipeline.score_batch import BatchScorer, arrays_of
from stream_rcf.state.key_table import KeyTable

FEATURES = ("cpu", "memory")
PARAMETERS = DetectorParameters(
    FEATURES, ForestParameters(20, 64, 2, 4), likelihood=LikelihoodParameters(2.0)
)
FIRST, SECOND, COUNT = 700, 900, 901
HOUR = 3_600_000
KEYS = ("host-1", "host-2")


@cache
def values(second: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Quiet noise, a spike of the one feature, and later one of ``second``, by feature."""
    x = np.random.default_rng(7).normal(size=(COUNT, 2))
    x[FIRST] += (12.0, 0.0)
    x[SECOND] += second
    return tuple(map(tuple, x.tolist()))


def run(second: tuple[float, float], *notices: Notice, key: str = KEYS[0]) -> list[dict[str, object]]:
    """The records of a key to which ``notices`` are told between the two spikes."""
    scorer, table, encoder = BatchScorer(PARAMETERS), KeyTable(PARAMETERS), RecordEncoder(FEATURES, "f" * 16)
    events = [Event(key, i * HOUR, row) for i, row in enumerate(values(second))]
    before, (after, _) = Effects(2), Effects(2).after(notices)
    records: list[dict[str, object]] = []
    for start in range(0, COUNT, 100):
        batch = events[start : start + 100]
        effects = [after if event.timestamp > (FIRST + 50) * HOUR else before for event in batch]
        arrays = with_effects(arrays_of(batch), batch, effects)
        scored = with_effect_names(scorer.start(batch, [table] * len(batch), arrays).result(), batch, effects)
        sources = [Position("events", 0, start + i) for i in range(len(batch))]
        encoded = encoder.encode(batch, sources, scored)
        records += (
            orjson.loads(encoded.alerts.get(i, score or b"")) for i, score in enumerate(encoded.scores)
        )
    scorer.close()
    return records


def verdict(second: tuple[float, float] = (0.0, 0.0)) -> Notice:
    """What a person says of the first alert, whose record this is."""
    told = read_feedback(orjson.dumps(run(second)[FIRST] | {"verdict": "not_an_anomaly"}), FEATURES)
    assert isinstance(told, tuple)
    return told  # type: ignore[return-value] # -- no rejection, or the next lines fail


def test_the_like_of_what_was_no_anomaly_is_no_alert_any_more() -> None:
    second = (11.0, 0.0)
    assert run(second)[SECOND]["is_anomaly"] is True
    told = run(second, verdict())
    assert told[FIRST]["is_anomaly"] is True, "that was before"
    assert (told[SECOND]["is_anomaly"], told[SECOND]["reason"]) == (False, "rule:feedback")


@pytest.mark.parametrize("second", [(40.0, 0.0), (-14.0, 0.0), (0.0, 11.0), (0.0, -11.0), (11.0, 11.0)])
def test_what_is_worse_or_another_feature_or_direction_is_one(second: tuple[float, float]) -> None:
    assert run(second, verdict())[SECOND]["is_anomaly"] is True


def test_another_key_is_as_ever() -> None:
    second = (11.0, 0.0)
    assert run(second, verdict(), key=KEYS[1])[SECOND] == run(second, key=KEYS[1])[SECOND]


def test_scores_and_likelihoods_never_change() -> None:
    second = (11.0, 0.0)
    free, told = run(second), run(second, verdict(), Maintenance("m", ("*",), (0, 1), 0, COUNT * HOUR))
    for field in ("anomaly_score", "anomaly_likelihood", "threshold", "confidence", "model"):
        assert [record[field] for record in free] == [record[field] for record in told]


def test_what_was_missed_is_found_next_time() -> None:
    missed = read_feedback(
        b'{"verdict":"missed","key":"host-1","features":["cpu"],"direction":"above"}', FEATURES
    )
    assert isinstance(missed, Missed)
    sizes = np.arange(2.0, 14.0, 0.5)
    least = [
        next(size for size in sizes if run((size, 0.0), *[missed] * times)[SECOND]["is_anomaly"])
        for times in (0, 1, 4)
    ]
    assert least == sorted(least, reverse=True)
    assert least[2] < least[0]


def test_maintenance_is_named() -> None:
    window = Maintenance("patch", ("host-?",), (0,), (SECOND - 5) * HOUR, (SECOND + 1) * HOUR)
    assert run((11.0, 0.0), window)[SECOND]["reason"] == "rule:maintenance patch"
    assert run((0.0, 11.0), window)[SECOND]["is_anomaly"] is True, "another feature is not in it"
    ended = window._replace(end=SECOND * HOUR)
    assert run((11.0, 0.0), ended)[SECOND]["is_anomaly"] is True, "the end is exclusive"
