"""The numbers that shape a model, in the form that kernels take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.arrival_parameters import ANY_LATENESS
from stream_rcf.core.forecast_model import NO_FORECASTS, ForecastModel, forecast_model
from stream_rcf.core.lanes import LANES
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, signals_of
from stream_rcf.core.preprocessing import Preprocessing, Transform
from stream_rcf.core.window_model import NO_WINDOWS, WindowModel, window_model
from stream_rcf.local_time import local_time

# A node is one 64-bit word: from the lowest bit its cut value (float32), ``left``, the cut's dimension, and the number
# of its box in the pool. The widths of the last three follow from the model.
CUT_VALUE_BITS = 32
NODE_BITS = 64
MOST_BOX_BITS = 15  # the word stays positive, so that a shift brings in zeros

# The baseline, of detectors only (see baseline.py and likelihood.py): each feature is followed at so many scales,
# events over which a value is averaged: a spike shows in the first, a slow shift in the last.
SCALES = (1, 4, 16, 64)
# Events of the baseline's sample for each of a tree's: it costs a few bytes each, and a larger one errs less.
USUAL_PER_SAMPLE = 4
MOST_USUAL = 2**16  # events, whose numbers have 16 bits

# Of the past of a feature: the value before and the average; then, by hour, what is usual and how well that is known.
PLAIN_WORDS = 2
SEASON_BIN_WORDS = 2
DAY_BINS, WEEK_BINS = 24, 168


class Model(NamedTuple):
    """The numbers that kernels need, in a form they can take."""

    trees: int
    sample_size: int
    dimensions: int
    shingle_size: int
    point_dimensions: int
    chunks: int  # of eight lanes, that cover a point
    left_bits: int  # of a node's word
    dimension_bits: int
    box_bits: int
    output_after: int
    decay: float  # of a newborn key; the header keeps the present one
    initial_accept_fraction: float
    z_factor: float
    lower_threshold: float
    initial_threshold: float
    anomaly_rate: float
    score_differencing: float
    retire_after_ms: int  # a pause that is longer ends what the key knows; 0 for never
    channels: int  # of the baseline: each feature at each scale; 0 for a forest alone
    usual_size: int  # events in the baseline's sample
    signals: float  # independent ones that would be rare as often as any channel of the baseline is
    alert_budget: float  # alerts per key and week; 0 where the threshold decides
    allowed_lateness_ms: int  # an event that is later than this is passed over; ANY_LATENESS for none
    max_gap_ms: int  # after a longer pause the shingle begins anew; 0 for never
    remembered_ids: int  # of a key's latest events, to tell duplicates; 0 where events have none
    corrections: int  # which of corrections.Correction hold alerts back
    cooldown_ms: int  # after an alert there is none for so long; 0 for no such time
    explains_all: int  # whether every score is explained, and not those of anomalies only
    units: int  # features that the store keeps in a unit of their own: all or none
    pasts: int  # features whose past is kept: all where any has a transform or may be missing, else none
    past_words: int  # numbers that are kept of each: see transforms.py and seasons.py
    transforms: np.ndarray  # (dimensions,) int64: of preprocessing.Transform
    # (n,) int64 epoch ms: when the clocks of the time zone changed; nothing where no transform asks.
    clock_since: np.ndarray
    clock_offset: np.ndarray  # (n,) int64 ms: how far they are ahead of UTC from then on
    weights: np.ndarray  # (dimensions,) float64
    windows: WindowModel  # over which raw events are added up; then they are late by its lateness, and records never
    forecast: ForecastModel  # of the records to come; see forecast_section.py


def past_words(transforms: Sequence[Transform]) -> int:
    """How many numbers are kept of the past of each feature."""
    if Transform.SUBTRACT_TIME_OF_WEEK in transforms:
        return PLAIN_WORDS + SEASON_BIN_WORDS * (DAY_BINS + WEEK_BINS)
    if Transform.SUBTRACT_TIME_OF_DAY in transforms:
        return PLAIN_WORDS + SEASON_BIN_WORDS * DAY_BINS
    return PLAIN_WORDS


def _clock(preprocessing: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    if not preprocessing.is_seasonal:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    clock = local_time(preprocessing.time_zone)
    return clock.since, clock.offsets


def model_of(parameters: DetectorParameters) -> Model:
    """The kernels' form of ``parameters``."""
    forest: ForestParameters = parameters.forest
    threshold = parameters.threshold
    likelihood = parameters.likelihood
    transforms = parameters.preprocessing.transforms_of(forest.dimensions)
    lateness_ms, windows = parameters.arrival.allowed_lateness_ms, NO_WINDOWS
    if parameters.windows is not None:
        windows = window_model(parameters.windows, parameters.features, max(0, lateness_ms))
        lateness_ms = ANY_LATENESS
    left_bits = max(1, (forest.sample_size - 1).bit_length())
    dimension_bits = max(1, (forest.point_dimensions - 1).bit_length())
    return Model(
        forest.trees,
        forest.sample_size,
        forest.dimensions,
        forest.shingle_size,
        forest.point_dimensions,
        -(-forest.point_dimensions // LANES),
        left_bits,
        dimension_bits,
        max(0, min(MOST_BOX_BITS, NODE_BITS - 1 - CUT_VALUE_BITS - left_bits - dimension_bits)),
        forest.output_after,
        forest.decay,
        float(forest.initial_accept_fraction),
        float(threshold.z_factor),
        float(threshold.lower_threshold),
        float(threshold.initial_threshold),
        float(threshold.anomaly_rate),
        float(threshold.score_differencing),
        parameters.retire_after_ms,
        0 if likelihood is None else len(SCALES) * forest.dimensions,
        min(USUAL_PER_SAMPLE * forest.sample_size, MOST_USUAL),
        signals_of(forest.dimensions),
        0.0 if likelihood is None else likelihood.alert_budget,
        lateness_ms,
        parameters.arrival.max_gap_ms,
        parameters.arrival.remembered_ids,
        0 if likelihood is None else likelihood.corrections,
        parameters.cooldown_ms,
        int(parameters.explains_all),
        forest.dimensions if parameters.has_units else 0,
        forest.dimensions if any(transforms) or parameters.fills_missing else 0,
        past_words(transforms),
        np.array(transforms, np.int64),
        *_clock(parameters.preprocessing),
        np.array(parameters.preprocessing.weights_of(forest.dimensions), np.float64),
        windows,
        NO_FORECASTS
        if parameters.forecast is None
        else forecast_model(parameters.forecast, forest.dimensions),
    )
