"""The judge of the chaos runs finds what it is there to find, each planted into outputs that are right otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from load_tests.chaos.offline import Expected, ExpectedRecord, expected_outputs
from load_tests.chaos.stream import Stream, make_stream
from load_tests.chaos.verifier import MOST_SENTENCES, Outputs, Verdict, verify, verify_offsets
from stream_rcf.settings.model import Settings
from tests.load_tests.chaos_support import TINY
from tests.support.broker_client import Record

EVENTS = TINY.events


@pytest.fixture(scope="module")
def stream() -> Stream:
    return make_stream(TINY, seed=3)


@pytest.fixture(scope="module")
def expected(stream: Stream) -> Expected:
    forest = {"trees": 10, "sample_size": 32, "shingle_size": 2}
    settings = Settings(forest=forest, detector={"decision": "threshold"})  # type: ignore[arg-type] # -- pydantic takes mappings
    found = expected_outputs(stream, settings)
    assert len(found.scores) + len(found.dead_letters) == EVENTS
    assert len(found.alerts) > 5
    assert len(found.dead_letters) > 5
    return found


def right_outputs(expected: Expected) -> Outputs:
    """What an undisturbed service publishes: each key in the partition that its input has."""

    def records(
        topic: str,
        found: dict[tuple[int, int], ExpectedRecord],
        headers: Callable[[tuple[int, int]], tuple[tuple[str, bytes | None], ...]],
    ) -> list[Record]:
        return [
            Record(topic, place[0], place[1], record.key, record.value, 0, headers(place))
            for place, record in sorted(found.items())
        ]

    def dead_letter_headers(place: tuple[int, int]) -> tuple[tuple[str, bytes | None], ...]:
        rejection = expected.rejections[place]
        return (
            ("error", rejection.error.encode()),
            ("reason", rejection.reason.encode()),
            ("source_topic", b"events"),
            ("source_partition", str(place[0]).encode()),
            ("source_offset", str(place[1]).encode()),
        )

    return Outputs(
        records("scores", expected.scores, lambda _place: ()),
        records("alerts", expected.alerts, lambda _place: ()),
        records("dead-letters", expected.dead_letters, dead_letter_headers),
    )


def judged(expected: Expected, plant: Callable[[list[Record]], None], kind: str = "scores") -> Verdict:
    """The verdict when ``plant`` has had its way with the records of one topic."""
    outputs = right_outputs(expected)
    records = list(getattr(outputs, kind))
    plant(records)
    return verify(outputs._replace(**{kind: records}), expected)


def flipped(data: bytes | None, bit: int) -> bytes:
    assert data is not None
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_right_outputs_are_right(expected: Expected) -> None:
    assert verify(right_outputs(expected), expected) == Verdict(EVENTS, [])


@pytest.mark.parametrize("kind", ["scores", "alerts", "dead_letters"])
def test_a_planted_loss_is_found(expected: Expected, kind: str) -> None:
    verdict = judged(expected, lambda records: records.pop(3), kind)

    assert verdict.verified == EVENTS - 1
    assert len(verdict.problems) == 1
    assert "is lost" in verdict.problems[0]


@pytest.mark.parametrize("kind", ["scores", "alerts", "dead_letters"])
def test_a_planted_double_is_found(expected: Expected, kind: str) -> None:
    verdict = judged(expected, lambda records: records.insert(4, records[3]), kind)

    assert verdict.verified == EVENTS - 1
    assert len(verdict.problems) == 1
    assert "twice" in verdict.problems[0]


@pytest.mark.parametrize("kind", ["scores", "alerts"])
def test_any_planted_flipped_bit_is_found(expected: Expected, kind: str) -> None:
    # A few events: each of some thousand bits is a run of the verifier.
    places = sorted(expected.alerts)[:5]
    few = Expected(
        {place: expected.scores[place] for place in places},
        {place: expected.alerts[place] for place in places},
        {},
        {},
    )
    assert verify(right_outputs(few), few) == Verdict(len(places), [])
    for bit in range(8 * len(getattr(right_outputs(few), kind)[2].value)):

        def flip(records: list[Record], bit: int = bit) -> None:
            records[2] = records[2]._replace(value=flipped(records[2].value, bit))

        assert judged(few, flip, kind).problems, f"bit {bit} was flipped and nobody saw"


@pytest.mark.parametrize("kind", ["scores", "alerts", "dead_letters"])
def test_a_flipped_bit_of_a_key_is_found(expected: Expected, kind: str) -> None:
    def flip(records: list[Record]) -> None:
        records[3] = records[3]._replace(key=flipped(records[3].key, 0))

    assert judged(expected, flip, kind).problems


def test_a_flipped_bit_of_a_dead_letter_is_found(expected: Expected) -> None:
    def flip_value(records: list[Record]) -> None:
        index = next(i for i, record in enumerate(records) if record.value)
        records[index] = records[index]._replace(value=flipped(records[index].value, 5))

    def flip_reason(records: list[Record]) -> None:
        (error, (name, reason), *rest) = records[2].headers
        records[2] = records[2]._replace(headers=(error, (name, flipped(reason, 9)), *rest))

    assert judged(expected, flip_value, "dead_letters").problems
    assert judged(expected, flip_reason, "dead_letters").problems


def test_two_events_of_a_key_in_the_wrong_order_are_found(expected: Expected) -> None:
    def swap(records: list[Record]) -> None:
        first = records[0]
        second = next(i for i, record in enumerate(records[1:], 1) if record.key == first.key)
        records[0], records[second] = records[second], records[0]

    verdict = judged(expected, swap)

    assert verdict.verified < EVENTS
    assert "comes after" in verdict.problems[0]


def test_a_key_in_two_output_partitions_is_found(expected: Expected) -> None:
    def move(records: list[Record]) -> None:
        records[-1] = records[-1]._replace(partition=records[-1].partition + 1)

    assert "its key was in" in judged(expected, move).problems[0]


def test_a_record_of_no_event_is_found(expected: Expected) -> None:
    def add_unknown(records: list[Record]) -> None:
        value = (records[-1].value or b"").replace(b'"offset":', b'"offset":9')
        records.append(records[-1]._replace(value=value))

    def add_nothing(records: list[Record]) -> None:
        records.append(records[-1]._replace(value=b"{}"))

    assert "must not be" in judged(expected, add_unknown).problems[0]
    assert "does not say" in judged(expected, add_nothing).problems[0]


def test_many_problems_are_counted_and_the_first_told(expected: Expected) -> None:
    verdict = judged(expected, lambda records: records.clear())

    assert verdict.verified == len(expected.dead_letters)
    assert len(verdict.problems) == MOST_SENTENCES + 1
    assert verdict.problems[-1].endswith(f"and {len(expected.scores) - MOST_SENTENCES} more")


def test_offsets_must_be_committed_to_the_end() -> None:
    assert verify_offsets({0: 5, 1: 7}, {0: 5, 1: 7}) == []
    problems = verify_offsets({0: 4}, {0: 5, 1: 7})
    assert len(problems) == 2
    assert "committed 4" in problems[0]
