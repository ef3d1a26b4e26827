"""A supervisor of fake workers, as a program. Arguments: a folder for their scripts, how many, and the patience."""

from __future__ import annotations

import logging
import sys

from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.logs import configure_logging
from stream_rcf.observe.workers import Workers
from stream_rcf.service.supervisor import Supervisor
from stream_rcf.service.supervisor_process import WorkerProcess
from stream_rcf.settings.model import Settings


def main(folder: str, count: int, patience: float) -> int:
    configure_logging("info", "json")
    settings = Settings(workers=count)

    def command(tie: str) -> list[str]:
        return [sys.executable, "-m", "tests.service.fake_worker", tie, folder]

    supervisor = Supervisor(count, lambda index: WorkerProcess(settings, index, command), patience)
    with Endpoints("127.0.0.1", 0, Workers(supervisor.states)) as endpoints:
        logging.info("starting", extra={"context": {"http": f"127.0.0.1:{endpoints.port}"}})
        return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
