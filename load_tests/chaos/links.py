"""The links between the workers and what they depend on, and the harm that can be done to them."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Protocol

from tests.support.broker_process import end_with_its_parent, free_ports
from tests.support.cutting_proxy import CuttingProxy
from tests.support.machine import ROOT, MissingPartError

TOXIPROXY = ROOT / ".cache" / "tools" / "bin" / "toxiproxy"
START_SECONDS = 20.0
REQUEST_SECONDS = 10.0


class Link(Protocol):
    """One link; harm holds until ``heal``. ``tests/support/cutting_proxy.py`` is one, toxiproxy another."""

    def cut(self) -> None:
        """Close all connections and refuse new ones."""

    def reset(self) -> None:
        """Break all connections by a TCP reset, once."""

    def slow(self, delay_seconds: float) -> None:
        """Delay what passes, each way."""

    def hang(self) -> None:
        """Let nothing pass and tell nobody."""

    def heal(self) -> None:
        """Be a good link again; connections that hung are broken."""


class Links(Protocol):
    """Makes links; leaving the ``with`` block ends them."""

    def __enter__(self) -> Links: ...

    def __exit__(self, *exception: object) -> None: ...

    def make(self, name: str, port: int, target_port: int) -> Link:
        """A link from ``port`` to ``target_port``, both of 127.0.0.1."""


class PythonLinks:
    """Links by the tests' own proxy: nothing to install."""

    def __init__(self) -> None:
        self._proxies: list[CuttingProxy] = []

    def __enter__(self) -> PythonLinks:
        return self

    def __exit__(self, *_exception: object) -> None:
        for proxy in self._proxies:
            proxy.close()

    def make(self, name: str, port: int, target_port: int) -> CuttingProxy:
        """See ``Links``; the name is for toxiproxy."""
        proxy = CuttingProxy(target_port, port)
        self._proxies.append(proxy)
        return proxy


class ToxiproxyLinks:
    """Links by toxiproxy, a process of its own that ``tools/chaos_parts.sh`` builds; ``log`` gets what it says."""

    def __init__(self, log: Path) -> None:
        if not TOXIPROXY.exists():
            raise MissingPartError(f"no {TOXIPROXY}: run `tools/chaos_parts.sh` (needs Go)")
        (self._port,) = free_ports(1)
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [*end_with_its_parent(), str(TOXIPROXY), "-host", "127.0.0.1", "-port", str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def __enter__(self) -> ToxiproxyLinks:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.call("GET", "/version")
            except OSError as failure:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"toxiproxy does not answer: {failure}") from failure
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.wait()

    def make(self, name: str, port: int, target_port: int) -> ToxiproxyLink:
        """See ``Links``."""
        self.call(
            "POST",
            "/proxies",
            {
                "name": name,
                "listen": f"127.0.0.1:{port}",
                "upstream": f"127.0.0.1:{target_port}",
                "enabled": True,
            },
        )
        return ToxiproxyLink(self, name)

    def call(self, method: str, path: str, document: dict[str, object] | None = None) -> None:
        """Ask toxiproxy over HTTP. Raises ``OSError`` when it does not answer, or refuses."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
            answer.read()


class ToxiproxyLink:
    """One of its proxies."""

    def __init__(self, links: ToxiproxyLinks, name: str) -> None:
        self._links = links
        self._name = name
        self._toxics: list[str] = []
        self._is_hanging = False

    def cut(self) -> None:
        """See ``Link``."""
        self._enable(is_enabled=False)

    def reset(self) -> None:
        """See ``Link``. Toxiproxy resets when the toxic is added to a connection, and while it is there."""
        self._add("reset_peer", {"timeout": 0})
        self.heal()

    def slow(self, delay_seconds: float) -> None:
        """See ``Link``."""
        milliseconds = round(1000 * delay_seconds)
        self._add("latency", {"latency": milliseconds, "jitter": milliseconds // 4})

    def hang(self) -> None:
        """See ``Link``. Toxiproxy drops what comes meanwhile, so that ``heal`` must break the connections."""
        self._add("timeout", {"timeout": 0})
        self._is_hanging = True

    def heal(self) -> None:
        """See ``Link``."""
        if self._is_hanging:
            self._enable(is_enabled=False)
            self._is_hanging = False
        for toxic in self._toxics:
            self._links.call("DELETE", f"/proxies/{self._name}/toxics/{toxic}")
        self._toxics.clear()
        self._enable(is_enabled=True)

    def _enable(self, *, is_enabled: bool) -> None:
        self._links.call("POST", f"/proxies/{self._name}", {"enabled": is_enabled})

    def _add(self, kind: str, attributes: dict[str, object]) -> None:
        for stream in ("upstream", "downstream"):
            name = f"{kind}-{stream}"
            toxic = {
                "name": name,
                "type": kind,
                "stream": stream,
                "toxicity": 1.0,
                "attributes": attributes,
            }
            self._links.call("POST", f"/proxies/{self._name}/toxics", toxic)
            self._toxics.append(name)
