"""pydantic's findings about a list of tables, in a person's words: which table, which setting, what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stream_rcf.settings.catalogue import allowed, nearest

SHOWN_CHARACTERS = 80  # of a wrong value


def shown(value: object) -> str:
    """Return a wrong value as a sentence holds it."""
    text = value.isoformat() if isinstance(value, date | time) else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def table_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return what each table of a setting is, if the setting is a list of tables."""
    options = get_args(field.annotation)
    if (
        get_origin(field.annotation) is tuple
        and isinstance(options[0], type)
        and issubclass(options[0], BaseModel)
    ):
        return options[0]
    return None


def table_complaint(finding: ErrorDetails, field: FieldInfo, origin: str) -> list[str]:
    """Return sentences for one finding within the setting ``field``, whose value came from ``origin``."""
    place = _Place(str(finding["loc"][0]), field, finding["loc"][1:])
    value, cause = finding["input"], finding.get("ctx", {}).get("error")
    if finding["type"] == "missing":
        what = place.field.description if place.field is not None else None
        return [f"{place.name} is missing" + (f": {what}" if what else "") + f" ({origin})"]
    if finding["type"] == "extra_forbidden":
        names = _names(place.model) if place.model is not None else {}
        meant = nearest(place.name.rsplit(".", 1)[-1], names)
        return [f"{place.name} is not a setting ({origin})" + (f"; did you mean {meant}?" if meant else "")]
    if place.field is None:  # a whole table
        reasons = str(cause).splitlines() if cause is not None else ["must be a table of settings"]
        return [f"{place.name} {reason} ({origin})" for reason in reasons]
    reasons = str(cause).splitlines() if cause is not None else [f"must be {allowed(place.field)}"]
    verb = "holds" if place.is_part else "is"
    return [f"{place.name} {verb} {shown(value)} ({origin}), but {reason}" for reason in reasons]


class _Place:
    """Where in a list of tables something was found.

    ``name`` is what a person calls it, such as ``rules[0].quiet[1].from``. ``field`` is the setting there, None for a
    whole table; ``model`` the table that should have it. ``is_part``: it is one of the texts that the setting lists.
    """

    def __init__(self, name: str, field: FieldInfo, steps: Sequence[int | str]) -> None:
        self.name = name
        self.field: FieldInfo | None = field
        self.model: type[BaseModel] | None = None
        self.is_part = False
        inner = table_model(field)
        for step in steps:
            if isinstance(step, int) and inner is not None:
                self.name += f"[{step}]"
                self.model, self.field = inner, None
            elif self.field is None and self.model is not None:
                self.name += f".{step}"
                self.field = _names(self.model).get(str(step))
                inner = table_model(self.field) if self.field is not None else None
            else:
                self.is_part = True


def _names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}
