"""The slow twin of the threshold: reference sections 10 and 11.1 in plain scalars.

No transform, no correction (the corrected score is the raw score), data quality 1, and the lower threshold
follows a quiet key down by itself.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tests.oracle.naive_deviation import NaiveDeviation

HIGHEST_LEARNED_SCORE = 2.0  # section 10: a big anomaly must not lift the threshold
MINIMUM_SCORES = 10  # q
ADJUSTMENT_THRESHOLD = 0.9  # h: below this mean the lower threshold falls with the mean
MINIMUM_Z_FACTOR = 2.0
ROUND_OFF = 1e-9  # relative: a score this little above the threshold is not above it, whatever the deviation


class Judgement(NamedTuple):
    """What the threshold says of one score."""

    threshold: float
    grade: float


class NaiveThreshold:
    """Adaptive threshold over the scores of one key."""

    def __init__(
        self,
        time_decay: float,
        shingle_size: int,
        z_factor: float = 3.0,
        lower_threshold: float = 0.8,
        initial_threshold: float = 1.5,
        anomaly_rate: float = 0.01,
        score_differencing: float = 0.5,
    ) -> None:
        self.shingle_size = shingle_size
        self.z_factor = z_factor
        self.lower_threshold = lower_threshold
        self.initial_threshold = initial_threshold
        self.score_differencing = score_differencing
        self.primary = NaiveDeviation(time_decay)
        self.secondary = NaiveDeviation(anomaly_rate)
        self.below_mean = NaiveDeviation(time_decay / 2)
        self.previous_score = 0.0
        self.count = 0

    def process(self, score: float) -> Judgement:
        """Judge `score` against the past, then learn it. A score of 0 is no opinion (1.2)."""
        if score == 0:
            return Judgement(self.threshold(), 0.0)
        judgement = self.judge(score)
        self.update(score)
        return judgement

    def update(self, score: float) -> None:
        """Learn one score."""
        capped = min(score, HIGHEST_LEARNED_SCORE)
        below = self.primary.mean() - capped
        if below > 0:
            self.below_mean.update(below)
        self.primary.update(capped)
        self.secondary.update(score - self.previous_score)
        if self.shingle_size > 1:
            self.previous_score = score
        self.count += 1

    def ready(self) -> bool:
        """Whether the deviations mean something yet."""
        enough = self.count >= MINIMUM_SCORES
        return enough and (self.score_differencing == 0 or self.secondary.count >= MINIMUM_SCORES)

    def maturity(self) -> float:
        """phi: 0 up to 10 scores, then rising, 1 from 20 scores."""
        return min(1.0, max(0.0, (self.count - MINIMUM_SCORES) / MINIMUM_SCORES))

    def sigma(self) -> float:
        """How far above the mean the threshold lies."""
        primary, secondary = self.primary.deviation(), self.secondary.deviation()
        below = math.sqrt(2) * self.below_mean.deviation()
        if self.shingle_size == 1:
            long_term = min(below, primary)
        else:
            share = self.score_differencing
            long_term = share * min(primary, max(secondary, below)) + (1 - share) * secondary
        return (max(MINIMUM_Z_FACTOR, self.z_factor) - 1) * long_term + primary

    def floor(self) -> float:
        """a': the threshold is never below it."""
        mean = self.primary.mean()
        if self.maturity() == 1 and mean < ADJUSTMENT_THRESHOLD:
            return self.lower_threshold * mean / ADJUSTMENT_THRESHOLD
        return self.lower_threshold

    def threshold(self) -> float:
        """The score from which on the next score would be high."""
        if not self.ready():
            return max(self.initial_threshold, self.floor())
        high, maturity = self.primary.mean() + self.sigma(), self.maturity()
        return max(self.floor(), maturity * high + (1 - maturity) * self.initial_threshold)

    def judge(self, score: float) -> Judgement:
        """The threshold and the grade of `score`; changes nothing.

        Section 10 guards the reported threshold against round-off; this guards the grade too. Where all
        scores are equal the deviation is 0, the threshold is the score: a last bit would choose the grade.
        """
        threshold = self.threshold()
        if score < threshold * (1 + ROUND_OFF):
            return Judgement(max(threshold, score), 0.0)
        grade = min(1.0, math.floor(20 * self.excess(score, threshold)) / 16)
        return Judgement(threshold if grade > 0 else score, grade)

    def excess(self, score: float, threshold: float) -> float:
        """u: how far `score` is above the threshold, from 0 to 1."""
        if not self.ready():
            return min(1.0, max(0.0, (score - self.lower_threshold) / self.lower_threshold))
        sigma = self.sigma()
        return 1.0 if sigma == 0 else min(1.0, (score - threshold) / sigma)


def confidence(time_decay: float, values_seen: int, output_after: int) -> float:
    """The share of the decayed weight seen after the warm-up (11.1), from 0 to 1."""
    elapsed = time_decay * values_seen
    if elapsed == 0:
        return 0.0
    if elapsed >= 20:
        return 1.0
    warm_up = math.exp(time_decay * min(values_seen, output_after))
    return max(0.0, (math.exp(elapsed) - warm_up) / (math.exp(elapsed) - 1))
