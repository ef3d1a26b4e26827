"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from stream_rcf.core.kernel_cache import FOLDER, cache_folder
from tests.support.apicurio.registry import ApicurioRegistry
from tests.support.broker import KafkaBroker
from tests.support.machine import ROOT
from tests.support.secured_broker import SecuredBroker


def _keep_compiled_kernels_here() -> None:
    """Let every process of the tests find one set of kernels, which ``make chaos`` and ``make bench`` find too."""
    os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".cache")
    kernels = ROOT / ".cache" / FOLDER
    if kernels.is_dir():  # a folder for each version of the sources, and they change often
        newest_first = sorted(kernels.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for outdated in newest_first[24:]:
            if outdated != cache_folder():
                shutil.rmtree(outdated, ignore_errors=True)  # another run may be removing it too


_keep_compiled_kernels_here()
# Whoever started the tests may have it ignored (nohup), and programs hand that down: services under test must hear it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# `tools/test_parts.sh` unpacks promtool here when the machine has none.
os.environ["PATH"] += os.pathsep + str(ROOT / ".cache" / "tools" / "usr" / "bin")


@pytest.hookimpl(optionalhook=True)  # one process, and without xdist, is as good
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the files out as ``tests/support/lanes.py`` says, where whole files are asked for."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.support.lanes import Lanes

    return Lanes(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Say what ended a process of tests that died: xdist names the test, and not whether it was a signal."""
    if error:
        code = node.gateway._io.wait()  # xdist tells it nobody
        sys.stderr.write(f"\n{node.gateway.id} ended with {code} (a negative number is a signal's)\n")


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
