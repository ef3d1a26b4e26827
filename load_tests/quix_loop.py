"""Quix Streams as a peer: one float of state updated for each event, exactly once, with its defaults.

A program for the peers' environment: ``python quix_loop.py BOOTSTRAP INPUT OUTPUT GROUP STATE_FOLDER``, until SIGTERM.
"""

from __future__ import annotations

import sys

from quixstreams import Application, State


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

    def add(event: dict[str, float], state: State) -> dict[str, float]:
        total = state.get("total", 0.0) + event["value"]
        state.set("total", total)
        return {**event, "total": total}

    events.apply(add, stateful=True).to_topic(application.topic(target, value_serializer="json"))
    application.run()


if __name__ == "__main__":
    main(*sys.argv[1:6])
