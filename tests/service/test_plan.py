"""What the plan says, against tables that really hold those keys."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import pytest

from stream_rcf.core.packing import pack
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.service.plan import FIRST_EVENTS, GROWN_SAMPLES, SAVED_FRAME_BYTES, Plan, measure_plan
from stream_rcf.service.process_memory import AT_WORK_BYTES, resident_bytes
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import load_settings
from stream_rcf.state.key_memory import HELD_BYTES, KEY_BYTES
from stream_rcf.state.key_table import KeyTable

KEYS = 12
SMALL = {"forest.trees": "20", "forest.sample_size": "64", "kafka.batch_size": "500"}
TOLERANCE = 0.15  # what is promised


def plan(keys: int = KEYS, **more: str) -> Plan:
    overrides = SMALL | {name.replace("__", "."): value for name, value in more.items()}
    return measure_plan(load_settings(None, overrides), keys)


@lru_cache(maxsize=1)
def unbounded() -> Plan:
    return plan()


def learn_noise(table: KeyTable, keys: Sequence[str], events: int) -> None:
    generator = random.Random(5)
    for start in range(0, events, 20):
        batch = [
            Event(key, 1000 * i, (round(generator.gauss(0.0, 1.0), 2),))
            for i in range(start, min(events, start + 20))
            for key in keys
        ]
        score_batch(table.parameters, batch, [table] * len(batch))


def test_memory_and_checkpoint_are_those_of_keys_that_are_there() -> None:
    table = KeyTable(detector_parameters(load_settings(None, SMALL)))
    learn_noise(table, [f"other-{i}" for i in range(KEYS)], unbounded().events_per_key)
    saved = sum(len(pack(table.touch(key), quick=True)) + SAVED_FRAME_BYTES for key in table.resident_keys())

    assert unbounded().events_per_key == GROWN_SAMPLES * 64 + 8
    assert unbounded().keys_bytes == pytest.approx(table.memory.bytes, rel=TOLERANCE)
    assert unbounded().checkpoint_bytes == pytest.approx(saved, rel=TOLERANCE)
    assert (unbounded().resident_keys, unbounded().spill_bytes) == (KEYS, 0)


def test_the_memory_is_that_of_the_whole_process() -> None:
    found = unbounded()

    assert found.memory_bytes == found.process_bytes + found.copies_bytes + found.keys_bytes
    assert AT_WORK_BYTES < found.process_bytes <= resident_bytes() + AT_WORK_BYTES
    assert 0 < found.copies_bytes <= found.keys_bytes


def test_keys_of_a_given_age_take_what_keys_of_that_age_take() -> None:
    table = KeyTable(detector_parameters(load_settings(None, SMALL)))
    learn_noise(table, [f"other-{i}" for i in range(KEYS)], 60)
    found = measure_plan(load_settings(None, SMALL), KEYS, 60)

    assert found.events_per_key == 60
    assert found.keys_bytes == pytest.approx(table.memory.bytes, rel=TOLERANCE)
    assert found.keys_bytes < unbounded().keys_bytes


def test_a_young_key_is_small() -> None:
    table = KeyTable(detector_parameters(load_settings(None, SMALL)))
    learn_noise(table, ["young"], FIRST_EVENTS)

    assert unbounded().young_bytes_per_key == pytest.approx(table.memory_bytes + HELD_BYTES, rel=TOLERANCE)
    assert unbounded().young_bytes_per_key * 4 < unbounded().memory_bytes_per_key


def test_keys_beyond_the_limit_go_to_the_spill_and_the_rest_fits() -> None:
    found = plan(keys=1000, keys__memory_limit_mb="16")
    away = found.keys - found.resident_keys

    assert 0 < found.resident_keys < found.keys
    assert found.keys_bytes <= 16 * 2**20 < found.keys_bytes + found.memory_bytes_per_key
    assert found.copies_bytes < 16 * 2**20
    assert found.keys_bytes == int(found.resident_keys * found.memory_bytes_per_key + 1000 * KEY_BYTES)
    assert found.spill_bytes == int(away * found.saved_bytes_per_key)
    assert found.checkpoint_bytes == int(1000 * found.saved_bytes_per_key)


def test_a_limit_for_all_workers_is_shared_out() -> None:
    alone, shared = (plan(1000, keys__memory_limit_mb="32", workers=workers) for workers in ("1", "2"))

    assert shared.resident_keys < alone.resident_keys


def test_a_larger_forest_takes_more_of_everything() -> None:
    larger = plan(forest__trees="40")

    assert larger.keys_bytes > unbounded().keys_bytes
    assert larger.checkpoint_bytes > unbounded().checkpoint_bytes
    assert larger.events_per_second > 0.0
