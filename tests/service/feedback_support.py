"""Messages as they are heard, without a broker."""

from __future__ import annotations

from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import ABOVE, About, Maintenance, NotAnAnomaly, Notice
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.heard import Heard, Hearing, digest_of
from tests.service.support import FakeMessage

TOPICS = ("feedback", "control")


def heard(topic: int, offset: int, content: Notice | Rejection | None = None, text: str = "") -> Heard:
    """One message; its ``text`` is what it is told apart by."""
    usual: Notice = (
        NotAnAnomaly(f"host-{offset}", (About(0, ABOVE, 8.0),), "")
        if topic == 0
        else Maintenance(f"work-{offset}", ("*",), (0,), 0, 1000)
    )
    digest = digest_of(topic, offset, text.encode())
    origin = FakeMessage(offset, text, None, 0, TOPICS[topic])
    return Heard(offset, content or usual, digest, 100, origin)  # type: ignore[arg-type] # -- a fake


def hearing(
    begin: tuple[int, int], end: tuple[int, int], without: tuple[Positions, ...] = (), text: str = ""
) -> Hearing:
    """All usual messages between two places; ``without`` those at these (topic, offset)."""
    messages = [
        [heard(topic, offset, text=text) for offset in range(first, last) if (topic, offset) not in without]
        for topic, (first, last) in enumerate(zip(begin, end, strict=True))
    ]
    return Hearing(Positions(*begin), Positions(*end), *messages)
