"""A port driver without interrupts: whoever waits for a request looks for its end itself (polling).

Other systems' practice for drives that answer within microseconds: Windows' own NVMe driver is interrupt-driven (semantics
0b.21). The drive's end is noticed at once by a thread that spins for it on its processor; one that was interrupted or
has lost its processor notices when it goes on. It completes the request and starts what waits, on its own time.
Simplified: a thread reaps its own request only, and looking takes no time beyond the spinning.
"""

from collections.abc import Sequence

from iosim.attribution import READY_QUEUE
from iosim.cache import Caches
from iosim.devices.coalescing import Coalescer
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.drives.drive import Command, Drive
from iosim.io_manager import IoManager
from iosim.irp import Irp
from iosim.modes import PASSIVE
from iosim.ntstatus import STATUS_SUCCESS
from iosim.processor import Processor
from iosim.thread import RUNNING
from iosim.units import PAGE


class Silence(Coalescer):
    """No processor is ever told."""

    def told(self) -> None:
        """Nothing."""


class PollingPort(PortDriver):
    """Its requests are issued by threads that spin until `reap` can be called (polling.py)."""

    def __init__(
        self,
        io: IoManager,
        caches: Caches,
        drive: Drive,
        number: int,
        depth: int,
        interrupted: Sequence[int],
        costs: PortCosts,
    ) -> None:
        super().__init__(io, caches, drive, number, depth, interrupted, costs)
        self.ended: dict[Irp, Command] = {}  # that nobody has looked at yet
        for vector in self.vectors:
            vector.plain = False
            vector.coalescer = Silence(self.clock, 1, 0)

    def finished(self, command: Command) -> None:
        """Nothing but the state in memory says so; the thread that spins for it sees that at once."""
        tag = command.tag
        irp = self.irps[tag]
        PortDriver.finished(self, command)
        vector = self.vector_of[tag]
        vector.finished.remove(command)
        self.ended[irp] = command
        thread = irp.thread
        processor: Processor = self.io.dispatcher.processors[thread.processor]
        if thread.state == RUNNING and processor.mode == PASSIVE and processor.thread is thread:
            processor.end_spin()
        else:
            thread.owed -= thread.owed_spin
            thread.owed_spin = 0

    def reap(self, irp: Irp, processor: int) -> int:
        """The thread that spun for this request completes it, and starts what waits: the processor time that takes (ns)."""
        command = self.ended.pop(irp)
        irp.request.spend(READY_QUEUE, self.clock.now)  # it had no processor to look from
        time: int = irp.file.device.up_ns - (-command.size // PAGE) * self.costs.page_unlock
        if self.paired:
            self.make_room([command])
        self.slots.append(command)
        if self.paired:
            self.unpark()
        while self.waiting and self.free:
            self.start_waiting(processor)
            time += self.costs.start
        irp.status = STATUS_SUCCESS
        irp.information = irp.location().size
        irp.location().pending = False  # its issuer is still in the call
        self.io.complete(irp)
        return time
