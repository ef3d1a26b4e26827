"""Everything a run needs, started in order and ended in reverse: links, cluster, storage, topics, workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import orjson

from load_tests.chaos.extent import Extent
from load_tests.chaos.feed import Feeder, Watcher
from load_tests.chaos.fleet import Fleet
from load_tests.chaos.links import Link, PythonLinks, ToxiproxyLinks
from load_tests.chaos.storage import DISK, Disk, FolderStorage, ObjectStorage, Storage
from load_tests.chaos.stream import Stream
from stream_rcf.settings.model import Settings
from stream_rcf.settings.sections import KeySettings
from tests.support.broker_process import free_ports
from tests.support.cluster import NODES, Cluster
from tests.support.service import Topics

LOOK_SECONDS = 0.05  # between two looks at the workers and the threads
INSPECT_SECONDS = 120.0
FIRST_FEED_SECONDS = 3600.0  # for the whole stream at the pace before the first output

Protocol = Literal["classic", "consumer"]


@dataclass(frozen=True)
class Parts:
    """What the world is made of.

    ``with_go``: toxiproxy, versitygw and wrong clocks, which ``tools/chaos_parts.sh`` brings; else what the tests have.
    """

    with_go: bool
    storage: Literal["file", "s3"]
    protocol: Protocol


def storages() -> list[Literal["file", "s3"]]:
    """Where the service can keep checkpoints."""
    return ["file", "s3"] if find_spec("stream_rcf.state.cloud_objects") else ["file"]


def can_spill() -> bool:
    """Whether keys may leave memory for the disk."""
    return "spill_folder" in KeySettings.model_fields


class World:
    """One run's cluster, links, storage, workers, and the two threads; leaving the ``with`` block ends all."""

    def __init__(self, extent: Extent, parts: Parts, folder: Path, stream: Stream) -> None:
        self.extent = extent
        self.parts = parts
        self.folder = folder
        self._stream = stream
        self._stack = ExitStack()
        self.links: list[Link] = []
        self.disk: Disk
        self.storage: Storage
        self.cluster: Cluster
        self.topics: Topics
        self.fleet: Fleet
        self.feeder: Feeder
        self.watcher: Watcher

    def __enter__(self) -> World:
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def _build(self) -> None:
        enter = self._stack.enter_context
        with_go = self.parts.with_go
        maker = enter(ToxiproxyLinks(self.folder / "toxiproxy.log") if with_go else PythonLinks())
        link_ports = free_ports(NODES)
        consumer_session = str(round(1000 * self.extent.session))
        self.cluster = enter(
            Cluster(
                link_ports,
                {
                    "group.consumer.min.session.timeout.ms": "500",
                    "group.consumer.session.timeout.ms": consumer_session,
                    "group.consumer.min.heartbeat.interval.ms": "100",
                    "group.consumer.heartbeat.interval.ms": "500",
                },
            )
        )
        for node, (port, target) in enumerate(zip(link_ports, self.cluster.link_target_ports, strict=True)):
            self.links.append(maker.make(f"node-{node}", port, target))
        self.disk = enter(Disk(self.folder / DISK, self.extent.disk_megabytes))
        if self.parts.storage == "s3":
            self.storage = enter(ObjectStorage(self.folder / "storage", maker, with_go=with_go))
        else:
            self.storage = enter(FolderStorage(self.disk))
        self.topics = Topics(self.cluster, "chaos", self.extent.partitions)
        # A group of its own: the workers of another run on this machine hold other names of transactions.
        self.topics.group = f"chaos-{os.getpid()}"
        self.fleet = Fleet(self._environment(), self.folder, has_clocks=with_go)
        self._stack.callback(self.fleet.kill_all)
        bootstrap = self.cluster.bootstrap
        self.watcher = Watcher(
            bootstrap, self.topics.scores, self.topics.dead_letters, self.extent.partitions
        )
        self._stack.callback(self.watcher.stop)
        self.feeder = Feeder(bootstrap, self.topics.events, self._stream, FIRST_FEED_SECONDS)
        self._stack.callback(self.feeder.stop)
        self.watcher.start()
        self.feeder.start()
        for _ in range(self.extent.workers):
            self.fleet.add()

    def _environment(self) -> dict[str, str]:
        extent = self.extent
        properties = {
            "transaction.timeout.ms": str(round(1000 * extent.transaction)),
            "reconnect.backoff.max.ms": "1000",
        }
        if self.parts.protocol == "classic":
            properties["session.timeout.ms"] = str(round(1000 * extent.session))
            properties["heartbeat.interval.ms"] = str(round(1000 * extent.session / 6))
        settings = self.topics.environment(
            Path("unused"),
            kafka__bootstrap_servers=self.cluster.link_bootstrap,
            kafka__properties=json.dumps(properties),
            kafka__group_protocol=self.parts.protocol,
            checkpoint__url=self.storage.url,
            checkpoint__interval_seconds=extent.checkpoint,
            kafka__commit_interval_ms=round(1000 * extent.commit),
            forest__trees=extent.trees,
            forest__sample_size=extent.sample_size,
            forest__shingle_size=extent.shingle_size,
            **self._memory_settings(),
        )
        return {**settings, **self.storage.environment}

    def _memory_settings(self) -> dict[str, object]:
        """Less memory than the keys need, so that most are on the disk at any time."""
        if not can_spill():
            return {}
        return {
            "keys__memory_limit_mb": self.extent.memory_megabytes,
            "keys__spill_folder": self.disk.folder / "spill",
        }

    def settings(self) -> Settings:
        """The workers' settings as far as a score depends on them."""
        extent = self.extent
        forest = {
            "trees": extent.trees,
            "sample_size": extent.sample_size,
            "shingle_size": extent.shingle_size,
        }
        chosen = {
            "kafka": {"input_topic": self.topics.events},
            "forest": forest,
            "detector": {"decision": "threshold"},  # as the topics have it: alerts come more often
        }
        return Settings(**chosen)  # type: ignore[arg-type] # -- pydantic takes mappings

    # -- time passes --------------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Let time pass, and everything go on. Raises ``RuntimeError`` when a thread has failed."""
        deadline = time.monotonic() + seconds
        while True:
            self.fleet.supervise()
            self.feeder.check()
            self.watcher.check()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_SECONDS))

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until the condition holds; False when it does not within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.pause(LOOK_SECONDS)
        return True

    # -- looks --------------------------------------------------------------------------------------------------------

    def needed_offsets(self) -> dict[int, int]:
        """The offset of the oldest checkpoint that is kept, by partition: the input before it is needed by nobody."""
        done = subprocess.run(
            [sys.executable, "-m", "stream_rcf", "checkpoint", "inspect", self.storage.url, "--json"],
            env={**os.environ, **self.storage.own_environment},
            capture_output=True,
            timeout=INSPECT_SECONDS,
            check=False,
        )
        if not done.stdout:
            raise RuntimeError(
                f"the checkpoints could not be looked at: {done.stderr.decode(errors='replace')}"
            )
        partitions = orjson.loads(done.stdout)["partitions"]
        return {
            entry["partition"]: min(checkpoint["offset"] for checkpoint in entry["checkpoints"])
            for entry in partitions
            if entry["checkpoints"] and not entry["problems"]
        }
