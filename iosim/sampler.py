"""Cumulative figures of the whole machine at equal steps: what a window between two steps is computed from.

Every figure is an integral or a count since the start of the run (ns, ns x number, or a number), so that the value over any
window is a difference, exact to the nanosecond.
"""

from array import array
from collections.abc import Sequence

from iosim.actor import SAMPLE, Actor, Clock
from iosim.batch import BatchServices
from iosim.cache_manager import CacheManager
from iosim.devices.filter import Filter
from iosim.devices.ndis import Miniport
from iosim.devices.port_driver import PortDriver
from iosim.devices.winsock import Afd
from iosim.dispatcher import Dispatcher
from iosim.drives.block_map import BlockMap
from iosim.errors import LawBroken
from iosim.kernel_queue import KernelQueue, KernelThread
from iosim.link import Link
from iosim.locks import ContendedLock
from iosim.numa import NO_MEMORY
from iosim.split import Splitter
from iosim.thread import KINDS
from iosim.workload import PipelinedSource, Window

PS = 1000  # in a ns
CACHE_FIGURES = (
    *("hits", "misses", "writes", "paging_reads", "paging_writes", "collided", "read_ahead_pages", "written_pages"),
    *("blocked", "dirty_area"),
)


class Sampler(Actor):
    """Takes a sample at 0, every `step` ns, and at the end; `names` and `rows` of equal length."""

    def __init__(self, clock: Clock, step: int, window: Window, dispatcher: Dispatcher) -> None:
        self.clock = clock
        self.generation = 0
        self.step = step
        self.window = window
        self.dispatcher = dispatcher
        self.queues: dict[str, KernelQueue] = {}
        self.disks: dict[str, PortDriver] = {}
        self.block_maps: dict[str, BlockMap] = {}
        self.locks: dict[str, ContendedLock] = {}
        self.caches: dict[str, CacheManager] = {}
        self.splitters: dict[str, Splitter] = {}
        self.filters: dict[str, Filter] = {}
        self.miniports: dict[str, Miniport] = {}
        self.incoming: dict[str, Link] = {}  # wires towards the cards
        self.memory = NO_MEMORY
        self.afds: dict[str, Afd] = {}  # by card
        self.classes: list[str] = []
        self.slack = array("q")  # by class, where there are splitters
        self.pools: dict[str, list[KernelThread]] = {}
        self.batches: dict[str, list[BatchServices]] = {}
        self.pipelines: dict[str, PipelinedSource] = {}
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
        for name, queue in self.queues.items():
            queue.settle()
            self._put_all(f"ports.{name}", (("depth", queue.depth_area), ("running", queue.running_area)))
            self._put_all(f"ports.{name}", (("packets", queue.packets), ("limited", queue.limited_ns)))
            self._put(f"ports.{name}.sojourns", queue.sojourns)
        for name, disk in self.disks.items():
            disk.settle()
            self._put_all(f"disks.{name}", (("present", disk.area), ("waiting", disk.queued_area)))
            self._put_all(f"disks.{name}", (("commands", disk.commands), ("busy", disk.busy_ns)))
            self._put_all(f"disks.{name}", (("interrupts", disk.interrupts), ("failures", disk.failures)))
            self._put(f"disks.{name}.sojourns", disk.sojourns)
        for name, blocks in self.block_maps.items():
            self._put_all(f"disks.{name}", (("units_written", blocks.host), ("units_moved", blocks.moved)))
        for name, lock in self.locks.items():
            lock.settle()
            self._put_all(f"locks.{name}", (("waiting", lock.area), ("acquisitions", lock.acquisitions)))
            self._put_all(f"locks.{name}", (("contended", lock.contended), ("blocked", lock.blocked)))
            self._put(f"locks.{name}.sojourns", lock.sojourns)

        for name, cache in self.caches.items():
            cache.settle()
            self._put_all(f"volumes.{name}", [(figure, getattr(cache, figure)) for figure in CACHE_FIGURES])
            self._put(f"volumes.{name}.throttled", cache.throttle.throttled)

        for name, driver in self.splitters.items():
            self._put_all(name, (("splits", driver.splits), ("parts", driver.parts), ("retries", driver.retries)))
        if self.splitters:
            for group, name in enumerate(self.classes):
                self._put(f"classes.{name}.slack", self.slack[group])
        for name, it in self.filters.items():
            hold = it.hold
            hold.settle()
            self._put_all(name, (("seen", it.seen), ("paging_seen", it.paging_seen), ("held", hold.area)))

        for name, miniport in self.miniports.items():
            self._card(f"nics.{name}", miniport, self.incoming[name])
            afd = self.afds[name]
            afd.settle()
            self._put_all(f"nics.{name}", (("socket_calls", afd.calls), ("locked_area", afd.locked_area)))

        if self.memory is not NO_MEMORY:
            self._nodes()
        for name, threads in self.pools.items():
            self._put(f"pools.{name}.switches", sum(thread.switches for thread in threads))
        for name, doors in self.batches.items():
            self._put(f"pools.{name}.calls", sum(door.calls for door in doors))
            self._put(f"pools.{name}.taken", sum(door.packets for door in doors))
        for name, source in self.pipelines.items():
            self._put_all(f"classes.{name}", (("answered", source.answered), ("overtook", source.overtook)))

    def _nodes(self) -> None:
        memory = self.memory
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

    # ---- the laws ------------------------------------------------------------------------------------------------

    def check_laws(self) -> None:
        """Raise LawBroken unless time adds up on every processor and Little's law holds at every queue (design 1.2)."""
        now = self.clock.now
        for processor in self.dispatcher.processors:
            booked = sum(processor.account)
            if booked != now:
                raise LawBroken(f"processor {processor.number} accounts for {booked} of {now} ns: {processor.account}")
        window = self.window
        clipped = window.sojourns + window.present * now - window.present_starts
        self._little("the system", window.area, clipped)
        for name, queue in self.queues.items():
            inside = sum(now - packet.entered for packet in queue.entries)
            self._little(f"port {name}", queue.depth_area, queue.sojourns + inside)
        for name, disk in self.disks.items():
            self._little(f"disk {name}", disk.area, disk.sojourns + disk.ages(now))
        for name, lock in self.locks.items():
            inside = sum(now - thread.wait_began for thread in lock.contenders)
            self._little(f"lock {name}", lock.area, lock.sojourns + inside)
        for name, it in self.filters.items():
            hold = it.hold
            self._little(name, hold.area, hold.sojourns + hold.ages(now))
        if window.offered != window.columns.count + window.live:
            raise LawBroken(f"{window.offered} requests offered, {window.columns.count} ended, {window.live} left")

    def _little(self, where: str, area: int, sojourns: int) -> None:
        if area != sojourns:
            raise LawBroken(f"Little's law at {where}: the integral is {area} ns, the sojourns sum to {sojourns} ns")
