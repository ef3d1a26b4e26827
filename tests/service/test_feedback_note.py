"""What is committed beside an offset: short, read back the same, and anything else refused."""

from __future__ import annotations

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.service.feedback_note import (
    MOST_NOTE_CHARACTERS,
    Application,
    Note,
    Positions,
    decode_note,
    topics_digest,
)

DIGEST = "0123456789abcdef"
TOPICS = topics_digest(("feedback", "control"))
APPLICATIONS = (
    Application(100, Positions(5, 3)),
    Application(100, Positions(5, 4)),
    Application(10**12, Positions(10**9, 4)),
)
NOTE = Note(TOPICS, Positions(4, 3), APPLICATIONS, DIGEST)


def test_a_note_is_read_back() -> None:
    for note in (NOTE, NOTE._replace(applications=())):
        assert decode_note(note.encode(), "here") == note
    assert decode_note("", "here") is None


def test_two_hundred_applications_fit_what_brokers_keep() -> None:
    many = tuple(Application(10**9 + 10_000 * i, Positions(10**6 + 3 * i, 1000 + i)) for i in range(200))
    text = Note(TOPICS, Positions(10**6, 1000), many, DIGEST).encode()
    assert text.isascii()
    assert len(text) <= MOST_NOTE_CHARACTERS


def test_topics_are_told_apart() -> None:
    digests = {
        topics_digest(topics) for topics in [("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("a", "")]
    }
    assert len(digests) == 5


def changed(**changes: object) -> str:
    return orjson.dumps(orjson.loads(NOTE.encode()) | changes).decode()


@pytest.mark.parametrize(
    "text",
    [
        "written by somebody else",
        "[]",
        "{}",
        "5",
        changed(feedback=2),
        changed(base=[1]),
        changed(base=[1, -1]),
        changed(base="ab"),
        changed(applied=[[1, 2]]),
        changed(applied=[[1, 2, -3]]),
        changed(applied=[[1, 2, 3.0]]),
        changed(applied=5),
        changed(digest="xyz"),
        changed(digest="00"),
        changed(digest=None),
        changed(topics=None),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(
        CheckpointError, match="here: what is committed beside the offset is no note of feedback"
    ):
        decode_note(text, "here")


@pytest.mark.parametrize(
    ("one", "other", "reaches"),
    [((5, 5), (5, 5), True), ((6, 5), (5, 5), True), ((4, 9), (5, 5), False), ((9, 4), (5, 5), False)],
)
def test_places_in_two_topics(one: tuple[int, int], other: tuple[int, int], reaches: bool) -> None:
    assert Positions(*one).reaches(Positions(*other)) is reaches
    assert Positions(*one).merged(Positions(*other)) == tuple(map(max, zip(one, other, strict=True)))
