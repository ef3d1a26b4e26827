"""Schemas by id from a Confluent-compatible registry: bounded answers, and errors sorted by what to do about them.

The client's own registry class reads answers of any size, sleeps between its retries and takes any 404 for an
unknown schema; a mistyped path would then send every event to the dead letters.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn
from urllib.parse import quote

import orjson

from stream_rcf.errors import RegistryUnavailableError, UnreachableError, UsageError
from stream_rcf.pipeline.event_errors import EventError, printable
from stream_rcf.pipeline.events import Rejection
from stream_rcf.settings.schema_registry_section import SchemaRegistrySettings

MAX_ANSWER_BYTES = 2 * 2**20  # one schema as JSON text; the largest seen in the wild are some 100 KB
MAX_SCHEMA_BYTES = 2**20  # of a schema with all that it refers to
MAX_REFERENCES = 100  # schemas that one schema refers to, directly or not
MAX_ID = 2**31 - 1  # ids are signed 32-bit numbers, from 1
NOT_FOUND_CODES = {
    40401,
    40402,
    40403,
}  # subject, version, schema: the registry's own, not a proxy's or a path's
SHOWN_CHARACTERS = 120  # of an answer


class RegisteredSchema(NamedTuple):
    """A schema as it was registered."""

    kind: str  # AVRO, PROTOBUF or JSON
    text: str
    references: tuple[Reference, ...]  # all, each after those that it refers to itself

    @property
    def size(self) -> int:
        """Characters of all texts."""
        return len(self.text) + sum(len(reference.text) for reference in self.references)


class Reference(NamedTuple):
    """A schema that another one refers to by ``name``."""

    name: str
    text: str


class SchemaRefused(Exception):
    """There is no usable schema, and asking again soon would not change that."""

    def __init__(self, error: EventError, reason: str) -> None:
        super().__init__(reason)
        self.rejection = Rejection(error, reason)


class _NotFound(Exception):
    """The registry itself says that it has no such thing."""


class SchemaRegistry:
    """One registry. Threads may share it.

    Raises ``UsageError`` where the extra is not installed or the certificates cannot be read.
    """

    def __init__(self, settings: SchemaRegistrySettings) -> None:
        try:
            import httpx
        except ImportError as error:
            raise missing_extra(error) from None
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every question
        self._httpx = httpx
        self.url = settings.url
        try:
            httpx.URL(self.url)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UsageError(f"schema_registry.url {self.url!r} cannot be used: {error}") from None
        self._timeout = settings.timeout_seconds
        self._unavailable_since: float | None = None  # epoch s
        password = settings.password.get_secret_value()
        try:
            self._client = httpx.Client(
                auth=(settings.username, password) if settings.username else None,
                verify=_trusted(settings.ca_file),
                timeout=httpx.Timeout(settings.timeout_seconds),
                headers={
                    "Accept": "application/vnd.schemaregistry.v1+json, application/json",
                    "Accept-Encoding": "identity",  # a small answer must not unpack to a large one
                },
            )
        except (OSError, ValueError) as error:
            raise UsageError(
                f"schema_registry.ca_file {settings.ca_file!r} cannot be used: {error}"
            ) from None

    def schema(self, number: int, serialized: bool) -> RegisteredSchema:
        """Return the schema of an id, with everything that it refers to.

        ``serialized``: ask for Protobuf in its binary form, which some registries give and others ignore.
        Raises ``SchemaRefused`` for one that does not exist or is beyond the bounds, ``RegistryUnavailableError``
        where the registry does not answer, and ``UnreachableError`` where it does not let us ask.
        """
        unknown = SchemaRefused(
            EventError.UNKNOWN_SCHEMA, f"the schema registry has no schema of the id {number}"
        )
        if not 0 < number <= MAX_ID:
            raise unknown
        form = "?format=serialized" if serialized else ""
        try:
            answer = self._ask(f"schemas/ids/{number}{form}")
        except _NotFound:
            raise unknown from None
        collected: dict[str, Reference] = {}
        kind, text, references = _parts_of(answer)
        self._collect(references, collected, form, room=MAX_SCHEMA_BYTES - len(text))
        return RegisteredSchema(kind, text, tuple(collected.values()))

    def _collect(
        self, references: list[dict[str, object]], collected: dict[str, Reference], form: str, room: int
    ) -> None:
        """Fetch what is referred to, depth first, without recursion: a registry may hold circles."""
        pending: list[tuple[dict[str, object], bool]] = [(entry, False) for entry in reversed(references)]
        fetched: dict[str, str] = {}
        while pending:
            entry, is_complete = pending.pop()
            name = str(entry.get("name"))
            if is_complete:
                collected[name] = Reference(name, fetched[name])
            elif name not in fetched:
                if len(fetched) >= MAX_REFERENCES:
                    raise SchemaRefused(
                        EventError.INVALID_SCHEMA,
                        f"the schema refers to more than {MAX_REFERENCES} others",
                    )
                fetched[name], further = self._referred(entry, form)
                room -= len(fetched[name])
                if room < 0:
                    raise too_large()
                pending.append((entry, True))
                pending += [(each, False) for each in reversed(further)]

    def _referred(self, entry: dict[str, object], form: str) -> tuple[str, list[dict[str, object]]]:
        subject, version = str(entry.get("subject")), entry.get("version")
        path = f"subjects/{quote(subject, safe='')}/versions/{quote(str(version), safe='')}{form}"
        try:
            _, text, further = _parts_of(self._ask(path))
        except _NotFound:
            raise SchemaRefused(
                EventError.INVALID_SCHEMA,
                f"the schema refers to version {printable(str(version))} of {printable(subject)}, "
                "which the registry does not have",
            ) from None
        return text, further

    def _ask(self, path: str) -> dict[str, object]:
        """Return the registry's answer. A connection that broke is tried once more: it may have been idle for long."""
        try:
            status, body = self._once(path)
        except self._httpx.TimeoutException as error:
            self._fail(path, f"no answer within {self._timeout:g} s ({type(error).__name__})")
        except self._httpx.RequestError:
            try:
                status, body = self._once(path)
            except self._httpx.RequestError as error:
                self._fail(path, f"{type(error).__name__}: {error}")
        document = _json_of(body)
        if status in {401, 403}:
            raise UnreachableError(
                f"the schema registry at {self.url} refuses us (HTTP {status}): check schema_registry.username and "
                "schema_registry.password, and what that user may read"
            )
        if status == 404 and document is not None and document.get("error_code") in NOT_FOUND_CODES:
            self._unavailable_since = None
            raise _NotFound
        if status != 200 or document is None or not isinstance(document.get("schema"), str):
            hint = "; is the path of schema_registry.url right?" if status in {200, 404} else ""
            shown = printable(body[:SHOWN_CHARACTERS].decode("utf-8", "replace"), SHOWN_CHARACTERS)
            self._fail(path, f"HTTP {status}, which is no answer of a registry ({shown}){hint}")
        self._unavailable_since = None
        return document

    def _once(self, path: str) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        with self._client.stream("GET", f"{self.url}/{path}") as answer:
            for piece in answer.iter_bytes(65_536):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise too_large()
                if time.monotonic() > deadline:  # the client's own time-out begins anew with each piece
                    raise self._httpx.ReadTimeout("the answer came too slowly")
            return answer.status_code, bytes(body)

    def _fail(self, path: str, why: str) -> NoReturn:
        if self._unavailable_since is None:
            self._unavailable_since = time.time()
        since = datetime.fromtimestamp(self._unavailable_since, UTC).isoformat(timespec="seconds")
        raise RegistryUnavailableError(
            f"the schema registry at {self.url} has given no answer since {since}: {why}",
            self._asking(path),
        )

    def _asking(self, path: str) -> Callable[[], None]:
        def ask_again() -> None:
            try:
                self._ask(path)
            except (_NotFound, SchemaRefused):
                return  # an answer too

        return ask_again


def too_large() -> SchemaRefused:
    """Refuse a schema for its size."""
    return SchemaRefused(
        EventError.INVALID_SCHEMA, f"the schema with all it refers to has more than {MAX_SCHEMA_BYTES} bytes"
    )


def missing_extra(error: ImportError) -> UsageError:
    """Say how to bring what the formats need."""
    return UsageError(
        f"events.format needs packages that are not installed ({error.name}): pip install 'stream-rcf[schema-registry]'"
    )


def _trusted(ca_file: str) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


def _json_of(body: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _parts_of(answer: dict[str, object]) -> tuple[str, str, list[dict[str, object]]]:
    """Return kind, text and references; a registry leaves the kind out for Avro."""
    text = str(answer["schema"])
    if len(text) > MAX_SCHEMA_BYTES:
        raise too_large()
    references = answer.get("references") or []
    if not isinstance(references, list):
        references = []
    return (
        str(answer.get("schemaType") or "AVRO"),
        text,
        [entry for entry in references if isinstance(entry, dict)],
    )
