"""The slow twin of baseline and likelihood: lists, dictionaries and float64, written from docs/architecture.md."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise

import numpy as np

from tests.oracle.random_stream import tree_word, uniform_of

SCALES = (1, 4, 16, 64)
STEP = 2.0**-24  # of a priority
BINS = 80
RARE, EPISODE, NEWS, STALE = 0.01, 50, 50, 0.01
MEMORY = 20_000.0
BELIEF, KEPT = (1000.0, 200.0), 10.0  # of a single number's scores, of the forest's; what never fades of it
FOREST_SIGNALS = 9.0


def expected_score(sample: list[float], x: float) -> float:
    """The mean score of `x` over all random cut trees of the sample, as `core/marginal.py` derives it."""
    if not sample:
        return 0.0
    ordered = sorted(sample)
    below, above = ordered[: bisect_left(ordered, x)], ordered[bisect_right(ordered, x) :]
    cuts = sum((b - a) / (x - a) for a, b in pairwise(below))
    cuts += sum((b - a) / (b - x) for a, b in pairwise(above))
    certain = bool(below) + bool(above)
    height = math.log2(len(sample) + 1)
    equal = len(ordered) - len(below) - len(above)
    if equal:
        depth = certain + cuts + math.log2(equal + 1)
        return (1 - equal / (2 * len(sample))) * (1 + cuts / depth**2) / depth * height
    # The mean of 1 / (certain + N), N Poisson of mean `cuts`, summed term by term.
    mean, term = 0.0, math.exp(-cuts)
    for n in range(int(cuts + 20 * math.sqrt(cuts + 1)) + 20):
        mean += term / (certain + n)
        term *= cuts / (n + 1)
    return mean * height


def place_of(score: float) -> tuple[int, float]:
    """(bin, how far into it) of a score."""
    octave = max(0, math.floor(math.log2(max(score, 0.5) / 0.5)))
    into_octave = 16 * (max(score, 0.5) / (0.5 * 2.0**octave) - 1)
    place, into = 16 * octave + int(into_octave), into_octave - int(into_octave)
    return (BINS - 1, 1.0) if place >= BINS else (place, into)


class NaiveTail:
    """How often each score was seen, with a belief to begin with."""

    def __init__(self, fall: float, certain: float, belief: float) -> None:
        self.fall, self.certain, self.belief = fall, certain, belief
        self.counts = [0.0] * BINS
        self.weight = 0.0
        self.episode = 0
        self.highest = 0

    def believed(self, place: int) -> float:
        """The probability of a score above the lower edge of a bin, as believed at first."""
        edge = 0.5 * 2.0 ** (place // 16) * (1 + place % 16 / 16)
        return min(1.0, max(1e-290, math.exp((self.certain - edge) / self.fall)))

    def process(self, score: float) -> float:
        """The probability of a score at least so high; then learn it."""
        place, into = place_of(float(np.float32(score)))
        counts = list(self.counts)
        if self.episode > 0:  # which says nothing of how often such come
            counts[self.highest] -= 1
        counts = [max(0.0, count) for count in counts]
        rarity = self.rarity(counts, place, into)
        self.learn(place, rarity)
        return rarity

    def rarity(self, counts: list[float], place: int, into: float) -> float:
        """The probability of a score so far into a bin, by the counts and the belief."""
        return math.prod(self.share_beyond(counts, lower) for lower in range(place)) * (
            self.share_beyond(counts, place) ** into
        )

    def fade(self) -> None:
        """Let one event pass."""
        fade = 1 / (1 + 1 / MEMORY)
        self.counts = [count * fade for count in self.counts]
        self.weight = self.weight * fade + 1

    def share_beyond(self, counts: list[float], place: int) -> float:
        """Of the scores that reach a bin the share that goes beyond it; all reach the first."""
        beyond = sum(counts[place + 1 :])
        reached = max(self.weight, beyond) if place == 0 else sum(counts[place:])
        start = 1.0 if place == 0 else self.believed(place)
        after = self.believed(place + 1)
        faded = self.belief * start * max(0.0, 1 - self.weight / MEMORY)
        strength = max(faded, min(self.belief * start, KEPT))
        return (beyond + strength * after / start) / (reached + strength)

    def learn(self, place: int, rarity: float) -> None:
        """Count the score: of an episode only the highest."""
        self.fade()
        continues = self.episode > 0 and rarity < RARE
        if rarity < RARE:
            self.episode = EPISODE
        elif self.episode > 0:
            self.episode -= 1
        if continues and place <= self.highest:
            return
        if continues:
            # What was counted of the episode has faded since; so much is taken away as an event weighs now.
            self.counts[self.highest] = max(0.0, self.counts[self.highest] - 1)
        if rarity < RARE:
            self.highest = place
        self.counts[place] += 1


class NaiveLikelihood:
    """One key's baseline and likelihood; `process` takes each record with the score that the forest gave it."""

    def __init__(
        self,
        dimensions: int,
        shingle_size: int,
        trees: int,
        sample_size: int,
        decay: float,
        seed: int,
        key: str,
    ) -> None:
        self.trees, self.sample_size, self.decay, self.seed, self.key = trees, sample_size, decay, seed, key
        self.output_after = max(1, sample_size // 4)
        self.events = 0
        self.levels = [0.0] * (len(SCALES) * dimensions)
        self.usual_size = 4 * sample_size
        self.sample: list[tuple[int, list[float]]] = []  # priority, values of the channels; by slot
        fall = 0.48 * (dimensions * shingle_size) ** -0.3
        self.tails = [NaiveTail(0.48, -0.13, BELIEF[0]) for _ in self.levels]
        self.event_tail = NaiveTail(0.5, 0.0, BELIEF[0])
        self.forest_tail = NaiveTail(fall, 1.0 - math.log(10.0) * fall, BELIEF[1])
        self.dimensions = dimensions
        self.recent: list[list[tuple[object, float]]] = [[]]  # blocks of (kind, rarity)
        self.passed = 0

    def process(self, record: list[float], score: float) -> float:
        """The likelihood of an anomaly, 0 to 1."""
        self.events += 1
        for feature, value in enumerate(record):
            for number, scale in enumerate(SCALES):
                channel = feature * len(SCALES) + number
                rate = max(1 / scale, 1 / self.events)
                seen = float(np.float32(value))
                level = self.levels[channel]
                self.levels[channel] = seen if rate == 1 else level + rate * (seen - level)
        present = [
            float(np.float32(min(3.4028234663852886e38, max(-3.4028234663852886e38, x)))) for x in self.levels
        ]
        signals: list[tuple[object, float]] = []  # the kind of each, and how rare it is
        for feature in range(self.dimensions):
            rarest, rises = 1.0, False
            for channel in range(len(SCALES) * feature, len(SCALES) * (feature + 1)):
                if self.events <= self.output_after:
                    break
                values, x = [values[channel] for _, values in self.sample], present[channel]
                rarity = 3 * self.dimensions**1.2 * self.tails[channel].process(expected_score(values, x))
                if rarity < rarest:
                    rarest = rarity
                    at_most = sum(value <= x for value in values)
                    rises = sum(value < x for value in values) + at_most > len(values)
            signals.append(((feature, rises), rarest))
        forest = min(1.0, FOREST_SIGNALS * self.forest_tail.process(score)) if score > 0 else 1.0
        signals.append(("forest", forest))
        self.learn(present)
        rarest = self.news(signals)
        return 1 - (max(rarest, self.own(rarest)) if self.events > self.output_after else rarest)

    def own(self, rarest: float) -> float:
        """Half the share of the key's events that were so unlikely; learns this one."""
        place, into = place_of(float(np.float32(-0.5 * math.log(max(1e-300, rarest)))))
        tail = self.event_tail
        share = tail.rarity(tail.counts, place, into)
        tail.fade()
        tail.counts[place] += 1
        return 0.5 * share

    def news(self, signals: list[tuple[object, float]]) -> float:
        """The rarest, each at least STALE if it is no rarer than the rarest of its kind shortly before; the forest's
        has to be rarer than all."""
        before = [entry for block in self.recent[-2:] for entry in block]
        found = []
        for kind, rarity in signals:
            peers = [r for other, r in before if kind in ("forest", other)]
            is_news = rarity < min(peers, default=2.0)
            found.append(rarity if is_news else max(rarity, STALE))
        self.recent[-1] += signals
        self.passed += 1
        if self.passed % NEWS == 0:
            self.recent.append([])
        return min(found)

    def learn(self, present: list[float]) -> None:
        """Offer the event to the reservoir."""
        sequence = self.events - 1
        uniform = uniform_of(tree_word(self.seed, self.key, sequence, self.trees, 0))
        drawn = math.floor(math.log(-math.log(uniform)) / STEP + 0.5)
        priority = drawn - math.floor(self.decay / STEP * sequence)
        if len(self.sample) < self.usual_size:
            self.sample.append((priority, present))
            return
        slot = max(range(self.usual_size), key=lambda i: (self.sample[i][0], -i))
        if priority < self.sample[slot][0]:
            self.sample[slot] = (priority, present)
