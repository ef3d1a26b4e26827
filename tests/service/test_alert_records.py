"""Digests in batches: the same records however the stream is cut, replayed or saved, and the scores as ever."""

from __future__ import annotations

from functools import lru_cache

import orjson
import pytest

from stream_rcf.service.alert_digest_opening import alert_digest_of_plan
from stream_rcf.service.partition import Partition
from stream_rcf.settings.model import Settings
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.bench import Bench
from tests.service.support import GROUP, TOPIC, FakeMessage, small_settings

KEYS, EVENTS, SECOND = 12, 2400, 1000
START = 1_767_225_600_000
DIGESTS: dict[str, object] = {"digest_keys": 5, "digest_seconds": 30, "resolved": True}
Told = list[tuple[bytes | None, bytes | None]]


def value_of(i: int) -> float:
    """A quiet wave; twice all keys jump for two rounds, and now and then one alone."""
    key, turn = i % KEYS, i // KEYS
    value = 10.0 * key + ((i * 7919) % 101) / 50.0
    return value + 60.0 * (turn in (80, 81, 140) or (turn % 37 == 5 and key == 3))


MESSAGES = [
    FakeMessage(
        i,
        orjson.dumps({"timestamp": START + i * SECOND, "value": value_of(i)}),
        f"host-{i % KEYS}".encode(),
    )
    for i in range(EVENTS)
]


def settings(**output: object) -> Settings:
    return small_settings(output={**DIGESTS, **output})


def opened(chosen: Settings, start: int, publish_from: int, document: str) -> tuple[Bench, Partition]:
    """A bench with one partition that goes on from a checkpoint with this document."""
    bench = Bench(chosen)
    name = PartitionId(GROUP, TOPIC, 0)
    manifest = Manifest(name, 1, start, "f", 0, None, 0, (), alert_digest=document)
    plan = RecoveryPlan(manifest, start, publish_from, None)
    partition = Partition(TOPIC, 0, bench.parameters)
    digest = alert_digest_of_plan(chosen, name, plan)
    partition.load(plan, publish_from, 0, alert_digest=digest)
    partition.loaded()
    bench.partitions[TOPIC, 0] = partition
    return bench, partition


def told(bench: Bench, topic: str = "alerts") -> Told:
    return [(output.key, output.value) for output in bench.publisher.on(topic)]


@lru_cache(maxsize=4)
def undisturbed(digest_keys: int | None = 5, output_format: str = "native") -> Bench:
    bench, _ = opened(settings(digest_keys=digest_keys, format=output_format), 0, 0, "")
    bench.process(MESSAGES, 100)
    return bench


def documents(bench: Bench) -> list[dict[str, object]]:
    return [output.document for output in bench.publisher.on("alerts")]


def with_status(bench: Bench, status: str) -> list[dict[str, object]]:
    return [one for one in documents(bench) if one["status"] == status]


def test_scores_are_what_they_are_without_digests() -> None:
    assert told(undisturbed(), "scores") == told(undisturbed(None), "scores")


def test_each_storm_is_two_messages_and_nothing_is_lost() -> None:
    plain, digested = documents(undisturbed(None)), documents(undisturbed())
    opened_ones, closed = (with_status(undisturbed(), f"digest_{word}") for word in ("opened", "closed"))
    assert len(opened_ones) == len(closed) == 3, "the wave's beginning is news too"
    assert [one["digest_id"] for one in opened_ones] == [one["digest_id"] for one in closed]
    alerts = [one for one in plain if one["status"] != "resolved"]
    kept = [one for one in digested if one["status"] in ("opened", "continuing")]
    assert len(kept) + sum(int(str(one["held_alerts"])) for one in closed) == len(alerts)
    assert len(alerts) > len(kept) + 20
    ids = {one["alert_id"]: one for one in alerts}
    assert kept == [ids[one["alert_id"]] for one in kept], "what is published is what it would be without"


def test_the_strongest_are_to_be_found() -> None:
    alerts = {one["alert_id"]: one for one in documents(undisturbed(None))}
    for digest in documents(undisturbed()):
        for strong in digest.get("strongest", ()):  # type: ignore[attr-defined] # -- JSON
            alert = alerts[strong["alert_id"]]
            for name in ("key", "timestamp", "anomaly_score", "anomaly_grade", "incident_id"):
                assert strong[name] == alert[name]


def test_the_end_is_told_of_exactly_the_incidents_of_which_an_alert_was() -> None:
    known = {
        one["incident_id"] for one in documents(undisturbed()) if one["status"] in ("opened", "continuing")
    }
    ends = {one["incident_id"] for one in with_status(undisturbed(), "resolved")}
    assert ends == {one["incident_id"] for one in with_status(undisturbed(None), "resolved")} & known
    assert len(ends) < len(with_status(undisturbed(None), "resolved"))


def test_digests_have_a_key_of_their_own_and_are_counted() -> None:
    outputs = undisturbed().publisher.on("alerts")
    keys = {output.key for output in outputs if str(output.document["status"]).startswith("digest")}
    assert keys == {b"digest:events:0"}
    text = undisturbed().metrics.exposition().decode()
    held = sum(int(str(one["held_alerts"])) for one in with_status(undisturbed(), "digest_closed"))
    kept = sum(one["status"] in ("opened", "continuing") for one in documents(undisturbed()))
    assert f"stream_rcf_held_alerts_total {held}.0" in text
    assert f"stream_rcf_alerts_total {kept}.0" in text


@pytest.mark.parametrize("size", [1, 7, 997, EVENTS])
def test_the_cut_of_the_batches_does_not_matter(size: int) -> None:
    bench, partition = opened(settings(), 0, 0, "")
    bench.process(MESSAGES, size)
    assert told(bench) == told(undisturbed())
    assert partition.alert_digest is not None


def moments() -> list[int]:
    """Offsets right before, at and behind what matters."""
    at = [int(str(one["alert_id"]).split(":")[2]) for one in documents(undisturbed()) if "digest_id" in one]
    return sorted({offset for place in at for offset in (place, place + 1, place + 3)})


@pytest.mark.parametrize("place", range(12))
def test_a_replay_advances_silently_and_goes_on_with_the_same_bytes(place: int) -> None:
    """A checkpoint at the beginning, a commit anywhere: the whole past is replayed."""
    committed = moments()[place % len(moments())]
    bench, _ = opened(settings(), 0, committed, "")
    bench.process(MESSAGES, 50)
    before, _ = opened(settings(), 0, 0, "")
    before.process(MESSAGES[:committed], 50)
    assert told(before) + told(bench) == told(undisturbed())


@pytest.mark.parametrize("place", range(0, 12, 3))
def test_saved_and_restored_the_state_is_the_same(place: int) -> None:
    """The keys' models go on in a table of their own; here it is only the digest that is carried."""
    saved_at = moments()[place % len(moments())]
    first, partition = opened(settings(), 0, 0, "")
    first.process(MESSAGES[:saved_at], 40)
    assert partition.alert_digest is not None
    document = partition.alert_digest.document()
    second, again = opened(settings(), saved_at, saved_at, document)
    again.table = partition.table
    second.process(MESSAGES[saved_at:], 60)
    assert told(first) + told(second) == told(undisturbed())


@pytest.mark.parametrize("output_format", ["opensearch", "kinesis"])
def test_in_other_formats_digests_are_the_same_records(output_format: str) -> None:
    plain, other = undisturbed(), undisturbed(output_format=output_format)
    native = [one for one in told(plain) if b'"digest_id"' in (one[1] or b"")]
    assert [one for one in told(other) if b'"digest_id"' in (one[1] or b"")] == native
    assert len(told(other)) == len(told(plain))


def test_each_partition_has_its_own_storm() -> None:
    chosen = settings()
    bench, _ = opened(chosen, 0, 0, "")
    plan = RecoveryPlan(None, 0, 0, None)
    other = Partition(TOPIC, 1, bench.parameters)
    other.load(plan, 0, 0, alert_digest=alert_digest_of_plan(chosen, PartitionId(GROUP, TOPIC, 1), plan))
    other.loaded()
    bench.partitions[TOPIC, 1] = other
    # Every other key goes to another partition: in each, a jump of all is one of six.
    messages = [FakeMessage(i // 2, one.content, one.name, i % 2) for i, one in enumerate(MESSAGES)]
    bench.process(messages, 75)
    outputs = (output.document for output in bench.publisher.on("alerts"))
    sources = [document["source"] for document in outputs if "digest_id" in document]
    assert {source["partition"] for source in sources} == {0, 1}  # type: ignore[index] # -- JSON


def windowed() -> Settings:
    return small_settings(output=DIGESTS, events={"window_seconds": KEYS, "features": ("mean(value)",)})


@pytest.mark.parametrize("size", [1, 97])
def test_over_windows_too(size: int) -> None:
    """A window of each key is one of its events."""
    first, _ = opened(windowed(), 0, 0, "")
    first.process(MESSAGES, 500)
    second, _ = opened(windowed(), 0, 0, "")
    second.process(MESSAGES, size)
    assert told(first) == told(second)
    found = with_status(first, "digest_opened")
    assert found
    ids = [one["alert_id"] for one in documents(first)]
    assert len(set(ids)) == len(ids)
    replayed, _ = opened(windowed(), 0, 1000, "")
    replayed.process(MESSAGES, size)
    assert told(replayed) == told(first)[-len(told(replayed)) :]
    assert with_status(replayed, "digest_closed")
