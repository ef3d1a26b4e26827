"""``stream-rcf run`` that notes how long its loop was at checkpoints at a time; at its end it writes that, as JSON.

``python -m load_tests.checkpoint_service OUTPUT YOUNG``: settings come from the environment; what happens within the
first YOUNG events is left out. Copying a key that is about to change is part of its batch: the copies of one batch are
summed, since the events of that batch wait for all of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from stream_rcf.observe.logs import configure_logging
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.run import run_service
from stream_rcf.service.signals import StopFlag
from stream_rcf.settings.model import load_settings
from stream_rcf.state.cut import ConsistentCut


class Pauses:
    """The longest stretches, in seconds, once the young events are through."""

    def __init__(self, young: int) -> None:
        self._young_left = young
        self._copies = 0.0  # of the present batch
        self.longest = {"beginning": 0.0, "copying": 0.0, "copies_of_a_batch": 0.0}

    @property
    def is_counting(self) -> bool:
        """Whether the young events are through."""
        return self._young_left <= 0

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, each call of which is a stretch of its own."""

        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._note(name, time.perf_counter() - began)

        return call

    def copied(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, whose calls within one batch are one stretch."""

        def call(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self._copies += time.perf_counter() - began

        return call

    def counted(self, take: Callable[..., Any]) -> Callable[..., Any]:
        """``take``, one batch of events."""

        def call(processor: BatchProcessor, messages: Any, publisher: Any) -> None:
            self._copies = 0.0  # those of ``advance`` are counted there
            take(processor, messages, publisher)
            self._note("copies_of_a_batch", self._copies)
            self._copies = 0.0
            self._young_left -= len(messages)

        return call

    def _note(self, name: str, seconds: float) -> None:
        if self.is_counting:
            self.longest[name] = max(self.longest[name], seconds)


def main(output: Path, young: int) -> None:
    """Run until SIGTERM, then write what was noted."""
    pauses = Pauses(young)
    ConsistentCut.before_change = pauses.copied(ConsistentCut.before_change)  # type: ignore[method-assign]  # a stopwatch keeps its behaviour
    Checkpoints.begin_due = pauses.timed("beginning", Checkpoints.begin_due)  # type: ignore[method-assign]  # as above
    Checkpoints.advance = pauses.timed("copying", Checkpoints.advance)  # type: ignore[method-assign]  # as above
    BatchProcessor.take = pauses.counted(BatchProcessor.take)  # type: ignore[method-assign]  # as above
    settings = load_settings(None)
    configure_logging("info", "json")
    stop = StopFlag()
    stop.listen()
    run_service(settings, stop)
    output.write_bytes(orjson.dumps(pauses.longest))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
