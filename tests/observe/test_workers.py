"""What the endpoints tell about several workers, of which some are young, dead or hang."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.metric_declarations import SUPERVISOR_DECLARATIONS
from stream_rcf.observe.metrics import Metrics
from stream_rcf.observe.workers import ANSWER_SECONDS, START_SECONDS, Workers, WorkerState, is_ready


def state(index: int, port: int | None, why_down: str | None = None, seconds: float = 5.0) -> WorkerState:
    return WorkerState(index, port, index, why_down, None if why_down else seconds)


@pytest.fixture
def well() -> Iterator[int]:
    """The port of a worker that is ready."""
    metrics = Metrics("test", "0123456789abcdef")
    metrics.health.group_joined(True)
    metrics.partitions({("events", 0): "live"})
    with Endpoints("127.0.0.1", 0, metrics) as endpoints:
        yield endpoints.port


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a process that takes connections and says nothing, as a stopped one does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_all_well_is_well_and_the_details_are_by_worker(well: int) -> None:
    workers = Workers(lambda: [state(0, well), state(1, well)])
    assert workers.live().ok
    answer = workers.ready()
    details = {"ready": True, "joined": True, "partitions": {"events[0]": "live"}}
    assert answer == (True, {"ready": True, "workers": {"0": details, "1": details}})


def test_a_young_one_lives_and_is_not_ready(well: int) -> None:
    workers = Workers(lambda: [state(0, well), state(1, None)])
    assert workers.live().ok
    answer = workers.ready()
    assert not answer.ok
    assert answer.details["reason"] == "worker 1: it is starting"
    workers = Workers(lambda: [state(0, well), state(1, None, seconds=START_SECONDS + 1)])
    assert not workers.live().ok, "it should have answered by now"


def test_one_that_is_replaced_lives(well: int) -> None:
    for replaced in (WorkerState(1, 1, 0, None, 60.0, is_ending=True), WorkerState(1, None, 0, None, None)):
        workers = Workers(lambda replaced=replaced: [state(0, well), replaced])
        assert workers.live().ok
        assert not workers.ready().ok


def test_a_dead_one_is_named_with_its_reason(well: int) -> None:
    workers = Workers(lambda: [state(0, well), state(1, None, "was ended by SIGKILL")])
    for answer in (workers.live(), workers.ready()):
        assert not answer.ok
        assert answer.details["reason"] == "worker 1: it was ended by SIGKILL and is about to start again"


def test_one_that_hangs_makes_nobody_wait_for_long(well: int, silent: int) -> None:
    workers = Workers(lambda: [state(0, well), state(1, silent)])
    for answer in (workers.live(), workers.ready()):
        assert not answer.ok
        assert answer.details["reason"] == f"worker 1: it does not answer within {ANSWER_SECONDS:.0f} s"
    assert not is_ready(state(1, silent))
    assert is_ready(state(0, well))


def test_metrics_say_who_answers_and_how_often_each_was_started(well: int, silent: int) -> None:
    states = [state(0, well), state(1, silent), state(2, None)]
    text = Workers(lambda: states).exposition().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    up, restarts = families["stream_rcf_worker_up"], families["stream_rcf_worker_restarts"]
    assert {sample.labels["worker"]: sample.value for sample in up.samples} == {"0": 1, "1": 0, "2": 0}
    assert {sample.labels["worker"]: sample.value for sample in restarts.samples} == {"0": 0, "1": 1, "2": 2}
    assert {sample.labels["worker"] for sample in families["stream_rcf_events"].samples} == {"0"}
    for declaration in SUPERVISOR_DECLARATIONS:
        family = families[declaration.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (declaration.kind, declaration.documentation)
