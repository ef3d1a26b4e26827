from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from stream_rcf.state.durable_files import NewFile, lock_if_abandoned, make_folder
from tests.state.support import PARTITION, file_store, read_back

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = 6
WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tests.state.support import PARTITION, file_store, write_checkpoint

    store = file_store(Path(sys.argv[1]))
    manifests = store.manifests(PARTITION).manifests
    base = manifests[0] if manifests else None
    number = 0 if base is None else base.offset
    print("writing", flush=True)
    while True:
        number += 1
        full = base is None or number % 5 == 0
        keys = range(10) if full else [number % 10]
        states = {f"key-{key}": b"%d," % number * 2000 for key in keys}
        base = write_checkpoint(store, states, offset=number, base=base, keep=not full)
    """
)


def expected(offset: int) -> dict[str, bytes]:
    """What the writer's keys hold at an offset: the last full number, or a later one of their own."""
    last_full = offset - offset % 5 if offset >= 5 else 1
    numbers = dict.fromkeys(range(10), last_full)
    for number in range(last_full + 1, offset + 1):
        numbers[number % 10] = number
    return {f"key-{key}": b"%d," % number * 2000 for key, number in numbers.items()}


def test_a_writer_killed_at_any_moment_leaves_a_whole_checkpoint_and_nothing_stays_behind(tmp_path):
    moments = random.Random(3)
    reached = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        time.sleep(moments.uniform(0.02, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        store = file_store(tmp_path)
        listing = store.manifests(PARTITION)
        assert listing.problems == []
        for manifest in listing.manifests[:2]:
            assert read_back(store, manifest) == expected(manifest.offset)
        assert listing.newest_number >= reached
        reached = listing.newest_number
    assert reached > KILLS
    store = file_store(tmp_path)
    base = store.manifests(PARTITION).manifests[0]
    for _ in range(2):  # two checkpoints later, nothing of the dead is left
        writer = store.begin(PARTITION, base.fingerprint, base)
        base = writer.finish(base.offset, keep_segments=True)
    named = {segment.name for segment in base.segments}
    assert {name for name in os.listdir(store.folder(PARTITION)) if not name.startswith("manifest")} == named
    assert read_back(store, base) == expected(base.offset)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    new = NewFile(tmp_path)
    new.file.write(b"content")
    assert not (tmp_path / "name").exists()
    new.sync()
    new.publish(tmp_path / "name")
    new.close()
    new.close()
    assert os.listdir(tmp_path) == ["name"]
    assert (tmp_path / "name").read_bytes() == b"content"


def test_a_name_that_is_taken_stays_as_it_is(tmp_path):
    (tmp_path / "name").write_bytes(b"first")
    new = NewFile(tmp_path)
    new.sync()
    with pytest.raises(FileExistsError):
        new.publish(tmp_path / "name")
    assert new.published is None
    new.close()
    assert os.listdir(tmp_path) == ["name"]
    assert (tmp_path / "name").read_bytes() == b"first"


def test_the_lock_tells_a_living_writer_from_a_dead_one(tmp_path):
    new = NewFile(tmp_path)
    new.sync()
    new.publish(tmp_path / "name")
    with lock_if_abandoned(tmp_path / "name") as locked:
        assert not locked
    new.close()
    with lock_if_abandoned(tmp_path / "name") as locked:
        assert locked
    with lock_if_abandoned(tmp_path / "gone") as locked:
        assert not locked


def test_folders_are_made_with_their_parents(tmp_path):
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
