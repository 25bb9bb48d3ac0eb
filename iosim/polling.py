"""Reads and writes whose thread spins for their end, instead of waiting to be told by an interrupt (devices/polling_port.py).

The thread stays on its processor, as long as nobody else wants it: no interrupt, no DPC, no switch, but processor time
without use (kind `spin`). To the request the time is what the drive does with it meanwhile; while the thread spins it works
for nobody, and so has a stand-in for its request.
"""

from iosim.application import DrawnTransfer
from iosim.attribution import Request, new_ledger, new_request
from iosim.cache_manager import CacheManager
from iosim.device_stack import FileObject
from iosim.devices.polling_port import PollingPort
from iosim.irp import Irp
from iosim.kernel_queue import KernelThread
from iosim.outcomes import AGAIN, DONE
from iosim.services import Services
from iosim.variates import Variate

LONG = 1_000_000_000_000  # ns that a thread spins before it looks by itself; nothing takes so long


class PolledTransfer(DrawnTransfer):
    """Issue, spin, complete."""

    def __init__(
        self,
        services: Services,
        file: FileObject,
        cache: CacheManager,
        major: int,
        size: Variate,
        offset: Variate,
        port: PollingPort,
    ) -> None:
        super().__init__(services, file, cache, major, True, size, offset, [])
        self.port = port
        self.stand_in: Request = new_request(0, 0, 0, new_ledger())
        self.stand_in.steps = [self]

    def finish(self, thread: KernelThread) -> int:
        """Call the driver, then ask again until the end has come."""
        irp: Irp = thread.call  # type: ignore[assignment]  # `prepare` left it there
        if thread.request is not self.stand_in:
            thread.request = self.stand_in
            self._issue(thread, irp)
        if irp not in self.port.ended:
            thread.owe_spin(LONG)
            return AGAIN
        request = irp.request
        thread.request = request
        self.stand_in.step = 0
        request.step += 1
        thread.owe_kernel(self.port.reap(irp, thread.processor))
        self.services.io.ended_at_once(irp)
        return DONE

    def _issue(self, thread: KernelThread, irp: Irp) -> None:
        io = self.services.io
        irp.plain = False
        irp.synchronous = True
        irp.processor = thread.processor
        irp.file.reset()
        io.completion.list_request(thread, irp)
        io.call_driver(irp.file.device, irp)
