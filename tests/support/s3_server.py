"""An S3 server of the test's own, on a free port of 127.0.0.1: moto in this process, or a versitygw binary."""

from __future__ import annotations

import http.client
import logging
import os
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from tests.support.machine import MissingPartError

# The path of a versitygw binary, to run the tests of object storage against it and not against moto.
PROGRAM_VARIABLE = "STREAM_RCF_TEST_S3_SERVER"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
ACCESS_KEY = "AKIDTESTSONLY"
SECRET_KEY = "secret-of-tests-only"
REGION = "us-east-1"


class S3Server:
    """A running S3 server with one bucket. Ends with its ``with`` block, and so does all that was stored.

    moto keeps objects in memory and believes every signature; versitygw is a real server that keeps them as files,
    checks signatures and survives ``kill`` and ``start`` with its data.

    :param program: the path of a versitygw binary; ``None`` for moto
    """

    def __init__(self, program: Path | None = None) -> None:
        if program is not None and not program.exists():
            raise MissingPartError(f"no {program}: run `tools/chaos_parts.sh` (needs Go)")
        self.bucket = f"bucket-{uuid.uuid4().hex[:12]}"  # moto's buckets are one for the whole process
        self._program = program
        self._port = _free_port() if program is not None else 0
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._moto = None

    def __enter__(self) -> S3Server:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that the server listens on."""
        return self._port

    @property
    def endpoint(self) -> str:
        """The server's own URL, for ``AWS_ENDPOINT_URL``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process id of versitygw. Raises ``RuntimeError`` for moto, which is in this process."""
        if self._process is None:
            raise RuntimeError("the S3 server is no process of its own, or does not run")
        return self._process.pid

    def url(self, prefix: str = "") -> str:
        """A ``checkpoint.url`` in the bucket."""
        return f"s3://{self.bucket}/{prefix}".rstrip("/")

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """What a process needs in its environment to use the server, or a proxy at ``endpoint`` before it."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self) -> None:
        """Start, or start again after ``kill``, on the same port and with the same objects."""
        if self._program is None:
            self._start_moto()
        else:
            self._start_versitygw(self._program)

    def kill(self) -> None:
        """End versitygw at once, as a power cut would; its files stay."""
        os.kill(self.pid, 9)
        self._wait()

    def stop(self) -> None:
        """End it in order and forget the objects."""
        if self._moto is not None:
            self._moto.stop()
            self._moto = None
        if self._process is not None:
            self._process.terminate()
            self._wait()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def _start_moto(self) -> None:
        from moto.server import ThreadedMotoServer  # takes a second to load, and not every use needs it

        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs each request
        self._moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._moto.start()
        _, self._port = self._moto.get_host_and_port()
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("PUT", f"/{self.bucket}")
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise RuntimeError(f"moto did not create a bucket: it answered {status}")

    def _start_versitygw(self, program: Path) -> None:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="s3-server-")
            (Path(self._directory.name) / self.bucket).mkdir()  # to it, a folder is a bucket
        self._process = subprocess.Popen(
            [str(program), "--quiet", "--port", f"127.0.0.1:{self._port}", "posix", self._directory.name],
            env={"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY, "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self._port):
            if self._process.poll() is not None:
                raise RuntimeError(f"{program} ended at once with {self._process.returncode}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{program} does not listen after {START_SECONDS:g} s")
            time.sleep(0.02)

    def _wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
