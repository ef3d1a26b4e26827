"""Start one process of the service from settings: everything the loop needs, in order, and let go in reverse."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from stream_rcf import __version__
from stream_rcf.core.warmup import warm_up
from stream_rcf.errors import UnreachableError
from stream_rcf.kafka.client_configuration import max_poll_seconds
from stream_rcf.kafka.failures import DeliveryFailed
from stream_rcf.kafka.topics import require_topics
from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.backfill import open_backfill
from stream_rcf.service.instance import Instance
from stream_rcf.service.watchdog import Watchdog, stall_seconds
from stream_rcf.service.worker import Worker
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings
from stream_rcf.settings.security_checks import warnings
from stream_rcf.state.allocation import return_large_blocks
from stream_rcf.state.checkpoint_store import open_store

logger = logging.getLogger(__name__)

# Container objects born before the collector looks for cycles among them. A batch makes some thousand, and none of them
# is part of a cycle: at the default of 700 every batch would set the collector off.
YOUNG_OBJECTS = 50_000


class Progress(Protocol):
    """Who wants to know how far a start has come: the supervisor of several workers."""

    def listening(self, port: int) -> None:
        """The endpoints answer at this port."""

    def kernels_ready(self) -> None:
        """The kernels are compiled."""


def run_service(
    settings: Settings,
    should_stop: Callable[[], bool],
    owns_process: bool = False,
    progress: Progress | None = None,
) -> None:
    """Run until ``should_stop`` says so. Raises ``StreamRcfError`` with its exit code when that is impossible.

    ``owns_process``: a watchdog may end the whole process should a client call hang.
    """
    return_large_blocks()
    parameters = detector_parameters(settings)
    fingerprint = parameters.fingerprint()
    store = open_store(settings.checkpoint.url)
    metrics = Metrics(__version__, fingerprint)
    for warning in warnings(settings.security, settings.kafka.properties):
        logger.warning(warning)
    with ExitStack() as stack:
        endpoints = stack.enter_context(Endpoints(settings.http.host, settings.http.port, metrics))
        if progress is not None:
            progress.listening(endpoints.port)
        require_topics(settings)
        store.require()
        backfill = open_backfill(settings.checkpoint.backfill_url, parameters, metrics)
        seconds = warm_up(forecasts=parameters.forecast is not None)
        logger.info("kernels ready", extra={"context": {"seconds": round(seconds, 2)}})
        if progress is not None:
            progress.kernels_ready()
        transactional_id = settings.kafka.transactional_id
        if settings.kafka.delivery == "exactly_once" and not transactional_id:
            instance = stack.enter_context(Instance(_instance_folder(), settings.kafka.group_id))
            transactional_id = instance.transactional_id
        logger.info(
            "starting",
            extra={
                "context": {
                    "version": __version__,
                    "fingerprint": fingerprint,
                    "delivery": settings.kafka.delivery,
                    "input": settings.kafka.input_topic,
                    "transactional_id": transactional_id,
                    "http": f"{settings.http.host}:{endpoints.port}",
                    "checkpoints": settings.checkpoint.url,
                }
            },
        )
        try:
            worker = Worker(settings, parameters, store, transactional_id, metrics, should_stop, backfill)
        except DeliveryFailed as failure:
            raise UnreachableError(f"the transactional producer could not start: {failure}") from None
        metrics.health.allow(max_poll_seconds(settings))
        if owns_process:
            spare_the_collector()
            patience = stall_seconds(max_poll_seconds(settings))
            stack.enter_context(Watchdog(metrics.health.seconds_since_tick, should_stop, patience))
        worker.run()


def spare_the_collector() -> None:
    """Let the collector look less often, and never again at what is there now: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _instance_folder() -> Path:
    """Where this user's processes on this host agree on their numbers: temporary, like the locks."""
    try:
        return Path(tempfile.gettempdir()) / f"stream-rcf-instances-{os.getuid()}"
    except FileNotFoundError as error:
        raise UnreachableError(f"{error}: mount a writable /tmp, or set kafka.transactional_id") from None
