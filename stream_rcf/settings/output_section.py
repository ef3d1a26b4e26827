"""The settings about the form of what is published, and the forest that goes with a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from stream_rcf.core.arrival_parameters import MAX_PAUSE_SECONDS
from stream_rcf.pipeline.alert_digest import MOST_KEYS
from stream_rcf.settings.base import Number, Section, WholeNumber, check_paths

MAX_COPIED_FIELDS = 64  # of an event: an alert is to be read

# Kinesis' timeDecay is a number of records, 100,000 by default: how far back the forest looks, with exponentially less
# weight for older ones. Ours is a rate per event. With the rate 1 / n a sampled record is n records old on average
# and weighs 1 / e at that age (a half after 69,315), so n is how far back it looks in the same sense. As hard an end as
# Kinesis' documentation speaks of, at record n, no such sample has.
KINESIS_TIME_DECAY = 1 / 100_000
# The forest of RANDOM_CUT_FOREST, and of RANDOM_CUT_FOREST_WITH_EXPLANATION, where a query gives no numbers.
KINESIS_FOREST: Mapping[str, object] = {
    "forest.trees": 100,
    "forest.sample_size": 256,
    "forest.shingle_size": 1,
    "forest.time_decay": KINESIS_TIME_DECAY,
}


class OutputSettings(Section):
    """How scores and alerts are written."""

    format: Literal["native", "opensearch", "kinesis"] = Field(
        default="native",
        description="how scores and alerts are written: our own records, OpenSearch's anomaly results, or the columns "
        "of Kinesis' RANDOM_CUT_FOREST_WITH_EXPLANATION, whose forest is then the default too",
    )
    detector_id: str = Field(
        default="",
        description="the detector_id of records in the opensearch format, which monitors ask for; "
        "empty: kafka.group_id",
    )
    copy_fields: tuple[str, ...] = Field(
        default=(),
        description="fields of the event that its alert repeats: dotted paths; what is absent or an object is left out",
        json_schema_extra={"allowed": 'a list of dotted paths, such as ["host", "trace.id"]'},
    )
    resolved: bool = Field(
        default=False,
        description="whether the end of an incident is told on the alerts topic too, by a record with status resolved",
        json_schema_extra={"allowed": "true or false"},
    )
    digest_keys: WholeNumber | None = Field(
        default=None,
        ge=2,
        le=MOST_KEYS,
        description="once so many keys of an input partition have an alert within output.digest_seconds, the alerts "
        "topic gets one record with status digest_opened, the same in every output.format, in place of all alerts of "
        "that partition until fewer than half as many keys have one, and then one with status digest_closed; never by "
        "default",
    )
    digest_seconds: Number = Field(
        default=60.0,
        ge=0.001,
        le=MAX_PAUSE_SECONDS,
        description="how close together alerts of different keys are one storm, by their events' times; needs "
        "output.digest_keys",
    )

    @field_validator("copy_fields")
    @classmethod
    def _check_fields(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if paths:
            check_paths(paths)
        if len(paths) > MAX_COPIED_FIELDS:
            raise ValueError(f"must name at most {MAX_COPIED_FIELDS} fields, not {len(paths)}")
        return paths


def format_defaults(output_format: object) -> Mapping[str, object]:
    """Return what a format makes the default of other settings, by dotted name."""
    return KINESIS_FOREST if output_format == "kinesis" else {}
