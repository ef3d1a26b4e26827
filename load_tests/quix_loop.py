"""Quix Streams as a peer: one float of state updated for each event, exactly once, with its defaults.

A program for the peers' environment: ``python quix_loop.py BOOTSTRAP INPUT OUTPUT GROUP STATE_FOLDER``, until
SIGTERM. Then it prints when each thousand of events had been processed, as JSON: it commits every five seconds by
default, so what a reader sees comes in lumps that say little about its pace.
"""

from __future__ import annotations

import json
import sys
import time

from quixstreams import Application, State

NOTED = 1000  # events between two notes of the time


def main(bootstrap: str, source: str, target: str, group: str, folder: str) -> None:
    """Add each event's value to its key's sum, and publish event and sum."""
    application = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=folder,
        loglevel="WARNING",
    )
    events = application.dataframe(application.topic(source, value_deserializer="json"))

    times: list[float] = []
    counts: list[int] = []
    processed = 0

    def add(event: dict[str, float], state: State) -> dict[str, float]:
        nonlocal processed
        processed += 1
        if processed % NOTED == 0:
            times.append(time.monotonic())
            counts.append(processed)
        total = state.get("total", 0.0) + event["value"]
        state.set("total", total)
        return {**event, "total": total}

    events.apply(add, stateful=True).to_topic(application.topic(target, value_serializer="json"))
    application.run()
    print(json.dumps({"times": times, "counts": counts}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:6])
