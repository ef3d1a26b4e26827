"""Several worker processes behind one address: their answers to ``/live`` and ``/ready``, and their metrics, as one."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import orjson
import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge

from stream_rcf.observe import metric_declarations as declared
from stream_rcf.observe.exposition import merged_expositions
from stream_rcf.observe.health import Answer

LOOPBACK = "127.0.0.1"
ANSWER_SECONDS = 4.0  # for a worker's answer; it has a thread for them, beside its loop
START_SECONDS = 120.0  # from a worker's start to its first answer, on a very slow machine
MOST_AT_ONCE = 32  # workers asked at the same time

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How a worker stands, as far as its supervisor knows.

    ``port`` is where it answers, None while it does not run or has only just begun; ``why_down`` says how it ended
    when it did so by itself and waits for its next start; ``seconds_since_start`` is None while it does not run;
    ``is_ending`` while it ends because it was asked to.
    """

    index: int
    port: int | None
    restarts: int
    why_down: str | None
    seconds_since_start: float | None
    is_ending: bool = False


class Workers:
    """What the endpoints tell about all workers. ``states`` is asked at every request, from any thread."""

    def __init__(self, states: Callable[[], Sequence[WorkerState]]) -> None:
        self._states = states

    def live(self) -> Answer:
        """Tell whether all workers run and their loops turn. One that is being started or replaced is no fault."""
        return self._together("live")

    def ready(self) -> Answer:
        """Tell whether all workers are ready; the details are by worker."""
        return self._together("ready")

    def exposition(self) -> bytes:
        """Return the metrics of all workers that answer, each sample with its ``worker``, and who answers."""
        states = self._states()
        texts = _of_each(states, lambda state: _ask(state, "/metrics")[1])
        registry = CollectorRegistry()
        up, restarts = declared.WORKER_UP, declared.WORKER_RESTARTS
        up_gauge = Gauge(up.name, up.documentation, up.labels, registry=registry)
        restarts_counter = Counter(restarts.name, restarts.documentation, restarts.labels, registry=registry)
        answered: dict[str, bytes] = {}
        for state, text in zip(states, texts, strict=True):
            worker = str(state.index)
            up_gauge.labels(worker).set(text is not None)
            restarts_counter.labels(worker).inc(state.restarts)
            if text is not None:
                answered[worker] = text
        return prometheus_client.generate_latest(registry) + merged_expositions(answered)

    def _together(self, question: str) -> Answer:
        states = self._states()
        answers = _of_each(states, lambda state: _answer_of(state, question))
        ok = all(answer.ok for answer in answers)
        details: dict[str, object] = {question: ok}
        if not ok:
            details["reason"] = "; ".join(
                f"worker {state.index}: {answer.details.get('reason', 'it does not say why')}"
                for state, answer in zip(states, answers, strict=True)
                if not answer.ok
            )
        details["workers"] = {
            str(state.index): answer.details for state, answer in zip(states, answers, strict=True)
        }
        return Answer(ok, details)


def is_ready(state: WorkerState) -> bool:
    """Ask one worker whether it has its share of the partitions and all of them are live."""
    return _answer_of(state, "ready").ok


def _answer_of(state: WorkerState, question: str) -> Answer:
    """What a worker says, or what there is to say of one that cannot."""
    is_live = question == "live"
    if state.why_down is not None:
        return _answer(question, False, f"it {state.why_down} and is about to start again")
    if state.is_ending:
        return _answer(question, is_live, "it is ending, as it was asked to")
    if state.port is None:
        is_young = state.seconds_since_start is None or state.seconds_since_start < START_SECONDS
        return _answer(question, is_live and is_young, "it is starting")
    status, body = _ask(state, f"/{question}")
    if body is None:
        return _answer(question, False, f"it does not answer within {ANSWER_SECONDS:.0f} s")
    return Answer(status == http.HTTPStatus.OK, orjson.loads(body))


def _answer(question: str, ok: bool, reason: str) -> Answer:
    return Answer(ok, {question: ok, "reason": reason})


def _ask(state: WorkerState, path: str) -> tuple[int, bytes | None]:
    """Status and body of a worker's answer; a body of None where there was none in time."""
    if state.port is None:
        return 0, None
    connection = http.client.HTTPConnection(LOOPBACK, state.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def _of_each(states: Sequence[WorkerState], question: Callable[[WorkerState], Result]) -> list[Result]:
    """Ask all workers at once: one that hangs must not make the others late."""
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(states))) as pool:
        return list(pool.map(question, states))
