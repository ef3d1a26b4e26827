"""Logs as one JSON object a line, or as text for a person; context comes in ``extra={"context": {...}}``."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson

LogFormat = Literal["json", "text"]
MOST_LEVELS = 8  # of nesting in a context; anything deeper is written as Python writes it
OWN_FIELDS = ("time", "level", "logger", "message", "exception")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029]")  # JSON escapes the lower ones itself
_LINE_BREAKING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # but tabs and line feeds


class JsonFormatter(logging.Formatter):
    """One line: time (ISO 8601, UTC), level, logger, message, the context's fields, the exception if any.

    ``worker`` is the number of this process among several, which then stands in every line.

    A context field with the name of one of these gets a ``context_`` before it. What JSON cannot hold is
    written as text, and no character can break the line or reach a terminal as a command.
    """

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        document: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._worker,
        }
        for name, value in _context(record).items():
            is_taken = name in OWN_FIELDS or name in self._worker
            document[f"context_{name}" if is_taken else str(name)] = value
        exception = _exception(self, record)
        if exception:
            document["exception"] = exception
        try:
            line = orjson.dumps(document).decode()
        except TypeError:
            line = orjson.dumps(_plain(document)).decode()
        return _UNESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


class TextFormatter(logging.Formatter):
    """For a person at a terminal: the same facts in a row, with a traceback on the lines below."""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._name = "" if worker is None else f" worker {worker}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of text, and a traceback's lines below."""
        context = " ".join(f"{name}={value}" for name, value in _context(record).items())
        message = f"{record.getMessage()} [{context}]" if context else record.getMessage()
        line = (
            f"{_time(record)} {record.levelname:<8}{self._name} {record.name}: "
            f"{_escaped(message, _CONTROL_CHARACTERS)}"
        )
        exception = _exception(self, record)
        return f"{line}\n{_escaped(exception, _LINE_BREAKING)}" if exception else line


def configure_logging(
    level: str, log_format: LogFormat, stream: TextIO | None = None, worker: int | None = None
) -> None:
    """Send all logs of the process to ``stream`` (standard error) and nowhere else. May be called again.

    ``worker`` is this process's number among several, from 0; every line names it.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter(worker) if log_format == "json" else TextFormatter(worker))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _context(record: logging.LogRecord) -> dict[Any, object]:
    context = getattr(record, "context", None)
    if context is None or isinstance(context, dict):
        return context or {}
    return {"context": context}


def _plain(value: object, levels: int = MOST_LEVELS) -> object:
    """Return a value that JSON can hold and that reads the same, as far as there is one."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # lone surrogates
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, dict) and levels:
        return {str(_plain(str(name))): _plain(entry, levels - 1) for name, entry in value.items()}
    if isinstance(value, (list, tuple)) and levels:
        return [_plain(entry, levels - 1) for entry in value]
    return _plain(repr(value))


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _escaped(text: str, characters: re.Pattern[str]) -> str:
    return characters.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
