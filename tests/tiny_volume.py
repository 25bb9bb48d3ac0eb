"""A tiny volume over several constant drives: no processor time but the port drivers', and commands to be looked at."""

from array import array
from collections.abc import Callable

from tiny import Tiny

from iosim.attribution import DEVICE_SERVICE, Request, new_ledger, new_request
from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.devices.joined_volumes import JoinedVolume
from iosim.io_manager import IoCosts, IoManager
from iosim.irp import READ, Irp
from iosim.kernel_queue import NO_PACKET
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS
from iosim.split import Leg


class TestDisk(Driver):
    """Pends what it is given until the test ends it; what it was asked is written down."""

    __test__ = False

    def __init__(self, io: IoManager, number: int, log: list[tuple[int, int, int]]) -> None:
        self.io = io
        self.number = number
        self.log = log  # number of the disk, offset, size
        self.irps: list[Irp] = []
        self.answer = STATUS_PENDING  # anything else: it ends at once

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        location = irp.location()
        self.log.append((self.number, location.offset, location.size))
        if self.answer != STATUS_PENDING:
            irp.status = self.answer
            self.io.complete(irp)
            return self.answer
        irp.mark_pending()
        self.irps.append(irp)
        return STATUS_PENDING

    def end(self, status: int = STATUS_SUCCESS, cause: int = DEVICE_SERVICE) -> None:
        """End the oldest request; its time had this cause (by default device service)."""
        irp = self.irps.pop(0)
        irp.request.spend(cause, self.io.clock.now)
        irp.status = status
        irp.information = 0 if status else irp.location().size
        self.io.complete(irp)


class TinyVolume(Tiny):
    """`make` makes the volume manager's driver over the legs; requests are of class 0."""

    def __init__(
        self,
        disks: int,
        make: "Callable[[IoManager, array[int], list[Leg]], Driver]",
        *,
        over: Callable[[IoManager, DeviceObject], DeviceObject] = lambda io, device: device,
        under: "Callable[[IoManager, array[int], DeviceObject], DeviceObject]" = lambda io, slack, device: device,
        base: int = 0,
    ) -> None:
        super().__init__(1)
        self.io = IoManager(self.dispatcher, IoCosts(0, 0, 0, 0, 0))
        self.seen: list[tuple[int, int, int]] = []
        self.slack = array("q", [0])
        self.disks = [TestDisk(self.io, number, self.seen) for number in range(disks)]
        devices = [under(self.io, self.slack, DeviceObject(disk, None, 0, 1 << 40)) for disk in self.disks]
        self.volume = make(self.io, self.slack, [Leg(device, base) for device in devices])
        lower = devices[0]
        self.top = over(self.io, DeviceObject(self.volume, lower, 0, 1 << 40))
        self.port = CompletionPort(self.clock, self.dispatcher, 0, 0, 1)
        self.file = FileObject(0, self.top, 0, 1 << 40, False)
        self.io.associate(self.file, self.port, 0)
        self.one = self.thread()
        self.one.processor = 0
        self.asked = 0

    def ask(self, offset: int, size: int, major: int = READ) -> Request:
        """A request goes down now."""
        request = new_request(0, self.asked, self.clock.now, new_ledger())
        self.asked += 1
        irp = self.io.allocate(self.top.stack_size)
        irp.prepare(request, self.file, major, offset, size)
        irp.reports = True
        self.returned = self.io.start(self.one, irp, 0)
        return request

    def ended(self) -> list[tuple[int, int]]:
        """Status and information of every packet, which is removed."""
        found = []
        while (packet := self.port.poll(self.one)) is not NO_PACKET:
            assert isinstance(packet, Irp)
            found.append((packet.status, packet.information))
            packet.removed()
        return found

    def pass_time(self, time: int) -> None:
        """Until then nothing happens."""
        self.at(time, lambda: None)
        self.clock.run(1000)

    def lists_are_even(self) -> bool:
        """Every IRP that was allocated has been freed."""
        lists = [*self.io.small.private, *self.io.large.private, *self.io.pool]
        return sum(each.total_frees for each in lists) == sum(each.total_allocates for each in lists)

    @property
    def joined(self) -> JoinedVolume:
        assert isinstance(self.volume, JoinedVolume)
        return self.volume
