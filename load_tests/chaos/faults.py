"""The faults themselves: each a context manager that does harm on entry and undoes it on exit."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from load_tests.chaos.extent import Extent
from load_tests.chaos.fleet import END_SECONDS, Worker, limit_files, set_clock
from load_tests.chaos.links import Link
from load_tests.chaos.plan import Kind
from load_tests.chaos.world import Parts, World, can_spill
from tests.support.broker import START_SECONDS
from tests.support.cluster import NODES

HOUR = 3600  # s
SLOW_SECONDS = (0.05, 0.1, 0.2)  # added to a slow link, each way
FENCING_SECONDS = 5.0  # until the cluster gives up a node that is silent
SETTLE_SECONDS = 60.0  # for a restarted worker to get its share, before the next one in a rolling restart

# Tells the log what exactly is harmed.
Harm = Callable[[World, int], AbstractContextManager[str]]


def kinds_for(extent: Extent, parts: Parts) -> dict[str, Kind]:
    """The kinds of fault that this world can do, by name."""
    session, transaction = extent.session, extent.transaction
    kinds = [
        Kind("kill", "SIGKILL of a worker", may_nest=True),
        Kind("terminate", "SIGTERM of a worker", may_nest=True),
        Kind(
            "sleep_session",
            "SIGSTOP of a worker beyond its session, then SIGCONT",
            (session + 1, 2 * session + 2),
            from_its_end=True,
        ),
        Kind(
            "sleep_transaction",
            "SIGSTOP of a worker beyond its transaction's time-out, then SIGCONT",
            (transaction + 2, transaction + 5),
            from_its_end=True,
        ),
        Kind("add", "a worker more", may_nest=True),
        Kind("remove", "a worker less", may_nest=True),
        Kind("rolling_restart", "every worker restarted, one after the other"),
        Kind("kill_broker", "a broker killed, and restarted", (2.0, 6.0)),
        Kind("kill_coordinator", "the broker that coordinates killed, and restarted", (2.0, 6.0)),
        Kind(
            "freeze_broker",
            "SIGSTOP of a broker until it is given up, then SIGCONT",
            (FENCING_SECONDS + 1, FENCING_SECONDS + 4),
            from_its_end=True,
        ),
        Kind("cut_link", "the link to brokers cut", (2.0, 8.0), from_its_end=True),
        Kind("hang_link", "the link to brokers silent", (2.0, 8.0), from_its_end=True),
        Kind("slow_link", "the link to brokers slow", (4.0, 8.0), from_its_end=True),
        Kind("reset_link", "the link to brokers reset", may_nest=True),
        Kind(
            "full_disk",
            "the disk full: no room for checkpoints and spilt keys",
            (4.0, 8.0),
            from_its_end=True,
        ),
        Kind("trim", "the input trimmed to what the checkpoints need"),
    ]
    if parts.storage == "s3":
        if not can_spill():
            kinds = [kind for kind in kinds if kind.name != "full_disk"]  # nothing of theirs is on the disk
        kinds += [
            Kind("cut_storage", "object storage cut off", (4.0, 10.0), from_its_end=True),
            Kind("hang_storage", "object storage silent", (4.0, 10.0), from_its_end=True),
        ]
    if parts.with_go:
        kinds.append(Kind("wrong_clock", "a worker's clock wrong by an hour", (4.0, 8.0), from_its_end=True))
    return {kind.name: kind for kind in kinds}


def _pick(world: World, choice: int) -> Worker:
    """A worker that can be harmed; waits for one."""
    if not world.wait_until(world.fleet.has_able, SETTLE_SECONDS):
        raise RuntimeError(f"no worker runs after {SETTLE_SECONDS:g} s")
    return world.fleet.pick(choice)


@contextmanager
def _kill(world: World, choice: int) -> Iterator[str]:
    worker = _pick(world, choice)
    world.fleet.kill(worker)
    yield worker.name


@contextmanager
def _terminate(world: World, choice: int) -> Iterator[str]:
    worker = _pick(world, choice)
    _end_in_order(world, worker)
    yield worker.name


def _end_in_order(world: World, worker: Worker) -> None:
    world.fleet.ask_to_end(worker)
    if not world.wait_until(lambda: world.fleet.has_ended(worker), END_SECONDS):
        raise RuntimeError(f"{worker.name} did not end within {END_SECONDS:g} s of SIGTERM")


@contextmanager
def _sleep(world: World, choice: int) -> Iterator[str]:
    worker = _pick(world, choice)
    world.fleet.suspend(worker)
    yield worker.name
    world.fleet.resume(worker)


@contextmanager
def _add(world: World, _choice: int) -> Iterator[str]:
    yield world.fleet.add().name


@contextmanager
def _remove(world: World, choice: int) -> Iterator[str]:
    if len(world.fleet.workers) == 1:
        world.fleet.add()  # somebody must stay
    worker = _pick(world, choice)
    _end_in_order(world, worker)
    world.fleet.forget(worker)
    yield worker.name


@contextmanager
def _rolling_restart(world: World, _choice: int) -> Iterator[str]:
    names = list(world.fleet.workers)
    for name in names:
        worker = world.fleet.workers[name]
        if worker.process is not None:
            _end_in_order(world, worker)
        world.wait_until(partial(worker.has_said, "partitions assigned"), SETTLE_SECONDS)
    yield ", ".join(names)


@contextmanager
def _kill_broker(world: World, choice: int) -> Iterator[str]:
    yield from _without_node(world, choice % NODES)


@contextmanager
def _kill_coordinator(world: World, choice: int) -> Iterator[str]:
    group = world.topics.group
    if choice % 2:
        node, whose = world.cluster.group_coordinator(group), "of the group"
    else:
        name = f"{group}-{socket.gethostname()}-{choice // 2 % world.extent.workers}"
        node, whose = world.cluster.transaction_coordinator(name), f"of {name}"
    for what in _without_node(world, node):
        yield f"{what}, the coordinator {whose}"


def _without_node(world: World, node: int) -> Iterator[str]:
    world.cluster.kill(node)
    yield f"node {node}"
    world.cluster.spawn(node)
    if not world.wait_until(lambda: world.cluster.is_up(node), START_SECONDS):
        raise RuntimeError(f"node {node} did not come back within {START_SECONDS:g} s")


@contextmanager
def _freeze_broker(world: World, choice: int) -> Iterator[str]:
    node = choice % NODES
    world.cluster.suspend(node)
    yield f"node {node}"
    world.cluster.resume(node)
    if not world.wait_until(lambda: world.cluster.is_up(node), START_SECONDS):
        raise RuntimeError(f"node {node} did not come back within {START_SECONDS:g} s")


def _victims(world: World, choice: int) -> tuple[str, list[Link]]:
    """The link to one node, or to all of them."""
    node = choice % (NODES + 1)
    return ("all nodes", world.links) if node == NODES else (f"node {node}", [world.links[node]])


@contextmanager
def _cut_link(world: World, choice: int) -> Iterator[str]:
    name, links = _victims(world, choice)
    for link in links:
        link.cut()
    yield name
    for link in links:
        link.heal()


@contextmanager
def _hang_link(world: World, choice: int) -> Iterator[str]:
    name, links = _victims(world, choice)
    for link in links:
        link.hang()
    yield name
    for link in links:
        link.heal()


@contextmanager
def _slow_link(world: World, choice: int) -> Iterator[str]:
    name, links = _victims(world, choice)
    seconds = SLOW_SECONDS[choice // 8 % len(SLOW_SECONDS)]
    for link in links:
        link.slow(seconds)
    yield f"{name}, by {seconds:g} s each way"
    for link in links:
        link.heal()


@contextmanager
def _reset_link(world: World, choice: int) -> Iterator[str]:
    name, links = _victims(world, choice)
    for link in links:
        link.reset()
    yield name


@contextmanager
def _full_disk(world: World, _choice: int) -> Iterator[str]:
    if world.disk.is_own:
        world.disk.fill()
        yield "the disk is full"
        world.disk.empty()
        return
    harmed = [worker for worker in world.fleet.workers.values() if worker.process is not None]
    for worker in harmed:
        limit_files(worker, is_limited=True)
    yield "no worker can write a file of some size"
    for worker in harmed:
        limit_files(worker, is_limited=False)


def _storage_link(world: World) -> Link:
    assert world.storage.link is not None, "this storage has no link"
    return world.storage.link


@contextmanager
def _cut_storage(world: World, _choice: int) -> Iterator[str]:
    _storage_link(world).cut()
    yield "object storage"
    _storage_link(world).heal()


@contextmanager
def _hang_storage(world: World, _choice: int) -> Iterator[str]:
    _storage_link(world).hang()
    yield "object storage"
    _storage_link(world).heal()


@contextmanager
def _wrong_clock(world: World, choice: int) -> Iterator[str]:
    worker = _pick(world, choice)
    offset = HOUR if choice % 2 else -HOUR
    set_clock(worker, offset)
    yield f"{worker.name} by {offset:+d} s"
    set_clock(worker, 0)


@contextmanager
def _trim(world: World, _choice: int) -> Iterator[str]:
    needed = world.needed_offsets()
    if needed:
        world.cluster.delete_records(world.topics.events, needed)
    yield f"{sum(needed.values())} events of {len(needed)} partitions"


HARM: Mapping[str, Harm] = {
    "kill": _kill,
    "terminate": _terminate,
    "sleep_session": _sleep,
    "sleep_transaction": _sleep,
    "add": _add,
    "remove": _remove,
    "rolling_restart": _rolling_restart,
    "kill_broker": _kill_broker,
    "kill_coordinator": _kill_coordinator,
    "freeze_broker": _freeze_broker,
    "cut_link": _cut_link,
    "hang_link": _hang_link,
    "slow_link": _slow_link,
    "reset_link": _reset_link,
    "full_disk": _full_disk,
    "cut_storage": _cut_storage,
    "hang_storage": _hang_storage,
    "wrong_clock": _wrong_clock,
    "trim": _trim,
}
