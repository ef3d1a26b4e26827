"""What one worker of several is told: the settings that its supervisor has checked, with what is its own."""

from __future__ import annotations

from typing import Any

import orjson

from stream_rcf.settings.model import Settings

LOOPBACK = "127.0.0.1"


def settings_of_worker(settings: Settings, index: int) -> Settings:
    """Return the settings of worker ``index`` (from 0) of ``settings.workers``.

    It listens on a free port of the loopback, where only its supervisor knows it, and bears its number in the name
    of a static member. Everything else is as it was; the memory is shared out by ``memory_limit_bytes_per_worker``.
    """
    document = settings.model_dump()
    document["http"] |= {"host": LOOPBACK, "port": 0}
    if settings.kafka.group_instance_id:
        document["kafka"]["group_instance_id"] = f"{settings.kafka.group_instance_id}-{index}"
    return Settings(**document)


def settings_to_bytes(settings: Settings) -> bytes:
    """Return the settings in one line, secrets included: for a channel that nobody else can read."""
    return orjson.dumps(settings.model_dump(), default=_revealed)


def settings_from_bytes(data: bytes) -> Settings:
    """Return what ``settings_to_bytes`` was given, checked anew."""
    return Settings(**orjson.loads(data))


def _revealed(value: Any) -> Any:
    """What JSON cannot hold is a secret in its wrapper."""
    return value.get_secret_value()
