"""A pipe, a port and threads that issue without being run: every call takes no time, every end can be looked at.

The threads exist for the lists they own and the waits they are in; nothing here needs a processor but a wake.
"""

from typing import Any

from tiny import Tiny

from iosim.apc import kernel_apcs
from iosim.attribution import BLOCKED_CALL
from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.devices.named_pipe import NamedPipe
from iosim.io_manager import USUAL, IoCosts, IoManager, IoParams
from iosim.irp import NO_APC, NO_STATUS_BLOCK, READ, WRITE, Irp, Notice, StatusBlock
from iosim.kernel_queue import NO_PACKET, KernelThread
from iosim.ntstatus import STATUS_PENDING
from iosim.objects import Event

APC_MODE = IoParams(completion_mode="apc")

Taken = tuple[int, StatusBlock, int, int]  # key, value, status, information


class LateDriver(Driver):
    """Pends what it is given; the test takes it from the queue and ends it, in two steps."""

    def __init__(self, io: IoManager) -> None:
        self.io = io
        self.queue: list[Irp] = []
        self.cancelling: list[Irp] = []  # the cancel routine has been called, and has not come to its end
        self.routine = True
        self.cancels_early = (
            False  # somebody cancels between the driver's queueing and its setting of the cancel routine
        )
        self.answer = STATUS_PENDING  # anything else: the request ends in the dispatch routine, with this status

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        if self.answer != STATUS_PENDING:
            self.end(irp, self.answer, irp.location().size)
            return self.answer
        irp.mark_pending()
        self.queue.append(irp)
        if self.cancels_early:
            self.io.cancel(irp)
        if self.routine and not irp.enqueued(self):
            self.cancelled(device, irp)
        return STATUS_PENDING

    def dequeue(self, irp: Irp) -> bool:
        """The driver wants to work on it: whether it may."""
        if irp not in self.queue:
            return False
        self.queue.remove(irp)
        return irp.dequeued()

    def cancelled(self, device: DeviceObject, irp: Irp) -> None:
        self.cancelling.append(irp)

    def end(self, irp: Irp, status: int, information: int = 0, boost: int = 0) -> None:
        irp.status = status
        irp.information = information
        self.io.complete(irp, boost)


class TinyPipe(Tiny):
    """One port, a pipe pair (`ours` and `theirs`), a device that ends its requests late (`late`), two threads."""

    def __init__(
        self, params: IoParams = USUAL, *, quota: int = 4096, messages: bool = False, costs: bool = False
    ) -> None:
        super().__init__(2)
        self.apcs = kernel_apcs(self.dispatcher)
        self.io = IoManager(self.dispatcher, IoCosts(10, 20, 3, 9, 1000) if costs else IoCosts(0, 0, 0, 0, 0), params)
        self.port = CompletionPort(self.clock, self.dispatcher, 0, 0, 2)
        self.pipe = NamedPipe(self.io)
        self.ours, self.theirs = self.pipe.pair(0, quota, messages)
        self.driver = LateDriver(self.io)
        self.device = DeviceObject(self.driver, None, 0, 1 << 30)
        self.late = FileObject(2, self.device, 0, 1 << 30, False)
        self.one, self.two = self.thread(), self.thread()
        self.one.processor = self.two.processor = 0

    def associated(self, file: FileObject, key: int = 7) -> FileObject:
        assert self.io.associate(file, self.port, key) == 0
        return file

    def issue(
        self,
        file: FileObject,
        size: int,
        major: int = READ,
        *,
        thread: KernelThread | None = None,
        event: Event | None = None,
        null_context: bool = False,
        apc: Any = NO_APC,
        block: StatusBlock | None = None,
    ) -> tuple[int, StatusBlock]:
        """Read or write, overlapped unless the file is synchronous: what the call returns, and the status block."""
        block = block or StatusBlock()
        block.status = STATUS_PENDING  # the Win32 layer's doing: the kernel does not touch it before the end
        notice = Notice(block, NO_STATUS_BLOCK if null_context else block, apc)
        if event is not None:
            notice.with_event(event)
        irp = self.io.allocate(file.device.stack_size)
        irp.prepare(self.request(), file, major, 0, size)
        irp.tell(notice)
        irp.synchronous = file.synchronous
        return self.io.start(thread or self.one, irp, BLOCKED_CALL), block

    def write(self, file: FileObject, size: int) -> int:
        """A write that nobody wants to hear of."""
        return self.issue(file, size, WRITE, null_context=True)[0]

    def take(self) -> Taken:
        """The oldest packet: key, value, status, information; the thread is the port's from now on."""
        packet = self.port.poll(self.two)
        assert packet is not NO_PACKET, "no packet"
        assert isinstance(packet, Irp)
        found = packet.file.key, packet.notice.context, packet.status, packet.information
        packet.removed()
        return found

    @property
    def depth(self) -> int:
        return len(self.port.entries)
