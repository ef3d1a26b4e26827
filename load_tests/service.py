"""The service, its ceiling and its forest, in turn, on one real broker.

Each repetition begins with new topics that already hold all events, and measures the bare loop, the forest alone and
the service one after the other, so that a busy minute of the machine falls on all three.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from load_tests.breakdown import profile_service
from load_tests.end_to_end import bare_arrivals, prepared_topics, quix_arrivals, service_arrivals
from load_tests.figures import Figure
from load_tests.forest_alone import many_keys, one_key
from load_tests.machine import broker_facts
from load_tests.report import Results
from load_tests.workload import Message, Workload
from stream_rcf.core.warmup import warm_up
from tests.support.broker import KafkaBroker

NAMES = {
    "service_young": "service, end to end, exactly once, young",
    "service_mature": "service, end to end, exactly once, mature",
    "quix": "Quix Streams, one float a key, exactly once",
    "bare": "bare consume, parse, produce, commit",
    "forest_young": "forest alone (score_batch), young",
    "forest_mature": "forest alone (score_batch), mature",
    "forest_scattered": "forest alone (score_batch), the mature events again, every batch over all keys",
    "one_key": "forest alone (process_many), mature, one key",
}
SEED = 20261125
BROKER_PROPERTIES = {"log.segment.bytes": str(256 * 2**20)}  # large segments: the broker has less to roll


def measure_service(workload: Workload, repetitions: int) -> Results:
    """Run every repetition and one profiled run, on one broker."""
    warm_up()
    samples: dict[str, list[float]] = {name: [] for name in NAMES}
    with KafkaBroker(BROKER_PROPERTIES, is_for_speed=True) as broker:
        facts = broker_facts(broker.is_external)
        messages = workload.messages(SEED)
        for number in range(1, repetitions + 1):
            for name, rate in repetition(broker, workload, messages, f"load-{number}").items():
                samples[name].append(rate)
                _progress(f"repetition {number} of {repetitions}: {NAMES[name]}: {rate:,.0f} events/s")
        with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
            topics = prepared_topics(broker, "load-profile", messages)
            breakdown = profile_service(topics, workload, Path(folder))
    figures = {name: Figure(NAMES[name], tuple(samples[name])) for name in NAMES}
    return Results(machine=facts, workload=workload, breakdown=breakdown, **figures)


def repetition(
    broker: KafkaBroker, workload: Workload, messages: list[Message], word: str
) -> dict[str, float]:
    """Every rate once, in events/s, by its short name."""
    topics = prepared_topics(broker, word, messages, messages[: workload.peers_total], workload.bare_rounds)
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        bare = bare_arrivals(topics, workload, word)
        quix = quix_arrivals(topics, workload, word, Path(folder))
        forest = many_keys(messages, workload.mature)
        service = service_arrivals(topics, workload, Path(folder))
    return {
        "service_young": service.rate(*workload.young_range),
        "service_mature": service.rate(*workload.mature_range),
        "quix": quix.rate(workload.skipped, workload.peers_total),
        "bare": bare.rate(workload.skipped, bare.counts[-1]),
        "forest_young": forest.backlog.rate(*workload.young_range),
        "forest_mature": forest.backlog.rate(*workload.mature_range),
        "forest_scattered": forest.scattered,
        "one_key": one_key(*workload.mature_ages),
    }


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
