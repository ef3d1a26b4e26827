"""From the bytes of a record to an event, or to the reason why it is none.

Nothing in the input can raise out of here; only a schema registry that does not answer can. The work is bounded
by ``EventSchema.max_bytes``, and what a path means is settled once, when the decoder is made, because ``decode``
runs for every event.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from stream_rcf.pipeline.event_errors import EventError, quoted, quoted_path
from stream_rcf.pipeline.events import Event, Rejection
from stream_rcf.pipeline.paths import Reader, path_reader
from stream_rcf.pipeline.payload import JsonPayload, PayloadReader
from stream_rcf.pipeline.timestamps import TimestampError, epoch_milliseconds
from stream_rcf.time_zones import EARLIEST, LATEST

MAX_KEY_BYTES = 1024  # in UTF-8; a key is repeated in every record, log line and checkpoint frame
MAX_KEY_CHARACTERS_UNMEASURED = MAX_KEY_BYTES // 4  # no character takes more than 4 bytes
FLOAT32_MAX = 3.4028234663852886e38  # points are stored as 32-bit floats

_KEY_PART = re.compile(r"(?:[^|\\]|\\.)+", re.DOTALL)  # of a composite key
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_new_event = tuple.__new__  # half the time of calling the named tuple's class


@dataclass(frozen=True)
class EventSchema:
    """Where an event keeps its parts; paths are dotted.

    No ``key_paths``: the key is the message key. Several: a composite key. An empty ``timestamp_path``: the
    record's own timestamp. ``max_bytes``: larger values are refused unread. ``id_path``: what tells duplicates; empty
    for nothing. ``fills_missing``: an event may lack features, but not all of them unless ``counts_events``, which is
    where events are added up over windows and counted whatever they hold.
    """

    key_paths: tuple[str, ...]
    timestamp_path: str
    feature_paths: tuple[str, ...]
    max_bytes: int
    id_path: str = ""
    fills_missing: bool = False
    counts_events: bool = False


def join_key(parts: Sequence[str]) -> str:
    r"""Join the parts of a composite key by ``|``; ``|`` and ``\`` within a part are escaped by ``\``."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def split_key(key: str) -> list[str]:
    """Return the parts that ``join_key`` joined, none of which was empty."""
    return [_ESCAPED.sub(r"\1", part) for part in _KEY_PART.findall(key)]


class EventDecoder:
    """Reads events of one schema. Holds nothing between events, so threads may share it.

    ``reader`` turns a value into fields; without one the value is JSON.
    """

    def __init__(self, schema: EventSchema, reader: PayloadReader | None = None) -> None:
        self.schema = schema
        self._read = (JsonPayload(schema.feature_paths) if reader is None else reader).read
        self._max_bytes = schema.max_bytes
        self._keys: list[tuple[str, Reader]] = [(path, path_reader(path)) for path in schema.key_paths]
        self._timestamp: Reader | None = path_reader(schema.timestamp_path) if schema.timestamp_path else None
        self._features: list[tuple[str, Reader]] = [
            (path, path_reader(path)) for path in schema.feature_paths
        ]
        self._identity: Reader | None = path_reader(schema.id_path) if schema.id_path else None
        self._fills_missing = schema.fills_missing
        self._needs_a_feature = schema.fills_missing and not schema.counts_events
        # The default settings' case, one plain name, skips the loop over paths.
        plain = len(schema.feature_paths) == 1 and "." not in schema.feature_paths[0] and not schema.id_path
        self._only_feature = schema.feature_paths[0] if plain else None

    def decode(
        self, value: bytes | None, message_key: bytes | None, record_timestamp: int
    ) -> Event | Rejection:
        """Return the event that a record holds, or why it holds none.

        ``record_timestamp`` (milliseconds since 1970, negative for none) stands in for a missing time.
        Raises only ``UnreachableError``, from readers that need a schema registry: then nothing is decided.
        """
        if value is None:
            return Rejection(
                EventError.TOMBSTONE, "the record has no value (a tombstone), so there is nothing to score"
            )
        if len(value) > self._max_bytes:
            return Rejection(
                EventError.TOO_LARGE,
                f"the value has {len(value)} bytes, but events.max_bytes allows {self._max_bytes}",
            )
        document = self._read(value)
        if isinstance(document, Rejection):
            return document
        return self.from_mapping(document, message_key, record_timestamp)

    def from_mapping(
        self, mapping: Mapping[str, object], message_key: bytes | None, record_timestamp: int
    ) -> Event | Rejection:
        """Do the same for an event that is already parsed, such as a row of a file."""
        key = self.read_key(mapping, message_key)
        if isinstance(key, Rejection):
            return key
        timestamp = self.read_timestamp(mapping, record_timestamp)
        if isinstance(timestamp, Rejection):
            return timestamp
        if self._only_feature is not None:
            number = mapping.get(self._only_feature)
            if type(number) is float and -FLOAT32_MAX <= number <= FLOAT32_MAX:
                return _new_event(Event, (key, timestamp, (number,), 0))
        values: list[float] = []
        for path, read in self._features:
            number = read(mapping)
            # By exact type: bool is an int to isinstance. NaN fails the comparison.
            if (type(number) is float or type(number) is int) and -FLOAT32_MAX <= number <= FLOAT32_MAX:
                values.append(float(number))
            elif self._fills_missing and _is_missing(number):
                values.append(math.nan)
            else:
                return _refused_feature(path, number)
        if self._needs_a_feature and all(map(math.isnan, values)):
            return _refused_feature(self._features[0][0], None)
        identity = 0 if self._identity is None else identity_of(self._identity(mapping))
        return _new_event(Event, (key, timestamp, tuple(values), identity))

    def read_key(self, mapping: Mapping[str, object], message_key: bytes | None) -> str | Rejection:
        """Return the key alone, which a refused event may still have."""
        if self._keys:
            key = self._key_of_event(mapping)
        elif message_key is None:
            return Rejection(
                EventError.MISSING_KEY,
                "the record has no message key, and events.key names no field of the event instead",
            )
        else:
            try:
                key = message_key.decode()
            except UnicodeDecodeError as error:
                return Rejection(
                    EventError.INVALID_KEY, f"the message key is not UTF-8 (at its byte {error.start})"
                )
            if not key:
                return Rejection(EventError.EMPTY_KEY, "the message key is empty")
        if len(key) <= MAX_KEY_CHARACTERS_UNMEASURED or isinstance(key, Rejection):
            return key
        size = len(key.encode())
        if size <= MAX_KEY_BYTES:
            return key
        return Rejection(
            EventError.KEY_TOO_LONG,
            f"the key {quoted(key)} has {size} bytes, but at most {MAX_KEY_BYTES} are allowed",
        )

    def read_timestamp(self, mapping: Mapping[str, object], record_timestamp: int) -> int | Rejection:
        """Return the event's time in milliseconds since 1970; null counts as absent."""
        value = None if self._timestamp is None else self._timestamp(mapping)
        if value is None:
            if EARLIEST <= record_timestamp < LATEST:
                return record_timestamp
            reason = (
                f"the event has no time of its own, and that of its record ({record_timestamp}) is not usable"
            )
            return Rejection(EventError.INVALID_TIMESTAMP, reason)
        try:
            return epoch_milliseconds(value)
        except TimestampError as error:
            path = quoted_path(self.schema.timestamp_path)
            return Rejection(
                EventError.INVALID_TIMESTAMP, f"the timestamp at {path} is {quoted(value)}, which {error}"
            )

    def _key_of_event(self, mapping: Mapping[str, object]) -> str | Rejection:
        parts: list[str] = []
        for path, read in self._keys:
            part = read(mapping)
            if type(part) is int and part.bit_length() <= 64:  # more digits than that are no identifier
                part = str(part)
            if type(part) is not str:
                return _refused_key(path, part)
            if not part:
                return Rejection(EventError.EMPTY_KEY, f"the key at {quoted_path(path)} is empty")
            if not part.isascii() and not _encodes(part):
                return Rejection(
                    EventError.INVALID_KEY, f"the key at {quoted_path(path)} is not UTF-8: {quoted(part)}"
                )
            parts.append(part)
        return parts[0] if len(parts) == 1 else join_key(parts)


def identity_of(value: object) -> int:
    """A 64-bit digest of an event's id, never 0; 0 for an event that has none: null, or neither text nor a number."""
    if type(value) is not str and type(value) is not int:
        return 0
    digest = blake2b(str(value).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def _is_missing(number: object) -> bool:
    """Null, absent, or not a number in the sense of IEEE 754."""
    return number is None or (type(number) is float and math.isnan(number))


def _encodes(text: str) -> bool:
    """Tell whether the text can be UTF-8; rows of files may carry bytes that could not be read as such."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused_key(path: str, part: object) -> Rejection:
    if part is None:
        return Rejection(EventError.MISSING_KEY, f"the event has no key at {quoted_path(path)}")
    return Rejection(
        EventError.INVALID_KEY,
        f"the key at {quoted_path(path)} is {quoted(part)}, but must be text or a whole number",
    )


def _refused_feature(path: str, number: object) -> Rejection:
    if number is None:
        return Rejection(EventError.MISSING_FEATURE, f"the event has no number at {quoted_path(path)}")
    what = f"the feature at {quoted_path(path)} is {quoted(number)}"
    if isinstance(number, bool) or not isinstance(number, int | float):
        return Rejection(EventError.NON_NUMERIC_FEATURE, f"{what}, which is not a number")
    if isinstance(number, float) and number - number != 0.0:  # NaN and the infinities
        return Rejection(EventError.NON_FINITE_NUMBER, f"{what}, which is not a finite number")
    return Rejection(EventError.NUMBER_OUT_OF_RANGE, f"{what}, which is beyond the range of a 32-bit float")
