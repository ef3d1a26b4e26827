from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.state.checkpoint_store import open_store


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
    assert open_store(url).root == Path(root)


def test_opening_a_store_creates_nothing(tmp_path):
    open_store(f"file:{tmp_path}/checkpoints")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://bucket/prefix", "keeps checkpoints in folders only"),
        ("gs://bucket", "keeps checkpoints in folders only"),
        ("./checkpoints", "does not begin with file:"),
        ("", "does not begin with file:"),
        ("http://host/x", "does not begin with file:"),
        ("file://server/share", "names the host 'server'"),
        ("file:", "names no folder"),
        ("file:a%00b", "names no folder"),
        ("file:./a?b", "write \\? as %3F"),
        ("file:./a#b", "# as %23"),
        ("file://[", "is not a URL"),
    ],
)
def test_any_other_url_is_refused_with_an_example(url, message):
    with pytest.raises(UsageError, match=message) as failure:
        open_store(url)
    assert failure.value.exit_code == 2
