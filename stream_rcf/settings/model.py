"""All settings, how they are loaded, and what the other packages take from them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import ErrorDetails, InitErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stream_rcf.core.parameters import (
    MAX_POINT_DIMENSIONS,
)
from stream_rcf.errors import UsageError
from stream_rcf.pipeline.record_names import KINESIS_COLUMNS
from stream_rcf.settings.base import WholeNumber, WholeSentenceError, WholeSentencesError
from stream_rcf.settings.catalogue import catalogue_of
from stream_rcf.settings.complaints import complaints_of
from stream_rcf.settings.detector_section import DetectorSettings
from stream_rcf.settings.event_section import EventSettings
from stream_rcf.settings.forecast_section import ForecastSettings
from stream_rcf.settings.kafka_section import KafkaSettings
from stream_rcf.settings.output_section import OutputSettings, format_defaults
from stream_rcf.settings.rules_section import RuleSettings, contradictions
from stream_rcf.settings.schema_registry_section import SchemaRegistrySettings
from stream_rcf.settings.sections import (
    CheckpointSettings,
    ForestSettings,
    HttpSettings,
    KeySettings,
    LoggingSettings,
)
from stream_rcf.settings.security_checks import contradictions as security_contradictions
from stream_rcf.settings.security_section import SecuritySettings
from stream_rcf.settings.sources import Gathered, gather

MAX_WORKERS = 256  # processes of one machine; more machines share a group without this setting


class Settings(BaseSettings):
    """Everything a deployment can choose.

    ``Settings()`` holds the defaults, whatever the environment says; ``load_settings`` reads the sources.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    security: SecuritySettings = Field(default_factory=SecuritySettings)
    events: EventSettings = Field(default_factory=EventSettings)
    schema_registry: SchemaRegistrySettings = Field(default_factory=SchemaRegistrySettings)
    forest: ForestSettings = Field(default_factory=ForestSettings)
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
    forecast: ForecastSettings = Field(default_factory=ForecastSettings)
    checkpoint: CheckpointSettings = Field(default_factory=CheckpointSettings)
    keys: KeySettings = Field(default_factory=KeySettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    rules: tuple[RuleSettings, ...] = Field(
        default=(),
        description="what is known of the data and makes an anomaly no alert, for some keys and features",
        json_schema_extra={"allowed": "a list of tables: [[rules]] above each, in TOML"},
    )
    workers: WholeNumber = Field(
        default=1, ge=1, le=MAX_WORKERS, description="processes on this machine, each a member of the group"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave reading to ``load_settings``, which keeps origins and finds every error."""
        return (init_settings,)

    @field_validator("schema_registry")
    @classmethod
    def _check_registry(
        cls, registry: SchemaRegistrySettings, info: ValidationInfo
    ) -> SchemaRegistrySettings:
        events = info.data.get("events")
        if events is not None and events.format != "json" and not registry.url:
            raise WholeSentenceError(
                f"schema_registry.url is empty, but events.format is {events.format}, whose schemas are in a registry: "
                "set it to the registry's address",
                "schema_registry.url",
            )
        return registry

    @field_validator("security")
    @classmethod
    def _check_security(cls, security: SecuritySettings, info: ValidationInfo) -> SecuritySettings:
        kafka = info.data.get("kafka")
        found = security_contradictions(security, kafka.properties) if kafka is not None else []
        if found:
            raise WholeSentencesError(found)
        return security

    @field_validator("forest")
    @classmethod
    def _check_dimensions(cls, forest: ForestSettings, info: ValidationInfo) -> ForestSettings:
        events = info.data.get("events")
        if events is not None and len(events.features) * forest.shingle_size > MAX_POINT_DIMENSIONS:
            most = MAX_POINT_DIMENSIONS // len(events.features)
            raise WholeSentenceError(
                f"forest.shingle_size is {forest.shingle_size}, but must be at most {most} with "
                f"{len(events.features)} events.features",
                "forest.shingle_size",
            )
        return forest

    @field_validator("detector")
    @classmethod
    def _check_preprocessing(cls, detector: DetectorSettings, info: ValidationInfo) -> DetectorSettings:
        events = info.data.get("events")
        if events is not None:
            return detector.fitting(events.features)
        return detector

    @field_validator("keys")
    @classmethod
    def _check_retirement(cls, keys: KeySettings, info: ValidationInfo) -> KeySettings:
        events = info.data.get("events")
        if events is not None and keys.retire_after_seconds is not None:
            events.check_retirement(keys.retire_after_seconds)
        return keys

    @field_validator("output")
    @classmethod
    def _check_columns(cls, output: OutputSettings, info: ValidationInfo) -> OutputSettings:
        events = info.data.get("events")
        taken = sorted(set(events.features).intersection(KINESIS_COLUMNS)) if events is not None else []
        if output.format == "kinesis" and taken:
            raise WholeSentenceError(
                f"events.features holds {taken[0]!r}, but with output.format kinesis another column has that name: "
                "give the field another name, or choose another format",
                "events.features",
            )
        return output

    @field_validator("forecast")
    @classmethod
    def _check_forecast(cls, forecast: ForecastSettings, info: ValidationInfo) -> ForecastSettings:
        events, forest, output = (info.data.get(name) for name in ("events", "forest", "output"))
        if forecast.horizon is not None and output is not None and output.format != "native":
            raise WholeSentenceError(
                f"forecast.horizon is {forecast.horizon}, but output.format is {output.format}, whose records have no "
                "place for forecasts: choose native, or leave forecast.horizon out",
                "forecast.horizon",
            )
        seasonal = info.data["detector"].seasonal_feature() if "detector" in info.data else None
        if forecast.horizon is not None and seasonal is not None:
            raise WholeSentenceError(
                f"forecast.horizon is {forecast.horizon}, but detector.transforms lets {seasonal!r} go with the clock, "
                "and records to come have no times yet: choose one of them",
                "forecast.horizon",
            )
        if events is not None and forest is not None:
            return forecast.fitting(events.features, forest.shingle_size)
        return forecast

    @field_validator("rules", mode="wrap")
    @classmethod
    def _check_rules(
        cls, rules: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> tuple[RuleSettings, ...]:
        """Check each rule, and the rules beside one another: all errors at once."""
        events = info.data.get("events")
        found = contradictions(rules, events.features if events is not None else None)
        try:
            checked: tuple[RuleSettings, ...] = check(rules)
        except ValidationError as error:
            found = [_as_detail(finding) for finding in error.errors(include_url=False)] + found
        if found:
            raise ValidationError.from_exception_data("rules", found)
        return checked

    @field_validator("workers")
    @classmethod
    def _check_workers(cls, workers: int, info: ValidationInfo) -> int:
        kafka = info.data.get("kafka")
        if workers > 1 and kafka is not None and kafka.transactional_id:
            raise ValueError("must be 1 where kafka.transactional_id is set, which names one process")
        return workers

    @property
    def memory_limit_bytes_per_worker(self) -> int:
        """The share of one process of ``keys.memory_limit_mb``."""
        return self.keys.memory_limit_bytes // self.workers


def _as_detail(finding: ErrorDetails) -> InitErrorDetails:
    return {
        "type": finding["type"],
        "loc": finding["loc"],
        "input": finding["input"],
        "ctx": finding.get("ctx", {}),
    }


@dataclass(frozen=True)
class LoadedSettings:
    """Settings with the origin of every value, by dotted name."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(config: Path | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the file, the environment and the overrides, the later over the earlier.

    ``config`` is the file's path; without it ``STREAM_RCF_CONFIG`` may name one. ``overrides`` are texts by
    dotted name. Raises ``UsageError`` that lists every error at once.
    """
    return load_with_origins(config, overrides or {}, os.environ).settings


def load_with_origins(
    config: Path | None, overrides: Mapping[str, str], environment: Mapping[str, str]
) -> LoadedSettings:
    """Do the same, and keep where each value came from."""
    catalogue = catalogue_of(Settings)
    gathered = gather(catalogue, config, environment, overrides)
    output_format = gathered.values.get("output.format")
    for name, value in format_defaults(output_format).items():
        if name not in gathered.values:
            gathered.put(name, value, f"default of output.format {output_format}")
    complaints = list(gathered.complaints)
    try:
        settings = Settings(**_nested(gathered))
    except ValidationError as error:
        complaints += complaints_of(error, catalogue, gathered)
    if complaints:
        count = "1 error" if len(complaints) == 1 else f"{len(complaints)} errors"
        raise UsageError("\n  ".join([f"{count} in the settings:", *complaints]))
    return LoadedSettings(settings, {name: gathered.origin(name) for name in catalogue})


def _nested(gathered: Gathered) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in gathered.values.items():
        section, _, inner = name.rpartition(".")
        if section:
            tree.setdefault(section, {})[inner] = value
        else:
            tree[inner] = value
    return tree
