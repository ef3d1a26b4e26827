"""A time-out for client calls that take none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException


def call_within(seconds: float, call: Callable[[], Any]) -> None:
    """Make a client call that may hang, and raise ``KafkaException`` with a time-out if it does.

    A hanging call is left behind with its thread, which keeps the producer alive; the caller must not use it again.
    """
    is_over = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as failure:  # noqa: BLE001 -- raised by the caller
            failures.append(failure)
        finally:
            is_over.set()

    threading.Thread(target=run, name="kafka-call", daemon=True).start()
    if not is_over.wait(seconds):
        hangs = f"a client call has not returned for {seconds:.0f} s"
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, hangs))  # noqa: SLF001
    if failures:
        raise failures[0]
