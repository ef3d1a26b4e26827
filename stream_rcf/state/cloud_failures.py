"""What a failed request to object storage means, in words that hold no credential.

obstore's own messages quote the request's URL and the body of the answer, which may be a signed URL, an access key or
what was to be signed. So nothing of them is passed on but a status of three digits and an error code of letters.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from obstore.exceptions import AlreadyExistsError

_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_TRANSPORT = re.compile(r"HttpError \{\s+kind: (\w+)")
# Where obstore gets credentials that are not in the environment itself: the machine's or the container's role.
_ROLE_REQUESTS = (
    "169.254.",
    "/latest/api/token",
    "/latest/meta-data/",
    "computeMetadata",
    "TokenRequest",
    "TokenResponseBody",
    "AssumeRoleWithWebIdentity",
    "Credential {",
)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_TRANSIENT_STATUSES = (408, 409, 429)
# Of S3: answered with status 400 the first, with 409 the others, which obstore takes for a name that is taken.
_TRANSIENT_CODES = ("RequestTimeout", "ConditionalRequestConflict", "OperationAborted")
_NEVER_STATUSES = (501, 505)


class Outcome(enum.Enum):
    """What became of a request that did not succeed."""

    MISSING = enum.auto()  # there is no such object
    TAKEN = enum.auto()  # there is one already
    BEYOND_END = enum.auto()  # the object ends before the range begins
    REFUSED = enum.auto()  # asking again at once gives the same answer
    TRANSIENT = enum.auto()  # asking again may help


class CloudFailure(NamedTuple):
    """One failure. ``maybe_done``: the request may have been carried out although nobody said so."""

    outcome: Outcome
    reason: str  # for the end of a sentence
    maybe_done: bool = False


class Advice(NamedTuple):
    """What a person can do about a failure, by cloud."""

    credentials: str  # the variables they come from
    allow_http: str  # the variable that allows an endpoint without TLS


def failure_of(error: Exception, request_seconds: float, advice: Advice) -> CloudFailure:
    """Classify what obstore raised, for a request that had ``request_seconds``."""
    text = str(error)
    found = _STATUS.search(text)
    status = int(found[1]) if found else None
    if any(sign in text for sign in _ROLE_REQUESTS):
        return _no_credentials(status, advice)
    code = _code(text)
    if isinstance(error, AlreadyExistsError) and code not in _TRANSIENT_CODES:
        return CloudFailure(Outcome.TAKEN, "the name is taken")
    if status is not None:
        return _by_status(status, code, advice)
    if isinstance(error, FileNotFoundError):
        return CloudFailure(Outcome.MISSING, "there is no such object")
    return _by_transport(text, request_seconds, advice)


def unusable_settings(advice: Advice) -> CloudFailure:
    """The failure where no client can be made of the environment's variables: one is missing or malformed."""
    return CloudFailure(
        Outcome.REFUSED,
        f"the cloud's environment variables are incomplete or wrong; see {advice.credentials}",
    )


def _no_credentials(status: int | None, advice: Advice) -> CloudFailure:
    refused = status is not None and status < 500
    return CloudFailure(
        Outcome.REFUSED if refused else Outcome.TRANSIENT,
        f"there are no credentials: set {advice.credentials}, or give this machine a role",
    )


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""


def _by_status(status: int, code: str, advice: Advice) -> CloudFailure:
    answer = f"the answer was {status} {code}".rstrip()
    if code in _NO_BUCKET:
        return CloudFailure(Outcome.REFUSED, f"{answer}: there is no such bucket")
    if status == 404:
        return CloudFailure(Outcome.MISSING, answer)
    if status == 416:
        return CloudFailure(Outcome.BEYOND_END, answer)
    if code == "RequestTimeTooSkewed":
        return CloudFailure(Outcome.REFUSED, f"{answer}: set this machine's clock")
    if status in (401, 403):
        return CloudFailure(
            Outcome.REFUSED,
            f"{answer}: are the credentials right ({advice.credentials}), and may they do this?",
        )
    if status in _TRANSIENT_STATUSES or code in _TRANSIENT_CODES:
        return CloudFailure(Outcome.TRANSIENT, answer)
    if status >= 500 and status not in _NEVER_STATUSES:
        return CloudFailure(Outcome.TRANSIENT, answer, maybe_done=True)
    return CloudFailure(Outcome.REFUSED, answer)


def _by_transport(text: str, request_seconds: float, advice: Advice) -> CloudFailure:
    if "BadScheme" in text:
        return CloudFailure(
            Outcome.REFUSED,
            f"its address is no https, which must be allowed ({advice.allow_http}=true)",
        )
    found = _TRANSPORT.search(text)
    kind = found[1] if found else ""
    if kind == "Timeout":
        return CloudFailure(Outcome.TRANSIENT, f"no answer within {request_seconds:g} s", maybe_done=True)
    if kind == "Connect":
        return CloudFailure(Outcome.TRANSIENT, "no connection (address, network or certificate)")
    if kind:
        return CloudFailure(Outcome.TRANSIENT, "the connection broke", maybe_done=True)
    return CloudFailure(Outcome.TRANSIENT, "the answer could not be understood", maybe_done=True)
