"""Events that mean harm: they cost a dead letter each, and reach neither logs, labels, paths nor much memory."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import orjson
import pytest

from stream_rcf.pipeline.event_errors import EventError
from tests.security import bounded
from tests.security.support import SMALL
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, START_OF_EVENTS, Service, Topics, wait_for_outputs

MARK = "h0stile"  # in every hostile text, to look for it where it must not be
KEYS = [
    f"{MARK}\n" + '{"level":"error","message":"forged"}',
    f"{MARK}\r\n2026-01-01T00:00:00.000Z ERROR forged",
    f"{MARK}\x1b[2J\x1b]0;title\x07",
    f"{MARK}\x00null",
    f"{MARK}\x85\u2028\u2029\u202e",
    f"../../../../{MARK}/passwd",
    f"/{MARK}/absolute",
    f"..\\..\\{MARK}",
    f'{MARK}"}} 1\n# HELP forged',
    f"{MARK}{{{{7*7}}}}${{jndi:ldap://127.0.0.1/x}}$(touch {MARK})`touch {MARK}`",
    f"{MARK}%s%n%(asctime)s{{0}}",
    f"{MARK}" + "\N{PILE OF POO}" * 200,
    MARK + "k" * 1000,
    f"{MARK}" + "long" * 100_000,
]
GROUP = f"../../{MARK}/%2e%2e/ group"
HEADER_BYTES = 1000


def events() -> list[tuple[bytes | None, bytes | None, int, int]]:
    """Each key with a good event and with bad ones that repeat the key in every part."""
    made: list[tuple[bytes | None, bytes | None, int, int]] = []
    for key in KEYS:
        raw = key.encode()
        for document in (
            {"value": 1.0},
            {"value": key},
            {"value": {key: 1}},
            {"value": 1.0, "timestamp": key},
            {key: 1.0},
        ):
            made.append((raw, orjson.dumps(document), 0, START_OF_EVENTS))
        made.append((raw, raw, 0, START_OF_EVENTS))
        made.append((b"\xff" + raw, b'{"value":1}', 0, START_OF_EVENTS))
    return made


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_hostile_events_reach_nothing_but_the_outputs(
    broker: KafkaBroker, tmp_path: Path, log_format: str
) -> None:
    topics = Topics(broker, f"hostile-{log_format}", partitions=1)
    sent = events()
    broker.produce(topics.events, sent)
    checkpoints = tmp_path / "inside" / "deeper" / "checkpoints"
    checkpoints.mkdir(parents=True)
    environment = topics.environment(
        checkpoints,
        **SMALL,
        kafka__group_id=f"{GROUP}-{log_format}",
        logging__level="debug",
        logging__format=log_format,
    )
    with Service(environment, tmp_path / "inside" / "log") as service:
        wait_for_outputs(topics, len(sent), [service])
        with urllib.request.urlopen(f"http://{http_of(service)}/metrics", timeout=20) as answer:
            metrics = answer.read().decode()
        assert service.stop() == 0

    lines = service.log.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    for line in lines:
        assert line.isprintable(), ascii(line)
        if log_format == "json":
            orjson.loads(line)
        else:
            assert line.startswith("20"), line  # every line begins with its time
        assert MARK not in line.replace(GROUP, ""), (
            "of all that is hostile a log may hold only the group's name"
        )
    assert MARK not in metrics
    errors = {line.split('"')[1] for line in metrics.splitlines() if "dead_letters_total{" in line}
    assert errors
    assert errors <= {str(error) for error in EventError}

    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    outside = {path for path in written if not path.startswith("inside/deeper/checkpoints/")}
    assert outside == {"inside/log"}
    assert not Path(MARK).exists()
    for path in written - outside:
        assert path.isprintable()
        assert "passwd" not in path, "nothing is named after a key"

    dead = broker.read_all(topics.dead_letters)
    scores = broker.read_all(topics.scores)
    assert len(dead) + len(scores) == len(sent)
    assert len(scores) >= len(KEYS) - 1, "a strange key is a key, but for the one that is too long"
    for record in dead:
        headers = {name: (value or b"").decode() for name, value in record.headers}
        assert all(value.isprintable() for value in headers.values())
        assert sum(len(name) + len(value) for name, value in headers.items()) < HEADER_BYTES
    for record in scores:
        assert record.value is not None
        assert b"\n" not in record.value
        assert orjson.loads(record.value)["key"] in KEYS


def http_of(service: Service) -> str:
    """Where it says that its endpoints are."""
    for line in service.log.read_text(encoding="utf-8").splitlines():
        if line.startswith("{"):
            entry = orjson.loads(line)
            if entry["message"] == "starting":
                return str(entry["http"])
        elif " starting [" in line:
            return line.partition("http=")[2].split(" ")[0].rstrip("]")
    raise AssertionError("the service has not said where its endpoints are")


def test_memory_is_bounded_whatever_comes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", bounded.__name__], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    met = json.loads(done.stdout)
    assert met.pop("none") >= 1
    assert met.keys() <= {str(error) for error in EventError}
    assert sum(met.values()) > 3 * bounded.DISTINCT


def test_files_named_in_the_data_are_not_written(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    rows = "".join(f'"../../{MARK}-{i % 3}\x1b[2J",{i},{i % 7}\n' for i in range(600))
    (folder / "data.csv").write_text("key,timestamp,value\n" + rows, encoding="utf-8")
    out = folder / "out"
    done = subprocess.run(
        [
            *COMMAND,
            "score",
            str(folder / "data.csv"),
            "--key",
            "key",
            "--out-dir",
            str(out),
            "--plot",
            str(out),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path in written if not path.endswith(".png")} == {
        "inside/data.csv",
        "inside/out/data.csv",
    }
    assert all(
        Path(path).parent == Path("inside/out") and MARK not in path for path in written if "png" in path
    )
    assert "\x1b" not in done.stdout + done.stderr
