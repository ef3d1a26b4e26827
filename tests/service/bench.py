"""A batch processor over partitions that the test puts where it wants them; outputs are kept in a list."""

from __future__ import annotations

from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.partition import Partition
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.support import (
    SETTINGS,
    TOPIC,
    FakeMessage,
    RecordingPublisher,
    make_stream,
    message_of,
    new_metrics,
)

EVENTS = make_stream(300, 4, seed=8)


class Bench:
    """A processor over partitions that the test puts where it wants them."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.parameters = detector_parameters(settings)
        self.metrics = new_metrics()
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.publisher = RecordingPublisher()
        self.processor = BatchProcessor(
            settings,
            self.parameters,
            self.partitions_by_name(),
            DeadLetters("dead-letters", 1_000_000),
            self.metrics,
        )

    def partitions_by_name(self) -> Assignment:
        class Known:
            """The one question that the processor asks an assignment."""

            @staticmethod
            def get(topic: str, number: int) -> Partition | None:
                return self.partitions.get((topic, number))

        return Known()  # type: ignore[return-value] # -- the part of it that is asked

    def partition(
        self, number: int = 0, start: int = 0, publish_from: int | None = None, live: bool = True
    ) -> Partition:
        partition = Partition(TOPIC, number, self.parameters)
        end = start if publish_from is None else publish_from
        partition.load(RecoveryPlan(None, start, end, None), end, 0)
        if live:
            partition.loaded()
        self.partitions[TOPIC, number] = partition
        return partition

    def process(self, messages: list[FakeMessage], size: int | None = None) -> None:
        step = size or max(1, len(messages))
        for start in range(0, len(messages), step):
            self.processor.take(messages[start : start + step], self.publisher)  # type: ignore[arg-type] # -- fakes
        self.finish()

    def finish(self) -> None:
        self.processor.finish(self.publisher)  # type: ignore[arg-type] # -- the part of it that is asked

    def published_offsets(self) -> list[int]:
        return [output.document["source"]["offset"] for output in self.publisher.on("scores")]  # type: ignore[index] # -- JSON


def stream_messages(number: int = 0, first: int = 0) -> list[FakeMessage]:
    return [message_of(event, first + i, number) for i, event in enumerate(EVENTS)]
