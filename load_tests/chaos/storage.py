"""Where the workers keep their checkpoints, and what can go wrong with it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from load_tests.chaos.links import Link, Links
from tests.support.broker_process import end_with_its_parent, free_ports
from tests.support.machine import ROOT, MissingPartError

VERSITYGW = ROOT / ".cache" / "tools" / "bin" / "versitygw"
START_SECONDS = 30.0
DISK = "disk"  # in the folder of a run
BUCKET = "checkpoints"
BALLAST_BYTES = (2**20, 2**12)  # written at once: most of the room fast, then the last pages
ACCESS_KEY, SECRET_KEY = "chaos", "chaos-secret"  # of a server that lives as long as the run


@contextmanager
def until_full() -> Iterator[None]:
    """Leave the block when the disk is full; any other error is one."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


class Storage(Protocol):
    """A place for checkpoints; leaving the ``with`` block ends it."""

    link: Link | None  # to it, where there is one

    def __enter__(self) -> Storage: ...

    def __exit__(self, *exception: object) -> None: ...

    @property
    def url(self) -> str:
        """As ``checkpoint.url`` takes it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What a worker needs beside the URL."""

    @property
    def own_environment(self) -> Mapping[str, str]:
        """The same past the link, for the driver's own looks."""


class Disk:
    """A small disk of the workers' own (a tmpfs, where this process may mount), else a folder of the machine's."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._megabytes = megabytes
        self.is_own = False

    def __enter__(self) -> Disk:
        self.folder.mkdir()
        command = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={self._megabytes}m",
            "stream-rcf-chaos",
            str(self.folder),
        ]
        self.is_own = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.is_own:
            _unmount(self.folder)

    def fill(self) -> None:
        """Leave no room, while others go on writing: what was free a moment ago need not be free now."""
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            for size in BALLAST_BYTES:
                with until_full():
                    while True:
                        ballast.write(bytes(size))

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / "ballast").unlink()


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def clear(folder: Path) -> None:
    """Remove the folder of a run, with the disk that it left mounted where it was killed."""
    disk = folder / DISK
    if disk.is_mount():
        _unmount(disk)
    if folder.exists():
        shutil.rmtree(folder)


class FolderStorage:
    """A folder on the disk."""

    link: Link | None = None

    def __init__(self, disk: Disk) -> None:
        self._folder = disk.folder / "checkpoints"
        self.environment: Mapping[str, str] = {}
        self.own_environment: Mapping[str, str] = {}

    def __enter__(self) -> FolderStorage:
        return self

    def __exit__(self, *_exception: object) -> None:
        """It goes with its disk."""

    @property
    def url(self) -> str:
        """See ``Storage``."""
        return self._folder.absolute().as_uri()


class ObjectStorage:
    """An S3 server behind a link: versitygw over a folder, or moto in this process, which forgets all at its end."""

    def __init__(self, folder: Path, links: Links, *, with_go: bool) -> None:
        self._folder = folder
        self._links = links
        self._with_go = with_go
        self._stack = ExitStack()
        self._port = 0
        self._link_port = 0
        self.link: Link | None = None

    def __enter__(self) -> ObjectStorage:
        self._port, self._link_port = free_ports(2)
        server = Versitygw(self._folder, self._port) if self._with_go else Moto(self._port)
        self._stack.enter_context(server)
        self.link = self._links.make("storage", self._link_port, self._port)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """See ``Storage``."""
        return f"s3://{BUCKET}/chaos"

    @property
    def environment(self) -> Mapping[str, str]:
        """See ``Storage``."""
        return self._environment(self._link_port)

    @property
    def own_environment(self) -> Mapping[str, str]:
        """See ``Storage``."""
        return self._environment(self._port)

    def _environment(self, port: int) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
        }


class Versitygw(AbstractContextManager["Versitygw"]):
    """A real S3 server over a folder, built by ``tools/chaos_parts.sh``."""

    def __init__(self, folder: Path, port: int) -> None:
        if not VERSITYGW.exists():
            raise MissingPartError(f"no {VERSITYGW}: run `tools/chaos_parts.sh` (needs Go)")
        (folder / "objects" / BUCKET).mkdir(parents=True)  # a bucket is a folder
        self._port = port
        with (folder / "versitygw.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *end_with_its_parent(),
                    str(VERSITYGW),
                    "--port",
                    f"127.0.0.1:{port}",
                    "posix",
                    str(folder / "objects"),
                ],
                env={**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        _wait_for_answer(port)

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.wait()


class Moto(AbstractContextManager["Moto"]):
    """The S3 of the tests, in threads of this process."""

    def __init__(self, port: int) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self._server.start()
        _wait_for_answer(port)
        bucket = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
        urllib.request.urlopen(bucket, timeout=START_SECONDS).close()

    def __exit__(self, *_exception: object) -> None:
        self._server.stop()


def _wait_for_answer(port: int) -> None:
    """Wait until an HTTP server answers anything."""
    deadline = time.monotonic() + START_SECONDS
    tick = threading.Event()
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=START_SECONDS).close()
        except urllib.error.HTTPError:
            return  # it answers, if only that we may not
        except OSError:
            if time.monotonic() > deadline:
                raise
            tick.wait(0.1)
        else:
            return
