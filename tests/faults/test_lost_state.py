"""What happens when what recovery needs is not there: said loudly, and as ``checkpoint.on_unusable`` says."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import orjson

from tests.support.broker import KafkaBroker
from tests.support.service import Service, Topics, in_source_order, make_events, wait_for_outputs

HALF = 3000
EventList = list[tuple[bytes, bytes, int, int]]
STATE = {"forest__trees": 10, "forest__sample_size": 32}


class Story:
    """The first half of a stream, scored and stopped in order; then something is taken away."""

    def __init__(self, broker: KafkaBroker, word: str, folder: Path) -> None:
        self.broker = broker
        self.topics = Topics(broker, word, partitions=2)
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.events: EventList = make_events(2 * HALF, 20, 2, seed=5)
        broker.produce(self.topics.events, self.events[:HALF])
        with self.service("first") as service:
            wait_for_outputs(self.topics, HALF, [service])
            assert service.stop() == 0

    def service(self, log: str, **settings: object) -> Service:
        environment = self.topics.environment(self.checkpoints, **{**STATE, **settings})
        return Service(environment, self.folder / f"log-{log}")

    def produce_second_half(self) -> None:
        self.broker.produce(self.topics.events, self.events[HALF:])

    def assert_refused(self, words: Sequence[str], **settings: object) -> None:
        """The service ends with exit code 1 and says all of ``words``."""
        with self.service("refused", **settings) as service:
            assert service.process.wait(60) == 1
            text = service.log.read_text()
        for word in words:
            assert word in text, text[-3000:]

    def seen_counts(self, expected: int, **settings: object) -> list[int]:
        """Let the service finish the stream; ``events_seen`` of each score of the second half."""
        with self.service("goes-on", **settings) as service:
            wait_for_outputs(self.topics, expected, [service])
            assert service.stop() == 0
        scores = [orjson.loads(value) for value in in_source_order(self.broker.read_all(self.topics.scores))]
        assert len(scores) == expected
        first_of_second_half = self.events[HALF][3]
        return [
            score["model"]["events_seen"] for score in scores if score["timestamp"] >= first_of_second_half
        ]


def test_a_lost_folder_is_refused_and_begun_afresh_where_asked(broker: KafkaBroker, tmp_path: Path) -> None:
    story = Story(broker, "lost-folder", tmp_path)
    shutil.rmtree(story.checkpoints)
    story.produce_second_half()
    story.assert_refused(["no checkpoint", "checkpoint.on_unusable=fresh"])
    assert min(story.seen_counts(2 * HALF, checkpoint__on_unusable="fresh")) == 1


def test_other_settings_are_refused_and_begun_afresh_where_asked(broker: KafkaBroker, tmp_path: Path) -> None:
    story = Story(broker, "other-settings", tmp_path)
    story.produce_second_half()
    story.assert_refused(["other settings", "fingerprint"], forest__shingle_size=4)
    seen = story.seen_counts(2 * HALF, forest__shingle_size=4, checkpoint__on_unusable="fresh")
    assert min(seen) == 1


def test_input_trimmed_past_the_checkpoint_is_refused_and_begun_afresh_where_asked(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    story = Story(broker, "trimmed", tmp_path)
    # The newest checkpoints are taken away, so that recovery needs events from the beginning again.
    for manifest in story.checkpoints.rglob("manifest-*.json"):
        if not manifest.name.endswith("000001.json"):
            manifest.unlink()
    broker.delete_records(story.topics.events, {0: 100, 1: 100})
    story.produce_second_half()
    story.assert_refused(["deleted by its retention", "checkpoint.on_unusable=fresh"])
    assert min(story.seen_counts(2 * HALF, checkpoint__on_unusable="fresh")) == 1


def test_a_damaged_checkpoint_is_passed_over_for_the_older_one(broker: KafkaBroker, tmp_path: Path) -> None:
    story = Story(broker, "damaged", tmp_path)
    story.produce_second_half()
    for partition in ("0", "1"):
        folder = next(path for path in story.checkpoints.rglob(partition) if path.is_dir())
        newest = max(folder.glob("segment-*.frames"))
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
    seen = story.seen_counts(2 * HALF)
    assert min(seen) > 1, "every key was known and must have gone on"
