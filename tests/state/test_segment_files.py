from __future__ import annotations

import errno
import os

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.manifest import manifest_name, segment_name
from tests.state.support import FINGERPRINT, PARTITION, file_store, names, read_back, write_checkpoint


@pytest.fixture
def store(tmp_path):
    return file_store(tmp_path / "checkpoints")


def test_the_number_can_be_taken_only_once_and_the_loser_leaves_no_trace(store):
    base = write_checkpoint(store, {"a": b"1"}, offset=1)
    winner = store.begin(PARTITION, FINGERPRINT, base, number=2)
    loser = store.begin(PARTITION, FINGERPRINT, base, number=2)
    winner.append("a", b"winner")
    loser.append("a", b"loser")
    manifest = winner.finish(2, keep_segments=True)
    with pytest.raises(CheckpointError, match=r"checkpoint 2 of .* exists already: another process"):
        loser.finish(3, keep_segments=True)
    assert read_back(store, manifest) == {"a": b"winner"}
    assert names(store) == [manifest_name(1), manifest_name(2), segment_name(1), segment_name(2)]


def test_a_base_whose_segments_are_gone_is_not_continued(store):
    base = write_checkpoint(store, {"a": b"1"})
    for _ in range(2):
        write_checkpoint(store, {"a": b"2"})
    with pytest.raises(CheckpointError, match="is gone, so checkpoint 1 cannot be continued"):
        write_checkpoint(store, {"a": b"3"}, base=base, keep=True)
    assert len(store.manifests(PARTITION).manifests) == 2


def test_only_a_checkpoint_of_the_same_settings_is_continued(store):
    base = write_checkpoint(store, {"a": b"1"})
    with pytest.raises(ValueError, match="same settings"):
        write_checkpoint(store, {"a": b"2"}, base=base, keep=True, fingerprint="ffff")
    with pytest.raises(ValueError, match="same settings"):
        write_checkpoint(store, {"a": b"2"}, keep=True)
    writer = store.begin(PARTITION, FINGERPRINT)
    writer.append("a", b"1")
    with pytest.raises(ValueError, match="already added"):
        writer.append("a", b"2")
    writer.abandon()


def test_what_was_abandoned_leaves_no_trace_and_takes_nothing_more(store):
    writer = store.begin(PARTITION, FINGERPRINT)
    writer.append("a", b"1")
    assert len(names(store)) == 1
    writer.abandon()
    writer.abandon()
    assert names(store) == []
    with pytest.raises(ValueError, match="has ended"):
        writer.append("b", b"2")
    with pytest.raises(ValueError, match="has ended"):
        writer.finish(1, keep_segments=False)


class Calls:
    """Lets the n-th call of a system function fail, and counts them."""

    def __init__(self, function, fails_at: int) -> None:
        self.function, self.fails_at, self.count = function, fails_at, 0

    def __call__(self, *arguments):
        self.count += 1
        if self.count == self.fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.function(*arguments)


@pytest.mark.parametrize(("name", "calls"), [("fsync", 4), ("link", 2), ("unlink", 2)])
def test_a_full_disk_at_any_step_leaves_the_older_checkpoint_and_no_remains(store, monkeypatch, name, calls):
    base = write_checkpoint(store, {"a": b"1"}, offset=1)
    for step in range(1, calls + 1):
        counting = Calls(getattr(os, name), step)
        monkeypatch.setattr(os, name, counting)
        with pytest.raises(CheckpointError, match=r"could not be written to .*: No space left on device"):
            write_checkpoint(store, {"a": b"2"}, offset=2, base=base, keep=True)
        monkeypatch.undo()
        assert counting.count >= step
        listing = file_store(store.root).manifests(PARTITION)
        assert listing.problems == []
        for (
            manifest
        ) in listing.manifests:  # once the manifest is linked it stands, even where its sync failed
            assert read_back(file_store(store.root), manifest) == {"a": b"%d" % manifest.offset}
        assert [name for name in names(store) if name.endswith(".writing")] == []
        base = listing.manifests[0]
        base = write_checkpoint(store, {"a": b"1"}, offset=1, base=base, keep=True)
    unnamed = set(names(store)) - {segment.name for segment in base.segments}
    assert {name for name in unnamed if name.startswith("segment")} == set()
