"""A process that a supervisor started: it takes signals and settings from there, and runs the service as ever."""

from __future__ import annotations

from stream_rcf.errors import UsageError
from stream_rcf.observe.logs import configure_logging
from stream_rcf.service.signals import StopFlag
from stream_rcf.service.supervisor_link import WorkerLink


def run_as_worker(tie: str) -> int:
    """Run as one worker until SIGTERM or the supervisor's death; ``tie`` is what ``command_line`` was given.

    Raises ``StreamRcfError`` as ``run_service`` does, for the exit code that the supervisor judges by.
    """
    stop = StopFlag()
    stop.listen_as_worker()
    try:
        descriptor, supervisor, index = (int(part) for part in tie.split(":"))
        link = WorkerLink(descriptor, supervisor)
    except (ValueError, OSError):
        raise UsageError(
            "--supervised is for the workers that this program starts itself: use --workers"
        ) from None
    settings = link.settings()
    link.watch(stop.set)
    configure_logging(settings.logging.level, settings.logging.format, worker=index)
    # Only now: the kernels' compiler and the Kafka client take a second to import, signals are heard before.
    from stream_rcf.service.run import run_service

    run_service(settings, stop, owns_process=True, progress=link)
    return 0
