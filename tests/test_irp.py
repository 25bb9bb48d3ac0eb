"""I/O request packets: locations, pending bits, completion routines, fatal errors. Cases I..: semantics 9.7."""

import pytest
from tiny import Tiny

from iosim.completion_port import CompletionPort
from iosim.devices.null import NullDriver
from iosim.devices.volume import PassThrough
from iosim.errors import BugCheck
from iosim.io_manager import DeviceObject, Driver, FileObject, IoCosts, IoManager
from iosim.irp import (
    READ,
    STATUS_END_OF_FILE,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    STATUS_SUCCESS,
    Irp,
)


class Layer(Driver):
    """A filter driver: passes on, with a completion routine if asked, and writes down what it sees on the way up."""

    def __init__(self, io: IoManager, log: list[object], name: str, *, routine: bool = True) -> None:
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
        self.log.append((self.name, hex(irp.status), irp.pending_returned, (below.pending, below.routine)))
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

    def __init__(self, *, routines: bool = True) -> None:
        self.tiny = Tiny()
        self.log: list[object] = []
        self.io = IoManager(self.tiny.dispatcher, IoCosts(0, 0, 0, 0, 0))
        self.bottom = Bottom()
        self.layers = [Layer(self.io, self.log, name, routine=routines) for name in ("low", "middle", "top")]
        device = DeviceObject(self.bottom, None, 0, 1 << 30)
        for layer in self.layers:
            device = DeviceObject(layer, device, 0, 1 << 30)
        self.device = device
        self.port = CompletionPort(self.tiny.clock, self.tiny.dispatcher, 0, 0, 1)
        self.file = FileObject(0, device, 0, 1 << 30, False, self.port)

    def issue(self) -> Irp:
        irp = self.io.allocate(self.device.stack_size)
        irp.prepare(self.tiny.request(1), self.file, READ, 100, 4096)
        irp.reports = True
        assert self.io.call_driver(self.device, irp) == STATUS_PENDING
        return irp


def test_I01_a_new_irp_stands_above_its_first_driver() -> None:
    irp = Irp(5, [], 0)
    assert (irp.stack_count, irp.current) == (5, 6)


def test_each_call_down_goes_one_location_lower_and_may_move_the_offset() -> None:
    stack = Stack()
    irp = stack.issue()
    assert irp.current == 1
    assert [(location.major, location.offset, location.size) for location in irp.locations[1:5]] == [
        (READ, 103, 4096),
        (READ, 102, 4096),
        (READ, 101, 4096),
        (READ, 100, 4096),
    ]
    assert irp.location() is irp.locations[1]
    assert irp.location().device is stack.device.lower.lower.lower


def test_I03_routines_run_upwards_and_each_finds_the_location_below_it_cleared() -> None:
    stack = Stack()
    irp = stack.issue()
    stack.io.complete(irp)
    assert stack.log == [
        ("low", "0x0", True, (False, False)),
        ("middle", "0x0", False, (False, False)),
        ("top", "0x0", False, (False, False)),
    ]
    assert irp.current == 5
    assert list(stack.port.entries) == [irp]


def test_I03_each_routine_sees_the_status_that_the_lower_one_left() -> None:
    stack = Stack()
    irp = stack.issue()
    irp.status = STATUS_END_OF_FILE
    stack.io.complete(irp)
    assert [entry[1] for entry in stack.log] == [hex(STATUS_END_OF_FILE)] * 3  # type: ignore[index]


def test_I05_without_a_routine_the_pending_bit_is_carried_up_by_itself() -> None:
    stack = Stack(routines=False)
    irp = stack.issue()
    stack.io.complete(irp)
    assert stack.log == []
    assert irp.pending_returned


def test_a_routine_that_forgets_the_pending_bit_loses_it_for_everybody_above() -> None:
    """The classic mistake of filter drivers (semantics 2.3.2); one that re-marks keeps it."""
    careless, careful = Stack(), Stack()
    for layer in careful.layers:
        layer.marks = True
    irps = [stack.issue() for stack in (careless, careful)]
    for stack, irp in zip((careless, careful), irps, strict=True):
        stack.io.complete(irp)
    assert [irp.pending_returned for irp in irps] == [False, True]


def test_more_processing_required_stops_the_walk_until_the_owner_completes_again() -> None:
    """Semantics 2.4.4: the I/O manager keeps its hands off; the walk resumes above the routine that stopped it."""
    stack = Stack()
    stack.layers[1].answer = STATUS_MORE_PROCESSING_REQUIRED
    irp = stack.issue()
    stack.io.complete(irp)
    assert [entry[0] for entry in stack.log] == ["low", "middle"]  # type: ignore[index]
    assert not stack.port.entries
    assert irp.location().device.driver is stack.layers[1]
    stack.io.complete(irp)
    assert [entry[0] for entry in stack.log] == ["low", "middle", "top"]  # type: ignore[index]
    assert list(stack.port.entries) == [irp]


def test_I07_completing_twice_stops_the_machine_and_names_the_request() -> None:
    stack = Stack()
    irp = stack.issue()
    stack.io.complete(irp)
    with pytest.raises(BugCheck, match="MULTIPLE_IRP_COMPLETE_REQUESTS at 0 ns: read of 4096 bytes"):
        stack.io.complete(irp)


def test_I08_more_drivers_than_locations_stop_the_machine() -> None:
    stack = Stack()
    irp = Irp(2, [], 0)
    irp.prepare(stack.tiny.request(), stack.file, READ, 0, 512)
    with pytest.raises(BugCheck, match="NO_MORE_IRP_STACK_LOCATIONS"):
        stack.io.call_driver(stack.device, irp)


def test_an_irp_comes_back_from_the_lookaside_list_as_good_as_new() -> None:
    stack = Stack()
    irp = stack.issue()
    stack.io.complete(irp)
    irp.removed()
    again = stack.io.allocate(4)
    assert again is irp
    again.prepare(stack.tiny.request(2), stack.file, READ, 0, 512)
    assert (again.current, again.reports, again.pending_returned, again.status) == (5, False, False, STATUS_SUCCESS)
    assert not any(location.pending or location.routine for location in again.locations)
    assert stack.io.allocate(4) is not irp


def test_irps_of_different_stacks_are_kept_apart() -> None:
    stack = Stack()
    small = stack.io.allocate(1)
    small.free()
    assert stack.io.allocate(4).stack_count == 4
    assert stack.io.allocate(1) is small


def test_I09_the_null_driver_completes_in_the_dispatch_routine_and_the_packet_is_there_before_the_call_returns() -> (
    None
):
    tiny = Tiny()
    io = IoManager(tiny.dispatcher, IoCosts(0, 0, 0, 0, 0))
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 0, 1)
    null = DeviceObject(NullDriver(io), None, 0, 1 << 30)
    top = DeviceObject(PassThrough(io, 0, 0), null, 512, 1 << 30)
    irp = io.allocate(top.stack_size)
    irp.prepare(tiny.request(), FileObject(0, top, 0, 1 << 30, False, port), READ, 0, 4096)
    irp.reports = True
    assert io.call_driver(top, irp) == STATUS_SUCCESS
    assert (irp.information, irp.pending_returned) == (4096, False)
    assert list(port.entries) == [irp]
    assert irp.request.bytes == 4096


def test_the_stacks_processor_time_is_the_sum_of_its_drivers() -> None:
    class Costly(Driver):
        def __init__(self, down: int, up: int) -> None:
            self.dispatch_ns = down
            self.completion_ns = up

    low = DeviceObject(Costly(1, 10), None, 0, 1)
    high = DeviceObject(Costly(2, 20), low, 0, 1)
    assert (high.down_ns, high.up_ns, high.stack_size, high.bottom) == (3, 30, 2, low.driver)
