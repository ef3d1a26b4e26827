"""The settings as a flat list of dotted names, and how each is described to a person."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Catalogue = Mapping[str, FieldInfo]


def catalogue_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return every setting under its dotted name, such as ``kafka.group_id``, in the order of declaration."""
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= {f"{name}.{inner}": value for inner, value in catalogue_of(field.annotation).items()}
        else:
            found[name] = field
    return found


def nearest(name: str, names: Mapping[str, object]) -> str | None:
    """Return the name that was probably meant."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    if not close:  # the right setting under the wrong section
        ends = [known for known in names if known.rsplit(".", 1)[-1] == name.rsplit(".", 1)[-1]]
        return ends[0] if len(ends) == 1 else None
    return close[0]


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def is_secret(field: FieldInfo) -> bool:
    """Tell whether the setting's value must not appear in messages."""
    return is_wholly_secret(field) or bool(_extra(field).get("secret", False))


def is_wholly_secret(field: FieldInfo) -> bool:
    """Tell whether the setting is one secret, rather than a map that may hold some."""
    return field.annotation is SecretStr


def takes_json(field: FieldInfo) -> bool:
    """Tell whether the setting is a list or a map, which the environment holds as JSON."""
    return get_origin(field.annotation) in {tuple, list, dict}


def takes_map(field: FieldInfo) -> bool:
    """Tell whether the setting is a map."""
    return get_origin(field.annotation) is dict


def may_take_json(field: FieldInfo) -> bool:
    """Tell whether the setting may be a list as well as text."""
    return any(get_origin(option) is tuple for option in get_args(field.annotation))


def allowed(field: FieldInfo) -> str:
    """Say which values the setting takes: the end of the sentence "must be ..."."""
    stated = _extra(field).get("allowed")
    if stated is not None:
        return str(stated)
    kind = _without_none(field.annotation)
    if get_origin(kind) is Literal:
        return " or ".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return 'a list of texts, such as ["value"]'
    noun = {int: "a whole number", float: "a number"}.get(_plain(kind))
    if noun is not None:
        return noun + _range(field)
    shortest = next(
        (item.min_length for item in field.metadata if isinstance(item, annotated_types.MinLen)), 0
    )
    longest = next(
        (item.max_length for item in field.metadata if isinstance(item, annotated_types.MaxLen)), None
    )
    return ("text that is not empty" if shortest else "text") + (
        f", at most {longest} characters" if longest else ""
    )


def _without_none(annotation: object) -> object:
    if get_origin(annotation) in {Union, types.UnionType}:
        return next(option for option in get_args(annotation) if option is not type(None))
    return annotation


def _plain(kind: object) -> Any:
    """Drop ``Annotated`` around a type."""
    return getattr(kind, "__origin__", kind)


def _range(field: FieldInfo) -> str:
    low, high = "", ""
    inclusive: list[object] = []
    for item in field.metadata:
        match item:
            case annotated_types.Ge(ge=bound):
                low = f"at least {bound}"
                inclusive.append(bound)
            case annotated_types.Gt(gt=bound):
                low = f"above {bound}"
            case annotated_types.Le(le=bound):
                high = f"at most {bound}"
                inclusive.append(bound)
            case annotated_types.Lt(lt=bound):
                high = f"below {bound}"
    if len(inclusive) == 2:
        return f" between {inclusive[0]} and {inclusive[1]}"
    return (" " + " and ".join(part for part in (low, high) if part)) if low or high else ""
