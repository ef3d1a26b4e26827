"""What shapes a model: frozen, validated, and reduced to a fingerprint that checkpoints carry."""

from __future__ import annotations

import hashlib
import math
from dataclasses import astuple, dataclass, field

from stream_rcf.core.aggregates import MAX_OPEN_WINDOWS, WindowParameters, aggregates_of
from stream_rcf.core.arrival_parameters import MAX_PAUSE_MS, ArrivalParameters
from stream_rcf.core.forecast_parameters import ForecastParameters, check_record_forecast
from stream_rcf.core.preprocessing import Preprocessing
from stream_rcf.core.reasons import ALL_CORRECTIONS
from stream_rcf.core.requirements import require
from stream_rcf.errors import UsageError

ALGORITHM_VERSION = 2  # raise it whenever the same events would give other scores
LIKELIHOOD_VERSION = 4  # raise it whenever the same events would give other likelihoods
WINDOWS_VERSION = 1  # raise it whenever the same events would give other windows
FORECASTS_VERSION = 1  # raise it whenever the same events would give other forecasts
ALERT_BUDGET = 2.0  # alerts per key and week: of some hundred keys, a few a day
# Measured on quiet series of 1 to 30 features. The power makes up for what is believed of very high scores, which are
# somewhat more frequent; features that go together are fewer signals.
SIGNALS_OF_FEATURE, SIGNALS_POWER = 3.0, 1.2
OUTPUT_AFTER_FRACTION = 4  # a forest scores after sample_size / 4 events, as the reference does
DECAY_SAMPLES = 10  # default time decay is 1 / (10 * sample_size), as in the reference
MAX_TREES = 1000  # more gives no accuracy and multiplies memory
MAX_SAMPLE_SIZE = 32_768  # a place on a way down a tree has 16 bits for each of two counts of samples
MAX_POINT_DIMENSIONS = 32_768  # a node's word has 16 bits left for the dimension beside such a sample
SEED_LIMIT = 2**63  # seeds are hashed as signed 64-bit integers


@dataclass(frozen=True, slots=True)
class ForestParameters:
    """The forest of one key.

    ``dimensions`` is the number of features of one record; a point is ``shingle_size`` records long.
    ``time_decay`` is per event; ``None`` means ``1 / (10 * sample_size)``; 0 samples the whole past uniformly.
    ``initial_accept_fraction``: up to this share of the sample every point is taken in; beyond, the sample grows ever
    more slowly, so that it is not made of one stretch of events alone.
    Raises ``UsageError`` for a value outside its range.
    """

    trees: int = 50
    sample_size: int = 256
    dimensions: int = 1
    shingle_size: int = 8
    time_decay: float | None = None
    seed: int = 0
    initial_accept_fraction: float = 1.0

    def __post_init__(self) -> None:
        require(1 <= self.trees <= MAX_TREES, "trees", self.trees, f"between 1 and {MAX_TREES}")
        require(
            2 <= self.sample_size <= MAX_SAMPLE_SIZE,
            "sample_size",
            self.sample_size,
            f"between 2 and {MAX_SAMPLE_SIZE}",
        )
        require(self.dimensions >= 1, "dimensions", self.dimensions, "at least 1")
        require(self.shingle_size >= 1, "shingle_size", self.shingle_size, "at least 1")
        require(
            self.point_dimensions <= MAX_POINT_DIMENSIONS,
            "dimensions * shingle_size",
            self.point_dimensions,
            f"at most {MAX_POINT_DIMENSIONS}",
        )
        require(
            self.time_decay is None or (math.isfinite(self.time_decay) and 0 <= self.time_decay < 1),
            "time_decay",
            self.time_decay,
            "at least 0 and below 1, per event",
        )
        require(-SEED_LIMIT <= self.seed < SEED_LIMIT, "seed", self.seed, "a signed 64-bit integer")
        require(
            0 < self.initial_accept_fraction <= 1,
            "initial_accept_fraction",
            self.initial_accept_fraction,
            "above 0 and at most 1",
        )

    @property
    def decay(self) -> float:
        """The time decay per event, with the default filled in."""
        return 1.0 / (DECAY_SAMPLES * self.sample_size) if self.time_decay is None else self.time_decay

    @property
    def point_dimensions(self) -> int:
        """Coordinates of one shingled point."""
        return self.dimensions * self.shingle_size

    @property
    def output_after(self) -> int:
        """Events a key must have seen before it is scored."""
        return max(1, self.sample_size // OUTPUT_AFTER_FRACTION)


@dataclass(frozen=True, slots=True)
class ThresholdParameters:
    """How a key's scores become a threshold and a grade (algorithm reference, section 10).

    ``z_factor``: deviations above the usual score that are anomalous, 2 to 10. ``lower_threshold``: no lower score is
    ever anomalous. ``initial_threshold``: used until the key has its own statistics. ``anomaly_rate``: memory of the
    statistic of score changes. ``score_differencing``: 0 weighs score changes alone, 1 on the scores' own spread.
    """

    z_factor: float = 3.0
    lower_threshold: float = 0.8
    initial_threshold: float = 1.5
    anomaly_rate: float = 0.01
    score_differencing: float = 0.5

    def __post_init__(self) -> None:
        require(2 <= self.z_factor <= 10, "z_factor", self.z_factor, "between 2 and 10")
        require(
            0 < self.lower_threshold <= 8, "lower_threshold", self.lower_threshold, "above 0 and at most 8"
        )
        require(
            0 < self.initial_threshold <= 8,
            "initial_threshold",
            self.initial_threshold,
            "above 0 and at most 8",
        )
        require(0 < self.anomaly_rate < 1, "anomaly_rate", self.anomaly_rate, "between 0 and 1")
        require(
            0 <= self.score_differencing <= 1,
            "score_differencing",
            self.score_differencing,
            "between 0 and 1",
        )


def signals_of(features: int) -> float:
    """How many independent signals would be rare as often as any scale of any of so many features is."""
    return SIGNALS_OF_FEATURE * float(features) ** SIGNALS_POWER


@dataclass(frozen=True, slots=True)
class LikelihoodParameters:
    """How a likelihood becomes an alert.

    ``alert_budget``: alerts per key and week that a quiet key may have, up to 1000; 0 leaves alerts to the threshold.
    ``corrections``: which of ``corrections.Correction`` may hold such an alert back; all by default.
    """

    alert_budget: float = ALERT_BUDGET
    corrections: int = int(ALL_CORRECTIONS)

    def __post_init__(self) -> None:
        require(
            0 <= self.corrections <= ALL_CORRECTIONS, "corrections", self.corrections, "flags of Correction"
        )
        require(0 <= self.alert_budget <= 1000, "alert_budget", self.alert_budget, "between 0 and 1000")


@dataclass(frozen=True, slots=True)
class DetectorParameters:
    """A detector: named features, the forest over them, the threshold above it, and the likelihood beside it.

    ``likelihood``: None for none, which saves the memory of a baseline.
    ``retire_after_ms``: a key whose next event comes later than so many milliseconds after the latest one before it
    begins anew; 0 for never. Over windows it is their starts that lie so far apart, and open ones are forgotten too.
    ``cooldown_ms``: for so long after an alert of a key, by its events' times, it has no other; 0 for no such time.
    ``explains_all``: whether every score is explained, which takes longer, and not those of anomalies only.
    ``windows``: None where each event is a record; else the features are aggregates, such as ``p99(latency_ms)``.
    ``forecast``: of the next records with every score, see ``Forecaster``; None for none.
    """

    features: tuple[str, ...] = ("value",)
    forest: ForestParameters = field(default_factory=ForestParameters)
    threshold: ThresholdParameters = field(default_factory=ThresholdParameters)
    retire_after_ms: int = 0
    likelihood: LikelihoodParameters | None = field(default_factory=LikelihoodParameters)
    cooldown_ms: int = 0
    arrival: ArrivalParameters = field(default_factory=ArrivalParameters)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    windows: WindowParameters | None = None
    explains_all: bool = False
    forecast: ForecastParameters | None = None

    def __post_init__(self) -> None:
        require(
            len(self.features) == self.forest.dimensions,
            "features",
            self.features,
            f"{self.forest.dimensions} names, one for each dimension of the forest",
        )
        require(
            len(set(self.features)) == len(self.features), "features", self.features, "without repetition"
        )
        self.preprocessing.check(len(self.features))
        require(
            0 <= self.retire_after_ms <= MAX_PAUSE_MS,
            "retire_after_ms",
            self.retire_after_ms,
            f"between 0 and {MAX_PAUSE_MS}",
        )
        require(
            0 <= self.cooldown_ms <= MAX_PAUSE_MS,
            "cooldown_ms",
            self.cooldown_ms,
            f"between 0 and {MAX_PAUSE_MS}",
        )
        if self.forecast is not None:
            check_record_forecast(self.forecast, len(self.features), self.forest.shingle_size)
            if self.preprocessing.is_seasonal:
                raise UsageError(
                    "records to come have no times of their own: a forecast cannot go with subtract_time_of_day or "
                    "subtract_time_of_week"
                )
        if self.windows is not None:
            aggregates_of(self.features)
            slots = self.windows.open_windows(max(0, self.arrival.allowed_lateness_ms))
            require(
                slots <= MAX_OPEN_WINDOWS,
                "allowed_lateness_ms",
                self.arrival.allowed_lateness_ms,
                f"less than {MAX_OPEN_WINDOWS} times window_ms, {self.windows.window_ms}",
            )
            pauses = {"retire_after_ms": self.retire_after_ms, "max_gap_ms": self.arrival.max_gap_ms}
            for name, pause in pauses.items():
                least = f"at least window_ms, {self.windows.window_ms}, or 0 for never"
                require(pause == 0 or pause >= self.windows.window_ms, name, pause, least)

    @property
    def fills_missing(self) -> bool:
        """Whether a record may lack features: as events may, or a window without any."""
        return self.arrival.fills_missing or self.windows is not None

    @property
    def has_units(self) -> bool:
        """Whether the forest sees each feature in a unit of its own."""
        return self.preprocessing.normalize and self.likelihood is not None and self.forest.dimensions > 1

    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ whenever the same events could give another score."""
        forest, threshold = self.forest, self.threshold
        shape: tuple[object, ...] = (
            ALGORITHM_VERSION,
            self.features,
            (
                forest.trees,
                forest.sample_size,
                forest.dimensions,
                forest.shingle_size,
                forest.decay,
                forest.seed,
                forest.initial_accept_fraction,
            ),
            (threshold.z_factor, threshold.lower_threshold, threshold.initial_threshold),
            (threshold.anomaly_rate, threshold.score_differencing),
        )
        if self.likelihood is not None:
            likelihood = self.likelihood
            shape += (("likelihood", LIKELIHOOD_VERSION, likelihood.alert_budget, likelihood.corrections),)
        if self.retire_after_ms > 0:
            shape += (("retire_after_ms", self.retire_after_ms),)
        if self.cooldown_ms > 0:
            shape += (("cooldown_ms", self.cooldown_ms),)
        if self.arrival != ArrivalParameters():
            shape += (("arrival", *astuple(self.arrival)),)
        shape += self.preprocessing.shape(self.has_units)
        if self.windows is not None:
            shape += (("windows", WINDOWS_VERSION, *astuple(self.windows)),)
        if self.forecast is not None:
            shape += (("forecast", FORECASTS_VERSION, *astuple(self.forecast)),)
        return hashlib.blake2b(repr(shape).encode("utf-8"), digest_size=8).hexdigest()
