"""Start the supervisor from settings, with the endpoints that speak for all its workers."""

from __future__ import annotations

import logging

from stream_rcf import __version__
from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.workers import Workers
from stream_rcf.service.supervisor import Supervisor
from stream_rcf.service.supervisor_process import WorkerProcess
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)


def supervise(settings: Settings) -> int:
    """Run ``settings.workers`` workers until a signal asks for the end; the service's exit code. Main thread only.

    Raises ``UsageError`` when the HTTP address cannot be used; no worker was started then.
    """
    supervisor = Supervisor(settings.workers, lambda index: WorkerProcess(settings, index))
    with Endpoints(settings.http.host, settings.http.port, Workers(supervisor.states)) as endpoints:
        logger.info(
            "starting",
            extra={
                "context": {
                    "version": __version__,
                    "workers": settings.workers,
                    "http": f"{settings.http.host}:{endpoints.port}",
                    "memory_limit_mb_per_worker": settings.memory_limit_bytes_per_worker // 2**20,
                }
            },
        )
        exit_code = supervisor.run()
    logger.info("stopped", extra={"context": {"exit_code": exit_code}})
    return exit_code
