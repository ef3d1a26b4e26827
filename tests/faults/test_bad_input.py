"""Every kind of bad input, mixed into good input: each bad one on the dead-letter topic, each good one scored."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.support.broker import KafkaBroker
from tests.support.service import START_OF_EVENTS, Service, Topics, make_events, wait_for_outputs

GOOD = orjson.dumps({"timestamp": START_OF_EVENTS, "value": 1.0})
KEY = b"host-1"


def event(**fields: object) -> bytes:
    return orjson.dumps({"timestamp": START_OF_EVENTS, "value": 1.0, **fields})


# (message key, value, the error header it must get)
BAD: list[tuple[bytes | None, bytes | None, str]] = [
    (KEY, None, "tombstone"),
    (KEY, b"", "invalid_json"),
    (KEY, b"{not json", "invalid_json"),
    (KEY, b'{"value": 1', "invalid_json"),
    (KEY, b"\xff\xfe\x00", "invalid_utf8"),
    (KEY, b'{"value": 1.0, "name": "\xc3\x28"}', "invalid_utf8"),
    (KEY, b"[1, 2]", "not_an_object"),
    (KEY, b"12.5", "not_an_object"),
    (KEY, b"null", "not_an_object"),
    (KEY, event(value=None), "missing_feature"),
    (KEY, event(value="12.5"), "non_numeric_feature"),
    (KEY, event(value=True), "non_numeric_feature"),
    (KEY, event(value=[1.0]), "non_numeric_feature"),
    (KEY, event(value={"a": 1}), "non_numeric_feature"),
    (KEY, orjson.dumps({"timestamp": START_OF_EVENTS}), "missing_feature"),
    (KEY, b'{"value": NaN}', "non_finite_number"),
    (KEY, b'{"value": Infinity}', "non_finite_number"),
    (KEY, b'{"value": -Infinity}', "non_finite_number"),
    (KEY, b'{"value": 1e999}', "non_finite_number"),
    (KEY, b'{"value": 1e300}', "number_out_of_range"),
    (KEY, event(timestamp=-1), "invalid_timestamp"),
    (KEY, event(timestamp=10**19), "invalid_timestamp"),
    (KEY, event(timestamp="yesterday"), "invalid_timestamp"),
    (KEY, event(timestamp="0001-01-01T00:00:00Z"), "invalid_timestamp"),
    (KEY, event(timestamp="9999-12-31T23:59:59Z"), "invalid_timestamp"),
    (KEY, event(timestamp={"at": 1}), "invalid_timestamp"),
    (b"", GOOD, "empty_key"),
    (None, GOOD, "missing_key"),
    (b"\xff\xff", GOOD, "invalid_key"),
    (b"k" * 2000, GOOD, "key_too_long"),
    (KEY, event(padding="x" * 900_000), "too_large"),
    (KEY, b"x" * 900_000, "too_large"),
    (KEY, b"[" * 100_000, "invalid_json"),
]


def test_each_bad_event_costs_one_dead_letter_and_nothing_else(broker: KafkaBroker, tmp_path: Path) -> None:
    topics = Topics(broker, "bad", partitions=1)
    good = [(key, value, 0, timestamp) for key, value, _, timestamp in make_events(2000, 5, 1, seed=3)]
    step = len(good) // len(BAD)
    sent: list[tuple[bytes | None, bytes | None, int, int]] = []
    bad_at: dict[int, tuple[bytes | None, bytes | None, str]] = {}
    for i, entry in enumerate(good):
        if i % step == 0 and i // step < len(BAD):
            bad = BAD[i // step]
            bad_at[len(sent)] = bad
            sent.append((bad[0], bad[1], 0, START_OF_EVENTS))
        sent.append(entry)
    assert len(bad_at) == len(BAD)
    broker.produce(topics.events, sent)

    with Service(topics.environment(tmp_path / "checkpoints"), tmp_path / "log") as service:
        wait_for_outputs(topics, len(sent), [service])
        assert service.stop() == 0

    dead = {}
    for record in broker.read_all(topics.dead_letters):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        dead[int(headers["source_offset"])] = (record.key, record.value, headers)
    assert dead.keys() == bad_at.keys()
    for offset, (key, value, error) in bad_at.items():
        dead_key, dead_value, headers = dead[offset]
        assert (dead_key, dead_value) == (key, value)
        assert headers["error"] == error, (value or b"")[:100]
        assert headers["source_topic"] == topics.events
        assert headers["source_partition"] == "0"
        assert len(headers["reason"]) > 10, "a reason is a sentence"
        assert headers["reason"].isprintable()
    scored = [orjson.loads(record.value or b"") for record in broker.read_all(topics.scores)]
    assert sorted(record["source"]["offset"] for record in scored) == sorted(
        set(range(len(sent))) - bad_at.keys()
    )
