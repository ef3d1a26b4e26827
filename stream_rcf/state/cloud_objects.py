"""Objects in a bucket: of S3 or what speaks like it, of Google Cloud Storage, or of Azure Blob Storage."""

from __future__ import annotations

import builtins
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from stream_rcf.errors import CheckpointError
from stream_rcf.state.bucket_url import parse_bucket_url
from stream_rcf.state.cloud_failures import Advice, CloudFailure, Outcome, failure_of, unusable_settings
from stream_rcf.state.objects import ObjectExistsError, ObjectMissingError, StoreUnreachableError
from stream_rcf.state.range_merging import cut_range, merge_ranges

REQUEST_SECONDS = 20.0
RETRY_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_READ_OVER_BYTES = 2**20  # a request costs more than so many bytes that nobody wanted
_LARGEST_OFFSET = 2**63 - 1  # more is no size of an object, and no number of obstore's

Client = S3Store | GCSStore | AzureStore
Answer = TypeVar("Answer")


class _Cloud(NamedTuple):
    client: type[S3Store] | type[GCSStore] | type[AzureStore]
    advice: Advice
    options: dict[str, str]


_CLOUDS = {
    "s3": _Cloud(
        S3Store,
        Advice("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "AWS_ALLOW_HTTP"),
        # Removing many at once answers 200 where it may not remove; one at a time is understood by every server.
        {"disable_bulk_delete": "true"},
    ),
    "gs": _Cloud(GCSStore, Advice("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_ALLOW_HTTP"), {}),
    "az": _Cloud(
        AzureStore,
        Advice("AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY", "AZURE_ALLOW_HTTP"),
        {},
    ),
}


class CloudObjects:
    """``Objects`` in a bucket, below a prefix. The bucket must exist; it is first asked when a method is called.

    Credentials, region and endpoint come from the cloud's usual environment variables, and else from the role of the
    machine or container. A process that forks makes its own after the fork.

    :param url: ``s3://bucket/prefix``, ``gs://bucket/prefix`` or ``az://container/prefix``; anything else is refused
        with a ``UsageError``
    :param request_seconds: how long one request may take with its body; a server that hangs costs as much
    :param retry_seconds: how long a request that failed may be begun anew; with 0 each is made once
    """

    def __init__(
        self, url: str, *, request_seconds: float = REQUEST_SECONDS, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._url = parse_bucket_url(url)
        self._cloud = _CLOUDS[self._url.scheme]
        self._request_seconds = request_seconds
        self._retry_seconds = retry_seconds
        self._opening = threading.Lock()
        self._client: Client | None = None

    def __repr__(self) -> str:
        return f"CloudObjects({self.root!r})"

    @property
    def root(self) -> str:
        """The URL of the prefix."""
        return str(self._url)

    def list(self, folder: str) -> builtins.list[str]:
        """Names of objects; see ``Objects``."""
        return self._listed(folder)[0]

    def folders(self, folder: str) -> builtins.list[str]:
        """Names of folders, which are there as long as an object is in them; see ``Objects``."""
        return self._listed(folder)[1]

    def read(self, name: str, most: int) -> bytes:
        """A whole object, of which no more than ``most`` bytes are taken; see ``Objects``."""

        def request(client: Client) -> bytes:
            result = obstore.get(client, name)
            size = result.meta["size"]
            if size > most:
                del result  # hangs up, before the rest of the answer is read
                raise CheckpointError(
                    f"{self._place(name)} is corrupt: more than {most} bytes, namely {size}"
                )
            return bytes(result.bytes())

        return self._read(name, request)

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """Parts of an object, close ones by one request, some requests at a time; see ``Objects``."""
        if any(not 0 <= start <= end <= _LARGEST_OFFSET for start, end in ranges):
            raise self._too_short(name)
        # obstore would merge them too, but it panics where the object ends before one of the merged begins.
        spans = merge_ranges([(start, end) for start, end in ranges if start < end], _READ_OVER_BYTES)

        def request(client: Client) -> Sequence[bytes]:
            if not spans:  # no request would be made, and a missing object not be seen
                obstore.head(client, name)
                return []
            starts, ends = zip(*spans, strict=True)
            return [
                bytes(content)
                for content in obstore.get_ranges(client, name, starts=starts, ends=ends, coalesce=0)
            ]

        contents = self._read(name, request)
        if any(len(content) != end - start for content, (start, end) in zip(contents, spans, strict=True)):
            raise self._too_short(name)
        return [cut_range(wanted, spans, contents) if wanted[0] < wanted[1] else b"" for wanted in ranges]

    def create(self, name: str, data: bytes) -> None:
        """Put an object in one request that fails where the name is taken; see ``Objects``.

        A request without an answer may have been carried out. When it is repeated and the name turns out to be taken,
        the object is read: one with the same bytes is ours. So what two writers race for must differ between them.
        After ``StoreUnreachableError`` the object may be there, or appear later.
        """
        answer = self._ask(lambda client: obstore.put(client, name, data, mode="create", use_multipart=False))
        if not isinstance(answer, CloudFailure):
            return
        if answer.outcome is not Outcome.TAKEN:
            raise self._unreachable(f"create {self._place(name)}", answer)
        if not (answer.maybe_done and self._holds(name, data)):
            raise ObjectExistsError(f"{self._place(name)} exists already")

    def remove(self, name: str) -> None:
        """Remove an object; see ``Objects``."""
        answer = self._ask(lambda client: obstore.delete(client, name))
        if isinstance(answer, CloudFailure) and answer.outcome is not Outcome.MISSING:
            raise self._unreachable(f"remove {self._place(name)}", answer)

    def _listed(self, folder: str) -> tuple[builtins.list[str], builtins.list[str]]:
        answer = self._ask(lambda client: obstore.list_with_delimiter(client, folder or None))
        if isinstance(answer, CloudFailure):
            raise self._unreachable(f"list {self._place(folder)}", answer)
        before = f"{folder}/" if folder else ""
        paths = [found["path"] for found in answer["objects"]], answer["common_prefixes"]
        # A console marks a folder by an empty object of its name, which is then listed in itself.
        objects, folders = (
            [path[len(before) :] for path in part if path.startswith(before)] for part in paths
        )
        return [name for name in objects if name], folders

    def _holds(self, name: str, data: bytes) -> bool:
        try:
            return self.read(name, len(data)) == data
        except CheckpointError:  # longer, or removed meanwhile
            return False

    def _read(self, name: str, request: Callable[[Client], Answer]) -> Answer:
        answer = self._ask(request)
        if not isinstance(answer, CloudFailure):
            return answer
        if answer.outcome is Outcome.MISSING:
            raise ObjectMissingError(f"{self._place(name)} is missing")
        if answer.outcome is Outcome.BEYOND_END:
            raise self._too_short(name)
        raise self._unreachable(f"read {self._place(name)}", answer)

    def _ask(self, request: Callable[[Client], Answer]) -> Answer | CloudFailure:
        """Make a request, again and again where that may help, and return what the last one gave.

        obstore repeats nothing of itself: only so is it known whether an earlier attempt may have been carried out.
        """
        deadline = time.monotonic() + self._retry_seconds
        pause = _FIRST_PAUSE_SECONDS
        maybe_done = False
        while True:
            answer = self._try(request)
            if not isinstance(answer, CloudFailure):
                return answer
            maybe_done |= answer.maybe_done
            if answer.outcome is not Outcome.TRANSIENT or time.monotonic() + pause > deadline:
                return answer._replace(maybe_done=maybe_done)
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _try(self, request: Callable[[Client], Answer]) -> Answer | CloudFailure:
        # Failures are values, raised as ours elsewhere: one raised in here would carry obstore's as its context.
        client = self._opened()
        if isinstance(client, CloudFailure):
            return client
        try:
            return request(client)
        except (BaseError, OSError) as error:
            return failure_of(error, self._request_seconds, self._cloud.advice)

    def _opened(self) -> Client | CloudFailure:
        with self._opening:
            if self._client is None:
                options = {
                    **self._cloud.options,
                    "timeout": f"{round(self._request_seconds * 1000)}ms",
                    "connect_timeout": f"{round(min(_CONNECT_SECONDS, self._request_seconds) * 1000)}ms",
                }
                try:
                    # Not as client_options, which would replace those that the environment sets.
                    self._client = self._cloud.client(
                        self._url.bucket,
                        prefix=self._url.prefix or None,
                        config=cast("Any", options),
                        retry_config={"max_retries": 0},
                    )
                except (BaseError, OSError, ValueError):
                    return unusable_settings(self._cloud.advice)
            return self._client

    def _place(self, name: str) -> str:
        return f"{self.root}/{name}" if name else self.root

    def _too_short(self, name: str) -> CheckpointError:
        return CheckpointError(f"{self._place(name)} is corrupt: it is shorter than was looked for")

    def _unreachable(self, doing: str, failure: CloudFailure) -> StoreUnreachableError:
        return StoreUnreachableError(f"could not {doing}: {failure.reason}")
