"""One batch of many keys on one thread and on two: kernels release Python's lock, each thread has its share of keys."""

from __future__ import annotations

import os

from load_tests.figures import Figure, paired_ratio
from load_tests.forest.comparison import Comparison, Plan, rounds_of
from load_tests.forest.growth import KEY_AGE
from load_tests.forest.series import Series
from load_tests.forest.shapes import STANDARD
from load_tests.forest.start import start_ours

THREADS = 2


def compare_threads(keys: int, plan: Plan) -> Comparison | None:
    """Two threads (``ours``) and one (``peer``) by turns on the same models; ``None`` on a machine of one core.

    By the wall clock: a thread that waits for the other is not on its core.
    """
    cores = sorted(os.sched_getaffinity(0))[-THREADS:]
    if len(cores) < THREADS:
        return None
    series = Series(STANDARD.features, keys)
    two, one = [], []
    with start_ours(STANDARD, cores, keys) as ours:
        ours.learn(series.take(KEY_AGE))
        slowest = ours.turn(series.take(2), 1).rate
        rounds = rounds_of(slowest, plan.seconds, keys)
        for _ in range(plan.repetitions):
            records = series.take(rounds)
            two.append(ours.turn(records, THREADS))
            one.append(ours.turn(records, 1))
    # By what was wanted: between the kernels one thread works and the other has nothing to do.
    least = min(turn.share_had for turn in (*one, *two))
    twice = Figure("two threads", tuple(turn.rate for turn in two))
    once = Figure("one thread", tuple(turn.rate for turn in one))
    return Comparison(twice, once, paired_ratio(twice, once), least)
