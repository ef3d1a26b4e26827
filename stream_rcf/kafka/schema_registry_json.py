"""JSON Schema: the value is JSON, and must be what its schema says. The work on one event is counted and bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft7Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7

from stream_rcf.kafka.schema_registry import RegisteredSchema, SchemaRefused
from stream_rcf.kafka.schema_registry_json_quick import Check, quick_check
from stream_rcf.kafka.schema_registry_patterns import longest_text, text_limit
from stream_rcf.kafka.schema_registry_reader import HEADER_BYTES, PayloadDecoder
from stream_rcf.pipeline.event_errors import EventError, printable, quoted_path
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.payload import JsonPayload

MAX_CHARACTERS = 2**18  # of a schema and its references: checking one of that size takes about 2 s
MAX_DEPTH = 64  # of a schema's text
MAX_STEPS = 20_000  # of one event: keywords applied; a usual event takes some tens
MAX_NESTING = 100  # of keywords applied within one another, some four calls each
BYTES_PER_ERROR_STEP = 1000  # an error quotes the value, so its cost grows with it
COSTLY_LENGTH = 1000  # items; uniqueItems may compare each with each
DETAIL_CHARACTERS = 160

_budget = threading.local()  # of the event at hand: .steps left, .error_steps, .nesting


class JsonSchemaFormat:
    """JSON by a JSON Schema of any draft, 7 where it names none. ``format`` is a remark, as the standard has it.

    References are resolved among the registered ones alone: nothing is fetched from the addresses they name.
    """

    kind = "JSON"

    def compile(self, schema: RegisteredSchema) -> PayloadDecoder:
        """Return the decoder of a schema."""
        if schema.size > MAX_CHARACTERS:
            raise _unusable(f"with all it refers to it has more than {MAX_CHARACTERS} characters")
        try:
            resources = []
            texts = [(reference.name, reference.text) for reference in schema.references]
            documents = [(name, _document(text)) for name, text in texts]
            for name, document in documents:
                resource = Resource.from_contents(document, default_specification=DRAFT7)
                resources += [(address, resource) for address in (name, resource.id()) if address]
            document = _document(schema.text)
            most = text_limit([document, *(inner for _, inner in documents)])
            plain: Any = validators.validator_for(document, default=Draft7Validator)
            for each in (document, *(inner for _, inner in documents)):
                plain.check_schema(each)
            empty: Any = Registry()
            validator = _counted(plain)(document, registry=empty.with_resources(resources))
        except SchemaError as error:
            raise _unusable(error.message) from None
        except Exception as error:  # noqa: BLE001 -- a foreign text: whatever its parser raises, it is unusable
            raise _unusable(f"{type(error).__name__}: {error}") from None
        return _decoder(validator, quick_check(document, frozenset(plain.VALIDATORS)), most)


def _unusable(detail: str) -> SchemaRefused:
    return SchemaRefused(
        EventError.INVALID_SCHEMA, f"the schema is not JSON Schema: {printable(detail, DETAIL_CHARACTERS)}"
    )


def _document(text: str) -> Any:
    document = orjson.loads(text)
    depth, level = 0, [document]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        inner = [item for item in level if isinstance(item, dict | list)]
        level = [each for item in inner for each in (item.values() if isinstance(item, dict) else item)]
    return document


def _decoder(validator: Any, is_surely_valid: Check | None, longest_allowed: int | None) -> PayloadDecoder:
    json = JsonPayload(())

    def decode(value: bytes) -> Mapping[str, object] | Rejection:
        document = json.read(value[HEADER_BYTES:])
        if isinstance(document, Rejection):
            return document
        if longest_allowed is not None and longest_text(document) > longest_allowed:
            return _misfit(
                f"it holds a text of more than {longest_allowed} characters, too long for the schema's patterns"
            )
        if is_surely_valid is not None and is_surely_valid(document):
            return document
        _budget.steps = MAX_STEPS
        _budget.nesting = 0
        _budget.error_steps = len(value) // BYTES_PER_ERROR_STEP
        try:
            error = next(validator.iter_errors(document), None)
        except _TooMuchWork:
            return _misfit(f"deciding takes more than {MAX_STEPS} steps")
        except _LeadsInACircle:
            return _misfit(f"deciding leads through more than {MAX_NESTING} keywords within one another")
        except RecursionError:  # as when a value is quoted that nests a thousand deep
            return _misfit("it is nested too deep")
        except Unresolvable as unresolvable:
            reference = printable(str(unresolvable.ref), DETAIL_CHARACTERS)
            return Rejection(
                EventError.INVALID_SCHEMA,
                f"the schema refers to {reference}, which is not registered with it",
            )
        return document if error is None else _misfit(_said(error))

    return decode


def _misfit(what: str) -> Rejection:
    return Rejection(EventError.INVALID_PAYLOAD, f"the value does not fit its JSON Schema: {what}")


def _said(error: ValidationError) -> str:
    path = ".".join(str(step) for step in error.absolute_path)
    said = printable(error.message, DETAIL_CHARACTERS)
    return f"at {quoted_path(path)}, {said}" if path else said


# -- the work of one event ---------------------------------------------------------------------------------------------


class _TooMuchWork(Exception):
    """The event's steps are used up."""


class _LeadsInACircle(Exception):
    """Keywords within keywords, too deep. At Python's own limit the validator's library was seen to panic."""


def _counted(plain: Any) -> Any:
    """Return the validator class with each of its keywords counted: schemas can refer to one another exponentially."""
    return validators.extend(
        plain, {keyword: _counting(keyword, apply) for keyword, apply in plain.VALIDATORS.items()}
    )


def _counting(keyword: str, apply: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
    compares_all = keyword == "uniqueItems"

    def counted(validator: Any, stated: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _spend(1)
        if compares_all and isinstance(instance, list) and len(instance) > COSTLY_LENGTH:
            _spend(len(instance) ** 2 // COSTLY_LENGTH)
        _budget.nesting += 1
        if _budget.nesting > MAX_NESTING:
            raise _LeadsInACircle
        try:
            for error in apply(validator, stated, instance, schema) or ():
                _spend(_budget.error_steps)
                yield error
        finally:  # whoever asks only whether there is an error leaves after the first
            _budget.nesting -= 1

    return counted


def _spend(steps: int) -> None:
    _budget.steps -= steps
    if _budget.steps < 0:
        raise _TooMuchWork
