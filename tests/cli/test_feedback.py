"""``stream-rcf feedback`` and ``maintenance`` on a real broker: what they send is what the service understands."""

from __future__ import annotations

from uuid import uuid4

import orjson
import pytest

from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import (
    ABOVE,
    BELOW,
    About,
    Cancel,
    ForgetFeedback,
    Maintenance,
    Missed,
    NotAnAnomaly,
    Notice,
    read_control,
    read_feedback,
)
from tests.cli.support import run_command
from tests.support.broker import KafkaBroker

FEATURES = ("cpu", "memory")
ALERT = {
    "key": "host-1",
    "timestamp": 1_767_225_600_000,
    "values": {"cpu": 97.5, "memory": 12.0},
    "anomaly_score": 2.4,
    "is_anomaly": True,
    "expected_values": {"cpu": 41.5, "memory": 12.0},
    "relevant_attribution": {"cpu": 0.9, "memory": 0.1},
    "source": {"topic": "metrics", "partition": 0, "offset": 5951},
    "alert_id": "metrics:0:5951",
    "direction": {"cpu": "above", "memory": "below"},
}
BEGIN = 1_767_225_600_000
HELD_OFFSET = 7000  # of an alert that a digest held: only its score was published


class Stage:
    """The topics of one test, with one alert among others."""

    def __init__(self, broker: KafkaBroker) -> None:
        word = uuid4().hex[:8]
        self.broker = broker
        self.names = {name: f"{word}-{name}" for name in ("alerts", "scores", "feedback", "control")}
        for name in self.names.values():
            broker.create_topic(name, 1)
        others = [orjson.dumps(ALERT | {"alert_id": f"metrics:0:{number}"}) for number in (595, 59510)]
        resolved = orjson.dumps({"alert_id": ALERT["alert_id"], "key": "host-1", "status": "resolved"})
        values = [*others, b"somebody else's metrics:0:5951", resolved, orjson.dumps(ALERT)]
        broker.produce(self.names["alerts"], [(b"host-1", value, 0, BEGIN) for value in values])
        scores = [
            ALERT
            | {
                "source": {"topic": "metrics", "partition": 0, "offset": offset},
                "is_anomaly": offset == HELD_OFFSET,
            }
            for offset in (HELD_OFFSET - 1, HELD_OFFSET)
        ]
        values = [
            orjson.dumps(
                {name: value for name, value in score.items() if name not in ("alert_id", "direction")}
            )
            for score in scores
        ]
        broker.produce(self.names["scores"], [(b"host-1", value, 0, BEGIN) for value in values])

    def run(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Exit code and what was said."""
        environment = {
            "STREAM_RCF_KAFKA__BOOTSTRAP_SERVERS": self.broker.bootstrap,
            "STREAM_RCF_EVENTS__FEATURES": orjson.dumps(FEATURES).decode(),
            **{f"STREAM_RCF_KAFKA__{name.upper()}_TOPIC": topic for name, topic in self.names.items()},
            **{f"STREAM_RCF_{name.upper()}": value for name, value in settings.items()},
        }
        done = run_command(*arguments, environment=environment)
        return done.returncode, (done.stdout + done.stderr).decode()

    def told(self, topic: str) -> list[Notice | Rejection]:
        """What the service would understand."""
        read = read_feedback if topic == "feedback" else read_control
        return [read(record.value, FEATURES) for record in self.broker.read_all(self.names[topic])]


@pytest.fixture
def stage(broker: KafkaBroker) -> Stage:
    return Stage(broker)


def test_an_alert_was_none(stage: Stage) -> None:
    code, line = stage.run("feedback", "metrics:0:5951", "not-an-anomaly", "--note", "a backup")
    assert (code, line) == (0, f"told {stage.names['feedback']}: not_an_anomaly, key host-1\n")
    (told,) = stage.told("feedback")
    assert isinstance(told, NotAnAnomaly)
    assert (told.key, told.abouts) == ("host-1", (About(0, ABOVE, 56.0),))
    assert orjson.loads(stage.broker.read_all(stage.names["feedback"])[0].value or b"")["note"] == "a backup"


def test_an_alert_that_a_digest_held_is_found_by_its_score(stage: Stage) -> None:
    held = ("feedback", f"metrics:0:{HELD_OFFSET}", "not-an-anomaly")
    code, line = stage.run(*held, output__digest_keys="20")
    assert (code, line) == (0, f"told {stage.names['feedback']}: not_an_anomaly, key host-1\n")
    (told,) = stage.told("feedback")
    assert isinstance(told, NotAnAnomaly)
    assert (told.key, told.abouts) == ("host-1", (About(0, ABOVE, 56.0),))


@pytest.mark.parametrize(
    ("alert_id", "settings", "words"),
    [
        (f"metrics:0:{HELD_OFFSET}", {}, "is on topic"),
        (f"metrics:0:{HELD_OFFSET - 1}", {"output__digest_keys": "20"}, " or "),
        ("metrics", {"output__digest_keys": "20"}, "an id is a topic, a partition and an offset"),
        (
            f"metrics:0:{HELD_OFFSET}",
            {"output__digest_keys": "20", "output__format": "opensearch"},
            "or a digest held it: records in the opensearch format do not tell which those are",
        ),
    ],
    ids=["no digests", "no anomaly", "no id", "another format"],
)
def test_no_alert_is_found(stage: Stage, alert_id: str, settings: dict[str, str], words: str) -> None:
    code, line = stage.run("feedback", alert_id, "not-an-anomaly", **settings)
    assert code == 2
    assert f"no alert {alert_id} is on topic" in line
    assert words in line
    assert not stage.told("feedback")


def test_an_alert_was_missed_and_feedback_is_forgotten(stage: Stage) -> None:
    at = ("--timestamp", "2026-01-01T00:00:00Z")
    assert stage.run(
        "feedback", "--missed", "--key", "host-2", *at, "--features", "memory", "--direction", "below"
    ) == (
        0,
        f"told {stage.names['feedback']}: missed, key host-2\n",
    )
    (told,) = stage.told("feedback")
    assert isinstance(told, Missed)
    assert told.alert
    assert (told.key, told.abouts) == ("host-2", (About(1, BELOW),))
    assert stage.run("feedback", "--forget", "--key", "host-2")[0] == 0
    assert stage.told("control") == [ForgetFeedback("host-2")]


def test_maintenance_is_announced_and_ended(stage: Stage) -> None:
    begin = ("--from", "2026-01-01T00:00:00Z")
    keys = ("--keys", "host-*", "--keys", "db")
    code, line = stage.run("maintenance", *keys, *begin, "--for", "90m", "--id", "patch", "--features", "cpu")
    assert (code, line) == (
        0,
        f"told {stage.names['control']}: maintenance patch of host-*, db from 2026-01-01T00:00:00.000Z until"
        " 2026-01-01T01:30:00.000Z\n",
    )
    assert (
        stage.run("maintenance", "--keys", "*", "--from", str(BEGIN + 1), "--until", str(BEGIN + 7))[0] == 0
    )
    assert stage.run("maintenance", "--cancel", "patch")[1].endswith("maintenance patch is off\n")
    patch, other, off = stage.told("control")
    assert patch == Maintenance("patch", ("host-*", "db"), (0,), BEGIN, BEGIN + 90 * 60_000)
    assert isinstance(other, Maintenance)
    assert other[1:] == (("*",), (0, 1), BEGIN + 1, BEGIN + 7)
    assert other.name
    assert off == Cancel("patch")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("feedback",), "name an alert and not-an-anomaly, or --missed or --forget with --key"),
        (("feedback", "metrics:0:5951"), "say what the alert was: not-an-anomaly"),
        (("feedback", "metrics:0:5951", "fine"), "invalid choice: 'fine'"),
        (("feedback", "metrics:0:5951", "--missed"), "name an alert and not-an-anomaly, or"),
        (("feedback", "metrics:0:5951", "not-an-anomaly", "--key", "a"), "leave them away"),
        (("feedback", "metrics:9:9", "not-an-anomaly"), "no alert metrics:9:9 is on topic"),
        (("feedback", "--missed"), "--missed needs --key"),
        (("feedback", "--missed", "--key", "a", "--features", "disk"), "names none of events.features"),
        (
            ("feedback", "--missed", "--key", "a", "--set", "kafka.feedback_topic="),
            "kafka.feedback_topic is empty",
        ),
        (
            ("feedback", "--missed", "--key", "a", "--set", "kafka.feedback_topic=none"),
            "there is no topic none",
        ),
        (
            ("feedback", "--forget", "--key", "a", "--set", "kafka.control_topic="),
            "kafka.control_topic is empty",
        ),
        (("maintenance",), "name the keys by --keys"),
        (("maintenance", "--keys", "*"), "by --until or --for"),
        (("maintenance", "--keys", "*", "--for", "2 hours"), "--for takes a number and s, m, h or d"),
        (("maintenance", "--keys", "*", "--until", "1990-01-01"), "until must be later"),
        (("maintenance", "--keys", "*", "--from", "noon", "--for", "1h"), "--from noon: the time"),
        (("maintenance", "--cancel", "a", "--keys", "*"), "--cancel takes the name alone"),
        (("maintenance", "--cancel", "a", "--set", "kafka.control_topic="), "kafka.control_topic is empty"),
    ],
)
def test_what_says_nothing_is_refused_and_sends_nothing(
    stage: Stage, arguments: tuple[str, ...], words: str
) -> None:
    code, line = stage.run(*arguments)
    assert code == 2, line
    assert words in line
    assert stage.told("feedback") == stage.told("control") == []
