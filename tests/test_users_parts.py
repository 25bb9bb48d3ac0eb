"""A driver, a drive, a listener or a step of the user's own, in plain Python, does what ours does: compiled or not.

Nothing here asks for the mode: the same tests run in both.
"""

from typing import Any

import pytest
from test_machine import EVERYTHING, Tree, build, everything_but, run
from tiny_io import LATENCY, TinyIo
from tiny_pipe import TinyPipe

import iosim
from iosim.actor import DEVICE, Clock
from iosim.application import ComputeStep
from iosim.attribution import Request
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.devices.port_driver import PortCosts, PortDriver
from iosim.drives.constant import ConstantDrive
from iosim.drives.drive import Command, Drive
from iosim.drives.ssd import Ssd, SsdParams
from iosim.errors import BugCheck, DriverMistake
from iosim.heap_clock import HeapClock
from iosim.io_manager import IoManager
from iosim.irp import INVOKE_ALWAYS, NO_ROUTINE, READ, Irp
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS
from iosim.recorders import WaitRecords
from iosim.summary import fingerprint
from iosim.variates import Variate

# ---- in a whole machine ----------------------------------------------------------------------------------------------


class OwnPassThrough(Driver):
    """Line by line what devices/volume.py does."""

    def __init__(self, io: IoManager, dispatch_ns: int, completion_ns: int) -> None:
        self.io = io
        self.dispatch_ns = dispatch_ns
        self.completion_ns = completion_ns

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.copy_to_next(device.base, NO_ROUTINE)
        return self.io.call_driver(device.lower, irp)


class Counting(OwnPassThrough):
    """The same with a completion routine, which costs no event and changes no time."""

    down = up = 0

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        type(self).down += 1
        irp.copy_to_next(device.base, INVOKE_ALWAYS)
        return self.io.call_driver(device.lower, irp)

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        type(self).up += 1
        if irp.pending_returned:
            irp.mark_pending()
        return irp.status


class OwnDrive(Drive):
    """Every command takes 70 us, side by side."""

    def __init__(self, clock: Clock, params: SsdParams) -> None:
        super().__init__(clock, params.slots, params.capacity)

    def begin(self, command: Command) -> None:
        self.clock.at(70_000, DEVICE, self, command.tag)

    def fire(self, what: int) -> None:
        command = self.commands[what]
        command.transferring = self.clock.now
        self.finish(command)


class OursDoesTheSame(ConstantDrive):
    def __init__(self, clock: Clock, params: SsdParams) -> None:
        super().__init__(clock, params.slots, params.capacity, 70_000)


class OwnListener(WaitRecords):
    """One fact counted beside what ours records."""

    def __init__(self) -> None:
        super().__init__()
        self.ended_waits = 0

    def wait_ended(self, resource: int, request: Request, began: int, now: int, by: Request) -> None:
        self.ended_waits += 1
        super().wait_ended(resource, request, began, now, by)


class OwnStep(ComputeStep):
    """Ours, said again."""

    def begin(self, thread: KernelThread) -> None:
        if self.touches:
            self.services.touch(thread, self.private, self.request_bytes)
        time = self.time.value(thread.request.index)
        if time:
            thread.owe_user(time)


class Twice(Variate):
    """Twice another one."""

    def __init__(self, other: Variate) -> None:
        self.other = other

    def value(self, index: int) -> int:
        return 2 * self.other.value(index)


def test_the_front_door_leads_to_both_bases() -> None:
    assert (iosim.Driver, iosim.Drive) == (Driver, Drive)


def test_a_users_driver_in_our_drivers_place_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is every volume and every disk class driver of a machine of all parts."""
    ours = fingerprint([run(EVERYTHING)])
    monkeypatch.setattr("iosim.volumes.PassThrough", OwnPassThrough)
    assert fingerprint([run(EVERYTHING)]) == ours


def test_a_users_completion_routine_is_called_for_every_request_it_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = fingerprint([run(EVERYTHING)])
    monkeypatch.setattr("iosim.volumes.PassThrough", Counting)
    Counting.down = Counting.up = 0
    machine = build(EVERYTHING)
    raw = machine.run()
    assert fingerprint([raw]) == ours
    commands = raw.samples["disks.flash.commands"][-1]
    assert commands > 50 and Counting.down == 2 * commands
    assert 0 <= Counting.down - Counting.up <= 2 * machine.window.present


@pytest.mark.parametrize("depth", [1, 4])
def test_a_users_drive_gives_the_same_bytes_as_ours_of_the_same_rule(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one slot its commands wait in the port driver."""
    found = []
    for drive in (OursDoesTheSame, OwnDrive):
        monkeypatch.setattr("iosim.storage.Ssd", drive)
        found.append(run(EVERYTHING, disks__flash__queue_depth=depth))
    ours, own = found
    assert fingerprint([own]) == fingerprint([ours])
    assert own.samples == ours.samples
    assert own.samples["disks.flash.commands"][-1] > 50


def test_a_users_drive_may_change_a_little_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Noting(Ssd):
        def begin(self, command: Command) -> None:
            seen.append(command.tag)
            super().begin(command)

    ours = fingerprint([run(EVERYTHING)])
    monkeypatch.setattr("iosim.storage.Ssd", Noting)
    raw = run(EVERYTHING)
    assert fingerprint([raw]) == ours
    assert len(seen) >= raw.samples["disks.flash.commands"][-1] > 50


def test_a_users_listener_hears_every_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iosim.machine.WaitRecords", OwnListener)
    machine = build(EVERYTHING, record=("waits",))
    raw = machine.run()
    assert isinstance(machine.waits, OwnListener)
    assert machine.waits.ended_waits == len(raw.waits["ended"]) > 20


def test_a_users_step_and_a_users_draws_do_what_ours_do(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = everything_but("workload.open")
    tree["handlers"]["short"] = [{"compute": "10 us"}]
    twice: Tree = {**tree, "handlers": {**tree["handlers"], "short": [{"compute": "20 us"}]}}
    ours = fingerprint([run(twice)])

    class OwnComputeStep(OwnStep):
        def __init__(self, services: Any, time: Variate, private: int, request_bytes: int) -> None:
            super().__init__(services, Twice(time), private, request_bytes)

    assert fingerprint([run(tree)]) != ours
    monkeypatch.setattr("iosim.handlers.ComputeStep", OwnComputeStep)
    assert fingerprint([run(tree)]) == ours


# ---- mistakes: the same error in both modes, by name, and never a crash ----------------------------------------------


class Silent(Driver):
    """Forgets to say anything."""

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.mark_pending()
        return None  # type: ignore[return-value]


class SilentOnTheWayUp(OwnPassThrough):
    def __init__(self, io: IoManager) -> None:
        super().__init__(io, 0, 0)

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.copy_to_next(device.base, INVOKE_ALWAYS)
        return self.io.call_driver(device.lower, irp)

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        return None  # type: ignore[return-value]


class Nothing(Driver):
    """All routines are missing."""


class Short(Driver):
    def dispatch(self, irp: Irp) -> int:  # type: ignore[override]
        return STATUS_SUCCESS


class Renamed(Driver):
    """Names of its own are no mistake: it is called by position."""

    def dispatch(self, dev: DeviceObject, packet: Irp) -> int:
        packet.mark_pending()
        return STATUS_PENDING


class Keyword(Driver):
    def dispatch(self, device: DeviceObject, *, irp: Irp) -> int:  # type: ignore[override]
        return STATUS_SUCCESS


class Failing(Driver):
    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        raise ZeroDivisionError("of the user's own")


class Baseless:
    """Has all that a driver needs but the base."""

    dispatch_ns = completion_ns = 0

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        return STATUS_SUCCESS


def read_from(tiny: TinyPipe, driver: Driver) -> int:
    """A read of a device of this driver alone: what the call returns."""
    file = FileObject(3, DeviceObject(driver, None, 0, 1 << 30), 0, 1 << 30, False)
    return tiny.issue(tiny.associated(file), 512)[0]


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (Silent, "Silent.dispatch: returns None, which is no status"),
        (Nothing, r"Nothing.dispatch: the dispatch routine is missing; it takes \(device, irp\)"),
        (Short, r"Short.dispatch: is called with \(device, irp\): too many positional arguments"),
        (Keyword, r"Keyword.dispatch: is called with \(device, irp\): too many positional arguments"),
        (Baseless, "Baseless.__bases__: it has to be a subclass of iosim.Driver"),
    ],
)
def test_a_mistake_in_a_users_driver_is_told_by_its_name(driver: Any, said: str) -> None:
    with pytest.raises(DriverMistake, match=said):
        read_from(TinyPipe(), driver())


def test_arguments_may_have_names_of_the_users() -> None:
    assert read_from(TinyPipe(), Renamed()) == STATUS_PENDING


def test_a_completion_routine_that_returns_nothing_is_told_by_its_name() -> None:
    tiny = TinyPipe()
    top = DeviceObject(SilentOnTheWayUp(tiny.io), tiny.device, 0, 1 << 30)
    assert tiny.issue(tiny.associated(FileObject(3, top, 0, 1 << 30, False)), 512)[0] == STATUS_PENDING
    with pytest.raises(DriverMistake, match=r"SilentOnTheWayUp.completed: returns None, which is no status"):
        tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)


def test_an_error_of_the_users_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError, match="of the user's own"):
        read_from(TinyPipe(), Failing())


def test_an_irp_that_a_user_completes_twice_stops_the_run() -> None:
    class Double(Driver):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            irp.mark_pending()
            tiny.io.complete(irp)
            tiny.io.complete(irp)
            return STATUS_PENDING

    tiny = TinyPipe()
    with pytest.raises(BugCheck, match="MULTIPLE_IRP_COMPLETE_REQUESTS"):
        read_from(tiny, Double())


class NoBegin(Drive):
    """The one routine that a drive must have is missing."""


class NoConstructor(Drive):
    def __init__(self, clock: Clock, slots: int, capacity: int) -> None:
        self.mine = (clock, slots, capacity)


class ShortBegin(Drive):
    def begin(self) -> None:  # type: ignore[override]
        pass


class NoDrive:
    def __init__(self, clock: Clock, slots: int, capacity: int) -> None:
        self.slots, self.capacity = slots, capacity
        self.commands = [Command(tag) for tag in range(slots)]


class FailingDrive(Drive):
    """In the middle of the run, called by the clock."""

    def begin(self, command: Command) -> None:
        self.clock.at(LATENCY, DEVICE, self, command.tag)

    def fire(self, what: int) -> None:
        raise ZeroDivisionError("of the user's own")


def attach(tiny: TinyPipe, drive: Any) -> FileObject:
    """A file on a port driver over the drive."""
    port = PortDriver(tiny.io, tiny.caches, drive, 0, drive.slots, [0], PortCosts(0, 0, 0, 0, 0, 0))
    return tiny.associated(FileObject(3, DeviceObject(port, None, 0, 1 << 30), 0, 1 << 30, False))


@pytest.mark.parametrize(
    ("drive", "said"),
    [
        (NoConstructor, r"NoConstructor.__init__: it has to call super\(\).__init__\(clock, slots, capacity\)"),
        (ShortBegin, r"ShortBegin.begin: is called with \(command\): too many positional arguments"),
        (NoDrive, "NoDrive.__bases__: it has to be a subclass of iosim.Drive"),
    ],
)
def test_a_mistake_in_a_users_drive_is_told_when_its_machine_is_made(drive: Any, said: str) -> None:
    tiny = TinyPipe()
    made = drive(tiny.clock, 4, 1 << 30)
    made_slots = getattr(made, "slots", 4)
    costs = PortCosts(0, 0, 0, 0, 0, 0)
    with pytest.raises(DriverMistake, match=said):
        PortDriver(tiny.io, tiny.caches, made, 0, made_slots, [0], costs)


def test_a_drive_without_a_begin_routine_is_told_at_its_first_command() -> None:
    tiny = TinyPipe()
    file = attach(tiny, NoBegin(tiny.clock, 4, 1 << 30))
    with pytest.raises(NotImplementedError):
        tiny.issue(file, 512)


def test_an_error_in_a_users_drive_comes_out_of_the_run() -> None:
    tiny = TinyPipe()
    tiny.issue(attach(tiny, FailingDrive(tiny.clock, 4, 1 << 30)), 512)
    with pytest.raises(ZeroDivisionError, match="of the user's own"):
        tiny.clock.run(100)


def test_a_command_beyond_a_users_drive_is_refused() -> None:
    tiny = TinyPipe()
    drive = FailingDrive(tiny.clock, 4, 256)
    with pytest.raises(ValueError, match="bytes 0 to 512 are not within the drive's 256"):
        tiny.issue(attach(tiny, drive), 512)
    assert drive.in_drive == 0


def test_a_user_may_put_a_driver_between_ours() -> None:
    """Above the port driver of a machine that has a whole stack: a read takes as long as without it."""
    plain, with_driver = TinyIo(clock=HeapClock), TinyIo(clock=HeapClock)
    filtered = DeviceObject(OwnPassThrough(with_driver.io, 0, 0), with_driver.top, 0, 1 << 30)
    with_driver.file = FileObject(0, filtered, 1 << 24, 1 << 28, False)
    with_driver.io.associate(with_driver.file, with_driver.port, 0)
    for tiny in (plain, with_driver):
        with_driver.steps[0].file = with_driver.file  # type: ignore[attr-defined]
        tiny.ask_at(2000, 1, 2, 3)
        tiny.run()
    assert with_driver.log == plain.log != []
    assert [*with_driver.file.irps] == [] and with_driver.steps[0].major == READ  # type: ignore[attr-defined]
