"""What all sections of the settings share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from stream_rcf.time_zones import time_zone_complaint


class WholeSentenceError(ValueError):
    """A finding that names the setting itself, unlike other messages of validators.

    ``setting`` is the one whose origin matters.
    """

    def __init__(self, sentence: str, setting: str) -> None:
        super().__init__(sentence)
        self.setting = setting


class WholeSentencesError(ValueError):
    """Several such findings about one section, so that all are told at once."""

    def __init__(self, findings: Sequence[WholeSentenceError]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def _refuse_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def check_time_zone(name: str) -> None:
    """Raise ``ValueError`` unless this is a time zone that the machine knows."""
    if complaint := time_zone_complaint(name):
        raise ValueError(f"must be {complaint}")


# TOML's true would otherwise count as 1.
WholeNumber = Annotated[int, BeforeValidator(_refuse_boolean)]
Number = Annotated[float, BeforeValidator(_refuse_boolean)]


class Section(BaseModel):
    """A table of settings: frozen, and strict about names.

    The message of a validator completes the sentence "<setting> is <value>, but ...". pydantic's own messages repeat
    no value, which may be a secret.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, hide_input_in_errors=True
    )


def check_paths(paths: Sequence[str], least: int = 1) -> None:
    """Raise ``ValueError`` unless these are different dotted paths, one or more; ``least`` 0: or none."""
    if len(paths) < least:
        raise ValueError("must name at least one field")
    for path in paths:
        if not all(path.split(".")):
            raise ValueError(f"must not hold {path!r}: a dotted path has a name on each side of every dot")
    repeated = sorted({path for path in paths if list(paths).count(path) > 1})
    if repeated:
        raise ValueError(f"must not repeat {', '.join(repeated)}")
