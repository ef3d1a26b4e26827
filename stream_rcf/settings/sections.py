"""The settings apart from Kafka's: each with a default, a range and a sentence that says what it is for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from stream_rcf.core.arrival_parameters import MAX_PAUSE_SECONDS
from stream_rcf.core.parameters import (
    DECAY_SAMPLES,
    MAX_POINT_DIMENSIONS,
    MAX_SAMPLE_SIZE,
    MAX_TREES,
    SEED_LIMIT,
)
from stream_rcf.errors import UsageError
from stream_rcf.settings.base import Number, Section, WholeNumber, WholeSentenceError
from stream_rcf.settings.memory import BYTES_PER_MEGABYTE, SMALLEST_LIMIT_MB, default_memory_limit_mb
from stream_rcf.state.object_urls import open_objects

SECONDS_PER_DAY = 86_400


MAX_THREADS = 64  # of one process; beyond, more processes do better


class ForestSettings(Section):
    """The forest of one key."""

    trees: WholeNumber = Field(
        default=50,
        ge=1,
        le=MAX_TREES,
        description="trees of each key's forest: more for steadier scores, fewer for speed",
    )
    sample_size: WholeNumber = Field(
        default=256, ge=2, le=MAX_SAMPLE_SIZE, description="points that each tree remembers of a key's past"
    )
    shingle_size: WholeNumber = Field(
        default=8,
        ge=1,
        le=MAX_POINT_DIMENSIONS,
        description="events in a row that are scored together; as long as the pattern to know, such as a day",
    )
    time_decay: Number | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="how fast the past fades, per event: 0 for never; "
        f"1 / ({DECAY_SAMPLES} x sample_size) by default",
    )
    seed: WholeNumber = Field(
        default=0,
        ge=-SEED_LIMIT,
        lt=SEED_LIMIT,
        description="each key's forest is seeded by a stable hash of (seed, key)",
    )
    initial_accept_fraction: Number = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the sample that takes in every point; beyond it grows more slowly, over a longer past",
    )
    threads: WholeNumber = Field(
        default=1,
        ge=1,
        le=MAX_THREADS,
        description="threads of each process that share out the keys of a batch; scores do not depend on it",
    )


class CheckpointSettings(Section):
    """Where the models are kept between restarts."""

    url: str = Field(
        default="file:./checkpoints",
        description="where the models are kept: file:<path>, s3://, gs:// or az://<bucket>/<prefix>",
    )
    backfill_url: str = Field(
        default="",
        description="where `stream-rcf score --save-state` kept models that keys begin with; empty: they begin empty",
        json_schema_extra={"allowed": "empty, or a URL as checkpoint.url"},
    )
    interval_seconds: Number = Field(
        default=30.0,
        ge=0.05,
        le=SECONDS_PER_DAY,
        description="time between checkpoints; a restart replays at most as much",
    )
    on_unusable: Literal["fail", "fresh"] = Field(
        default="fail",
        description="where no checkpoint fits the committed offset: stop, or begin with empty models",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return _require_objects(url, "checkpoint.url")

    @field_validator("backfill_url")
    @classmethod
    def _check_backfill_url(cls, url: str) -> str:
        return _require_objects(url, "checkpoint.backfill_url") if url else url


def _require_objects(url: str, name: str) -> str:
    try:
        open_objects(url, name)
    except UsageError as error:
        raise WholeSentenceError(str(error), name) from error
    return url


class KeySettings(Section):
    """How many models are held at once, and for how long."""

    memory_limit_mb: WholeNumber = Field(
        default_factory=default_memory_limit_mb,
        ge=SMALLEST_LIMIT_MB,
        description="memory for all models of all workers, in MB of 2**20 bytes; three quarters of "
        "the container's or machine's by default",
    )
    retire_after_seconds: Number | None = Field(
        default=None,
        ge=0.001,
        le=MAX_PAUSE_SECONDS,
        description="a key whose next event is later than so many seconds after its latest one begins anew, "
        "by the events' own times; never by default",
    )

    spill_folder: str = Field(
        default="",
        description="local folder for keys that do not fit memory; empty: in the system's temporary folder",
    )

    @property
    def memory_limit_bytes(self) -> int:
        """The same in bytes, for all workers together."""
        return self.memory_limit_mb * BYTES_PER_MEGABYTE


class HttpSettings(Section):
    """Where /live, /ready and /metrics are served."""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="address to listen on; 0.0.0.0 for every interface"
    )
    port: WholeNumber = Field(
        default=8080, ge=0, le=65_535, description="port to listen on; 0 for any free one"
    )


class LoggingSettings(Section):
    """What the service says, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least severe messages shown"
    )
    format: Literal["json", "text"] = Field(
        default="json", description="one JSON object a line, or lines for people"
    )

    @field_validator("level", mode="before")
    @classmethod
    def _ignore_case(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level
