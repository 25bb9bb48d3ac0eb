"""Three filter drivers over one that pends, with a log of what their completion routines see."""

from tiny import Tiny

from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.io_manager import USUAL, IoCosts, IoManager, IoParams
from iosim.irp import INVOKE_ALWAYS, NO_ROUTINE, READ, Irp
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS


class Layer(Driver):
    """A filter driver: passes on, with a completion routine if asked, and writes down what it sees on the way up."""

    def __init__(self, io: IoManager, log: list[object], name: str, *, routine: int = INVOKE_ALWAYS) -> None:
        self.io = io
        self.log = log
        self.name = name
        self.routine = routine
        self.answer = STATUS_SUCCESS
        self.marks = False  # re-marks the IRP pending, as a routine that lets the walk go on must (2.3.2)

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.copy_to_next(1, self.routine)
        return self.io.call_driver(device.lower, irp)

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        below = irp.locations[irp.current - 1]
        cleared = (below.major, below.offset, below.size, below.pending, below.routine) == (0, 0, 0, False, NO_ROUTINE)
        self.log.append((self.name, hex(irp.status), irp.pending_returned, cleared))
        if self.marks and irp.pending_returned:
            irp.mark_pending()
        return self.answer


class Bottom(Driver):
    """Pends what it is given until the test completes it."""

    def __init__(self) -> None:
        self.irps: list[Irp] = []

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.mark_pending()
        self.irps.append(irp)
        return STATUS_PENDING


class Stack:
    """Three layers over a bottom that pends; requests report to a port."""

    def __init__(self, *, routine: int = INVOKE_ALWAYS, params: IoParams = USUAL) -> None:
        self.tiny = Tiny()
        self.log: list[object] = []
        self.io = IoManager(self.tiny.dispatcher, IoCosts(0, 0, 0, 0, 0), params)
        self.bottom = Bottom()
        self.layers = [Layer(self.io, self.log, name, routine=routine) for name in ("low", "middle", "top")]
        device = DeviceObject(self.bottom, None, 0, 1 << 30)
        for layer in self.layers:
            device = DeviceObject(layer, device, 0, 1 << 30)
        self.device = device
        self.port = CompletionPort(self.tiny.clock, self.tiny.dispatcher, 0, 0, 1)
        self.file = FileObject(0, device, 0, 1 << 30, False, self.port)

    @property
    def ended(self) -> bool:
        """Whether the port has been told."""
        return bool(self.port.entries)

    def issue(self) -> Irp:
        irp = self.io.allocate(self.device.stack_size)
        irp.prepare(self.tiny.request(1), self.file, READ, 100, 4096)
        irp.reports = True
        assert self.io.call_driver(self.device, irp) == STATUS_PENDING
        return irp
