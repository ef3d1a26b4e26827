"""The watchdog ends a process that hangs, and only such a one."""

from __future__ import annotations

import threading

from stream_rcf.service.watchdog import EXIT_CODE, Watchdog, stall_seconds


class Ended:
    """Notes the exit code in place of ending the process of the tests."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.happened = threading.Event()

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        self.happened.set()


def watchdog(ended: Ended, *, since_turn: float, stopping: bool) -> Watchdog:
    return Watchdog(lambda: since_turn, lambda: stopping, 10.0, 0.05, 0.01, ended)


def test_it_ends_the_process_before_the_group_does_but_never_a_call_that_ends_by_itself() -> None:
    assert 270.0 < stall_seconds(300.0) < 300.0
    assert stall_seconds(10.0) == 90.0


def test_a_loop_that_does_not_turn_is_ended() -> None:
    ended = Ended()
    with watchdog(ended, since_turn=11.0, stopping=False):
        assert ended.happened.wait(5)
    assert ended.codes == [EXIT_CODE]


def test_a_stop_that_takes_too_long_is_ended() -> None:
    ended = Ended()
    with watchdog(ended, since_turn=0.0, stopping=True):
        assert ended.happened.wait(5)
    assert ended.codes == [EXIT_CODE]


def test_a_turning_loop_is_left_alone() -> None:
    ended = Ended()
    with watchdog(ended, since_turn=9.0, stopping=False):
        assert not ended.happened.wait(0.3)
    assert ended.codes == []
