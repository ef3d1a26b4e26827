"""Signals as events, and everything as before afterwards."""

from __future__ import annotations

import os
import select
import signal

from stream_rcf.service.supervisor_signals import HEARD, SignalEvents


def test_signals_come_in_order_and_only_while_it_listens() -> None:
    before = {number: signal.getsignal(number) for number in HEARD}
    with SignalEvents() as signals:
        assert signals.take() == []
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert select.select([signals], [], [], 5)[0] == [signals]
        assert signals.take() == [signal.SIGHUP, signal.SIGTERM, signal.SIGINT]
        assert signals.take() == []
    assert {number: signal.getsignal(number) for number in HEARD} == before
    assert signal.set_wakeup_fd(-1) == -1
