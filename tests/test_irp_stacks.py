"""IRPs on stacks made at random: who is called on the way up, what is told at the end (2.1 to 2.5), and nothing kept for the
next use of the IRP. What is expected is said from the stack alone, location by location, before the machine is asked.
"""

from dataclasses import dataclass
from random import Random

import pytest
from tiny_pipe import APC_MODE, TinyPipe

from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.io_manager import USUAL, IoManager, IoParams
from iosim.irp import INVOKE_ALWAYS, INVOKE_ON_CANCEL, INVOKE_ON_ERROR, INVOKE_ON_SUCCESS, Irp
from iosim.ntstatus import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_END_OF_FILE,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    STATUS_SUCCESS,
    is_error,
)

INFORMATIONAL = 0x40000000
STATUSES = [STATUS_SUCCESS, STATUS_SUCCESS, INFORMATIONAL, STATUS_BUFFER_OVERFLOW, STATUS_END_OF_FILE, STATUS_CANCELLED]
FLAGS = [
    0,
    INVOKE_ON_SUCCESS,
    INVOKE_ON_ERROR,
    INVOKE_ALWAYS,
    INVOKE_ON_CANCEL,
    INVOKE_ON_SUCCESS | INVOKE_ON_ERROR,
    INVOKE_ALWAYS,
]
SIZES = [1, 2, 3, 4, 7, 8, 9, 12]


@dataclass
class Plan:
    """What one driver does with the next request."""

    kind: str = "copies"  # skips, copies, ends (itself, with the next location set up)
    flags: int = 0
    holds: bool = False  # its routine says STATUS_MORE_PROCESSING_REQUIRED
    leaves: int = -1  # the status that its routine leaves


Heard = list[tuple[int, int, bool]]  # what the drivers' routines saw: level, status, pending bit


class Planned(Driver):
    """Level 0 is the lowest; that one ends the request or pends it."""

    def __init__(self, io: IoManager, level: int, heard: Heard) -> None:
        self.io = io
        self.level = level
        self.heard = heard
        self.plan = Plan()
        self.pends = False
        self.status = STATUS_SUCCESS

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        if self.level and self.plan.kind == "skips":
            irp.skip()
            return self.io.call_driver(device.lower, irp)
        if self.level:
            irp.copy_to_next(0, self.plan.flags)
            if self.plan.kind == "copies":
                if not self.plan.holds:
                    return self.io.call_driver(device.lower, irp)
                irp.mark_pending()
                self.io.call_driver(device.lower, irp)
                return STATUS_PENDING
        if self.pends:
            irp.mark_pending()
            return STATUS_PENDING
        irp.status = self.status
        self.io.complete(irp)
        return self.status

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        self.heard.append((self.level, irp.status, irp.pending_returned))
        if self.plan.leaves >= 0:
            irp.status = self.plan.leaves
        if irp.pending_returned:
            irp.mark_pending()
        return STATUS_MORE_PROCESSING_REQUIRED if self.plan.holds else STATUS_SUCCESS


def invoked(flags: int, status: int, cancel: bool) -> bool:
    """2.4.2."""
    negative = status >= 0x80000000
    return bool(flags & (INVOKE_ON_ERROR if negative else INVOKE_ON_SUCCESS) or (cancel and flags & INVOKE_ON_CANCEL))


def expected(plans: list[Plan], ender: int, status: int, pends: bool, cancel: bool) -> tuple[Heard, int, bool]:
    """The calls of routines, the status and the pending bit at the top; `plans` by level, `ender` ends the request."""
    calls: Heard = []
    pending = pends
    level = ender
    while level < len(plans) - 1:
        level += 1
        above = plans[level]
        if above.kind == "skips":
            continue  # it shares the location of the one below
        if not invoked(above.flags, status, cancel):
            continue  # the bit is carried up (2.3.2)
        calls.append((level, status, pending))
        if above.leaves >= 0:
            status = above.leaves
        pending = pending or above.holds
    return calls, status, pending


@pytest.mark.parametrize("params", [USUAL, APC_MODE])
@pytest.mark.parametrize("seed", range(30))
def test_2_2_2_2_3_2_2_4_2_routines_run_as_their_flags_say_on_stacks_of_1_to_12_and_irps_remember_nothing(
    params: IoParams, seed: int
) -> None:
    """Thirty requests one after the other on stacks that share their IRPs. Each ends with one packet, or is a return value."""
    random = Random(seed)
    tiny = TinyPipe(IoParams(params.completion_mode, lookaside_depth=2, lookaside_shared_depth=1))
    heard: Heard = []
    stacks: list[tuple[FileObject, list[Planned]]] = []
    for number, size in enumerate(SIZES):
        drivers = [Planned(tiny.io, level, heard) for level in range(size)]
        device = DeviceObject(drivers[0], None, 0, 1 << 30)
        for driver in drivers[1:]:
            device = DeviceObject(driver, device, 0, 1 << 30)
        file = FileObject(10 + number, device, 0, 1 << 30, False)
        stacks.append((tiny.associated(file), drivers))
    for _ in range(30):
        file, drivers = random.choice(stacks)
        plans = []
        for each in drivers:
            kind = random.choice(["copies", "copies", "copies", "skips", "ends"])
            each.plan = Plan(kind, random.choice(FLAGS), random.random() < 0.2, random.choice([-1, -1, -1, *STATUSES]))
            plans.append(each.plan)
        ender = max([level for level, plan in enumerate(plans) if level and plan.kind == "ends"], default=0)
        driver = drivers[ender]
        driver.pends = random.random() < 0.6
        driver.status = random.choice(STATUSES)
        for plan in plans[ender + 1 :]:
            plan.holds &= plan.kind == "copies" and plan.flags == INVOKE_ALWAYS
            if not driver.pends:
                plan.leaves = -1  # the call has returned something else by then
        heard.clear()
        cancel = driver.pends and random.random() < 0.3
        calls, status, pending = expected(plans, ender, driver.status, driver.pends, cancel)
        returned, block = tiny.issue(file, 512)
        assert (returned == STATUS_PENDING) == pending
        held = tiny.io.pending(file)
        if driver.pends:
            assert tiny.io.cancel_io(file) == 1 if cancel else True
            held[0].status = driver.status
            tiny.io.complete(held[0])
        for _ in [level for level, *_ in calls if plans[level].holds]:
            assert (tiny.depth, block.status, held[0].under_way()) == (0, STATUS_PENDING, True)
            tiny.io.complete(held[0])
        assert heard == calls
        if pending or not is_error(status):
            assert tiny.take() == (7, block, status, 0)
        else:
            assert (returned, block.status) == (status, STATUS_PENDING)
        assert (tiny.depth, tiny.io.pending(file)) == (0, [])
    lists = [*tiny.io.small.private, *tiny.io.large.private, *tiny.io.pool]
    assert sum(each.total_frees for each in lists) == sum(each.total_allocates for each in lists) == 30
