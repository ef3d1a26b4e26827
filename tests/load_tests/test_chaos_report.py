"""The report of chaos runs says what happened, and how to see a red seed again."""

from __future__ import annotations

from load_tests.chaos.driver import Result
from load_tests.chaos.extent import FULL
from load_tests.chaos.faults import kinds_for
from load_tests.chaos.fleet import Ending
from load_tests.chaos.recovery import Recovery
from load_tests.chaos.report import complaint, markdown, plain_data
from load_tests.chaos.world import Parts

KINDS = kinds_for(FULL, Parts(with_go=True, storage="file", protocol="classic"))
GREEN = Result(
    1,
    events=1000,
    verified=1000,
    seconds=80.0,
    recoveries=[
        Recovery("kill", 6.0, True),
        Recovery("kill", 8.0, True),
        Recovery("kill", 20.0, True),
        Recovery("trim", 0.1, False),
    ],
)
RED = Result(
    2,
    events=1000,
    verified=999,
    seconds=90.0,
    problems=["scores: the event at 3:7 is lost: it was never published"],
    recoveries=[Recovery("kill", 5.0, False), Recovery("cut_link", None, False)],
    endings=[Ending("worker-2", 3, "Kafka did not come back within 240 s")],
)


def test_the_report_has_faults_recovery_times_events_and_verdicts() -> None:
    lines = markdown([GREEN, RED], KINDS).splitlines()

    assert any(
        line.startswith("1 of 2 seeds green; 6 faults, 1,999 of 2,000 events verified") for line in lines
    )
    assert "| SIGKILL of a worker | 3 | 8.0 | 20.0 | 1 | 5.0 | 5.0 |" in lines
    assert "| the link to brokers cut (from its end) | 0 |  |  | 1 | - | never |" in lines
    assert "| 1 | green | 1,000 | 4 | 80 |" in lines
    assert "| 2 | **red** | 999 | 2 | 90 |" in lines
    assert "* seed 2, worker-2, exit code 3: Kafka did not come back within 240 s" in lines
    assert not any("SIGTERM" in line for line in lines), "what did not happen is not in the table"


def test_a_red_seed_says_what_is_wrong_and_how_to_run_it_again() -> None:
    text = complaint(RED, 'make chaos ARGS="--seed 2 --seeds 1"', "somewhere/seed-2")

    assert "3:7 is lost" in text
    assert 'again: make chaos ARGS="--seed 2 --seeds 1"' in text
    assert "somewhere/seed-2" in text


def test_the_data_hold_every_sample() -> None:
    first, second = plain_data([GREEN, RED])

    assert first["green"] is True
    assert second["green"] is False
    assert first["recoveries"][2] == {"kind": "kill", "seconds": 20.0, "in_peace": True}  # type: ignore[index] # -- plain data has no types
