"""A real schema registry: Apicurio Registry on a free port of 127.0.0.1, with its schemas in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient

from tests.support.broker_process import end_process, end_with_its_parent, free_ports
from tests.support.machine import ROOT, MissingPartError, java

APPLICATION = ROOT / ".cache" / "apicurio" / "app"
START_SECONDS = 180.0  # about 8 s alone; two cores that also run brokers and services need more
PATH = "apis/ccompat/v7"  # where it speaks like Confluent's


class ApicurioRegistry:
    """A registry that can be killed and restarted: its ids survive.

    The session's ``registry`` is shared; a test that harms its registry starts one for itself.
    """

    def __init__(self) -> None:
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}/{PATH}"
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> ApicurioRegistry:
        self._directory = tempfile.TemporaryDirectory(prefix="stream-rcf-apicurio-")
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process is not None:
            self._end(signal.SIGTERM)
        assert self._directory is not None
        self._directory.cleanup()

    def start(self) -> None:
        """Start it, or start it again, and return when it answers."""
        assert self._directory is not None, "use it in a with block"
        folder = Path(self._directory.name)
        log_file = folder / "registry.log"
        command = [
            *end_with_its_parent(),
            java(),
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # starts sooner, and is not asked for much
            "-Dquarkus.http.host=127.0.0.1",
            f"-Dquarkus.http.port={self._port}",
            "-jar",
            str(_application()),
        ]
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, "REGISTRY_DATASOURCE_URL": f"jdbc:h2:file:{folder}/schemas;WRITE_DELAY=0"},
                start_new_session=True,  # Ctrl-C is for the test, which then ends its registry in order
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_answering():
            tail = "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
            if self._process.poll() is not None:
                raise RuntimeError(f"Apicurio Registry ended with {self._process.returncode}:\n{tail}")
            if time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                raise RuntimeError(f"Apicurio Registry did not answer within {START_SECONDS:g} s:\n{tail}")
            time.sleep(0.1)

    def is_answering(self) -> bool:
        """Whether it lists its subjects."""
        try:
            return httpx.get(f"{self.url}/subjects", timeout=5.0).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End it at once, as a lost machine would; its schemas stay for ``start``."""
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Freeze it: connections are accepted and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended registry go on."""
        self._running().send_signal(signal.SIGCONT)

    def client(self) -> SchemaRegistryClient:
        """The client that producers use."""
        return SchemaRegistryClient({"url": self.url})

    def register(
        self, subject: str, text: str, kind: str, references: list[SchemaReference] | None = None
    ) -> int:
        """Register a schema as it stands; its id."""
        with self.client() as client:
            return client.register_schema(subject, Schema(text, kind, references or []))

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the registry is not running"
        return self._process

    def _end(self, how: signal.Signals) -> None:
        end_process(self._running(), how)
        self._process = None


def _application() -> Path:
    found = list(APPLICATION.glob("apicurio-registry-app-*-runner.jar"))
    if not found:
        raise MissingPartError(
            f"no Apicurio Registry in {APPLICATION}: run `tools/test_parts.sh` (needs Maven)"
        )
    return found[0]
