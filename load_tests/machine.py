"""The machine and the versions that a figure belongs to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from tests.support.machine import KAFKA_JARS

BYTES_PER_GIB = 2**30


def machine_facts(broker_is_external: bool) -> dict[str, str]:
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
        "confluent-kafka": version("confluent-kafka"),
        "broker": "external" if broker_is_external else f"Apache Kafka {_broker_version()}, same machine",
        "load before": f"{os.getloadavg()[0]:.2f} (one minute)",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _broker_version() -> str:
    jars = sorted(KAFKA_JARS.glob("kafka_2.13-*.jar"))
    return jars[-1].stem.rpartition("-")[2] if jars else "of unknown version"
