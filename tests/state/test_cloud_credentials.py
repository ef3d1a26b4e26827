"""Where credentials come from, and that none of them is ever said."""

from __future__ import annotations

import json
import math
import socket
import traceback

import pytest

from stream_rcf.errors import StreamRcfError
from stream_rcf.state.cloud_objects import CloudObjects
from stream_rcf.state.objects import ObjectExistsError, ObjectMissingError, StoreUnreachableError
from tests.support.faulty_http import cut_answer, drop_answer, hang, refuse
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY

ROLE_KEY = "AKIDOFTHEROLE"
SHARED_KEY = "c2VjcmV0LW9mLXRlc3RzLW9ubHk="
NEVER_SAID = (
    ACCESS_KEY,
    SECRET_KEY,
    SHARED_KEY,
    ROLE_KEY,
    "leaked",
    "Signature=",
    "AWS4-HMAC",
    "sig=",
    "http://",
)
OPERATIONS = {
    "list": lambda objects: objects.list("a"),
    "read": lambda objects: objects.read("a/name", 100),
    "ranges": lambda objects: objects.read_ranges("a/name", [(1, 3)]),
    "create": lambda objects: objects.create("a/new", b"x"),
    "remove": lambda objects: objects.remove("a/name"),
}
FAULTS = {
    "400": refuse(400, "AuthorizationHeaderMalformed"),
    "401": refuse(401),
    "403": refuse(403, "SignatureDoesNotMatch"),
    "404": refuse(404),
    "409": refuse(409),
    "412": refuse(412),
    "416": refuse(416),
    "500": refuse(500),
    "501": refuse(501),
    "no answer": hang,
    "hung up": drop_answer,
    "cut": cut_answer,
    "no XML": lambda exchange: exchange.answer(200, [], b"<leaked"),
    "redirected": lambda exchange: exchange.answer(301, [("Location", "http://leaked/?sig=x")], b""),
}


def said(error):
    """All that a log could hold of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


def failure_of(operation, objects):
    """What it raises of ours, or nothing."""
    try:
        operation(objects)
    except StreamRcfError as error:
        return error
    return None


@pytest.fixture
def google(proxy, monkeypatch):
    monkeypatch.setenv("GOOGLE_BASE_URL", proxy.endpoint)
    monkeypatch.setenv("GOOGLE_ALLOW_HTTP", "true")
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", SECRET_KEY)
    monkeypatch.setenv("GOOGLE_BUCKET", "another")
    return CloudObjects("gs://bucket/a%20prefix", request_seconds=0.5, retry_seconds=0)


@pytest.fixture
def azure(proxy, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", proxy.endpoint)
    monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", SHARED_KEY)
    monkeypatch.setenv("AZURE_CONTAINER_NAME", "another")
    return CloudObjects("az://container/prefix", request_seconds=0.5, retry_seconds=0)


@pytest.fixture
def amazon(through):
    return through(request_seconds=0.5, retry_seconds=0)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("cloud", ["amazon", "google", "azure"])
def test_no_failure_says_a_credential_or_an_address(fault, cloud, proxy, request):
    objects = request.getfixturevalue(cloud)
    proxy.plan(FAULTS[fault], times=math.inf)
    errors = [error for operation in OPERATIONS.values() if (error := failure_of(operation, objects))]
    assert errors
    for error in errors:
        assert objects.root in str(error)
        assert error.__context__ is None
        assert [secret for secret in NEVER_SAID if secret in said(error)] == []
    assert repr(objects) == f"CloudObjects({objects.root!r})"


def test_google_is_asked_with_the_token_of_its_environment_for_the_bucket_of_the_url(proxy, google):
    proxy.plan(lambda exchange: exchange.answer(200, [("ETag", '"1"')], b""))
    google.create("a/name", b"x")
    (request,) = proxy.requests
    assert request.headers["authorization"] == f"Bearer {SECRET_KEY}"
    assert request.headers["x-goog-if-generation-match"] == "0"
    assert (request.method, request.path) == ("PUT", "/bucket/a%20prefix%2Fa%2Fname")


def test_azure_is_asked_with_the_key_of_its_environment_for_the_container_of_the_url(proxy, azure):
    proxy.plan(lambda exchange: exchange.answer(201, [("ETag", '"1"')], b""))
    azure.create("a/name", b"x")
    (request,) = proxy.requests
    assert request.headers["authorization"].startswith("SharedKey account:")
    assert request.headers["if-none-match"] == "*"
    assert (request.method, request.path) == ("PUT", "/container/prefix/a/name")


def test_a_taken_name_is_known_from_what_each_cloud_answers(proxy, google, azure):
    proxy.plan(refuse(412, "PreconditionFailed"))
    with pytest.raises(ObjectExistsError):
        google.create("name", b"x")
    proxy.plan(refuse(409, "BlobAlreadyExists"))
    with pytest.raises(ObjectExistsError):
        azure.create("name", b"x")


def test_a_missing_object_is_not_a_missing_bucket(proxy, google, azure):
    for objects, of_object, of_bucket in (
        (google, "NoSuchKey", "NoSuchBucket"),
        (azure, "BlobNotFound", "ContainerNotFound"),
    ):
        proxy.plan(refuse(404, of_object), times=2)
        with pytest.raises(ObjectMissingError):
            objects.read("name", 1)
        objects.remove("name")
        proxy.plan(refuse(404, of_bucket), times=2)
        with pytest.raises(StoreUnreachableError, match="there is no such bucket"):
            objects.read("name", 1)
        with pytest.raises(StoreUnreachableError, match="there is no such bucket"):
            objects.remove("name")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_bucket_that_does_not_exist_is_said(operation, direct):
    missing = CloudObjects("s3://no-such-bucket/prefix", retry_seconds=0)
    with pytest.raises(StoreUnreachableError, match="404 NoSuchBucket: there is no such bucket"):
        OPERATIONS[operation](missing)


def test_half_a_pair_of_keys_is_said(direct, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        StoreUnreachableError, match=r"environment variables are incomplete.*AWS_SECRET"
    ) as failure:
        CloudObjects(direct.root).list("")
    assert failure.value.__context__ is None


def test_a_file_of_credentials_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with pytest.raises(StoreUnreachableError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        CloudObjects("gs://bucket").list("")


def test_an_account_that_is_not_named_is_said(monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StoreUnreachableError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        CloudObjects("az://container").list("")


def test_an_endpoint_without_encryption_must_be_allowed(direct, monkeypatch):
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(
        StoreUnreachableError, match=r"no https, which must be allowed \(AWS_ALLOW_HTTP=true\)"
    ):
        CloudObjects(direct.root).list("")


def test_neither_keys_nor_a_role_is_said(direct, monkeypatch):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(StoreUnreachableError, match=r"no credentials: set AWS_ACCESS_KEY_ID and .* a role"):
        CloudObjects(direct.root, retry_seconds=0).list("")


def test_a_machine_has_a_role(direct, proxy, through, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", proxy.endpoint)
    role = {
        "AccessKeyId": ROLE_KEY,
        "SecretAccessKey": SECRET_KEY,
        "Token": "token-of-the-role",
        "Expiration": "2999-01-01T00:00:00Z",
        "Code": "Success",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "Type": "AWS-HMAC",
    }

    def answer(exchange):
        path = exchange.request.path
        body = json.dumps(role) if path.endswith("/a-role") else "a-role"
        exchange.answer(200, [("Content-Type", "text/plain")], body.encode())

    # The token is asked for by PUT too.
    proxy.plan(answer, lambda request: request.path.startswith("/latest/"), times=math.inf)
    proxy.plan(
        lambda exchange: exchange.answer(200, [("ETag", '"1"')], b""), lambda request: request.method == "PUT"
    )
    through().create("name", b"x")
    put = proxy.requests[-1]
    assert put.headers["x-amz-security-token"] == "token-of-the-role"
    assert f"Credential={ROLE_KEY}/" in put.headers["authorization"]
