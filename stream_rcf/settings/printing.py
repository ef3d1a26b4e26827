"""The effective settings as TOML that can be read back, each value with its source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from pydantic import BaseModel, SecretStr

from stream_rcf.settings.catalogue import catalogue_of
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.kafka_properties import MASK, masked
from stream_rcf.settings.model import LoadedSettings, Settings


def settings_as_toml(loaded: LoadedSettings) -> str:
    """Return every setting with its value, its source as a comment, and secrets masked."""
    settings, origins = loaded.settings, loaded.origins
    top: list[str] = []
    tables: dict[str, list[str]] = {}
    arrays: list[list[str]] = []
    for name in catalogue_of(Settings):
        section, _, inner = name.rpartition(".")
        value = _value(settings, section, inner)
        if _is_tables(value):  # likewise, each with what it sets
            arrays += [[f"[[{name}]]  # {_one_line(origins[name])}", *_rows(table)] for table in value]
        elif isinstance(value, Mapping):  # a table of its own, after its section's plain values
            rows = [f"{toml_value(key)} = {toml_value(item)}" for key, item in masked(value).items()]
            tables[f"[{name}]  # {origins[name]}"] = rows
        else:
            rows = tables.setdefault(f"[{section}]", []) if section else top
            line = f"{inner} = {toml_value(value)}  # {_one_line(origins[name])}"
            rows.append(line if value is not None else f"# {line}")
    blocks = [top, *([heading, *rows] for heading, rows in tables.items()), *arrays]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _is_tables(value: object) -> TypeGuard[Sequence[BaseModel]]:
    return isinstance(value, tuple) and bool(value) and all(isinstance(item, BaseModel) for item in value)


def _rows(table: BaseModel) -> list[str]:
    return [f"{name} = {toml_value(item)}" for name, item in _effective(table).items()]


def _effective(table: BaseModel) -> dict[str, object]:
    """What a table says, under the names that are written in files; not what is empty, zero or not set by default."""
    fields = type(table).model_fields.items()
    values = [(field, field.alias or name, getattr(table, name)) for name, field in fields]
    return {name: value for field, name, value in values if field.default or value != field.default}


def _value(settings: Settings, section: str, name: str) -> object:
    if (section, name) == ("forest", "time_decay"):
        return detector_parameters(settings).forest.decay  # TOML has no null, and the effect is what counts
    holder: BaseModel = getattr(settings, section) if section else settings
    return getattr(holder, name)


def toml_value(value: object) -> str:
    """Return a TOML value. JSON's strings are TOML's, but for one control character."""
    if value is None:
        return "not set"  # in a comment: TOML has no word for it
    if isinstance(value, BaseModel):
        return (
            "{" + ", ".join(f"{name} = {toml_value(item)}" for name, item in _effective(value).items()) + "}"
        )
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, SecretStr):
        return toml_value(MASK if value.get_secret_value() else "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _one_line(origin: str) -> str:
    return origin if origin.isprintable() else repr(origin)
