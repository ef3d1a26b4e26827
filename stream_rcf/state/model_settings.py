"""What shapes a model, as texts by the names of settings: so that a refusal can say what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from stream_rcf.core.parameters import ALGORITHM_VERSION, LIKELIHOOD_VERSION, DetectorParameters

# Where the settings' sections are called otherwise than the fields of ``DetectorParameters``.
_SECTIONS = {"threshold": "detector", "likelihood": "detector", "arrival": "events", "windows": "events"}
_NAMES = {"features": "events.features", "retire_after_ms": "keys.retire_after_seconds, in ms"}
_LONGEST_SHOWN = 200  # characters of one value in a message: it may come from a document made up by somebody


def model_settings(parameters: DetectorParameters) -> dict[str, str]:
    """Every value that ``parameters.fingerprint`` depends on, by the name of its setting."""
    described = {"version of the scores": str((ALGORITHM_VERSION, LIKELIHOOD_VERSION))}
    for name, value in _values(parameters):
        described[_NAMES.get(name, name)] = repr(value)
    if parameters.likelihood is not None and parameters.likelihood.alert_budget == 0:
        described["detector.alert_budget"] = "unused (detector.decision is threshold)"
    described["forest.time_decay"] = repr(parameters.forest.decay)  # a default counts as its value
    del described["forest.dimensions"]  # as many as there are features
    for name in ("windows", "forecast"):
        described.pop(name, None)  # where there are some, they are told by their parts
    return described


def differing_settings(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """One sentence for each name whose value is another, or that only one of the two has."""
    absent = "unknown"
    return [
        f"{_shown(name)} is {_shown(theirs.get(name, absent))} there and {_shown(ours.get(name, absent))} here"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    ]


def _values(holder: object, section: str = "") -> list[tuple[str, object]]:
    """The fields of a dataclass, those of its parts by dotted names."""
    found: list[tuple[str, object]] = []
    for field in fields(holder) if is_dataclass(holder) else ():
        value = getattr(holder, field.name)
        if is_dataclass(value):
            found += _values(value, f"{_SECTIONS.get(field.name, field.name)}.")
        else:
            found.append((section + field.name, value))
    return found


def _shown(text: str) -> str:
    printable = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return printable if len(printable) <= _LONGEST_SHOWN else printable[:_LONGEST_SHOWN] + "..."
