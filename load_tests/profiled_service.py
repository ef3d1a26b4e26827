"""``stream-rcf run`` with a stopwatch around each step; at its end it writes what each took, as JSON.

``python -m load_tests.profiled_service OUTPUT YOUNG``: settings come from the environment; the steps of the first
YOUNG events are left out. The stopwatches themselves cost about 0.3 us per event and step.
The step "checkpoint" is what the loop spends on it, copying keys; packing and writing them beside the loop is no step,
and copying a key about to change is part of "prepare". The kernel runs beside the loop too, and is timed apart; that of
batches of a few events is part of "prepare".
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from stream_rcf.core.batch import BlockBatch
from stream_rcf.kafka.publisher import TransactionalPublisher
from stream_rcf.kafka.source import Source
from stream_rcf.observe.logs import configure_logging
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.encode import RecordEncoder
from stream_rcf.pipeline.score_batch import BatchScorer, RunningBatch
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.run import run_service
from stream_rcf.service.signals import StopFlag
from stream_rcf.settings.model import load_settings


class Stopwatch:
    """Sums of wall-clock seconds by step, and the events they belong to."""

    def __init__(self, young: int) -> None:
        self._young = young
        self._is_counting = False
        self._running: set[str] = set()
        self.seconds: dict[str, float] = {}
        self.sums: dict[str, float] = {}  # at the end of the last batch: what comes later is no event's
        self.events = 0  # counted while counting
        self._all_events = 0
        self.began = self.ended = 0.0

    def around(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed under the name ``step``."""
        self.seconds.setdefault(step, 0.0)

        def timed(*arguments: Any, **named: Any) -> Any:
            if step in self._running:  # within itself, and so counted already
                return function(*arguments, **named)
            self._running.add(step)
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._running.remove(step)
                if self._is_counting:
                    self.seconds[step] += time.perf_counter() - began

        return timed

    def count(self, events: int) -> None:
        """Note a batch; starts counting once the young ones are through."""
        now = time.perf_counter()
        if self._is_counting:
            self.events += events
            self.ended = now
            self.sums = dict(self.seconds)
        self._all_events += events
        if not self._is_counting and self._all_events >= self._young:
            self._is_counting = True
            self.began = now


def main(output: Path, young: int) -> None:
    """Run until SIGTERM, then write the sums."""
    watch = Stopwatch(young)
    Source.read = watch.around("read", Source.read)  # type: ignore[method-assign]  # a stopwatch keeps its behaviour
    EventDecoder.decode = watch.around("decode", EventDecoder.decode)  # type: ignore[method-assign]  # as above
    BatchScorer.start = watch.around("prepare", BatchScorer.start)  # type: ignore[method-assign]  # as above
    wait = watch.around("wait for the kernel", RunningBatch.settle)
    RunningBatch.settle = wait  # type: ignore[method-assign]  # as above
    BlockBatch.run = watch.around("kernel", BlockBatch.run)  # type: ignore[method-assign]  # as above
    RecordEncoder.encode = watch.around("encode", RecordEncoder.encode)  # type: ignore[method-assign]  # as above
    publish = watch.around("produce", TransactionalPublisher.publish)
    TransactionalPublisher.publish = publish  # type: ignore[method-assign]  # as above
    commit = watch.around("commit", TransactionalPublisher.commit)
    TransactionalPublisher.commit = commit  # type: ignore[method-assign]  # as above
    Checkpoints.advance = watch.around("checkpoint", Checkpoints.advance)  # type: ignore[method-assign]  # as above
    take = watch.around("batch in all", BatchProcessor.take)

    def counted(self: BatchProcessor, messages: Any, publisher: Any) -> None:
        take(self, messages, publisher)
        watch.count(len(messages))

    BatchProcessor.take = counted  # type: ignore[method-assign]  # as above
    finish = watch.around("batch in all", BatchProcessor.finish)
    BatchProcessor.finish = finish  # type: ignore[method-assign]  # as above
    settings = load_settings(None)
    configure_logging("info", "json")
    stop = StopFlag()
    stop.listen()
    run_service(settings, stop)
    output.write_bytes(
        orjson.dumps({"events": watch.events, "elapsed": watch.ended - watch.began, "seconds": watch.sums})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
