"""What a number of keys will need on this machine: measured on some of them, and multiplied."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.forecast_model import state_bytes
from stream_rcf.core.forecast_section import with_forecasts
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.encode import Encoder
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.score_batch import BatchScorer, RunningBatch, ScoredBatch, score_batch
from stream_rcf.service.encoder import record_encoder
from stream_rcf.service.process_memory import process_bytes
from stream_rcf.settings.derived import detector_parameters, event_schema
from stream_rcf.settings.model import Settings
from stream_rcf.state.batch_keys import largest_batch
from stream_rcf.state.key_memory import HELD_BYTES, KEY_BYTES, most_copied_bytes
from stream_rcf.state.key_table import KeyTable

GROWN_SAMPLES = 60  # events of a grown key, in sample sizes: what it takes grows no more
PERIOD = 48  # events until the pattern of the measured series repeats
# Of its values. A checkpoint takes a fifth less for whole numbers, a tenth more for numbers in full.
DECIMALS = 2
DIFFERENT_KEYS = 8  # that are grown; the others are copies, which take and cost as much
EVENTS_AT_ONCE = 16  # of one key in a batch of the growing, few as in a service
MOST_KEYS = 1000  # that are held at once to see what waiting for memory costs; more cost about the same
# Before the measured ones: the first events of each copy find its memory cold and make room.
WARM_EVENTS = 50_000
MEASURED_EVENTS = 50_000
WARM_FORECASTS = 100  # the same where each event takes a forecast, beside which memory counts for little
SAVED_FRAME_BYTES = 80  # of a key in a checkpoint beside its state: its name and sums, twice
# Of this loop's speed, what a service reaches beside a broker and its own client's threads on two cores: measured by
# `load_tests`, --only plan.
SERVICE_SHARE = 0.8
FIRST_EVENTS = 10  # of a key that has just begun


@dataclass(frozen=True)
class Plan:
    """What ``keys`` keys need in one worker; bytes, and events in a second.

    ``memory_bytes`` is the process, all in all: without keys, with the copies of keys that checkpoints are made from,
    and with the keys.
    """

    keys: int
    events_per_key: int
    process_bytes: int
    copies_bytes: int
    keys_bytes: int
    memory_bytes_per_key: float
    young_bytes_per_key: float  # after FIRST_EVENTS events
    saved_bytes_per_key: float
    resident_keys: int  # that fit the limit at once; the others are in the spill
    memory_bytes: int
    spill_bytes: int
    checkpoint_bytes: int
    events_per_second: float


def measure_plan(settings: Settings, keys: int, events_per_key: int | None = None) -> Plan:
    """Grow some keys with these settings on a synthetic series, time them, and work out what ``keys`` need.

    Where events are added up over windows, every event of the series is a window of its own: what costs is those.
    ``events_per_key`` is how old they are; where it is ``None``, so old that they grow no more.
    """
    process = process_bytes()
    parameters = detector_parameters(settings)
    forest, alone = parameters.forest, replace(parameters, forecast=None)
    age = events_per_key or GROWN_SAMPLES * forest.sample_size + forest.shingle_size
    grown = _grow(alone, [f"key-{i}" for i in range(min(keys, DIFFERENT_KEYS))], age)
    young = _grow(alone, ["young"], FIRST_EVENTS)
    saved = sum(len(pack(block, quick=True)) for block in grown) / len(grown) + SAVED_FRAME_BYTES
    if parameters.forecast is not None:  # grown without, as forecasts would take minutes
        model = model_of(parameters)
        grown, young = ([with_forecasts(block, model) for block in found] for found in (grown, young))
        saved += state_bytes(parameters.forecast, len(parameters.features))
    each = sum(block.bytes + HELD_BYTES for block in grown) / len(grown)
    limit = settings.memory_limit_bytes_per_worker
    fitting = math.floor((limit - keys * KEY_BYTES) / each)
    resident = keys if keys * (each + KEY_BYTES) <= limit else max(1, fitting)
    away = keys - resident
    in_memory = int(resident * each + keys * KEY_BYTES)
    copies = min(most_copied_bytes(limit), int(resident * each))
    return Plan(
        keys=keys,
        events_per_key=age,
        process_bytes=process,
        copies_bytes=copies,
        keys_bytes=in_memory,
        memory_bytes_per_key=each,
        young_bytes_per_key=young[0].bytes + HELD_BYTES,
        saved_bytes_per_key=saved,
        resident_keys=resident,
        memory_bytes=process + copies + in_memory,
        spill_bytes=int(away * saved),
        checkpoint_bytes=int(keys * saved),
        events_per_second=_rate(settings, parameters, grown, min(max(resident, 1), MOST_KEYS), age),
    )


def _value(event: int, generator: random.Random) -> float:
    return round(50.0 + 20.0 * math.sin(2.0 * math.pi * event / PERIOD) + generator.gauss(0.0, 2.0), DECIMALS)


def _grow(parameters: DetectorParameters, keys: Sequence[str], events: int) -> list[KeyBlock]:
    """Keys with as many events each, taken by turns: a key that had its batches to itself would take more."""
    table = KeyTable(parameters)
    generator = random.Random(1)
    width = len(parameters.features)
    for start in range(0, events, EVENTS_AT_ONCE):
        batch = [
            Event(key, 1000 * i, tuple(_value(i + feature, generator) for feature in range(width)))
            for i in range(start, min(events, start + EVENTS_AT_ONCE))
            for key in keys
        ]
        score_batch(parameters, batch, [table] * len(batch))
    return [table.touch(key) for key in keys]


def _rate(
    settings: Settings, parameters: DetectorParameters, grown: Sequence[KeyBlock], keys: int, age: int
) -> float:
    """Events in a second of one worker, keys in random order: decoded, scored beside the loop, encoded.

    The Kafka client's part is in ``SERVICE_SHARE``.
    """
    table = KeyTable(parameters)
    for i in range(keys):
        table.restore(f"key-{i}", grown[i % len(grown)].copy())
    generator = random.Random(1)
    batch_size = largest_batch(table.model, None, settings.kafka.batch_size)
    is_forecasting = parameters.forecast is not None
    warm = max(WARM_FORECASTS if is_forecasting else WARM_EVENTS, batch_size)
    total = warm + (batch_size if is_forecasting else max(MEASURED_EVENTS, batch_size))
    names = [f"key-{generator.randrange(keys)}".encode() for _ in range(total)]
    schema = event_schema(settings)
    if parameters.windows is not None:  # each is a window that was closed: its aggregates under plain names
        schema = replace(schema, feature_paths=tuple(f"f{i}" for i in range(len(parameters.features))))
    values = [_document(schema.feature_paths, age + i, generator) for i in range(total)]
    decoder = EventDecoder(schema)
    encoder = record_encoder(settings, parameters)
    scorer = BatchScorer(parameters, settings.forest.threads)

    def run(first: int, last: int) -> None:
        in_flight: tuple[list[Event], RunningBatch] | None = None
        for start in range(first, last, batch_size):
            end = min(last, start + batch_size)
            batch = [
                event
                for value, name in zip(values[start:end], names[start:end], strict=True)
                if isinstance(event := decoder.decode(value, name, 0), Event)
            ]
            landed = None if in_flight is None else (in_flight[0], in_flight[1].result())
            in_flight = (batch, scorer.start(batch, [table] * len(batch)))
            if landed is not None:  # published while the kernel runs, as the service does
                _publish(encoder, *landed)
        if in_flight is not None:
            _publish(encoder, in_flight[0], in_flight[1].result())

    run(0, warm)
    began = time.perf_counter()
    run(warm, total)
    seconds = time.perf_counter() - began
    scorer.close()
    return SERVICE_SHARE * (total - warm) / seconds


def _publish(encoder: Encoder, events: Sequence[Event], results: ScoredBatch) -> None:
    positions = [Position("events", 0, i) for i in range(len(events))]
    encoder.encode(events, positions, results)


def _document(features: Sequence[str], event: int, generator: random.Random) -> bytes:
    """An event as JSON with these dotted features; without a key, and with the record's time."""
    document: dict[str, Any] = {}
    for number, path in enumerate(features):
        *folders, name = path.split(".")
        place = document
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = _value(event + number, generator)
    return orjson.dumps(document)
