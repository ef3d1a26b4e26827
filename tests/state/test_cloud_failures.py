from __future__ import annotations

import pytest
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError

from stream_rcf.state.cloud_failures import Advice, CloudFailure, Outcome, failure_of, unusable_settings

ADVICE = Advice("THE_KEY", "ALLOW_HTTP")
SECRET = "AKIDSECRET"


def answered(status, code="", kind=GenericError):
    """An error as obstore words it."""
    body = f"<Error><Code>{code}</Code><Key>{SECRET}</Key></Error>"
    return kind(
        f"Generic S3 error: Error performing PUT https://bucket/x?X-Amz-Signature={SECRET} in 3ms - "
        f"Server returned non-2xx status code: {status} Whatever: {body}\n\nDebug source:\n ..."
    )


def broken(kind):
    """The same for a request without an answer."""
    return GenericError(
        f"Error performing GET https://{SECRET} - HTTP error: error sending request\n\nDebug source:\n"
        f"inner: Http(\n  HttpError {{\n    kind: {kind},\n    source: reqwest::Error {{\n  kind: Request,"
    )


@pytest.mark.parametrize(
    ("error", "outcome", "maybe_done", "reason"),
    [
        (answered(503, "SlowDown"), Outcome.TRANSIENT, True, "the answer was 503 SlowDown"),
        (answered(500), Outcome.TRANSIENT, True, "the answer was 500"),
        (answered(501, "NotImplemented"), Outcome.REFUSED, False, "the answer was 501 NotImplemented"),
        (answered(429), Outcome.TRANSIENT, False, "the answer was 429"),
        (answered(400, "RequestTimeout"), Outcome.TRANSIENT, False, "the answer was 400 RequestTimeout"),
        (answered(400, "ExpiredToken"), Outcome.REFUSED, False, "the answer was 400 ExpiredToken"),
        (answered(301), Outcome.REFUSED, False, "the answer was 301"),
        (
            answered(403, "RequestTimeTooSkewed", PermissionDeniedError),
            Outcome.REFUSED,
            False,
            "the answer was 403 RequestTimeTooSkewed: set this machine's clock",
        ),
        (
            answered(403, "AccessDenied", PermissionDeniedError),
            Outcome.REFUSED,
            False,
            "the answer was 403 AccessDenied: are the credentials right (THE_KEY), and may they do this?",
        ),
        (
            answered(404, "NoSuchKey", FileNotFoundError),
            Outcome.MISSING,
            False,
            "the answer was 404 NoSuchKey",
        ),
        (FileNotFoundError(SECRET), Outcome.MISSING, False, "there is no such object"),
        (
            answered(404, "NoSuchBucket", FileNotFoundError),
            Outcome.REFUSED,
            False,
            "the answer was 404 NoSuchBucket: there is no such bucket",
        ),
        (answered(416, "InvalidRange"), Outcome.BEYOND_END, False, "the answer was 416 InvalidRange"),
        (answered(412, "PreconditionFailed", AlreadyExistsError), Outcome.TAKEN, False, "the name is taken"),
        (answered(409, "BlobAlreadyExists", AlreadyExistsError), Outcome.TAKEN, False, "the name is taken"),
        (
            answered(409, "ConditionalRequestConflict", AlreadyExistsError),
            Outcome.TRANSIENT,
            False,
            "the answer was 409 ConditionalRequestConflict",
        ),
        (broken("Timeout"), Outcome.TRANSIENT, True, "no answer within 2.5 s"),
        (broken("Connect"), Outcome.TRANSIENT, False, "no connection (address, network or certificate)"),
        (broken("Interrupted"), Outcome.TRANSIENT, True, "the connection broke"),
        (
            GenericError(f"Got invalid XML {SECRET}"),
            Outcome.TRANSIENT,
            True,
            "the answer could not be understood",
        ),
        (
            GenericError(f"PUT http://169.254.169.254/latest/api/token {SECRET} status code: 403"),
            Outcome.REFUSED,
            False,
            "there are no credentials: set THE_KEY, or give this machine a role",
        ),
        (
            GenericError("GET http://169.254.169.254/latest HttpError {\n kind: Connect"),
            Outcome.TRANSIENT,
            False,
            "there are no credentials: set THE_KEY, or give this machine a role",
        ),
    ],
)
def test_a_failure_is_known_by_its_status_code_and_kind(error, outcome, maybe_done, reason):
    assert failure_of(error, 2.5, ADVICE) == CloudFailure(outcome, reason, maybe_done)


@pytest.mark.parametrize("code", [f"{SECRET}=", "a b", "x" * 61, "<Code>", "line\nbreak", "1234"])
def test_what_is_no_plain_code_is_not_repeated(code):
    assert failure_of(answered(400, code), 1, ADVICE).reason == "the answer was 400"


def test_settings_that_make_no_client_are_said_with_the_variables_to_look_at():
    failure = unusable_settings(ADVICE)
    assert failure.outcome is Outcome.REFUSED
    assert "THE_KEY" in failure.reason
