"""Made-up events at a steady rate: a thread of the demo, or a program of its own against any broker.

``python -m stream_rcf.demo.generator --bootstrap host:port [--topic events] [--keys M] [--rate R] [--seconds N]``
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson

from stream_rcf.demo.arguments import require_range
from stream_rcf.demo.bad_events import EVENTS_PER_BAD_ONE, bad_event
from stream_rcf.demo.host_metrics import HostMetrics
from stream_rcf.errors import StreamRcfError, UsageError
from stream_rcf.kafka.simple_clients import EventProducer
from stream_rcf.service.signals import StopFlag

TICK_SECONDS = 0.02  # between bursts: at 400 events/s eight at a time
LONGEST_BURST_SECONDS = 0.5  # of events made up for after a pause; the rest of a pause is forgotten
FLUSH_SECONDS = 30.0
MOST_KEYS = 100_000
MOST_RATE = 1_000_000.0  # events/s, far above what this program reaches
MOST_SECONDS = 30 * 24 * 3600.0


class EventGenerator:
    """Writes the readings of ``metrics`` to ``topic`` at ``rate`` events/s, a few of them broken on top.

    ``features`` names the values of a reading. The broken ones are copies of the reading before, so that no model
    misses any. ``has_room`` false makes it wait.
    """

    def __init__(
        self,
        producer: EventProducer,
        topic: str,
        metrics: HostMetrics,
        features: Sequence[str],
        rate: float,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._readings = iter(metrics)
        self._features = tuple(features)
        self._rate = rate
        self._has_room = has_room
        self._last: tuple[bytes, dict[str, object]] = (b"", {})

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Write until told to stop, then wait until all is stored. Raises ``StreamRcfError`` when writing fails."""
        last = time.monotonic()
        due = 0.0
        while not should_stop():
            now = time.monotonic()
            if self._has_room():
                due = min(due + self._rate * (now - last), max(1.0, self._rate * LONGEST_BURST_SECONDS))
                while due >= 1.0:
                    self._write_next()
                    due -= 1.0
            last = now
            self._producer.poll()
            time.sleep(TICK_SECONDS)
        self._producer.flush(FLUSH_SECONDS)

    def _write_next(self) -> None:
        number = self._producer.produced
        if number % EVENTS_PER_BAD_ONE == EVENTS_PER_BAD_ONE - 1:
            self._producer.produce(self._topic, *bad_event(number // EVENTS_PER_BAD_ONE, *self._last))
            return
        reading = next(self._readings)
        self._last = (reading.key.encode("utf-8"), self._fields(reading.timestamp, reading.values))
        self._producer.produce(self._topic, self._last[0], orjson.dumps(self._last[1]))

    def _fields(self, timestamp: int, values: tuple[float, ...]) -> dict[str, object]:
        moment = datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")
        return {"timestamp": moment.replace("+00:00", "Z"), **dict(zip(self._features, values, strict=True))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run against a broker until interrupted, or for some seconds; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m stream_rcf.demo.generator",
        description="Write made-up host metrics, anomalies and a few broken events among them, to a topic.",
    )
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT", help="a broker of the cluster")
    parser.add_argument("--topic", default="events", help="the topic to write to")
    parser.add_argument("--keys", type=int, default=20, metavar="M", help="hosts to make up")
    parser.add_argument("--rate", type=float, default=400.0, metavar="R", help="events per second")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after this; until Ctrl-C by default")
    parser.add_argument("--features", default="value", metavar="A,B", help="names of the numbers in an event")
    given = parser.parse_args(arguments)
    try:
        require_range("--keys", given.keys, 1, MOST_KEYS)
        require_range("--rate", given.rate, 0.1, MOST_RATE)
        if given.seconds is not None:
            require_range("--seconds", given.seconds, 0.1, MOST_SECONDS)
        if not all(given.features.split(",")):
            raise UsageError(f"--features takes names separated by commas, not {given.features!r}")
        return _run(given)
    except StreamRcfError as error:
        print(f"generator: {error}", file=sys.stderr)
        return error.exit_code


def _run(given: argparse.Namespace) -> int:
    stop = StopFlag()
    stop.listen()
    producer = EventProducer(given.bootstrap)
    producer.require_topic(given.topic)
    features = given.features.split(",")
    # In real time: a key's readings are keys / rate seconds apart, whatever the pattern calls a day.
    step = max(1, round(1000 * given.keys / given.rate))
    metrics = HostMetrics(given.keys, len(features), start=time.time_ns() // 1_000_000, step=step)
    generator = EventGenerator(producer, given.topic, metrics, features, given.rate)
    print(
        f"generator: {given.rate:g} events/s over {given.keys} keys to {given.topic} on {given.bootstrap}",
        file=sys.stderr,
    )
    deadline = None if given.seconds is None else time.monotonic() + given.seconds
    generator.run(lambda: stop() or (deadline is not None and time.monotonic() >= deadline))
    print(
        f"generator: {producer.produced} events written, {len(metrics.planted)} anomalies planted",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
