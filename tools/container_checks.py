"""What docker-compose.yml promises, checked from outside while it runs; started by container_proof.sh."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable

from tests.support.broker_client import BrokerClient, Record

BROKER = "localhost:19092"
PROMETHEUS = "http://127.0.0.1:9090"
REPLICAS = {"replica-1": "http://127.0.0.1:8081", "replica-2": "http://127.0.0.1:8082"}
CONTAINER = "stream-rcf_{}_1"  # podman-compose's names
PATIENCE_SECONDS = 180.0  # two cores run seven containers here
EVENTS = 5_000
KEYS = 50
PARTITIONS = 4


def main() -> None:
    """Run every check; the first that does not hold ends this with its words."""
    broker = BrokerClient(BROKER)
    step("both replicas get ready", lambda: all(status(f"{url}/ready") == 200 for url in REPLICAS.values()))
    step(
        "and share the partitions", lambda: all(0 < partitions(url) < PARTITIONS for url in REPLICAS.values())
    )
    step("the generator's events are scored", lambda: len(broker.read_all("scores")) > 0)
    for name in REPLICAS:
        podman("exec", CONTAINER.format(name), "python3", "/opt/stream-rcf/image/healthcheck.py")
    say("the health check of the image passes in both")
    step("Prometheus reads both", lambda: query("sum(up)") == len(REPLICAS))
    step("and their metrics", lambda: query("sum(stream_rcf_scores_total)") > 0)

    broker.produce("events", [event(i) for i in range(EVENTS // 2)])
    podman("kill", "--signal", "KILL", CONTAINER.format("replica-1"))
    say("replica-1 is killed in the middle of our events")
    broker.produce("events", [event(i) for i in range(EVENTS // 2, EVENTS)])
    step("every event has its score, also those of the dead replica", lambda: not missing(broker))
    podman("stop", CONTAINER.format("generator"))
    step("nothing remains unscored when the generator stops", lambda: not unscored(broker))
    doubles = [place for place, times in sources(broker).items() if times > 1]
    check(not doubles, f"{len(doubles)} events have two scores, the first: {doubles[:1]}")
    say(f"{len(sources(broker))} events, each scored once; {len(broker.read_all('alerts'))} alerts")


def event(number: int) -> tuple[str, bytes, int, int]:
    """Ours, told from the generator's by its key."""
    key = f"proof-{number % KEYS}"
    value = {"timestamp": 1_767_225_600_000 + 1000 * number, "value": number % 11}
    return key, json.dumps(value).encode(), number % KEYS % PARTITIONS, 0


def missing(broker: BrokerClient) -> int:
    """How many of our events have no score yet."""
    ours = [record for record in broker.read_all("scores") if (record.key or b"").startswith(b"proof-")]
    return EVENTS - len(ours)


def unscored(broker: BrokerClient) -> set[tuple[int, int]]:
    """The places in the input that neither a score nor a dead letter names."""
    events = {(record.partition, record.offset) for record in broker.read_all("events")}
    refused = {place_of_dead_letter(record) for record in broker.read_all("dead-letters")}
    return events - set(sources(broker)) - refused


def sources(broker: BrokerClient) -> Counter[tuple[int, int]]:
    """How often each place in the input was scored."""
    places = (json.loads(record.value or b"{}")["source"] for record in broker.read_all("scores"))
    return Counter((place["partition"], place["offset"]) for place in places)


def place_of_dead_letter(record: Record) -> tuple[int, int]:
    """Where a dead letter came from, by its headers."""
    headers = dict(record.headers)
    return int(headers["source_partition"] or b"-1"), int(headers["source_offset"] or b"-1")


def partitions(url: str) -> int:
    """How many partitions a replica says it has: those it reports a lag for."""
    text = fetch(f"{url}/metrics")[1]
    return sum(line.startswith("stream_rcf_lag") and "{" in line for line in text.splitlines())


def query(expression: str) -> float:
    """The value of a Prometheus expression, 0 while it has none."""
    answer = fetch(f"{PROMETHEUS}/api/v1/query?query={urllib.parse.quote(expression)}")[1]
    result = json.loads(answer)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def status(url: str) -> int:
    """The HTTP status of a page."""
    return fetch(url)[0]


def fetch(url: str) -> tuple[int, str]:
    """A page's status and text; status 0 when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5.0) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def step(name: str, holds: Callable[[], bool]) -> None:
    """Wait until ``holds``; end the proof when it does not in time."""
    began = time.monotonic()
    while not holds():
        check(time.monotonic() - began < PATIENCE_SECONDS, f"not within {PATIENCE_SECONDS:g} s: {name}")
        time.sleep(1.0)
    say(f"{name} ({time.monotonic() - began:.0f} s)")


def podman(*arguments: str) -> None:
    """Run podman; its failure ends the proof."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}")


def check(holds: bool, complaint: str) -> None:
    """End the proof with the complaint unless it holds."""
    if not holds:
        sys.exit(f"container proof: {complaint}")


def say(what: str) -> None:
    """One line of the proof."""
    sys.stdout.write(f"   {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
