"""The metrics of one process: typed methods that a loop may call once per batch, and their text."""

from __future__ import annotations

import platform
import time
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from typing import Literal

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from stream_rcf.observe import metric_declarations as declared
from stream_rcf.observe.declaration import MetricDeclaration
from stream_rcf.observe.health import Answer, Health
from stream_rcf.observe.replay_log import ReplayLog

RebalanceKind = Literal["assigned", "revoked", "lost"]
REBALANCE_KINDS: tuple[RebalanceKind, ...] = ("assigned", "revoked", "lost")
PARTITION_STATES = ("assigned", "loading", "replaying", "live", "parked", "lost")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Otherwise every counter and histogram brings a second, undeclared gauge with its time of birth.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # the library gives it no types


class Metrics:
    """All metrics of ``metric_declarations`` on a registry of their own, and the health that goes with them.

    Methods may be called from any thread, cost a few microseconds and are meant once per batch, not per
    event. ``fingerprint`` is that of the settings; ``clock`` gives epoch seconds.
    """

    def __init__(
        self,
        version: str,
        fingerprint: str,
        health: Health | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.registry = CollectorRegistry()
        self.health = Health() if health is None else health
        self._clock = clock
        self._replays = ReplayLog()
        self._events = self._counter(declared.EVENTS)
        self._scores = self._counter(declared.SCORES)
        self._alerts = self._counter(declared.ALERTS)
        self._held_alerts = self._counter(declared.HELD_ALERTS)
        self._dead_letters = self._counter(declared.DEAD_LETTERS)
        self._passed_over = self._counter(declared.PASSED_OVER)
        self._lag = self._gauge(declared.LAG)
        self._batch_seconds = self._histogram(declared.BATCH_SECONDS)
        self._commit_seconds = self._histogram(declared.COMMIT_SECONDS)
        self._event_to_score_seconds = self._histogram(declared.EVENT_TO_SCORE_SECONDS)
        self._keys = self._gauge(declared.KEYS)
        self._key_memory_bytes = self._gauge(declared.KEY_MEMORY_BYTES)
        self._checkpoint_age_seconds = self._gauge(declared.CHECKPOINT_AGE_SECONDS)
        self._checkpoint_bytes = self._gauge(declared.CHECKPOINT_BYTES)
        self._checkpoint_seconds = self._histogram(declared.CHECKPOINT_DURATION_SECONDS)
        self._keys_away = self._gauge(declared.KEYS_AWAY)
        self._key_evictions = self._counter(declared.KEY_EVICTIONS)
        self._key_returns = self._counter(declared.KEY_RETURNS)
        self._totals: dict[Counter, int] = {}  # of what is counted elsewhere, as last seen
        self._spill_bytes = self._gauge(declared.SPILL_BYTES)
        self._checkpoint_failures = self._counter(declared.CHECKPOINT_FAILURES)
        self._replay_remaining = self._gauge(declared.REPLAY_REMAINING)
        self._rebalances = self._counter(declared.REBALANCES)
        self._partitions = self._gauge(declared.PARTITIONS)
        self._backfilled_keys = self._counter(declared.BACKFILLED_KEYS)
        self._learned_before = self._counter(declared.LEARNED_BEFORE)
        self._feedback_messages = self._counter(declared.FEEDBACK_MESSAGES)
        self._feedback_dropped = self._counter(declared.FEEDBACK_DROPPED)
        self._feedback_keys = self._gauge(declared.FEEDBACK_KEYS)
        self._maintenances = self._gauge(declared.MAINTENANCES)
        self._gauge(declared.BUILD_INFO).labels(version, platform.python_version(), fingerprint).set(1)
        for kind in REBALANCE_KINDS:
            self._rebalances.labels(kind)  # present from the start, so that a first one is an increase
        self.partitions({})
        ProcessCollector(registry=self.registry)

    def loop_ticked(self) -> None:
        """Note that the loop turned, for ``/live``."""
        self.health.ticked()

    def held_alerts(self, count: int) -> None:
        """Count alerts that a digest tells of, and no record of their own."""
        self._held_alerts.inc(count)

    def batch(self, events: int, scores: int, alerts: int, seconds: float) -> None:
        """Count one batch: events read, of them scored, alerts published; decoded, scored and published."""
        self._events.inc(events)
        self._scores.inc(scores)
        self._alerts.inc(alerts)
        self._batch_seconds.observe(seconds)

    def dead_letter(self, error: str, count: int = 1) -> None:
        """Count events on the dead letter topic; ``error`` is one of the decoder's few names."""
        self._dead_letters.labels(error).inc(count)

    def passed_over(self, reason: str) -> None:
        """Count an event that was neither scored nor learned; ``reason`` is one of the detector's few names."""
        self._passed_over.labels(reason).inc()

    def backfilled_keys(self, keys: int) -> None:
        """Count keys that took the model they begin with from a backfill."""
        self._backfilled_keys.inc(keys)

    def learned_before(self, events: int) -> None:
        """Count events that a backfill had learned already, which are passed over."""
        self._learned_before.inc(events)

    def feedback_message(self, kind: str) -> None:
        """Count a message that took effect; ``kind`` is one of the few of ``pipeline.notices``, or ``rejected``."""
        self._feedback_messages.labels(kind).inc()

    def feedback_dropped(self, count: int) -> None:
        """Count effects of feedback, or maintenances, that a partition let go of to stay within its bounds."""
        self._feedback_dropped.inc(count)

    def feedback_state(self, keys: int, maintenances: int) -> None:
        """Note how many keys have feedback, and how many maintenances are on by the clock."""
        self._feedback_keys.set(keys)
        self._maintenances.set(maintenances)

    def event_age(self, seconds: float) -> None:
        """Note how old the oldest event of a batch was when it was scored; the future counts as 0."""
        self._event_to_score_seconds.observe(max(0.0, seconds))

    def commit(self, seconds: float) -> None:
        """Note how long a commit of outputs and offsets took."""
        self._commit_seconds.observe(seconds)

    def lag(self, topic: str, partition: int, events: int) -> None:
        """Note how many events of a partition are not scored yet."""
        self._lag.labels(topic, str(partition)).set(events)

    def keys(self, keys: int, memory_bytes: int) -> None:
        """Note what the process holds now."""
        self._keys.set(keys)
        self._key_memory_bytes.set(memory_bytes)

    def keys_away(self, keys: int, evictions: int, returns: int, spilled_bytes: int) -> None:
        """Note keys that are not in memory, and since the start how many left it and came back; totals only grow."""
        self._keys_away.set(keys)
        for counter, total in ((self._key_evictions, evictions), (self._key_returns, returns)):
            counter.inc(total - self._totals.get(counter, 0))
            self._totals[counter] = total
        self._spill_bytes.set(spilled_bytes)

    def checkpoint_loaded(self, topic: str, partition: int, created_at: int) -> None:
        """Note the checkpoint a partition began with; ``created_at`` is epoch ms. Its age grows by itself."""
        self._checkpoint_created(topic, partition, created_at / 1000)

    def checkpoint_ended(
        self, topic: str, partition: int, written_bytes: int, seconds: float, saved: bool
    ) -> None:
        """Note that a checkpoint stands, or was given up, ``seconds`` after its cut."""
        if not saved:
            self._checkpoint_failures.inc()
            return
        self._checkpoint_seconds.observe(seconds)
        self._checkpoint_bytes.labels(topic, str(partition)).set(written_bytes)
        self._checkpoint_created(topic, partition, self._clock())

    def _checkpoint_created(self, topic: str, partition: int, created_seconds: float) -> None:
        age = self._checkpoint_age_seconds.labels(topic, str(partition))
        age.set_function(lambda: max(0.0, self._clock() - created_seconds))

    def replay_remaining(self, topic: str, partition: int, events: int) -> None:
        """Note how many events are still to be learned silently; 0 once the partition is live."""
        self._replays.remaining(topic, partition, events)
        self._replay_remaining.labels(topic, str(partition)).set(events)

    def rebalanced(self, kind: RebalanceKind) -> None:
        """Count one change of this process's partitions."""
        self._rebalances.labels(kind).inc()

    def partitions(self, states: Mapping[tuple[str, int], str]) -> None:
        """Note the state of every assigned partition, by topic and number, for ``/ready`` too.

        Raises ``ValueError`` for a state that is not one of ``PARTITION_STATES``.
        """
        counts = Tally(states.values())
        unknown = counts.keys() - set(PARTITION_STATES)
        if unknown:
            raise ValueError(f"unknown partition states: {sorted(unknown)}")
        for state in PARTITION_STATES:
            self._partitions.labels(state).set(counts[state])
        self.health.partitions(states)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Drop the values of a partition that left: they are another process's business from now on."""
        self._replays.forget(topic, partition)
        for gauge in (
            self._lag,
            self._checkpoint_age_seconds,
            self._checkpoint_bytes,
            self._replay_remaining,
        ):
            gauge.remove(topic, str(partition))

    def live(self) -> Answer:
        """Tell whether the loop turns."""
        return self.health.live()

    def ready(self) -> Answer:
        """Tell whether the group was joined and every assigned partition is live."""
        return self.health.ready()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format, of type ``CONTENT_TYPE``."""
        return prometheus_client.generate_latest(self.registry)

    def _counter(self, declaration: MetricDeclaration) -> Counter:
        return Counter(
            declaration.name, declaration.documentation, declaration.labels, registry=self.registry
        )

    def _gauge(self, declaration: MetricDeclaration) -> Gauge:
        return Gauge(declaration.name, declaration.documentation, declaration.labels, registry=self.registry)

    def _histogram(self, declaration: MetricDeclaration) -> Histogram:
        return Histogram(
            declaration.name,
            declaration.documentation,
            declaration.labels,
            buckets=declaration.buckets,
            registry=self.registry,
        )
