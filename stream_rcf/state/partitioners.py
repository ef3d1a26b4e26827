"""To which partition a producer sends a key: the two ways that are in use, as numbers, and which of them was used."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping

Partitioner = Callable[[bytes, int], int]  # (key, number of partitions) to partition


def murmur2(key: bytes, partitions: int) -> int:
    """As Java's producer, and librdkafka's ``murmur2`` and ``murmur2_random``."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def crc32(key: bytes, partitions: int) -> int:
    """As librdkafka by default: ``consistent`` and ``consistent_random``."""
    return zlib.crc32(key) % partitions


PARTITIONERS: Mapping[str, Partitioner] = {"murmur2": murmur2, "crc32": crc32}


def partitioners_of(placed: Iterable[tuple[str, int]], partitions: int) -> list[str]:
    """Names of the partitioners that would have placed every key where it is; all of them where there is no key."""
    fitting = dict(PARTITIONERS)
    for key, partition in placed:
        for name in [name for name, place in fitting.items() if place(key.encode(), partitions) != partition]:
            del fitting[name]
        if not fitting:
            break
    return list(fitting)


def _murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed of Apache Kafka's clients."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    digest = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        word = int.from_bytes(data[i : i + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        digest = digest * multiplier & mask ^ word
    if len(data) > whole:
        digest = (digest ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    digest = (digest ^ digest >> 13) * multiplier & mask
    return digest ^ digest >> 15
