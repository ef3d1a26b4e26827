from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.state.cloud_objects import CloudObjects
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.object_urls import open_objects


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("file:./checkpoints", "checkpoints"),
        ("file:checkpoints", "checkpoints"),
        ("file:/var/lib/checkpoints", "/var/lib/checkpoints"),
        ("file:///var/lib/checkpoints", "/var/lib/checkpoints"),
        ("file://localhost/var/lib", "/var/lib"),
        ("FILE:./a%20b%23c", "a b#c"),
    ],
)
def test_a_file_url_names_a_folder(url, root):
    objects = open_objects(url)
    assert isinstance(objects, FolderObjects)
    assert objects.root == root


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket", "az://container/a/b"])
def test_a_bucket_url_names_a_bucket(url):
    objects = open_objects(url)
    assert isinstance(objects, CloudObjects)
    assert objects.root == url


def test_opening_reads_and_creates_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "not there"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half of a pair")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    for url in (f"file:{tmp_path}/checkpoints", "gs://bucket/prefix", "s3://bucket/prefix", "az://container"):
        open_objects(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("./checkpoints", "'./checkpoints' begins with none of file:, s3:, gs:, az:"),
        ("", "'' begins with none of file:"),
        ("http://host/x", "'http://host/x' begins with none of file:"),
        ("file://server/share", "names a host"),
        ("file:", "names no folder"),
        ("file:a%00b", "names no folder"),
        ("file:./a?b", "write \\? as %3F"),
        ("file:./a#b", "# as %23"),
        ("file://[", "is not a URL"),
        ("s3://", "names no bucket"),
    ],
)
def test_any_other_url_is_refused_with_an_example(url, message):
    with pytest.raises(UsageError, match=message) as failure:
        open_objects(url)
    assert failure.value.exit_code == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://user:SECRET@account.blob.core.windows.net/container",
        "https://account.blob.core.windows.net/container?sv=2020&sig=SECRET",
        "file://user:SECRET@host/folder",
        "file:./folder?sig=SECRET",
        "file://[user:SECRET@host/folder",
        "s3://AKID:SECRET@bucket/prefix",
        "AKID:SECRET@bucket/prefix",
    ],
)
def test_what_may_be_a_credential_is_not_repeated(url):
    with pytest.raises(UsageError) as failure:
        open_objects(url)
    assert "SECRET" not in str(failure.value)
    assert failure.value.__context__ is None


def test_without_the_extra_a_bucket_is_refused_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"s3://bucket/prefix.*install stream-rcf\[cloud\]"):
        open_objects("s3://bucket/prefix")
    with pytest.raises(UsageError, match="a query"):
        open_objects("s3://bucket/prefix?x")


def test_a_folder_does_not_load_the_extra():
    script = (
        "import sys; from stream_rcf.state.object_urls import open_objects; "
        "open_objects('file:x'); print('obstore' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "False"
