"""What a thread does in the kernel for one purpose, step by step: it owes time, waits, and goes on where it stood.

The same work is done by a system worker, who takes it off its queue, or by the issuing thread inside its own call: a driver
whose dispatch routine has to wait leaves it in the IRP and returns STAYS_IN_CALL (semantics 3.3, 3.7).
"""

from iosim.attribution import NO_REQUEST, Request
from iosim.kernel_queue import KernelThread, Packet
from iosim.ntstatus import STATUS_SUCCESS
from iosim.outcomes import OVER

# What a dispatch routine returns, beside statuses: the IRP has work for the calling thread, which stays in its call.
STAYS_IN_CALL = -2


class KernelWork(Packet):
    """Work that can be queued to a system worker. Its last step may be asked for again, until the thread owes nothing.

    `status` tells how it went. `pends`: it is done for an IRP that is marked pending.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.status = STATUS_SUCCESS
        self.pends = False

    def go_on(self, thread: KernelThread) -> int:
        """One stretch further: OWES (call again when that is paid), BLOCKED (again when woken) or OVER."""
        raise NotImplementedError

    def end(self) -> None:
        """It is over, and the thread has let the request go: tell whoever waits for it."""


class NoWork(KernelWork):
    """Nothing to do."""

    def go_on(self, thread: KernelThread) -> int:
        """It is over."""
        return OVER


NO_WORK: KernelWork = NoWork(NO_REQUEST)
