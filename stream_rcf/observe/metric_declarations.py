"""Every metric of the service, declared once: name, type, unit, labels, and a hint what a bad value means.

``metrics.py`` makes them, ``/metrics`` shows them, documentation and dashboards can be checked against them.
Names carry their unit; counters end in ``_total``. No label has unbounded values: keys are never labels.
"""

from __future__ import annotations

from stream_rcf.observe.declaration import MetricDeclaration

# Seconds. Batches and commits take milliseconds, and matter up to the transaction's time-out of 60 s.
FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# Seconds from an event's birth to its score: fractions live, minutes when catching up, hours after an outage.
DELAY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
# Seconds. A checkpoint is written beside the stream, from a moment to minutes for very many keys.
CHECKPOINT_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

PARTITION_LABELS = ("topic", "partition")


EVENTS = MetricDeclaration(
    "stream_rcf_events_total",
    "counter",
    "events",
    "Events read from the input topic, bad ones and replayed ones included.",
    "Flat while lag grows: this process hangs.",
)
SCORES = MetricDeclaration(
    "stream_rcf_scores_total",
    "counter",
    "events",
    "Score records published.",
    "Far below events outside a replay: most of the input is bad, see dead letters.",
)
ALERTS = MetricDeclaration(
    "stream_rcf_alerts_total",
    "counter",
    "events",
    "Alert records published.",
    "More than a few in a thousand scores: the input changed its nature, or the detector is set too sharp.",
)
HELD_ALERTS = MetricDeclaration(
    "stream_rcf_held_alerts_total",
    "counter",
    "events",
    "Alerts that were not published on their own, since output.digest_keys had many keys alert at once.",
    "Rising: a storm goes on, which the alerts topic tells once; many keys share a cause.",
)
DEAD_LETTERS = MetricDeclaration(
    "stream_rcf_dead_letters_total",
    "counter",
    "events",
    "Events that could not be read and went to the dead letter topic, by error.",
    "A jump: a producer changed its format, or the settings name other fields.",
    ("error",),
)
PASSED_OVER = MetricDeclaration(
    "stream_rcf_passed_over_events_total",
    "counter",
    "events",
    "Events that were neither scored nor learned, by reason: late_event, duplicate_event or missing_features.",
    "Growing: the source sends late or twice; see events.allowed_lateness_seconds, events.id and events.missing.",
    ("reason",),
)
LAG = MetricDeclaration(
    "stream_rcf_lag_events",
    "gauge",
    "events",
    "Events in the partition that are not scored yet.",
    "Growing for minutes: more copies or workers are needed.",
    PARTITION_LABELS,
)
BATCH_SECONDS = MetricDeclaration(
    "stream_rcf_batch_duration_seconds",
    "histogram",
    "seconds",
    "Time to decode, score and publish one batch.",
    "Near the transaction time-out: batches must be smaller.",
    buckets=FAST_SECONDS,
)
COMMIT_SECONDS = MetricDeclaration(
    "stream_rcf_commit_duration_seconds",
    "histogram",
    "seconds",
    "Time to commit outputs and offsets together.",
    "Usually 10 to 30 ms; above 100 ms the broker is slow or unreachable at times.",
    buckets=FAST_SECONDS,
)
EVENT_TO_SCORE_SECONDS = MetricDeclaration(
    "stream_rcf_event_to_score_seconds",
    "histogram",
    "seconds",
    "Age of the oldest event of each batch, by its own timestamp, when it was scored; replay left out.",
    "Large without lag: producers' clocks are wrong, or their events are old when they come.",
    buckets=DELAY_SECONDS,
)
KEYS = MetricDeclaration(
    "stream_rcf_keys_in_memory",
    "gauge",
    "keys",
    "Keys whose forest this process holds.",
    "Growing without end: the key has a part that never repeats, such as a request id.",
)
KEY_MEMORY_BYTES = MetricDeclaration(
    "stream_rcf_key_memory_bytes",
    "gauge",
    "bytes",
    "Memory of all forests this process holds.",
    "Near keys.memory_limit_mb: more copies, smaller forests or fewer keys are needed.",
)
KEYS_AWAY = MetricDeclaration(
    "stream_rcf_keys_away",
    "gauge",
    "keys",
    "Keys that are not in memory: in the spill, or not fetched from their checkpoint yet.",
    "High with many returns: keys.memory_limit_mb is too small for the keys in use.",
)
KEY_EVICTIONS = MetricDeclaration(
    "stream_rcf_key_evictions_total",
    "counter",
    "keys",
    "Keys that left memory for the spill.",
    "As many as events: nearly every event brings its key back from disk.",
)
KEY_RETURNS = MetricDeclaration(
    "stream_rcf_key_returns_total",
    "counter",
    "keys",
    "Keys that came into memory from the spill or a checkpoint.",
    "As many as events, long after a start: see evictions.",
)
BACKFILLED_KEYS = MetricDeclaration(
    "stream_rcf_backfilled_keys_total",
    "counter",
    "keys",
    "Keys that took the model they begin with from checkpoint.backfill_url; again after going back to a checkpoint.",
    "0 with a backfill and events: the history calls its keys otherwise than the events do.",
)
LEARNED_BEFORE = MetricDeclaration(
    "stream_rcf_events_learned_before_total",
    "counter",
    "events",
    "Events that the backfill had learned already, by their key and time: neither scored nor learned again.",
    "Rising for long: the history has times in the future.",
)
SPILL_BYTES = MetricDeclaration(
    "stream_rcf_spill_bytes",
    "gauge",
    "bytes",
    "Size of the local file of keys that are not in memory.",
    "Near the size of its disk: keys will stay in memory beyond keys.memory_limit_mb.",
)
CHECKPOINT_AGE_SECONDS = MetricDeclaration(
    "stream_rcf_checkpoint_age_seconds",
    "gauge",
    "seconds",
    "Age of the partition's newest checkpoint.",
    "Many times checkpoint.interval_seconds: they cannot be written; a restart replays all since then.",
    PARTITION_LABELS,
)
CHECKPOINT_BYTES = MetricDeclaration(
    "stream_rcf_checkpoint_bytes",
    "gauge",
    "bytes",
    "Bytes written for the partition's newest checkpoint: all keys, or only those that had changed.",
    "Growing without end: see keys in memory.",
    PARTITION_LABELS,
)
CHECKPOINT_DURATION_SECONDS = MetricDeclaration(
    "stream_rcf_checkpoint_duration_seconds",
    "histogram",
    "seconds",
    "From the cut of a checkpoint to its being on the disk.",
    "Above checkpoint.interval_seconds: disk or processor is too slow for the keys that change.",
    buckets=CHECKPOINT_SECONDS,
)
CHECKPOINT_FAILURES = MetricDeclaration(
    "stream_rcf_checkpoint_failures_total",
    "counter",
    "checkpoints",
    "Checkpoints that could not be written; the stream goes on and the next interval tries again.",
    "Rising: the log says why, most often a full disk.",
)
REPLAY_REMAINING = MetricDeclaration(
    "stream_rcf_replay_remaining_events",
    "gauge",
    "events",
    "Events still to be learned silently before the partition is live; 0 when live.",
    "Not falling: the partition hangs in its replay.",
    PARTITION_LABELS,
)
REBALANCES = MetricDeclaration(
    "stream_rcf_rebalances_total",
    "counter",
    "rebalances",
    "Changes of this process's partitions, by kind: assigned, revoked, lost.",
    "Lost ones, or many in a quiet group: the process misses heartbeats or batches take too long.",
    ("kind",),
)
PARTITIONS = MetricDeclaration(
    "stream_rcf_partitions",
    "gauge",
    "partitions",
    "Partitions of this process, by state.",
    "Any but live for minutes: see replay progress and the log.",
    ("state",),
)
FEEDBACK_MESSAGES = MetricDeclaration(
    "stream_rcf_feedback_messages_total",
    "counter",
    "messages",
    "Feedback and control messages that took effect, once for each input topic, by kind; rejected are dead letters.",
    "Many not_an_anomaly: detector.alert_budget is too high, or a rule is missing.",
    ("kind",),
)
FEEDBACK_DROPPED = MetricDeclaration(
    "stream_rcf_feedback_dropped_total",
    "counter",
    "effects",
    "Effects of feedback, and maintenances, that a partition let go of to stay within its bounds, the oldest first.",
    "Rising: so much feedback is better said by rules.",
)
FEEDBACK_KEYS = MetricDeclaration(
    "stream_rcf_feedback_keys",
    "gauge",
    "keys",
    "Keys with feedback in effect.",
    "Near 10,000: the oldest feedback will be let go of.",
)
MAINTENANCES = MetricDeclaration(
    "stream_rcf_maintenance_active",
    "gauge",
    "maintenances",
    "Maintenances that are on now, by the clock.",
    "Above 0 when nobody is at work: one was announced for too long.",
)
BUILD_INFO = MetricDeclaration(
    "stream_rcf_build_info",
    "gauge",
    "info",
    "Always 1; the labels name what runs.",
    "Several fingerprints in one group: the copies have different settings.",
    ("version", "python", "fingerprint"),
)
WORKER_UP = MetricDeclaration(
    "stream_rcf_worker_up",
    "gauge",
    "workers",
    "Whether the worker answered just now, 1 or 0; its own metrics are missing when it did not.",
    "0 for more than a few seconds: it does not start, or hangs; the log says which.",
    ("worker",),
)
WORKER_RESTARTS = MetricDeclaration(
    "stream_rcf_worker_restarts_total",
    "counter",
    "restarts",
    "Starts of the worker after its first, rolling restarts included.",
    "Rising by itself: the worker dies again and again; the log says why.",
    ("worker",),
)

DECLARATIONS: tuple[MetricDeclaration, ...] = (
    EVENTS,
    SCORES,
    ALERTS,
    HELD_ALERTS,
    DEAD_LETTERS,
    PASSED_OVER,
    LAG,
    BATCH_SECONDS,
    COMMIT_SECONDS,
    EVENT_TO_SCORE_SECONDS,
    KEYS,
    KEY_MEMORY_BYTES,
    KEYS_AWAY,
    KEY_EVICTIONS,
    KEY_RETURNS,
    SPILL_BYTES,
    CHECKPOINT_AGE_SECONDS,
    CHECKPOINT_BYTES,
    CHECKPOINT_DURATION_SECONDS,
    CHECKPOINT_FAILURES,
    REPLAY_REMAINING,
    REBALANCES,
    PARTITIONS,
    BACKFILLED_KEYS,
    LEARNED_BEFORE,
    FEEDBACK_MESSAGES,
    FEEDBACK_DROPPED,
    FEEDBACK_KEYS,
    MAINTENANCES,
    BUILD_INFO,
)

# Shown beside those of every worker by the process that supervises them.
SUPERVISOR_DECLARATIONS: tuple[MetricDeclaration, ...] = (WORKER_UP, WORKER_RESTARTS)
