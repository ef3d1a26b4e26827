"""Where settings come from: a TOML file, files of secrets, the environment and ``--set``, each value with its origin.

pydantic-settings would read them too, but stops at the first unreadable one and forgets their origins.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from stream_rcf.settings import kafka_properties
from stream_rcf.settings.catalogue import (
    Catalogue,
    is_secret,
    is_wholly_secret,
    may_take_json,
    nearest,
    takes_json,
    takes_map,
)
from stream_rcf.settings.secret_files import DIRECTORY_VARIABLE, secret_files, secrets_directory

PREFIX = "STREAM_RCF_"
CONFIG_VARIABLE = "STREAM_RCF_CONFIG"
TEST_PREFIX = "STREAM_RCF_TEST_"  # read by the project's own tests, such as the broker to use
DEFAULT_ORIGIN = "default"
COMMAND_LINE = "--set"


@dataclass
class Gathered:
    """Values and their origins by dotted name, and what was wrong with the sources themselves.

    Values are not part of what it prints: they are not checked yet, and a secret may stand in the wrong place.
    """

    values: dict[str, object] = field(default_factory=dict, repr=False)
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
    """Read every source, the later over the earlier: file, files of secrets, environment, overrides."""
    gathered = Gathered()
    chosen = config if config is not None else _config_of(environment)
    if chosen is not None:
        _read_file(chosen, catalogue, gathered)
    directory = secrets_directory(environment)
    if directory is not None:
        _read_secrets(directory, catalogue, gathered)
    for variable in sorted(environment):
        if _is_ours(variable):
            name = _setting_of(variable)
            origin = f"environment {variable}"
            _read_text(name, environment[variable], origin, catalogue, gathered, as_variable=True)
    for name, text in overrides.items():
        if name in catalogue and is_wholly_secret(catalogue[name]):
            gathered.complaints.append(f"{name} {_not_as_argument(name)}")
        else:
            _read_text(name, text, COMMAND_LINE, catalogue, gathered)
    return gathered


def _config_of(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def _is_ours(variable: str) -> bool:
    upper = variable.upper()
    not_settings = {CONFIG_VARIABLE, DIRECTORY_VARIABLE}
    return upper.startswith(PREFIX) and upper not in not_settings and not upper.startswith(TEST_PREFIX)


def _setting_of(variable: str) -> str:
    return variable[len(PREFIX) :].lower().replace("__", ".")


def _not_as_argument(name: str) -> str:
    return (
        f"is a secret, and every user of the machine can read a program's arguments: "
        f"use {variable_of(name)}, in the environment or as a file ({COMMAND_LINE})"
    )


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


def _read_secrets(directory: Path, catalogue: Catalogue, gathered: Gathered) -> None:
    """Take the values of files; two that name one setting, by letters of another case, are an error."""
    seen: dict[str, Path] = {}
    for secret in secret_files(directory, PREFIX):
        name = _setting_of(secret.path.name)
        if secret.complaint is not None:
            gathered.complaints.append(secret.complaint)
        elif name in seen:
            gathered.complaints.append(f"{seen[name]} and {secret.path} both set {name}: remove one of them")
        else:
            seen[name] = secret.path
            _read_text(name, secret.text, f"file {secret.path}", catalogue, gathered, as_variable=True)


def _read_text(
    name: str,
    text: str,
    origin: str,
    catalogue: Catalogue,
    gathered: Gathered,
    as_variable: bool = False,
) -> None:
    """Take a value given as text; lists and maps are JSON. ``as_variable``: it was named like a variable."""
    setting = catalogue.get(name)
    value: object = text
    if setting is not None and (
        takes_json(setting) or (may_take_json(setting) and text.lstrip().startswith("["))
    ):
        try:
            value = json.loads(text)
        except ValueError as error:
            shown = "" if is_secret(setting) else f" {text!r},"
            kind = 'a map, such as {"name": "value"}' if takes_map(setting) else 'a list, such as ["value"]'
            gathered.complaints.append(f"{name} is{shown} not the JSON of {kind}: {error} ({origin})")
            return
        if origin == COMMAND_LINE and isinstance(value, dict):
            secret = [option for option in value if kafka_properties.is_secret(option)]
            if secret:
                gathered.complaints.append(f"{secret[0]} in {name} {_not_as_argument(name)}")
                return
    _put(name, value, origin, catalogue, gathered, as_variable)


def _put(
    name: str,
    value: object,
    origin: str,
    catalogue: Catalogue,
    gathered: Gathered,
    as_variable: bool = False,
) -> None:
    if name in catalogue:
        is_text = isinstance(value, str) and is_wholly_secret(catalogue[name])
        gathered.put(name, SecretStr(str(value)) if is_text else value, origin)
        return
    meant = nearest(name, catalogue)
    if meant is not None and as_variable:
        meant = variable_of(meant)
    gathered.complaints.append(
        f"{name} is not a setting ({origin})" + (f"; did you mean {meant}?" if meant is not None else "")
    )


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper().replace(".", "__")
