"""How the tests are shared out when several processes run them (``pytest -n 3``): by file, from both ends of one list.

On a machine of few cores tests that wait, for a broker or for a time limit, leave the processor to tests that compute.
So the first process takes files from the computing end of the list, all others from the waiting end, and they meet
among the small ones. A file stays whole, because fixtures of a module may be dear; so does a folder of ``WHOLE``.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

COMPUTING_PROCESS = "gw0"  # xdist's name for the first
# From those that wait longest to those that compute longest; what is not named here is small and lies between them.
WAITING = ("faults", "service", "security", "load_tests", "demo", "kafka", "support")
COMPUTING = ("state", "cli", "files", "tuning", "parity", "oracle", "properties", "core")
WHOLE = ("parity",)  # its files judge the same observations, which take a minute to make


class Lanes(LoadFileScheduling):
    """xdist's ``--dist loadfile`` with the next file of each process chosen by what its tests mostly do."""

    def _split_scope(self, nodeid: str) -> str:
        """What is handed out at once: a file, or a folder."""
        file = PurePosixPath(super()._split_scope(nodeid))
        return str(file.parent if file.parent.name in WHOLE else file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Hand ``node`` what stands at its end of the list."""
        choose = max if node.gateway.id == COMPUTING_PROCESS else min
        self.workqueue.move_to_end(choose(self.workqueue, key=place), last=False)
        super()._assign_work_unit(node)


def place(scope: str) -> tuple[int, str]:
    """Where a file, or a folder, stands between waiting and computing."""
    folder = PurePosixPath(scope).parts[1] if scope.startswith("tests/") else ""
    if folder in WAITING:
        return WAITING.index(folder) - len(WAITING), scope
    return COMPUTING.index(folder) + 1 if folder in COMPUTING else 0, scope
