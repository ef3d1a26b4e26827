"""Run as a program: decodes hostile values in a process that may not grow by more than ``ROOM_BYTES``.

Prints the errors it met, as JSON. Memory that is asked for beyond the limit ends it with ``MemoryError``.
"""

from __future__ import annotations

import json
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.events import Rejection

ROOM_BYTES = 300 * 2**20
MOST_EVENT_BYTES = 100 * 2**20  # the highest that events.max_bytes allows: the parsers themselves are tried
DISTINCT = 200_000
REASON_CHARACTERS = 400


def hostile_values() -> Iterator[tuple[bytes, bytes | None]]:
    """(value, message key) in many bad ways, and some odd good ones."""
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        yield opening * 100_000, b"k"
        yield b'{"value":' + opening * 100_000 + b"1" + closing * 100_000 + b"}", b"k"
    digits = b"9" * 10_000_000
    for number in (digits, b"-" + digits, b"0." + digits, digits + b".5", b"1e" + digits, b"1e-" + digits):
        yield b'{"value":' + number + b"}", b"k"
        yield b'{"value":1,"other":' + number + b"}", b"k"
        yield b'{"value":1,"timestamp":' + number + b"}", b"k"
    many = b",".join(b'"%07x":1' % i for i in range(45_000))  # 512 kB of keys in one object
    yield b"{" + many + b"}", b"k"
    yield b'{"value":1.0,' + many + b"}", b"k"
    yield b'{"value":"' + b"x" * 500_000 + b'"}', b"k"
    yield b'{"value":"' + b"\\u001b[2J" * 50_000 + b'"}', b"k"
    yield b'{"value":NaN,"x":' + b"[" * 100_000, b"k"
    yield b'{"value":1}', b"k" * 10_000_000
    yield b'{"value":1,"value":' + b"2" * 5_000 + b"}", b"k"
    yield b"\x00" * 500_000, b"k"
    yield b"\xff" * 500_000, b"k"
    for i in range(DISTINCT):  # each of them different, none remembered
        yield b'{"value":"%d\\n"}' % i, b"k%d" % i
        yield b"not json %d" % i, b"k%d" % i
        yield b'{"value":1,"timestamp":"%d"}' % i, b"\xff%d" % i


def main() -> None:
    """Decode everything under the limit."""
    decoder = EventDecoder(EventSchema((), "timestamp", ("value",), MOST_EVENT_BYTES))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    errors: Counter[str] = Counter()
    for value, key in hostile_values():
        decoded = decoder.decode(value, key, 1_767_225_600_000)
        if isinstance(decoded, Rejection):
            assert decoded.reason.isprintable(), ascii(decoded.reason[:200])
            assert len(decoded.reason) <= REASON_CHARACTERS, decoded.reason[:200]
            errors[str(decoded.error)] += 1
        else:
            errors["none"] += 1
    sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
    main()
