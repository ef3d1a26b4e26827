"""A worker that scores nothing: it ties itself to its supervisor as a real one does, and follows a script.

Arguments: the tie, a folder. The file ``<number>`` of the folder holds a word for each start, the last for all
further ones: ``run``, ``unready`` (until the file ``ready`` is there), ``deaf`` (to SIGTERM), or an exit code.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.logs import configure_logging
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.signals import StopFlag
from stream_rcf.service.supervisor_link import WorkerLink

TURN_SECONDS = 0.02


def main(tie: str, folder: Path) -> int:
    stop = StopFlag()
    stop.listen_as_worker()
    descriptor, supervisor, number = (int(part) for part in tie.split(":"))
    link = WorkerLink(descriptor, supervisor)
    settings = link.settings()
    configure_logging("info", "json", worker=number)
    word = _next_word(folder / str(number))
    if word.isdigit():
        return int(word)
    metrics = Metrics("test", "0123456789abcdef")
    parent_died = StopFlag()
    link.watch(parent_died.set)
    with Endpoints(settings.http.host, settings.http.port, metrics) as endpoints:
        link.listening(endpoints.port)
        link.kernels_ready()
        while not parent_died() and (word == "deaf" or not stop()):
            metrics.loop_ticked()
            metrics.health.group_joined(word != "unready" or (folder / "ready").exists())
            time.sleep(TURN_SECONDS)
    return 0


def _next_word(script: Path) -> str:
    """The word for this start; the last one stays for those to come."""
    if not script.exists():
        return "run"
    first, *rest = script.read_text(encoding="utf-8").split()
    if rest:
        script.write_text(" ".join(rest), encoding="utf-8")
    return first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
