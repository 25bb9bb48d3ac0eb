"""I/O request packets: locations, pending bits, completion routines, fatal errors. Cases I..: semantics 9.7."""

import pytest
from tiny import Tiny
from tiny_stack import Bottom, Layer, Stack

from iosim.completion_port import CompletionPort
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.devices.null import NullDriver
from iosim.devices.volume import PassThrough
from iosim.errors import BugCheck
from iosim.io_manager import USUAL, IoCosts, IoManager, IoParams
from iosim.irp import (
    INVOKE_ALWAYS,
    INVOKE_ON_CANCEL,
    INVOKE_ON_ERROR,
    INVOKE_ON_SUCCESS,
    IRP_ALLOCATED_FIXED_SIZE,
    IRP_LOOKASIDE_ALLOCATION,
    IRP_QUOTA_CHARGED,
    NO_ROUTINE,
    READ,
    Irp,
)
from iosim.ntstatus import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_END_OF_FILE,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    STATUS_SUCCESS,
)


def test_I01_a_new_irp_stands_above_its_first_driver() -> None:
    irp = Irp(5)
    assert (irp.stack_count, irp.current, irp.thread.irps) == (5, 6, {})


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
        ("low", "0x0", True, True),
        ("middle", "0x0", False, True),
        ("top", "0x0", False, True),
    ]
    assert irp.current == 6  # above "above the first driver": a second completion can be told from the first
    assert list(stack.port.entries) == [irp]


def test_I03_each_routine_sees_the_status_that_the_lower_one_left() -> None:
    class Changing(Layer):
        becomes = STATUS_SUCCESS

        def completed(self, device: DeviceObject, irp: Irp) -> int:
            answer = super().completed(device, irp)
            irp.status = self.becomes
            return answer

    stack = Stack()
    low, middle = (Changing(stack.io, stack.log, name) for name in ("low", "middle"))
    low.becomes, middle.becomes = STATUS_BUFFER_OVERFLOW, STATUS_SUCCESS
    device = DeviceObject(stack.bottom, None, 0, 1)
    for layer in (low, middle, stack.layers[2]):
        device = DeviceObject(layer, device, 0, 1)
    stack.device = device
    irp = stack.issue()
    irp.status = STATUS_END_OF_FILE
    stack.io.complete(irp)
    assert [entry[:2] for entry in stack.log] == [  # type: ignore[index]
        ("low", hex(STATUS_END_OF_FILE)),
        ("middle", hex(STATUS_BUFFER_OVERFLOW)),
        ("top", hex(STATUS_SUCCESS)),
    ]


def test_I05_without_a_routine_the_pending_bit_is_carried_up_by_itself() -> None:
    stack = Stack(routine=NO_ROUTINE)
    irp = stack.issue()
    stack.io.complete(irp)
    assert stack.log == []
    assert irp.pending_returned


def test_2_3_2_a_routine_that_forgets_the_pending_bit_loses_it_for_everybody_above() -> None:
    """The classic mistake of filter drivers (semantics 2.3.2); one that re-marks keeps it."""
    careless, careful = Stack(), Stack()
    for layer in careful.layers:
        layer.marks = True
    irps = [stack.issue() for stack in (careless, careful)]
    for stack, irp in zip((careless, careful), irps, strict=True):
        stack.io.complete(irp)
    assert [irp.pending_returned for irp in irps] == [False, True]


def test_2_4_4_more_processing_required_stops_the_walk_until_the_owner_completes_again() -> None:
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
    irp = Irp(2)
    irp.prepare(stack.tiny.request(), stack.file, READ, 0, 512)
    stack.tiny.clock.now = 1234
    with pytest.raises(
        BugCheck, match="NO_MORE_IRP_STACK_LOCATIONS at 1234 ns: read of 512 bytes at 1, location 0 of 2"
    ):
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


# ---- which completion routines run (2.4.2) ---------------------------------------------------------------------------


INFORMATIONAL = 0x40000000  # STATUS_OBJECT_NAME_EXISTS: not negative, so a success


@pytest.mark.parametrize(
    ("routine", "status", "cancel", "runs"),
    [
        (INVOKE_ON_SUCCESS, STATUS_SUCCESS, False, True),
        (INVOKE_ON_SUCCESS, STATUS_END_OF_FILE, False, False),
        (INVOKE_ON_SUCCESS, STATUS_BUFFER_OVERFLOW, False, False),  # a warning is a negative NTSTATUS
        (INVOKE_ON_ERROR, STATUS_BUFFER_OVERFLOW, False, True),
        (INVOKE_ON_ERROR, STATUS_SUCCESS, False, False),
        (INVOKE_ON_ERROR, STATUS_END_OF_FILE, False, True),
        (INVOKE_ON_CANCEL, STATUS_CANCELLED, False, False),  # the mark decides, not the status
        (INVOKE_ON_CANCEL, STATUS_SUCCESS, True, True),
        (INVOKE_ON_SUCCESS | INVOKE_ON_ERROR, STATUS_CANCELLED, True, True),
        (INVOKE_ON_SUCCESS, INFORMATIONAL, False, True),
        (INVOKE_ON_ERROR, INFORMATIONAL, False, False),
        (INVOKE_ON_SUCCESS, STATUS_END_OF_FILE, True, False),
        (INVOKE_ON_ERROR, STATUS_SUCCESS, True, False),
        (INVOKE_ON_CANCEL | INVOKE_ON_ERROR, STATUS_SUCCESS, False, False),
        (INVOKE_ALWAYS, STATUS_CANCELLED, True, True),  # once, though two of its reasons hold
    ],
)
def test_2_4_2_a_routine_runs_on_success_on_error_or_when_cancelled(
    routine: int, status: int, cancel: bool, runs: bool
) -> None:
    stack = Stack(routine=routine)
    for layer in stack.layers:
        layer.marks = True
    irp = stack.issue()
    if cancel:
        assert not stack.io.cancel(irp)
    irp.status = status
    stack.io.complete(irp)
    assert len(stack.log) == (3 if runs else 0)
    assert stack.ended


def test_I05_a_routine_for_success_only_does_not_run_on_an_error_and_the_pending_bit_is_propagated() -> None:
    stack = Stack(routine=INVOKE_ON_SUCCESS)
    irp = stack.issue()
    irp.status = STATUS_END_OF_FILE
    stack.io.complete(irp)
    assert (stack.log, irp.pending_returned) == ([], True)
    assert not any(location.routine for location in irp.locations)


def test_2_2_2_a_driver_that_skips_its_location_shares_it_with_the_next_lower_one() -> None:
    """Semantics 2.2.2: one location less is used, and such a driver can't have a completion routine."""

    class Skipping(Layer):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            irp.skip()
            return self.io.call_driver(device.lower, irp)

    stack = Stack()
    bottom = DeviceObject(stack.bottom, None, 0, 1 << 30)
    top = DeviceObject(Skipping(stack.io, stack.log, "skipping"), bottom, 0, 1 << 30)
    irp = stack.io.allocate(top.stack_size)
    irp.prepare(stack.tiny.request(), stack.file, READ, 100, 4096)
    assert stack.io.call_driver(top, irp) == STATUS_PENDING
    assert (irp.current, irp.location().device, irp.location().offset) == (2, bottom, 100)
    irp.reports = True
    stack.io.complete(irp)
    assert (stack.log, stack.ended, irp.pending_returned) == ([], True, True)


class Splitter(Driver):
    """Makes an IRP of its own for every half of what it is asked, and completes the original with the second (0b.18)."""

    def __init__(self, io: IoManager) -> None:
        self.io = io
        self.left = 0
        self.original = Irp(1)

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        irp.mark_pending()
        self.original = irp
        self.left = 2
        for half in range(2):
            part = self.io.allocate(device.lower.stack_size)
            size = irp.location().size // 2
            part.prepare(irp.request, irp.file, READ, irp.location().offset + half * size, size)
            part.own(device, INVOKE_ALWAYS)
            self.io.call_driver(device.lower, part)
        return STATUS_PENDING

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        self.left -= 1
        self.original.information += irp.information
        irp.free()
        if not self.left:
            self.io.complete(self.original)
        return STATUS_MORE_PROCESSING_REQUIRED


def test_0b18_a_driver_gets_the_irps_back_that_it_made_itself() -> None:
    """Its routine is called above the first location and keeps the IRP; the original ends with the last of them."""
    stack = Stack()
    top = DeviceObject(Splitter(stack.io), DeviceObject(stack.bottom, None, 0, 1 << 30), 0, 1 << 30)
    irp = stack.io.allocate(top.stack_size)
    irp.prepare(stack.tiny.request(), stack.file, READ, 0, 8192)
    irp.reports = True
    assert stack.io.call_driver(top, irp) == STATUS_PENDING
    parts = stack.bottom.irps
    assert [(part.location().offset, part.location().size) for part in parts] == [(0, 4096), (4096, 4096)]
    for part in reversed(parts):
        assert not stack.ended
        part.information = 4096
        stack.io.complete(part)
    assert (list(stack.port.entries), irp.information) == ([irp], 8192)
    assert stack.io.allocate(1) in parts


# ---- fatal misuse (2.4.5, 0b.4) --------------------------------------------------------------------------------------

STRICT = IoParams(verifier=True)


def test_I07_a_request_whose_packet_was_taken_and_that_is_completed_again_is_fatal_too() -> None:
    stack = Stack()
    irp = stack.issue()
    stack.io.complete(irp)
    stack.port.entries.popleft().removed()
    stack.tiny.clock.now = 1234
    with pytest.raises(BugCheck, match="MULTIPLE_IRP_COMPLETE_REQUESTS at 1234 ns: read of 4096 bytes at 100"):
        stack.io.complete(irp)


def test_0b4_completing_with_status_pending_is_fatal_under_a_verifier_only() -> None:
    for params, fatal in ((USUAL, False), (STRICT, True)):
        stack = Stack(params=params)
        irp = stack.issue()
        irp.status = STATUS_PENDING
        if fatal:
            with pytest.raises(BugCheck, match="STATUS_PENDING at 0 ns: read of 4096 bytes"):
                stack.io.complete(irp)
        else:
            stack.io.complete(irp)
        assert stack.ended != fatal


def test_0b4_completing_with_a_cancel_routine_still_set_is_fatal_under_a_verifier_only() -> None:
    for params, fatal in ((USUAL, False), (STRICT, True)):
        stack = Stack(params=params)
        irp = stack.issue()
        assert irp.enqueued(stack.bottom)
        if fatal:
            with pytest.raises(BugCheck, match="with a cancel routine at 0 ns: read of 4096 bytes"):
                stack.io.complete(irp)
        else:
            stack.io.complete(irp)
        assert stack.ended != fatal


def test_0b4_a_verifier_finds_a_driver_that_pends_and_returns_something_else() -> None:
    """Semantics 2.3.1: one that marks an IRP must return STATUS_PENDING; without a verifier nobody ever hears of it."""

    class Forgetful(Bottom):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            super().dispatch(device, irp)
            return STATUS_SUCCESS

    for params in (USUAL, STRICT):
        stack = Stack(params=params)
        stack.file.device = DeviceObject(Forgetful(), None, 0, 1 << 30)
        irp = stack.io.allocate(1)
        irp.prepare(stack.tiny.request(), stack.file, READ, 0, 4096)
        if params.verifier:
            with pytest.raises(BugCheck, match="did not return STATUS_PENDING at 0 ns: read of 4096"):
                stack.io.start(stack.tiny.thread(), irp, 0)
        else:
            assert stack.io.start(stack.tiny.thread(), irp, 0) == STATUS_SUCCESS


# ---- allocation (2.1) ------------------------------------------------------------------------------------------------


def test_I02_an_irp_of_two_locations_has_a_fixed_size_and_no_quota() -> None:
    io = Stack().io
    irp = io.allocate(2)
    assert (irp.current, irp.allocation_flags) == (3, IRP_ALLOCATED_FIXED_SIZE)
    assert not irp.allocation_flags & IRP_LOOKASIDE_ALLOCATION
    assert io.large.private[0].total_allocates == 1


@pytest.mark.parametrize(("locations", "small", "large"), [(1, 1, 0), (2, 0, 1), (8, 0, 1), (9, 0, 0), (127, 0, 0)])
def test_2_1_3_one_location_comes_from_the_small_list_up_to_eight_from_the_large_one_more_from_pool(
    locations: int, small: int, large: int
) -> None:
    io = Stack().io
    irp = io.allocate(locations)
    assert (irp.stack_count, irp.current) == (locations, locations + 1)
    assert (io.small.private[0].total_allocates, io.large.private[0].total_allocates) == (small, large)
    irp.free()
    assert io.allocate(locations) is irp
    assert irp.current == locations + 1


def test_2_1_3_an_irp_charged_to_a_quota_comes_straight_from_pool() -> None:
    io = Stack().io
    irp = io.allocate_charged(1)
    assert irp.allocation_flags == IRP_QUOTA_CHARGED
    assert io.small.private[0].total_allocates == 0


def test_I20_a_hundred_irps_over_lookaside_lists_of_depth_4() -> None:
    """Nothing is there at first; of 100 freed, 4 stay on the private list, 4 on the shared one; those 8 are hits later."""
    io = Stack(params=IoParams(lookaside_depth=4, lookaside_shared_depth=4)).io
    private, shared = io.small.private[0], io.small.shared
    irps = [io.allocate(1) for _ in range(100)]
    assert len(set(irps)) == 100
    assert (private.total_allocates, private.allocate_misses) == (100, 100)
    assert (shared.total_allocates, shared.allocate_misses) == (100, 100)
    for irp in irps:
        irp.free()
    assert (private.total_frees, private.free_misses, len(private.entries)) == (100, 96, 4)
    assert (shared.total_frees, shared.free_misses, len(shared.entries)) == (96, 92, 4)
    again = {io.allocate(1) for _ in range(100)}
    assert (private.total_allocates, private.allocate_misses) == (200, 196)
    assert (shared.total_allocates, shared.allocate_misses) == (196, 192)
    assert again == set(irps)


def test_2_1_3_2_1_4_each_processor_has_lists_of_its_own_and_all_share_one() -> None:
    io = IoManager(Tiny(2).dispatcher, IoCosts(0, 0, 0, 0, 0), IoParams(lookaside_depth=1, lookaside_shared_depth=1))
    first, second, third = (io.allocate(1, 0) for _ in range(3))
    for irp in (first, second, third):
        irp.free()
    assert io.allocate(1, 1) is second  # the shared one: processor 0's holds the first, the third is back in pool
    assert io.allocate(1, 0) is first
    assert (io.small.private[1].allocate_misses, io.small.shared.allocate_misses) == (1, 3)


def test_a_large_irp_serves_stacks_of_any_depth_up_to_eight() -> None:
    stack = Stack()
    irp = stack.io.allocate(7)
    irp.free()
    assert stack.io.allocate(4) is irp
    irp.prepare(stack.tiny.request(), stack.file, READ, 100, 4096)
    irp.reports = True
    assert stack.io.call_driver(stack.device, irp) == STATUS_PENDING
    stack.io.complete(irp)
    assert list(stack.port.entries) == [irp]


# ---- the rest --------------------------------------------------------------------------------------------------------


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
