from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.errors import ReloadNeededError, StreamRcfError
from stream_rcf.state.spill import KeySpill, SpillFullError, default_spill_folder

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def spill(tmp_path):
    opened = KeySpill(tmp_path / "spill")
    yield opened
    opened.close()


def test_states_come_back_by_slot(spill):
    first = spill.put([b"one", b"", b"x" * 1_000_000])
    second = spill.put([b"four"])
    assert len({*first, *second}) == 4
    assert spill.get([*second, *reversed(first)]) == [b"four", b"x" * 1_000_000, b"", b"one"]
    assert (spill.put([]), spill.get([])) == ([], [])


def test_a_freed_slot_is_gone_and_its_room_used_again(spill):
    sizes = []
    for _ in range(30):
        slots = spill.put([os.urandom(50_000) for _ in range(20)])
        spill.free(slots)
        sizes.append(spill.disk_bytes)
    with pytest.raises(ReloadNeededError, match="is gone"):
        spill.get(slots[:1])
    assert sizes[-1] == sizes[5], "the file grows no further"
    assert sizes[-1] < 4 * 20 * 50_000
    spill.free(slots)  # twice does no harm


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=5000), st.integers(0, 30)), max_size=60))
def test_any_order_of_keeping_and_freeing_loses_nothing(tmp_path_factory, steps):
    spill = KeySpill(tmp_path_factory.mktemp("spill"))
    kept: dict[int, bytes] = {}
    for step in steps:
        if isinstance(step, bytes):
            (slot,) = spill.put([step])
            assert slot not in kept
            kept[slot] = step
        elif kept:
            slot = sorted(kept)[step % len(kept)]
            spill.free([slot])
            del kept[slot]
        assert spill.get(list(kept)) == list(kept.values())
    spill.close()


def test_nothing_stays_behind_not_even_while_it_is_open(tmp_path):
    spill = KeySpill(tmp_path / "spill")
    spill.put([b"x" * 100_000])
    assert list((tmp_path / "spill").iterdir()) == []
    spill.close()


def test_two_processes_or_two_workers_do_not_meet_in_one_folder(tmp_path):
    one, other = KeySpill(tmp_path), KeySpill(tmp_path)
    slots = one.put([b"one"]) + other.put([b"other"])
    assert one.get(slots[:1]) == [b"one"]
    assert other.get(slots[1:]) == [b"other"]
    one.close()
    assert other.get(slots[1:]) == [b"other"]
    other.close()


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StreamRcfError, match=r"file.* cannot keep keys that do not fit memory: .*(exists|Not a dir)"
    ):
        KeySpill(tmp_path / "file" / "spill")


def test_what_cannot_be_read_asks_to_reload(spill, monkeypatch):
    class Broken:
        @staticmethod
        def begin(**options):
            raise lmdb.CorruptedError("mdb_get: page not found")

    monkeypatch.setattr(spill, "_database", Broken())
    with pytest.raises(ReloadNeededError, match="cannot be read: mdb_get: page not found"):
        spill.get([1])
    with pytest.raises(SpillFullError):
        spill.free([1])
    monkeypatch.undo()


def test_the_default_folder_is_the_user_s_own_among_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert default_spill_folder() == tmp_path / f"stream-rcf-spill-{os.getuid()}"


FULL = textwrap.dedent(
    """
    import os, resource, sys
    from pathlib import Path
    from stream_rcf.state.spill import KeySpill, SpillFullError

    spill = KeySpill(Path(sys.argv[1]))
    kept = {}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for round in range(3):
        resource.setrlimit(resource.RLIMIT_FSIZE, (spill.disk_bytes + 2 * 2**20, hard))
        refused = 0
        while refused < 3:
            states = [os.urandom(30_000) for _ in range(16)]
            try:
                kept.update(zip(spill.put(states), states))
            except SpillFullError as error:
                assert "takes no more keys" in str(error), error
                refused += 1
            assert spill.get(list(kept)) == list(kept.values())
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        states = [os.urandom(30_000) for _ in range(16)]
        kept.update(zip(spill.put(states), states))
        assert spill.get(list(kept)) == list(kept.values())
        freed = list(kept)[::2]
        spill.free(freed)
        for slot in freed:
            del kept[slot]
        assert spill.get(list(kept)) == list(kept.values())
    print("kept", len(kept))
    """
)


def test_a_full_disk_refuses_and_loses_nothing_and_takes_more_when_there_is_room(tmp_path):
    """A disk is full for a process of its own: its files may not grow beyond a limit."""
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[1]) > 100
