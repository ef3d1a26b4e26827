from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from stream_rcf.demo.background import Background
from stream_rcf.errors import StreamRcfError


def wait_for(should_stop: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not should_stop():
        pause.wait(0.005)


def test_work_goes_on_until_it_is_asked_to_end() -> None:
    work = Background("work", wait_for)
    work.check()
    work.stop(10.0)
    work.check()


def test_what_the_work_raises_is_raised_to_whoever_asks() -> None:
    def fail(_should_stop: Callable[[], bool]) -> None:
        raise StreamRcfError("it broke")

    work = Background("work", fail)
    with pytest.raises(StreamRcfError, match="it broke"):
        work.stop(10.0)
    with pytest.raises(StreamRcfError, match="it broke"):
        work.check()


def test_work_that_does_not_end_is_named() -> None:
    released = threading.Event()
    work = Background("stubborn work", lambda _should_stop: released.wait(10.0) and None)
    with pytest.raises(TimeoutError, match="stubborn work did not end within"):
        work.stop(0.05)
    released.set()
    work.stop(10.0)


def test_abandoned_work_is_waited_for_and_its_failure_kept_back() -> None:
    def fail(should_stop: Callable[[], bool]) -> None:
        wait_for(should_stop)
        raise StreamRcfError("too late to matter")

    work = Background("work", fail)
    work.abandon(10.0)
    with pytest.raises(StreamRcfError, match="too late to matter"):
        work.check()
