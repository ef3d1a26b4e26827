from __future__ import annotations

import threading

from stream_rcf.state.copy_memory import UNIT_BYTES, CopyMemory


def test_what_was_given_back_serves_the_next_of_about_that_size() -> None:
    copies = CopyMemory()
    first = copies.take(3 * UNIT_BYTES - 5)
    assert len(first) == 3 * UNIT_BYTES
    copies.give_back(first)
    assert copies.kept_bytes == 3 * UNIT_BYTES
    assert copies.take(4 * UNIT_BYTES) is not first
    assert copies.take(2 * UNIT_BYTES + 1) is first
    assert copies.kept_bytes == 0
    assert copies.take(3 * UNIT_BYTES) is not first


def test_small_pieces_are_not_kept() -> None:
    copies = CopyMemory()
    small = copies.take(100)
    assert len(small) == 100
    copies.give_back(small)
    assert copies.kept_bytes == 0


def test_no_more_is_kept_than_the_bound_and_sizes_out_of_use_make_room() -> None:
    copies = CopyMemory(most_kept_bytes=10 * UNIT_BYTES)
    for piece in [copies.take(3 * UNIT_BYTES) for _ in range(5)]:
        copies.give_back(piece)
    assert copies.kept_bytes == 9 * UNIT_BYTES
    grown = copies.take(4 * UNIT_BYTES)
    copies.give_back(grown)
    assert copies.kept_bytes == 10 * UNIT_BYTES
    assert copies.take(4 * UNIT_BYTES) is grown
    copies.give_back(copies.take(11 * UNIT_BYTES))
    assert copies.kept_bytes <= 10 * UNIT_BYTES


def test_one_thread_takes_while_another_gives_back() -> None:
    copies = CopyMemory(most_kept_bytes=6 * UNIT_BYTES)
    handed_over = [copies.take((1 + i % 3) * UNIT_BYTES) for i in range(3000)]
    giving = threading.Thread(target=lambda: [copies.give_back(piece) for piece in handed_over])
    giving.start()
    taken = []
    while giving.is_alive():
        taken.append(copies.take((1 + len(taken) % 3) * UNIT_BYTES))
        del taken[:-50]
        assert len({id(piece) for piece in taken}) == len(taken), "each piece is in one hand"
    giving.join()
    assert 0 <= copies.kept_bytes <= 6 * UNIT_BYTES
    assert copies.kept_bytes == sum(len(piece) for pieces in copies._kept.values() for piece in pieces)
