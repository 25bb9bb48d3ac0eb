"""Cumulative figures of the whole machine at equal steps: what a window between two steps is computed from.

Every figure is an integral or a count since the start of the run (ns, ns x number, or a number), so that the value over any
window is a difference, exact to the nanosecond.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from iosim.actor import SAMPLE, Actor, Clock
from iosim.batch import BatchServices
from iosim.cache_manager import CacheManager
from iosim.completion_port import CompletionPort
from iosim.devices.filter import Filter
from iosim.devices.ndis import Miniport
from iosim.devices.port_driver import PortDriver
from iosim.devices.recovery import RecoveringPort
from iosim.dispatcher import Dispatcher
from iosim.drives.block_map import BlockMap
from iosim.errors import LawBroken
from iosim.kernel_queue import KernelQueue, KernelThread
from iosim.link import Link
from iosim.locks import ContendedLock
from iosim.networks import Network
from iosim.numa import NO_MEMORY, NodeMemory
from iosim.pools import GrowingPool
from iosim.thread import KINDS
from iosim.volumes import Volumes
from iosim.workload import PipelinedSource, Window

PS = 1000  # in a ns
CACHE_FIGURES = (
    *("hits", "misses", "writes", "paging_reads", "paging_writes", "collided", "read_ahead_pages", "written_pages"),
    *("blocked", "dirty_area"),
)


@dataclass(frozen=True)
class Watched:
    """The parts of a machine that figures are taken from, by their names in the scenario."""

    queues: dict[str, KernelQueue]
    ports: dict[str, CompletionPort]  # those of the queues that the scenario describes
    locks: dict[str, ContendedLock]
    pools: dict[str, list[KernelThread]]
    growing: dict[str, GrowingPool]  # those of the pools that grow
    batches: dict[str, list[BatchServices]]  # doors of pools that take batches
    pipelines: dict[str, PipelinedSource]
    classes: list[str]
    disks: dict[str, PortDriver]
    block_maps: dict[str, BlockMap]
    volumes: Volumes
    caches: dict[str, CacheManager]
    filters: dict[str, Filter]
    networks: dict[str, Network]
    memory: NodeMemory


class Sampler(Actor):
    """Takes a sample at 0, every `step` ns, and at the end; `names` and `rows` of equal length."""

    def __init__(self, clock: Clock, step: int, window: Window, dispatcher: Dispatcher, watched: Watched) -> None:
        self.clock = clock
        self.generation = 0
        self.step = step
        self.window = window
        self.dispatcher = dispatcher
        self.watched = watched
        self.room = 4 * window.bins  # a replay at a fixed depth may last longer than foreseen
        self.rows: dict[str, array[int]] = {}

    def fire(self, what: int) -> None:
        """Take a sample; ask for the next."""
        self.take()
        self.room -= 1
        if self.room:
            self.clock.at(self.step, SAMPLE, self, 0)

    def take(self) -> None:
        """One row."""
        watched = self.watched
        self.dispatcher.settle()
        self.window.settle()
        self._put("time", self.clock.now)
        self._put("in_system", self.window.area)
        self._put("completed", self.window.columns.count)
        self._put("sojourns", self.window.sojourns)
        for kind, name in enumerate(KINDS):
            self._put(f"processors.{name}", sum(each.account[kind] for each in self.dispatcher.processors))
        self._put("switches", sum(thread.switches for thread in self.dispatcher.threads))
        self._put("ready", self.dispatcher.ready_area)
        for name, queue in watched.queues.items():
            queue.settle()
            self._put_all(f"ports.{name}", (("depth", queue.depth_area), ("running", queue.running_area)))
            self._put_all(f"ports.{name}", (("packets", queue.packets), ("limited", queue.limited_ns)))
            self._put(f"ports.{name}.sojourns", queue.sojourns)
        for name, disk in watched.disks.items():
            disk.settle()
            self._put_all(f"disks.{name}", (("present", disk.area), ("waiting", disk.queued_area)))
            self._put_all(f"disks.{name}", (("commands", disk.commands), ("busy", disk.busy_ns)))
            self._put_all(f"disks.{name}", (("interrupts", disk.interrupts), ("failures", disk.failures)))
            self._put(f"disks.{name}.sojourns", disk.sojourns)
        for name, blocks in watched.block_maps.items():
            self._put_all(f"disks.{name}", (("units_written", blocks.host), ("units_moved", blocks.moved)))
        for name, lock in watched.locks.items():
            lock.settle()
            self._put_all(f"locks.{name}", (("waiting", lock.area), ("acquisitions", lock.acquisitions)))
            self._put_all(f"locks.{name}", (("contended", lock.contended), ("blocked", lock.blocked)))
            self._put(f"locks.{name}.sojourns", lock.sojourns)

        for name, cache in watched.caches.items():
            cache.settle()
            self._put_all(f"volumes.{name}", [(figure, getattr(cache, figure)) for figure in CACHE_FIGURES])
            self._put(f"volumes.{name}.throttled", cache.throttle.throttled)

        for name, driver in watched.volumes.splitters.items():
            self._put_all(name, (("splits", driver.splits), ("parts", driver.parts), ("retries", driver.retries)))
        if watched.volumes.splitters:
            for group, name in enumerate(watched.classes):
                self._put(f"classes.{name}.slack", watched.volumes.slack[group])
        for name, it in watched.filters.items():
            hold = it.hold
            hold.settle()
            self._put_all(name, (("seen", it.seen), ("paging_seen", it.paging_seen), ("held", hold.area)))

        for name, network in watched.networks.items():
            self._card(f"nics.{name}", network.miniport, network.link_in)
            afd = network.afd
            afd.settle()
            self._put_all(f"nics.{name}", (("socket_calls", afd.calls), ("locked_area", afd.locked_area)))

        if watched.memory is not NO_MEMORY:
            self._nodes()
        for name, threads in watched.pools.items():
            self._put(f"pools.{name}.switches", sum(thread.switches for thread in threads))
        for name, doors in watched.batches.items():
            self._put(f"pools.{name}.calls", sum(door.calls for door in doors))
            self._put(f"pools.{name}.taken", sum(door.packets for door in doors))
        for name, source in watched.pipelines.items():
            self._put_all(f"classes.{name}", (("answered", source.answered), ("overtook", source.overtook)))

    def _nodes(self) -> None:
        memory = self.watched.memory
        for node in range(memory.topology.nodes):
            figures = (
                ("local", memory.near[node]),
                ("remote", memory.far[node]),
                ("busy", memory.busy(self.clock.now, node)),
            )
            self._put_all(f"numa.{node}", figures)

    def _card(self, at: str, miniport: Miniport, incoming: Link) -> None:
        nic = miniport.nic
        nic.settle()
        outgoing = nic.link
        queues = nic.queues
        received = sum(queue.rx.received for queue in queues)
        lost = nic.lost + sum(queue.rx.dropped for queue in queues)
        self._put_all(at, (("frames_in", received), ("frames_out", outgoing.frames), ("dropped", lost)))
        self._put_all(at, (("bytes_in", incoming.bytes), ("bytes_out", outgoing.bytes)))
        self._put_all(at, (("link_in", incoming.busy_ps // PS), ("link_out", outgoing.busy_ps // PS)))
        self._put_all(at, (("interrupts", sum(queue.interrupts for queue in queues)), ("runs", miniport.runs)))
        self._put_all(at, (("merged", miniport.merged), ("copied", miniport.low)))
        for queue in queues:
            figures = ("frames", queue.rx.received), ("interrupts", queue.interrupts)
            self._put_all(f"{at}.processors.{queue.processor.number}", figures)

    def _put_all(self, prefix: str, figures: Sequence[tuple[str, int]]) -> None:
        for name, figure in figures:
            self._put(f"{prefix}.{name}", figure)

    def _put(self, name: str, figure: int) -> None:
        self.rows.setdefault(name, array("q")).append(figure)

    # ---- at the end of a run -------------------------------------------------------------------------------------

    def extremes(self) -> dict[str, int]:
        """Largest values, and counts that are no integrals."""
        watched = self.watched
        found = {}
        for name, port in watched.ports.items():
            found[f"ports.{name}.queue_max"] = port.depth_most
            found[f"ports.{name}.active_max"] = port.running_most
            found[f"ports.{name}.limit"] = port.limit
            found[f"ports.{name}.threads_used"] = sum(
                1
                for threads in watched.pools.values()
                for thread in threads
                if thread.queue is port and thread.switches > 1
            )
        for name, threads in watched.pools.items():
            growing = watched.growing.get(name)
            found[f"pools.{name}.threads"] = growing.params.least if growing else len(threads)
            found[f"pools.{name}.threads_max"] = growing.alive_most if growing else len(threads)
        for name, disk in watched.disks.items():
            found[f"disks.{name}.present_max"] = disk.present_most
            found[f"disks.{name}.waiting_max"] = disk.queued_most
            if isinstance(disk, RecoveringPort):
                found[f"disks.{name}.resets"] = disk.resets
                found[f"disks.{name}.reissued"] = disk.reissued
        for name, cache in watched.caches.items():
            found[f"volumes.{name}.dirty_max"] = cache.dirty_most
        for name, network in watched.networks.items():
            found[f"nics.{name}.ring_max"] = max(queue.rx.used_most for queue in network.nic.queues)
            found[f"nics.{name}.locked_pages_max"] = network.afd.locked_high
            found[f"nics.{name}.moved_entries"] = network.rebalancer.moves
            found[f"nics.{name}.retransmitted"] = network.host.retransmitted + network.far.retransmitted
            found[f"nics.{name}.unreachable"] = network.host.unreachable
        for name, joined in watched.volumes.joined.items():
            found[f"volumes.{name}.failed_disks"] = sum(leg.failed for leg in joined.legs)
        return found

    # ---- the laws ------------------------------------------------------------------------------------------------

    def check_laws(self) -> None:
        """Raise LawBroken unless time adds up on every processor and Little's law holds at every queue (design 1.2)."""
        now = self.clock.now
        watched = self.watched
        for processor in self.dispatcher.processors:
            booked = sum(processor.account)
            if booked != now:
                raise LawBroken(f"processor {processor.number} accounts for {booked} of {now} ns: {processor.account}")
        window = self.window
        clipped = window.sojourns + window.present * now - window.present_starts
        self._little("the system", window.area, clipped)
        for name, queue in watched.queues.items():
            inside = sum(now - packet.entered for packet in queue.entries)
            self._little(f"port {name}", queue.depth_area, queue.sojourns + inside)
        for name, disk in watched.disks.items():
            self._little(f"disk {name}", disk.area, disk.sojourns + disk.ages(now))
        for name, lock in watched.locks.items():
            inside = sum(now - thread.wait_began for thread in lock.contenders)
            self._little(f"lock {name}", lock.area, lock.sojourns + inside)
        for name, it in watched.filters.items():
            hold = it.hold
            self._little(name, hold.area, hold.sojourns + hold.ages(now))
        if window.offered != window.columns.count + window.live:
            raise LawBroken(f"{window.offered} requests offered, {window.columns.count} ended, {window.live} left")

    def _little(self, where: str, area: int, sojourns: int) -> None:
        if area != sojourns:
            raise LawBroken(f"Little's law at {where}: the integral is {area} ns, the sojourns sum to {sojourns} ns")
