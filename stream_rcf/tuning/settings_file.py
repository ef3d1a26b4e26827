"""Proposals as a TOML file that ``--config`` takes as it is, each with its reason above it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from stream_rcf.settings.catalogue import Catalogue, catalogue_of, is_secret
from stream_rcf.settings.kafka_properties import is_secret as is_secret_property
from stream_rcf.settings.model import LoadedSettings, Settings
from stream_rcf.settings.printing import toml_value
from stream_rcf.tuning.proposals import Proposal

WIDTH = 100  # columns of a comment

GIVEN = "as given"


def settings_toml(heading: str, proposals: Sequence[Proposal]) -> str:
    """Return the file: the heading as a comment, then every proposal in the order in which settings are declared."""
    catalogue = catalogue_of(Settings)
    order = {name: place for place, name in enumerate(catalogue)}
    sections: dict[str, list[str]] = {"": []}
    for proposal in sorted(proposals, key=lambda one: order[one.name]):
        section, _, name = proposal.name.rpartition(".")
        lines = sections.setdefault(section, [])
        lines += [*_comment(proposal.reason), f"{name} = {_value(proposal.value)}"]
    top = sections.pop("")
    blocks = [*([top] if top else []), *([f"[{name}]", *lines] for name, lines in sections.items())]
    return "\n\n".join("\n".join(block) for block in [_comment(heading), *blocks]) + "\n"


def given(loaded: LoadedSettings, origins: Sequence[str], without: Sequence[str]) -> list[Proposal]:
    """Return the settings of these origins as they are, but those that are secret and those to be left out."""
    catalogue = catalogue_of(Settings)
    return [
        Proposal(name, value, GIVEN)
        for name, origin in loaded.origins.items()
        if origin in origins
        and name not in without
        and not _holds_secret(name, value := _value_of(loaded.settings, name), catalogue)
    ]


def _value_of(settings: Settings, name: str) -> object:
    value: object = settings
    for step in name.split("."):
        value = getattr(value, step)
    return value


def _holds_secret(name: str, value: object, catalogue: Catalogue) -> bool:
    """Tell whether a value must not be written; of a map, whether any of it must not."""
    if isinstance(value, Mapping):
        return any(is_secret_property(key) for key in value)
    return value is None or is_secret(catalogue[name])


def _comment(text: str) -> list[str]:
    printable = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
    return [f"# {line}" for part in printable.splitlines() for line in textwrap.wrap(part, WIDTH - 2) or [""]]


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
        )
    return toml_value(value)
