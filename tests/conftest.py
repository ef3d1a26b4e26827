"""Fixtures that every test folder shares."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.support.apicurio.registry import ApicurioRegistry
from tests.support.broker import KafkaBroker
from tests.support.machine import ROOT
from tests.support.secured_broker import SecuredBroker


def _compile_the_kernels_of_this_source() -> None:
    """Point numba at a cache that belongs to the present source of ``core``.

    numba looks only at the file of the kernel it loads, and kernels of one file are compiled into those of
    another: after an edit its usual cache would run the old arithmetic.
    """
    digest = hashlib.sha256()
    for path in sorted((ROOT / "stream_rcf" / "core").glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    kernels = ROOT / ".cache" / "kernels"
    ours = kernels / digest.hexdigest()[:16]
    if kernels.is_dir():
        newest_first = sorted(kernels.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for outdated in newest_first[24:]:
            if outdated != ours:
                shutil.rmtree(outdated, ignore_errors=True)  # another run may be removing it too
    ours.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(ours)


_compile_the_kernels_of_this_source()
# Whoever started the tests may have it ignored (nohup), and programs hand that down: services under test must hear it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# `tools/test_parts.sh` unpacks promtool here when the machine has none.
os.environ["PATH"] += os.pathsep + str(ROOT / ".cache" / "tools" / "usr" / "bin")


@pytest.fixture(scope="session")
def broker() -> Iterator[KafkaBroker]:
    """One Apache Kafka broker for the whole run; give topics names of your own, and leave it running."""
    with KafkaBroker() as running:
        yield running


@pytest.fixture(scope="session")
def registry() -> Iterator[ApicurioRegistry]:
    """One Apicurio Registry for the whole run; give subjects names of your own, and leave it running."""
    with ApicurioRegistry() as running:
        yield running


@pytest.fixture(scope="session")
def secured_broker() -> Iterator[SecuredBroker]:
    """One Apache Kafka that asks who is there; give topics and groups names of your own."""
    with SecuredBroker() as running:
        yield running
