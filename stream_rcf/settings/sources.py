"""Where settings come from: a TOML file, the environment and ``--set``, each value with its origin.

pydantic-settings would read them too, but stops at the first unreadable one and forgets their origins.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream_rcf.settings.catalogue import Catalogue, is_secret, may_take_json, nearest, takes_json

PREFIX = "STREAM_RCF_"
CONFIG_VARIABLE = "STREAM_RCF_CONFIG"
TEST_PREFIX = "STREAM_RCF_TEST_"  # read by the project's own tests, such as the broker to use
DEFAULT_ORIGIN = "default"


@dataclass
class Gathered:
    """Values and their origins by dotted name, and what was wrong with the sources themselves."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def put(self, name: str, value: object, origin: str) -> None:
        """Set a value over what an earlier source gave."""
        self.values[name] = value
        self.origins[name] = origin

    def origin(self, name: str) -> str:
        """Say where the value of a setting came from."""
        return self.origins.get(name, DEFAULT_ORIGIN)


def gather(
    catalogue: Catalogue, config: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]
) -> Gathered:
    """Read every source, the later over the earlier: file, environment, overrides."""
    gathered = Gathered()
    chosen = config if config is not None else _config_of(environment)
    if chosen is not None:
        _read_file(chosen, catalogue, gathered)
    for variable in sorted(environment):
        if _is_ours(variable):
            name = variable[len(PREFIX) :].lower().replace("__", ".")
            _read_text(name, environment[variable], f"environment {variable}", catalogue, gathered)
    for name, text in overrides.items():
        _read_text(name, text, "--set", catalogue, gathered)
    return gathered


def _config_of(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def _is_ours(variable: str) -> bool:
    upper = variable.upper()
    return upper.startswith(PREFIX) and upper != CONFIG_VARIABLE and not upper.startswith(TEST_PREFIX)


def _read_file(path: Path, catalogue: Catalogue, gathered: Gathered) -> None:
    origin = f"file {path}"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        gathered.complaints.append(f"{path}: cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        gathered.complaints.append(f"{path}: is not UTF-8 text (at its byte {error.start})")
    except tomllib.TOMLDecodeError as error:
        gathered.complaints.append(f"{path}: is not TOML: {error}")
    else:
        sections = {name.split(".", 1)[0] for name in catalogue if "." in name}
        for name, value in document.items():
            if name not in sections:
                _put(name, value, origin, catalogue, gathered)
            elif isinstance(value, dict):
                for inner, setting in value.items():
                    _put(f"{name}.{inner}", setting, origin, catalogue, gathered)
            else:
                gathered.complaints.append(f"{name} must be a table of settings, [{name}] ({origin})")


def _read_text(name: str, text: str, origin: str, catalogue: Catalogue, gathered: Gathered) -> None:
    """Take a value given as text; lists and maps are JSON."""
    setting = catalogue.get(name)
    value: object = text
    if setting is not None and (
        takes_json(setting) or (may_take_json(setting) and text.lstrip().startswith("["))
    ):
        try:
            value = json.loads(text)
        except ValueError as error:
            shown = "" if is_secret(setting) else f" {text!r},"
            kind = 'a map, such as {"linger.ms": "5"}' if is_secret(setting) else 'a list, such as ["value"]'
            gathered.complaints.append(f"{name} is{shown} not the JSON of {kind}: {error} ({origin})")
            return
    _put(name, value, origin, catalogue, gathered)


def _put(name: str, value: object, origin: str, catalogue: Catalogue, gathered: Gathered) -> None:
    if name in catalogue:
        gathered.put(name, value, origin)
        return
    meant = nearest(name, catalogue)
    if meant is not None and origin.startswith("environment"):
        meant = variable_of(meant)
    gathered.complaints.append(
        f"{name} is not a setting ({origin})" + (f"; did you mean {meant}?" if meant is not None else "")
    )


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper().replace(".", "__")
