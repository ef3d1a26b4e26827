"""The machine and the versions that a figure belongs to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from tests.support.machine import KAFKA_JARS

BYTES_PER_GIB = 2**30


def machine_facts() -> dict[str, str]:
    """Name to value, in the order in which a reader wants them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / BYTES_PER_GIB
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "numba": version("numba"),
        "numpy": version("numpy"),
        "transparent huge pages": _huge_pages(),
        "load before": f"{os.getloadavg()[0]:.2f} (one minute)",
    }


def broker_facts(is_external: bool) -> dict[str, str]:
    """The same of the broker and its client."""
    broker = "external" if is_external else f"Apache Kafka {_broker_version()}, same machine"
    return {"broker": broker, "confluent-kafka": version("confluent-kafka")}


def _huge_pages() -> str:
    """Whether the kernel gives them: always, to those that ask (madvise) or never."""
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists():
        return "unknown"
    return setting.read_text(encoding="ascii").partition("[")[2].partition("]")[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _broker_version() -> str:
    jars = sorted(KAFKA_JARS.glob("kafka_2.13-*.jar"))
    return jars[-1].stem.rpartition("-")[2] if jars else "of unknown version"
