from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stream_rcf.observe.metric_declarations import DECLARATIONS
from stream_rcf.observe.metrics import Metrics


class Clock:
    def __init__(self) -> None:
        self.now = 1_767_225_600.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def metrics(clock):
    return Metrics("0.1.0", "0123456789abcdef", clock=clock)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_exactly_the_declared_metrics_are_shown_as_declared(metrics):
    families = {
        family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())
    }
    shown = {name: family for name, family in families.items() if name.startswith("stream_rcf_")}
    assert len(shown) == len(DECLARATIONS)
    for declaration in DECLARATIONS:
        family = shown[declaration.name.removesuffix("_total")]
        assert family.type == declaration.kind
        assert family.documentation == declaration.documentation
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(declaration.labels)
    assert "process_resident_memory_bytes" in families


def test_two_processes_in_one_do_not_share_numbers(metrics):
    other = Metrics("0.1.0", "0123456789abcdef")
    metrics.batch(5, 4, 1, 0.1)
    assert value(other, "stream_rcf_events_total") == 0


def test_a_batch_counts_at_once(metrics):
    metrics.batch(100, 90, 2, 0.02)
    metrics.batch(10, 10, 0, 0.3)
    assert value(metrics, "stream_rcf_events_total") == 110
    assert value(metrics, "stream_rcf_scores_total") == 100
    assert value(metrics, "stream_rcf_alerts_total") == 2
    assert value(metrics, "stream_rcf_batch_duration_seconds_count") == 2
    assert value(metrics, "stream_rcf_batch_duration_seconds_bucket", le="0.025") == 1
    assert value(metrics, "stream_rcf_batch_duration_seconds_sum") == pytest.approx(0.32)


def test_dead_letters_are_counted_by_error(metrics):
    metrics.dead_letter("invalid_json")
    metrics.dead_letter("invalid_json", 3)
    metrics.dead_letter("missing_feature")
    assert value(metrics, "stream_rcf_dead_letters_total", error="invalid_json") == 4
    assert value(metrics, "stream_rcf_dead_letters_total", error="missing_feature") == 1


def test_an_event_from_the_future_has_no_negative_age(metrics):
    metrics.event_age(-5.0)
    metrics.event_age(0.2)
    metrics.commit(0.015)
    assert value(metrics, "stream_rcf_event_to_score_seconds_sum") == pytest.approx(0.2)
    assert value(metrics, "stream_rcf_event_to_score_seconds_count") == 2
    assert value(metrics, "stream_rcf_commit_duration_seconds_bucket", le="0.025") == 1


def test_the_age_of_a_checkpoint_grows_by_itself(metrics, clock):
    labels = {"topic": "events", "partition": "3"}
    metrics.checkpoint_loaded("events", 3, int((clock.now - 100) * 1000))
    clock.now += 5
    assert value(metrics, "stream_rcf_checkpoint_age_seconds", **labels) == 105
    metrics.checkpoint_ended("events", 3, 4096, 1.5, saved=True)
    clock.now += 7
    assert value(metrics, "stream_rcf_checkpoint_age_seconds", **labels) == 7
    assert value(metrics, "stream_rcf_checkpoint_bytes", **labels) == 4096
    assert value(metrics, "stream_rcf_checkpoint_duration_seconds_sum") == 1.5


def test_a_failed_checkpoint_changes_nothing_but_its_counter(metrics, clock):
    metrics.checkpoint_ended("events", 3, 4096, 1.5, saved=True)
    clock.now += 30
    metrics.checkpoint_ended("events", 3, 77, 0.5, saved=False)
    assert value(metrics, "stream_rcf_checkpoint_failures_total") == 1
    assert value(metrics, "stream_rcf_checkpoint_age_seconds", topic="events", partition="3") == 30
    assert value(metrics, "stream_rcf_checkpoint_bytes", topic="events", partition="3") == 4096
    assert value(metrics, "stream_rcf_checkpoint_duration_seconds_count") == 1


def test_a_partition_that_left_is_forgotten_and_the_others_stay(metrics):
    for partition in (3, 4):
        metrics.lag("events", partition, 12)
        metrics.replay_remaining("events", partition, 34)
        metrics.checkpoint_ended("events", partition, 10, 1.0, saved=True)
    metrics.forget_partition("events", 3)
    metrics.forget_partition("never", 9)
    text = metrics.exposition().decode()
    assert 'partition="3"' not in text
    assert value(metrics, "stream_rcf_lag_events", topic="events", partition="4") == 12
    assert value(metrics, "stream_rcf_replay_remaining_events", topic="events", partition="4") == 34


def test_partitions_are_counted_by_state_and_told_to_health(metrics):
    metrics.partitions({("events", 0): "live", ("events", 1): "live", ("events", 2): "replaying"})
    assert value(metrics, "stream_rcf_partitions", state="live") == 2
    assert value(metrics, "stream_rcf_partitions", state="replaying") == 1
    assert value(metrics, "stream_rcf_partitions", state="lost") == 0
    metrics.health.group_joined(True)
    assert metrics.health.ready().details["reason"] == "not live yet: events[2]"
    metrics.partitions({("events", 1): "live"})
    assert value(metrics, "stream_rcf_partitions", state="replaying") == 0
    assert metrics.health.ready().ok
    with pytest.raises(ValueError, match=r"unknown partition states: \['asleep'\]"):
        metrics.partitions({("events", 1): "asleep"})


def test_the_rest_is_shown_too(metrics):
    metrics.keys(200, 12_000_000)
    metrics.rebalanced("revoked")
    assert value(metrics, "stream_rcf_keys_in_memory") == 200
    assert value(metrics, "stream_rcf_key_memory_bytes") == 12_000_000
    assert value(metrics, "stream_rcf_rebalances_total", kind="revoked") == 1
    assert value(metrics, "stream_rcf_rebalances_total", kind="lost") == 0
    text = metrics.exposition().decode()
    assert 'version="0.1.0"' in text
    assert 'fingerprint="0123456789abcdef"' in text
