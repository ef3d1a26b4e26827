"""What is fuzzed: each takes one input and raises ``Finding`` where the answer is not one that was promised."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.effects import Effects
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event, Rejection
from stream_rcf.pipeline.notices import Notice, read_control, read_feedback
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.manifest import Manifest, PartitionId, decode_manifest, encode_manifest
from stream_rcf.state.segments import SavedKey, SegmentBuilder, read_index, verify_segment

PARTITION = PartitionId("group", "events", 0)
PARAMETERS = DetectorParameters(("value",), ForestParameters(trees=4, sample_size=16, shingle_size=2))
FINGERPRINT = "0123456789abcdef"
ERRORS = {str(error.value) for error in EventError}
LONGEST_REASON = 1000  # characters: a reason quotes an input, and must not grow with it


class Finding(AssertionError):
    """An input whose answer breaks a promise."""


class Target(NamedTuple):
    """Inputs that are right, and what is done with a mutated one."""

    name: str
    corpus: Sequence[bytes]
    check: Callable[[bytes], None]


def all_targets() -> list[Target]:
    """The decoder with three schemas, messages of people, manifests, segments and keys' states.

    Checksums are made right again or not.
    """
    return [*_decoders(), *_notices(), _manifests(), _tails(), _segments(), *_states()]


def _decoders() -> list[Target]:
    schemas = {
        "plain": EventSchema((), "timestamp", ("value",), 524_288),
        "paths": EventSchema(("tags.host", "tags.name"), "at.time", ("a.b", "a.c", "d"), 4096),
        "no time": EventSchema(("key",), "", ("value", "other"), 524_288),
    }
    documents: list[object] = [
        {"key": "host-1", "timestamp": "2026-01-01T00:00:00Z", "value": 12.5, "other": 1},
        {"tags": {"host": "a", "name": 7}, "at": {"time": 1767225600000}, "a": {"b": 1, "c": -2.5e3}, "d": 0},
        {"key": 5, "value": 1e30, "other": -1e-30, "timestamp": 1767225600.25},
        {"key": "ключ", "timestamp": "2026-01-01T00:00:00.123456+02:00", "value": -1, "other": 3.5},
        [1, 2, {"value": 1}],
    ]
    corpus = [orjson.dumps(document) for document in documents]

    def target(name: str, schema: EventSchema) -> Target:
        decoder = EventDecoder(schema)

        def check(data: bytes) -> None:
            answer = decoder.decode(data, data[:40], 1_767_225_600_000)
            if isinstance(answer, Rejection):
                _check_rejection(answer)
            elif not isinstance(answer, Event) or len(answer.values) != len(schema.feature_paths):
                raise Finding(f"neither an event nor a rejection: {answer!r}")

        return Target(f"decoder, {name}", corpus, check)

    return [target(name, schema) for name, schema in schemas.items()]


def _check_rejection(answer: Rejection) -> None:
    if answer.error not in ERRORS or not answer.reason.isprintable():
        raise Finding(f"an unprintable reason, or an error of no kind: {answer}")
    if len(answer.reason) > LONGEST_REASON:
        raise Finding(f"a reason of {len(answer.reason)} characters")


def _notices() -> list[Target]:
    features = ("cpu", "memory.used")
    alert: dict[str, object] = {
        "verdict": "not_an_anomaly",
        "alert_id": "events:3:17",
        "key": "host-1",
        "timestamp": 1_767_225_600_000,
        "values": {"cpu": 97.5, "memory.used": 12},
        "expected_values": {"cpu": 41.5, "memory.used": 1e3},
        "relevant_attribution": {"cpu": 0.75, "memory.used": 0.25},
        "direction": {"cpu": "above", "memory.used": "below"},
    }
    missed: dict[str, object] = {"verdict": "missed", "key": "b", "features": ["cpu"], "direction": "above"}
    work: dict[str, object] = {
        "id": "patch",
        "keys": ["host-*", "[a-c]?"],
        "features": ["cpu"],
        "from": "2026-01-01T00:00:00Z",
        "until": 1_767_232_800,
    }
    corpora: dict[str, tuple[Callable[..., Notice | Rejection], list[dict[str, object]]]] = {
        "feedback": (read_feedback, [alert, missed]),
        "control": (
            read_control,
            [{"maintenance": work}, {"cancel": "patch"}, {"forget_feedback": {"key": "host-1"}}],
        ),
    }

    def target(name: str) -> Target:
        read, documents = corpora[name]

        def check(data: bytes) -> None:
            answer = read(data, features)
            if isinstance(answer, Rejection):
                _check_rejection(answer)
                return
            effects, _ = Effects(len(features)).after([answer])
            document = orjson.loads(orjson.dumps(effects.document()))
            if Effects.from_document(len(features), document, "here").document() != effects.document():
                raise Finding(f"its effects are not read back: {answer!r}")

        return Target(name, [orjson.dumps(document) for document in documents], check)

    return [target(name) for name in corpora]


def _segment() -> tuple[bytes, Manifest]:
    builder = SegmentBuilder(FINGERPRINT)
    for i in range(5):
        builder.append(SavedKey(f"key-{i}", bytes(range(40 * i)), 1000 * i))
    data, index = builder.finish("segment-000000000001-0000-0123456789abcdef.frames")
    manifest = Manifest(PARTITION, 1, 10, FINGERPRINT, 1_767_225_600_000, None, 5, (index.segment,), 4)
    return data, manifest


def _expect_refusal(read: Callable[[], object]) -> None:
    try:
        read()
    except CheckpointError as error:
        if not str(error):
            raise Finding("refused without a word") from None


def _manifests() -> Target:
    _, manifest = _segment()

    def check(data: bytes) -> None:
        _expect_refusal(lambda: decode_manifest(data, PARTITION, 1, "manifest"))
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            return
        if isinstance(document, dict):  # once more with the checksum made right
            document.pop("checksum", None)
            checksum = hashlib.sha256(orjson.dumps(document)).hexdigest()
            signed = orjson.dumps(document | {"checksum": checksum})
            _expect_refusal(lambda: decode_manifest(signed, PARTITION, 1, "manifest"))

    return Target("manifest", [encode_manifest(manifest)], check)


def _tails() -> Target:
    data, manifest = _segment()
    (segment,) = manifest.segments

    def check(tail: bytes) -> None:
        _expect_refusal(lambda: read_index(tail, segment, "segment"))
        signed = segment._replace(tail_bytes=len(tail), tail_sha256=hashlib.sha256(tail).hexdigest())
        _expect_refusal(lambda: read_index(tail, signed, "segment"))

    return Target("index of a segment", [data[-segment.tail_bytes :]], check)


def _segments() -> Target:
    data, manifest = _segment()
    (segment,) = manifest.segments

    def check(mutated: bytes) -> None:
        digest = hashlib.sha256(mutated).hexdigest()
        tail = mutated[max(0, len(mutated) - segment.tail_bytes) :]
        signed = segment._replace(
            bytes=len(mutated),
            sha256=digest,
            tail_bytes=len(tail),
            tail_sha256=hashlib.sha256(tail).hexdigest(),
        )
        _expect_refusal(lambda: verify_segment(mutated, segment, FINGERPRINT, "segment"))
        _expect_refusal(lambda: verify_segment(mutated, signed, FINGERPRINT, "segment"))

    return Target("segment", [data], check)


def _states() -> list[Target]:
    model = model_of(PARAMETERS)
    generator = random.Random(1)
    blocks: list[KeyBlock] = []
    for events in (1, 10, 200):
        table = KeyTable(PARAMETERS)
        stream = [Event("key", 1000 * i, (generator.gauss(0.0, 1.0),)) for i in range(events)]
        score_batch(PARAMETERS, stream, [table] * events)
        blocks.append(table.touch("key"))

    def check(data: bytes) -> None:
        _expect_refusal(lambda: unpack(model, data))
        body = data[:-4]
        signed = body + struct.pack("<I", zlib.crc32(body))
        _expect_refusal(lambda: unpack(model, signed))

    return [
        Target(
            f"state of a key, {form} form", [pack(block, quick=form == "quick") for block in blocks], check
        )
        for form in ("quick", "small")
    ]
