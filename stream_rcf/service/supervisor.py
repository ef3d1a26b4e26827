"""Several workers on one machine: a parent that starts them, keeps them running and ends them in order.

It holds no Kafka client, no kernels and no state, and waits on signals, its workers' sockets and its own deadlines
only. What a worker does when one of its siblings dies is the consumer group's business, here as between machines.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence

from stream_rcf.observe.workers import WorkerState, is_ready
from stream_rcf.service.supervisor_process import WorkerProcess, describe_end
from stream_rcf.service.supervisor_signals import SignalEvents
from stream_rcf.service.supervisor_slot import Slot
from stream_rcf.service.watchdog import STOP_SECONDS

logger = logging.getLogger(__name__)

# For a worker's orderly end: its own watchdog ends it at STOP_SECONDS; this is for one that cannot even do that.
PATIENCE_SECONDS = STOP_SECONDS + 5.0
READY_LOOK_SECONDS = 0.25  # between two looks whether a restarted worker is ready
FAILED = 1

Start = Callable[[int], WorkerProcess]


class Supervisor:
    """Keeps ``count`` workers running, each made by ``start`` from its number.

    ``states`` may be asked from any thread; everything else belongs to the thread that runs ``run``. ``patience``
    is how many seconds a worker may take to end in order before it is killed.
    """

    def __init__(self, count: int, start: Start, patience: float = PATIENCE_SECONDS) -> None:
        self._start = start
        self._patience = patience
        self._slots = [Slot(index) for index in range(count)]
        self._selector = selectors.DefaultSelector()
        self._are_kernels_ready = False  # one worker compiles them, the others find them
        self._stop_signal: signal.Signals | None = None
        self._exit_code: int | None = None  # set once: the end has begun
        self._rolling: list[Slot] = []  # still to be restarted, one after the other
        self._rolling_since = 0.0

    def states(self) -> Sequence[WorkerState]:
        """How every worker stands, by number."""
        return [slot.state() for slot in self._slots]

    def run(self) -> int:
        """Run until a signal asks for the end, or a worker cannot be kept running; the service's exit code."""
        with SignalEvents() as signals, self._selector:
            self._selector.register(signals, selectors.EVENT_READ)
            try:
                while not self._is_over():
                    self._start_due()
                    self._roll_on()
                    self._wait(signals)
                    self._notice_ends()
                    self._kill_late()
            finally:
                self._kill_all()
        return self._exit_code or 0

    def _is_over(self) -> bool:
        return self._exit_code is not None and all(slot.process is None for slot in self._slots)

    # -- waiting ----------------------------------------------------------------------------------------------------

    def _wait(self, signals: SignalEvents) -> None:
        """Sleep until a signal, a fact from a worker, or the next deadline."""
        for key, _ in self._selector.select(self._seconds_to_next_deadline()):
            if isinstance(key.data, Slot):
                self._receive(key.data)
        for number in signals.take():
            if number == signal.SIGHUP and not signals.is_terminal_gone():
                self._begin_rolling()
            elif number != signal.SIGCHLD:  # that one only wakes us
                self._on_stop_signal(number)

    def _seconds_to_next_deadline(self) -> float | None:
        deadlines = [slot.next_deadline for slot in self._slots if slot.next_deadline is not None]
        if self._rolling:
            deadlines.append(time.monotonic() + READY_LOOK_SECONDS)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _receive(self, slot: Slot) -> None:
        if slot.process is None:
            return
        if not slot.process.link.receive():
            self._selector.unregister(slot.process.link)  # it is ending; its exit code follows
            slot.is_heard = False
        self._are_kernels_ready |= slot.process.link.are_kernels_ready

    # -- starting and ending ----------------------------------------------------------------------------------------

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            may_start = slot.index == 0 or self._are_kernels_ready
            if self._exit_code is None and slot.process is None and may_start and now >= slot.start_at:
                slot.begin(self._start(slot.index))
                self._selector.register(_running(slot).link, selectors.EVENT_READ, slot)
                logger.info(
                    "worker started", extra={"context": {"worker": slot.index, "pid": _running(slot).pid}}
                )

    def _notice_ends(self) -> None:
        for slot in self._slots:
            code = None if slot.process is None else slot.process.exit_code()
            if code is not None:
                if slot.is_heard:
                    self._receive(slot)  # its last words
                if slot.is_heard:
                    self._selector.unregister(_running(slot).link)
                self._on_end(slot, code)

    def _on_end(self, slot: Slot, code: int) -> None:
        was_asked, age = slot.was_asked_to_end, slot.end()
        context = {"worker": slot.index, "exit_code": code, "seconds": round(age, 1)}
        if self._exit_code is not None:
            logger.info("worker ended", extra={"context": context})
            if code != 0 and self._exit_code == 0:
                self._exit_code = FAILED
            return
        if was_asked:
            logger.info("worker ended and starts again", extra={"context": context})
            slot.start_at = time.monotonic()
            return
        delay = slot.restarts_policy.delay_after(code, age)
        if delay is None:
            logger.error(
                "worker %d %s; it is not started again, and the service ends",
                slot.index,
                describe_end(code),
                extra={"context": context},
            )
            self._end_all(code if code > 0 else FAILED)
            return
        slot.wait_for_restart(describe_end(code), delay)
        logger.warning(
            "worker %d %s after %.0f s; starting it again in %.1f s",
            slot.index,
            describe_end(code),
            age,
            delay,
            extra={"context": context},
        )

    def _end_all(self, exit_code: int) -> None:
        """Begin the end: every worker is asked to end in order."""
        self._exit_code = exit_code
        self._rolling.clear()
        for slot in self._slots:
            slot.cancel_restart()
            slot.ask_to_end(self._patience)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is not None and slot.kill_at is not None and now >= slot.kill_at:
                logger.error(
                    "worker %d did not end within %.0f s; killing it, its partitions go to the next owner",
                    slot.index,
                    self._patience,
                )
                slot.kill_at = None
                slot.process.kill()

    def _kill_all(self) -> None:
        """Leave no worker behind: after an orderly end there is none."""
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()

    # -- signals ----------------------------------------------------------------------------------------------------

    def _on_stop_signal(self, number: signal.Signals) -> None:
        """End in order; at once when it is the second of its kind."""
        if self._stop_signal is number:
            logger.warning("%s came twice; ending at once", number.name)
            self._kill_all()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self._stop_signal = self._stop_signal or number
            if self._exit_code is None:
                logger.info("ending every worker in order", extra={"context": {"signal": number.name}})
                self._end_all(0)

    def _begin_rolling(self) -> None:
        if self._exit_code is not None:
            return
        logger.info("rolling restart: one worker after the other, each ready again before the next goes")
        self._rolling = list(self._slots)
        self._rolling_since = time.monotonic()

    def _roll_on(self) -> None:
        """Restart the next worker when the one before is ready."""
        while self._rolling:
            slot = self._rolling[0]
            if slot.process is None:
                return  # it has just ended, and starts again by itself
            if slot.process.began < self._rolling_since:
                if not slot.was_asked_to_end:
                    slot.ask_to_end(self._patience)
                return
            if not is_ready(slot.state()):
                return
            self._rolling.pop(0)
            if not self._rolling:
                logger.info("rolling restart done")


def _running(slot: Slot) -> WorkerProcess:
    if slot.process is None:
        raise AssertionError(f"worker {slot.index} does not run")
    return slot.process
