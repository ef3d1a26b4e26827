"""The demo from start to end: broker, service, generator and reader, and the count at the end."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stream_rcf.core.kernel_cache import are_kernels_compiled
from stream_rcf.core.warmup import warm_up
from stream_rcf.demo.background import Background
from stream_rcf.demo.display import NOTICE, Display, Snapshot
from stream_rcf.demo.generator import EventGenerator
from stream_rcf.demo.host_metrics import QUIET_READINGS, STEP_MS, HostMetrics
from stream_rcf.demo.outputs import Outputs
from stream_rcf.kafka.embedded_broker import PARTITIONS, EmbeddedBroker
from stream_rcf.kafka.simple_clients import EventProducer, TopicReader
from stream_rcf.observe.logs import configure_logging
from stream_rcf.service.run import run_service
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.sources import DEFAULT_ORIGIN

FEATURES = ("cpu", "latency")
TOPICS = ("events", "scores", "alerts", "dead-letters")
TOPIC_SETTINGS = ("kafka.input_topic", "kafka.scores_topic", "kafka.alerts_topic", "kafka.dead_letter_topic")
START_OF_EVENTS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, epoch ms; event time runs faster than ours
MOST_UNSETTLED = (
    5_000  # events; the embedded broker keeps 5 MB of a partition, and a reader must not fall behind
)
READ_SECONDS = 0.1
READ_MOST = 2_000  # records
DRAIN_SECONDS = 60.0  # for the last events to be scored once the generator has stopped
STOP_SECONDS = 60.0  # for the service to leave in order
ABANDON_SECONDS = 5.0  # the same when the demo has failed
RATE_SECONDS = 2.0  # over which the shown events/s are averaged
LOG_LINES = 20  # of the service's log, shown when it fails


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a user can choose. ``seconds`` None: until ``should_stop``; ``rate`` is in events/s."""

    seconds: float | None = None
    keys: int = 20
    rate: float = 400.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Counted from the topics at the end."""

    events_produced: int
    events_scored: int
    alerts: int
    dead_letters: int
    keys: int

    @property
    def is_complete(self) -> bool:
        """Whether every event has an outcome."""
        return self.events_scored + self.dead_letters == self.events_produced


class Demo:
    """One run: ``run`` returns when it was told to stop or its seconds are over."""

    def __init__(self, options: DemoOptions, should_stop: Callable[[], bool], display: Display) -> None:
        self._options = options
        self._should_stop = should_stop
        self._display = display
        self._outputs = Outputs(TOPICS[1], TOPICS[2])
        self._metrics = HostMetrics(options.keys, len(FEATURES), START_OF_EVENTS, seed=options.seed)
        self._began = time.monotonic()
        self._next_drawing = 0.0
        self._pace: list[tuple[float, int]] = []  # (time, events with an outcome) of the last seconds

    def run(self) -> DemoReport:
        """Run the whole product. Raises ``StreamRcfError`` when a part of it fails."""
        if not are_kernels_compiled():
            self._display.say("Compiling the kernels, once: about a minute.")
        warm_up()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stream-rcf-demo-")))
            log = stack.enter_context((folder / "service.log").open("w+", encoding="utf-8"))
            configure_logging("info", "text", log)
            stack.callback(configure_logging, "warning", "text")  # nothing may write to the closed file
            broker = stack.enter_context(EmbeddedBroker(TOPICS))
            settings = demo_settings(broker.bootstrap, folder / "checkpoints")
            try:
                return self._run_on(broker.bootstrap, settings)
            except Exception:
                log.flush()
                tail = (folder / "service.log").read_text(encoding="utf-8").splitlines()[-LOG_LINES:]
                self._display.say("\n".join(["The demo failed. The service's last words:", *tail]))
                raise

    def _run_on(self, bootstrap: str, settings: Settings) -> DemoReport:
        hours = self._options.rate / self._options.keys * STEP_MS / 3_600_000
        self._display.say(
            f"Embedded broker on {bootstrap}. {NOTICE}\n"
            f"{self._options.keys} hosts, {self._options.rate:g} events/s: a second is about "
            f"{hours:.3g} hours of their time."
        )
        with ExitStack() as stack:
            reader = TopicReader(bootstrap, TOPICS[1:])
            stack.callback(reader.close)
            service = Background("service", lambda should_stop: run_service(settings, should_stop))
            stack.callback(service.abandon, ABANDON_SECONDS)
            producer = EventProducer(bootstrap)
            generator = EventGenerator(
                producer,
                TOPICS[0],
                self._metrics,
                FEATURES,
                self._options.rate,
                has_room=lambda: producer.produced - self._outputs.settled < MOST_UNSETTLED,
            )
            writing = Background("generator", generator.run)
            stack.callback(writing.abandon, ABANDON_SECONDS)
            self._began = time.monotonic()
            self._follow(reader, producer, [service, writing], self._is_over, "running")
            writing.stop(STOP_SECONDS)
            deadline = time.monotonic() + DRAIN_SECONDS
            self._follow(
                reader,
                producer,
                [service],
                lambda: self._outputs.settled >= producer.produced or time.monotonic() > deadline,
                "scoring what is left",
            )
            service.stop(STOP_SECONDS)
            for record in reader.wait_for_ends(DRAIN_SECONDS):
                self._outputs.add(record)
            self._draw(producer, "done")
            return DemoReport(
                reader.stored(TOPICS[0], PARTITIONS),
                self._outputs.scores,
                self._outputs.alerts,
                self._outputs.dead_letters,
                self._outputs.keys,
            )

    def _is_over(self) -> bool:
        seconds = self._options.seconds
        return self._should_stop() or (seconds is not None and time.monotonic() - self._began >= seconds)

    def _follow(
        self,
        reader: TopicReader,
        producer: EventProducer,
        parts: list[Background],
        is_over: Callable[[], bool],
        phase: str,
    ) -> None:
        """Read and draw until ``is_over``, or until one of the parts fails."""
        while not is_over():
            for part in parts:
                part.check()
            for record in reader.read(READ_MOST, READ_SECONDS):
                self._outputs.add(record)
            if time.monotonic() >= self._next_drawing:
                self._draw(producer, phase)

    def _draw(self, producer: EventProducer, phase: str) -> None:
        now = time.monotonic()
        self._next_drawing = now + self._display.interval
        outputs = self._outputs
        self._pace = [entry for entry in self._pace if entry[0] > now - RATE_SECONDS]
        self._pace.append((now, outputs.settled))
        (earlier, before), (later, after) = self._pace[0], self._pace[-1]
        pace = (after - before) / (later - earlier) if later > earlier else 0.0
        self._display.show(
            Snapshot(
                phase,
                now - self._began,
                producer.produced,
                pace,
                max(0, producer.produced - outputs.settled),
                outputs.keys,
                outputs.ready_keys,
                outputs.scores,
                outputs.alerts,
                outputs.dead_letters,
                outputs.incidents,
            ),
            outputs.incidents_so_far,
        )

    def planted_summary(self, slack: int) -> str:
        """How the alerts of a finished run compare with what was planted, in a sentence.

        An alert up to ``slack`` readings after an anomaly counts as its own: shingles still hold it.
        """
        planted = list(self._metrics.planted)
        if not planted:
            return f"No anomaly was planted yet: the first {QUIET_READINGS} readings of a host are quiet."
        found = set()
        rightly = 0
        for key, timestamp in self._outputs.alert_positions:
            reading = self._metrics.reading_at(timestamp)
            hits = [anomaly for anomaly in planted if anomaly.key == key and anomaly.covers(reading, slack)]
            found.update(hits)
            rightly += bool(hits)
        return (
            f"Of {len(planted)} planted anomalies {len(found)} raised an alert; of {self._outputs.alerts} alerts "
            f"{rightly} belong to a planted one."
        )


def demo_settings(bootstrap: str, checkpoints: Path) -> Settings:
    """The user's settings, with what the demo decides itself: where everything is, and what an event looks like."""
    overrides = {
        "kafka.bootstrap_servers": bootstrap,
        "kafka.group_id": "stream-rcf-demo",
        "kafka.group_protocol": "consumer",  # the embedded broker lets such a group start at once, a classic one in 3 s
        "kafka.delivery": "exactly_once",
        "kafka.transactional_id": "",
        "kafka.properties": '{"log_level": "0"}',
        "kafka.start_from": "earliest",
        **dict(zip(TOPIC_SETTINGS, TOPICS, strict=True)),
        "events.key": "",
        "events.timestamp": "timestamp",
        "events.features": f'["{FEATURES[0]}", "{FEATURES[1]}"]',
        "checkpoint.url": checkpoints.absolute().as_uri(),
        "output.format": "native",  # which the display reads
        "checkpoint.interval_seconds": "5",
        "workers": "1",
    }
    loaded = load_with_origins(None, overrides, os.environ)
    if loaded.origins["http.port"] == DEFAULT_ORIGIN:
        overrides["http.port"] = "0"  # a second demo, or a real service, may run beside this one
    return load_with_origins(None, overrides, os.environ).settings


def run_demo(options: DemoOptions, should_stop: Callable[[], bool]) -> DemoReport:
    """Run the demo with its display on standard error, and return the counts."""
    display = Display(sys.stderr)
    demo = Demo(options, should_stop, display)
    try:
        report = demo.run()
    finally:
        display.close()
    display.say(demo.planted_summary(slack=8))
    return report
