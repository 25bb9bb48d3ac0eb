"""The life of an IRP, rule by rule (semantics 2): what no conformance case asserts. See also test_irp, test_completion."""

import pytest
from tiny_pipe import APC_MODE, LateDriver, TinyPipe
from tiny_stack import Layer, Stack

from iosim.attribution import BLOCKED_CALL
from iosim.completion import DirectRules
from iosim.completion_port import CompletionPort
from iosim.device_stack import BUFFERED, NOT_FAST, DeviceObject, Driver, FileObject
from iosim.dispatcher import Dispatcher
from iosim.errors import BugCheck
from iosim.io_manager import EXIT_ROUNDS, EXIT_STEP, USUAL, IoParams
from iosim.irp import INVOKE_ALWAYS, NO_APC, NO_ROUTINE, READ, WRITE, Irp, Notice, StatusBlock
from iosim.kernel_queue import Packet
from iosim.ntstatus import (
    STATUS_ACCESS_VIOLATION,
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_END_OF_FILE,
    STATUS_INVALID_DEVICE_REQUEST,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    STATUS_SUCCESS,
)
from iosim.objects import INFINITE, Event, wait_for
from iosim.thread import Thread

BOTH = [USUAL, APC_MODE]
STRICT = IoParams(verifier=True)
APC = ("routine", "argument")


def file_of(driver: Driver, lower: DeviceObject | None = None, method: int = 0) -> FileObject:
    return FileObject(3, DeviceObject(driver, lower, 0, 1 << 30, method), 0, 1 << 30, False)


def unset(tiny: TinyPipe) -> Event:
    return Event(tiny.dispatcher, True, False)


# ---- sending down (2.2) ----------------------------------------------------------------------------------------------


def test_2_2_2_2_2_3_a_copied_location_has_the_parameters_and_the_routine_is_kept_one_lower() -> None:
    stack = Stack(routine=NO_ROUTINE)
    stack.layers[2].routine = INVOKE_ALWAYS
    irp = stack.issue()
    assert [location.routine for location in irp.locations[1:5]] == [NO_ROUTINE, NO_ROUTINE, INVOKE_ALWAYS, NO_ROUTINE]
    assert [location.size for location in irp.locations[1:5]] == [4096] * 4
    stack.io.complete(irp)
    assert [entry[0] for entry in stack.log] == ["top"]  # type: ignore[index]  # copied along, it would run three times


def test_2_2_2_a_driver_that_skips_leaves_the_routine_of_the_one_above_in_place() -> None:
    class Skipping(Layer):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            irp.skip()
            return self.io.call_driver(device.lower, irp)

    stack = Stack()
    low = DeviceObject(Skipping(stack.io, stack.log, "skipping"), DeviceObject(stack.bottom, None, 0, 1), 0, 1)
    stack.device = DeviceObject(Layer(stack.io, stack.log, "above"), low, 0, 1)
    irp = stack.issue()
    stack.io.complete(irp)
    assert [entry[0] for entry in stack.log] == ["above"]  # type: ignore[index]
    assert stack.ended


# ---- pending (2.3) ---------------------------------------------------------------------------------------------------


class Quick(LateDriver):
    """Queues before it marks (or after): the end comes from another processor in between."""

    marks_first = False

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        if self.marks_first:
            irp.mark_pending()
        self.end(irp, STATUS_SUCCESS, 512)
        if not self.marks_first:
            irp.mark_pending()
        return STATUS_PENDING


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize("marks_first", [True, False])
def test_2_3_1_a_driver_that_marks_after_queueing_may_be_too_late_and_the_request_is_lost(
    params: IoParams, marks_first: bool
) -> None:
    tiny = TinyPipe(params)
    driver = Quick(tiny.io)
    driver.marks_first = marks_first
    file = tiny.associated(file_of(driver))
    status, block = tiny.issue(file, 512)
    assert (status, tiny.depth) == (STATUS_PENDING, marks_first)
    if marks_first:
        tiny.take()
    assert block.status == (STATUS_SUCCESS if marks_first else STATUS_PENDING)


def test_2_3_1_a_verifier_finds_the_mark_that_came_too_late() -> None:
    tiny = TinyPipe(STRICT)
    file = tiny.associated(file_of(Quick(tiny.io)))
    with pytest.raises(BugCheck, match="IRP is not marked at 0 ns: read of 512 bytes"):
        tiny.issue(file, 512)


class Unmarked(LateDriver):
    """Returns STATUS_PENDING without the mark."""

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        self.queue.append(irp)
        return STATUS_PENDING


@pytest.mark.parametrize("params", [*BOTH, STRICT])
def test_2_3_1_a_driver_that_pends_without_the_mark_loses_the_request(params: IoParams) -> None:
    """A verifier says so at the end, when nobody is left to tell of it."""
    tiny = TinyPipe(params)
    driver = Unmarked(tiny.io)
    file = tiny.associated(file_of(driver))
    assert file.plain == (params is USUAL)  # a verifier takes no short cut
    _, block = tiny.issue(file, 512)
    tiny.clock.now = 77
    if params.verifier:
        with pytest.raises(BugCheck, match="returned STATUS_PENDING, but the IRP is not marked at 77 ns: read of 512"):
            driver.end(driver.queue[0], STATUS_SUCCESS, 512)
    else:
        driver.end(driver.queue[0], STATUS_SUCCESS, 512)
        assert (tiny.depth, block.status) == (0, STATUS_PENDING)


@pytest.mark.parametrize("params", [*BOTH, STRICT])
@pytest.mark.parametrize("marks", [True, False])
def test_2_3_2_a_filters_routine_that_does_not_mark_again_loses_the_packet(params: IoParams, marks: bool) -> None:
    tiny = TinyPipe(params)
    layer = Layer(tiny.io, [], "filter")
    layer.marks = marks
    file = tiny.associated(file_of(layer, tiny.device))
    _, block = tiny.issue(file, 512)
    irp = tiny.driver.queue[0]
    assert irp.dequeued()
    if params.verifier and not marks:
        with pytest.raises(BugCheck, match="IRP is not marked"):
            tiny.driver.end(irp, STATUS_SUCCESS, 512)
        return
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert tiny.depth == marks
    if marks:
        assert tiny.take() == (7, block, STATUS_SUCCESS, 512)
    assert block.status == (STATUS_SUCCESS if marks else STATUS_PENDING)


# ---- completion routines (2.4) ---------------------------------------------------------------------------------------


def test_2_4_3_a_routine_finds_all_locations_below_its_own_cleared_and_its_own_untouched() -> None:
    seen: list[list[int]] = []

    class Looking(Layer):
        def completed(self, device: DeviceObject, irp: Irp) -> int:
            seen.append([location.size for location in irp.locations[1:5]])
            return STATUS_SUCCESS

    stack = Stack(routine=NO_ROUTINE)
    stack.device = DeviceObject(Looking(stack.io, stack.log, "top"), stack.device.lower, 0, 1)
    irp = stack.issue()
    stack.io.complete(irp)
    assert seen == [[0, 0, 0, 4096]]


def test_2_4_4_while_a_routine_holds_the_irp_back_nobody_is_told() -> None:
    """The owner's own mark counts when it completes again."""
    tiny = TinyPipe()
    layer = Layer(tiny.io, [], "filter")
    layer.marks = True
    layer.answer = STATUS_MORE_PROCESSING_REQUIRED
    file = tiny.associated(file_of(layer, tiny.device))
    event = unset(tiny)
    _, block = tiny.issue(file, 512, event=event)
    irp = tiny.driver.queue[0]
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert (tiny.depth, event.state, block.status, irp.under_way()) == (0, False, STATUS_PENDING, True)
    tiny.io.complete(irp)
    assert (event.state, tiny.take(), layer.log) == (True, (7, block, STATUS_SUCCESS, 512), layer.log[:1])


def test_2_4_5_a_routine_that_completes_the_irp_and_lets_the_walk_go_on_stops_the_machine() -> None:
    class Twice(Layer):
        def completed(self, device: DeviceObject, irp: Irp) -> int:
            self.io.complete(irp)
            return STATUS_SUCCESS

    stack = Stack(routine=NO_ROUTINE)
    stack.device = DeviceObject(Twice(stack.io, stack.log, "top"), stack.device.lower, 0, 1)
    irp = stack.issue()
    stack.tiny.clock.now = 5
    with pytest.raises(BugCheck, match="MULTIPLE_IRP_COMPLETE_REQUESTS at 5 ns: read of 4096 bytes"):
        stack.io.complete(irp)


# ---- the end of stage 1 (2.5) ----------------------------------------------------------------------------------------


def test_2_5_1_the_last_associated_irp_hands_its_boost_on_and_is_told_of_to_nobody() -> None:
    tiny = TinyPipe()
    tiny.driver.routine = False
    event, own = unset(tiny), unset(tiny)
    _, block = tiny.issue(tiny.late, 512, event=event)
    master = tiny.driver.queue.pop()
    parts = [tiny.io.make_associated(master, 1) for _ in range(2)]
    for part in parts:
        part.tell(Notice(StatusBlock(), StatusBlock()).with_event(own))
        part.paging = True  # the first question of all is whether there is a master
        tiny.io.call_driver(tiny.device, part)
    wait_for(tiny.two, [event], False, INFINITE, False)
    tiny.driver.end(parts[1], STATUS_SUCCESS, 0, 6)
    assert (event.state, own.state) == (False, False)
    tiny.driver.end(parts[0], STATUS_SUCCESS, 0, 2)
    assert (event.state, own.state, tiny.two.priority, block.status) == (True, False, 8 + 2, STATUS_SUCCESS)


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize("status", [STATUS_SUCCESS, STATUS_END_OF_FILE])
@pytest.mark.parametrize("pends", [True, False])
def test_I14_2_5_3_2_11_paging_io_sets_its_event_whatever_its_end_and_tells_nobody_else(
    params: IoParams, status: int, pends: bool
) -> None:
    """It comes before the question whether it pended: no packet either way, no status block of a program, no user APC."""
    tiny = TinyPipe(params)
    tiny.associated(tiny.late)
    tiny.late.signalled = False
    tiny.driver.answer = STATUS_PENDING if pends else status
    block, event = StatusBlock(), unset(tiny)
    irp = tiny.io.allocate(1)
    irp.prepare(tiny.request(), tiny.late, READ, 0, 4096)
    irp.tell(Notice(block, block, APC).with_event(event))
    irp.thread = tiny.one
    irp.paging = True
    tiny.io.call_driver(tiny.device, irp)
    if pends:
        wait_for(tiny.two, [event], False, INFINITE, False)
        tiny.driver.end(irp, status, 4096, 5)
        assert tiny.two.priority == 8 + 5  # the driver's boost: an event's own would be 1
    assert (event.state, tiny.late.signalled, tiny.depth) == (True, False, 0)
    assert (block.status, block.information, tiny.one.user_apcs, irp.request.bytes) == (STATUS_SUCCESS, 0, [], 0)


def test_2_5_5_only_the_issuing_call_tells_of_a_request_that_never_pended() -> None:
    """At the end of stage 1 nothing has happened yet; the order shows where a driver looks after it has completed."""
    tiny = TinyPipe()
    seen: list[tuple[int, int]] = []

    class Looking(LateDriver):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            self.end(irp, STATUS_SUCCESS, 512)
            seen.append((tiny.depth, irp.notice.block.status))
            return STATUS_SUCCESS

    _, block = tiny.issue(tiny.associated(file_of(Looking(tiny.io))), 512)
    assert (seen, tiny.depth, block.status) == ([(0, STATUS_PENDING)], 1, STATUS_SUCCESS)


# ---- stage 2 (2.6) ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize(
    ("major", "status", "information", "copied"),
    [
        (READ, STATUS_SUCCESS, 8000, 8000),
        (READ, STATUS_SUCCESS, 100, 100),
        (READ, STATUS_BUFFER_OVERFLOW, 100, 100),  # a warning is no error
        (READ, STATUS_END_OF_FILE, 100, 0),
        (WRITE, STATUS_SUCCESS, 8000, 0),
    ],
)
def test_2_6_1_a_buffered_read_is_copied_out_by_what_it_got_and_not_when_it_failed(
    params: IoParams, major: int, status: int, information: int, copied: int
) -> None:
    """1 ns a byte, in the thread that waits for it: the buffer is good in no other process."""
    tiny = TinyPipe(params, costs=True)
    file = file_of(tiny.driver, None, BUFFERED)
    file.synchronous = True
    tiny.issue(file, 8000, major)
    before = tiny.one.owed_kernel
    tiny.driver.end(tiny.driver.queue[0], status, information)
    freeing = 9 if params is APC_MODE else 0
    assert tiny.one.owed_kernel - before == copied + freeing


def test_2_6_1_where_a_buffered_read_is_linked_its_remover_pays_for_the_copy() -> None:
    """`buffered_reads`: the switch of 0b.3 for systems that copy in the removing thread."""
    tiny = TinyPipe(IoParams(direct_rules=DirectRules(buffered_reads=True)), costs=True)
    file = tiny.associated(file_of(tiny.driver, None, BUFFERED))
    tiny.issue(file, 8000)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 5000)
    assert (tiny.one.owed_kernel, tiny.port.poll(tiny.two).removed()) == (0, 9 + 5000)


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize("pends", [True, False])
@pytest.mark.parametrize(
    ("apc", "associated", "context", "end"),
    [
        (True, False, True, "apc"),
        (True, False, False, "apc"),
        (True, True, True, "apc"),  # pended before the association
        (False, True, True, "packet"),
        (False, True, False, "nothing"),
        (False, False, True, "nothing"),
    ],
)
def test_2_6_3_exactly_one_of_user_apc_packet_and_nothing(
    params: IoParams, pends: bool, apc: bool, associated: bool, context: bool, end: str
) -> None:
    tiny = TinyPipe(params)
    tiny.driver.answer = STATUS_PENDING if pends else STATUS_SUCCESS
    if associated and not apc:
        tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512, null_context=not context, apc=APC if apc else NO_APC)
    if pends:
        if associated and apc:
            tiny.associated(tiny.late)
        tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    freed = tiny.io.small.private[0].total_frees
    assert (tiny.one.user_apcs, tiny.depth, freed) == ([APC] * (end == "apc"), end == "packet", end != "packet")
    if end == "packet":
        tiny.take()
    assert (block.status, block.information, tiny.io.pending(tiny.late)) == (STATUS_SUCCESS, 512, [])


@pytest.mark.parametrize("params", BOTH)
def test_2_6_3_a_synchronous_file_objects_event_and_final_status_are_set_beside_the_programs_event(
    params: IoParams,
) -> None:
    tiny = TinyPipe(params)
    tiny.late.synchronous = True
    event = unset(tiny)
    tiny.issue(tiny.late, 512, event=event)
    assert (event.state, tiny.late.signalled) == (False, False)
    tiny.driver.end(tiny.driver.queue[0], STATUS_BUFFER_OVERFLOW, 512)
    assert (event.state, tiny.late.signalled, tiny.late.final_status) == (True, True, STATUS_BUFFER_OVERFLOW)


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize("pends", [True, False])
@pytest.mark.parametrize(
    ("status", "counted"), [(STATUS_SUCCESS, 500), (STATUS_BUFFER_OVERFLOW, 500), (STATUS_END_OF_FILE, 0)]
)
def test_2_6_3_the_bytes_that_were_transferred_are_accounted(
    params: IoParams, pends: bool, status: int, counted: int
) -> None:
    tiny = TinyPipe(params)
    tiny.associated(tiny.late)
    tiny.driver.answer = STATUS_PENDING if pends else status
    requests = [tiny.request()]
    tiny.request = lambda index=0: requests[0]  # type: ignore[method-assign]
    tiny.issue(tiny.late, 500)
    if pends:
        tiny.driver.end(tiny.driver.queue[0], status, 500 if counted else 0)
    assert requests[0].bytes == counted


@pytest.mark.parametrize("params", BOTH)
def test_2_6_4_an_immediate_error_on_a_synchronous_file_object_is_a_return_value_only(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.late.synchronous = True
    tiny.driver.answer = STATUS_END_OF_FILE
    event = unset(tiny)
    status, block = tiny.issue(tiny.late, 512, event=event)
    assert (status, block.status, event.state, tiny.late.signalled) == (
        STATUS_END_OF_FILE,
        STATUS_PENDING,
        False,
        False,
    )
    assert (tiny.one.irps, tiny.io.small.private[0].total_frees) == ({}, 1)


@pytest.mark.parametrize("params", [*BOTH, IoParams(direct_rules=DirectRules(with_event=True))])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("pends", [True, False])
def test_2_6_5_a_thread_that_the_event_wakes_is_ready_before_the_packet_exists(
    params: IoParams, own: bool, pends: bool
) -> None:
    order: list[str] = []

    class WatchedDispatcher(Dispatcher):
        def make_ready(self, thread: Thread) -> None:
            if thread is tiny.two:
                order.append("thread")
            super().make_ready(thread)

    class WatchedPort(CompletionPort):
        def insert(self, packet: Packet) -> None:
            order.append("packet")
            super().insert(packet)

    class Watched(TinyPipe):
        def new_dispatcher(self) -> Dispatcher:
            return WatchedDispatcher(self.clock, self.caches, *self.times)

    tiny = Watched(params)
    tiny.port = WatchedPort(tiny.clock, tiny.dispatcher, 0, 0, 2)
    tiny.associated(tiny.late)
    event = unset(tiny) if own else tiny.io.event_of(tiny.late)
    tiny.driver.answer = STATUS_PENDING if pends else STATUS_SUCCESS
    event.reset()
    wait_for(tiny.two, [event], False, INFINITE, False)
    tiny.issue(tiny.late, 512, event=event if own else None)
    if pends:
        tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert order == ["thread", "packet"]


def test_2_6_3_requests_that_need_only_a_packet_set_the_file_objects_event_from_when_somebody_waits_for_it() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    assert tiny.late.plain
    irp = tiny.io.allocate(1)
    irp.prepare(tiny.request(), tiny.late, READ, 0, 512)
    irp.reports = irp.plain = True  # as `Services.issue` sends it
    irp.thread = tiny.one
    tiny.late.irps.append(irp)
    tiny.io.call_driver(tiny.device, irp)
    event = tiny.io.event_of(tiny.late)
    assert not event.state  # a request is under way
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert (event.state, tiny.depth, tiny.late.plain) == (True, 1, False)


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize(("status", "apcs"), [(STATUS_BUFFER_OVERFLOW, [APC]), (STATUS_END_OF_FILE, [])])
def test_2_6_4_an_error_that_a_synchronous_call_waited_for_is_told_but_runs_no_apc(
    params: IoParams, status: int, apcs: list[object]
) -> None:
    tiny = TinyPipe(params)
    tiny.late.synchronous = True
    event = unset(tiny)
    _, block = tiny.issue(tiny.late, 512, event=event, apc=APC)
    tiny.driver.end(tiny.driver.queue[0], status, 512)
    assert (block.status, event.state, tiny.late.final_status, tiny.one.user_apcs) == (status, True, status, apcs)


# ---- cancel (2.8) ----------------------------------------------------------------------------------------------------


def test_2_8_6_an_ending_thread_looks_3000_times_in_five_minutes() -> None:
    assert (EXIT_ROUNDS, EXIT_ROUNDS * EXIT_STEP) == (3000, 300 * 10**9)


def test_2_8_7_a_routine_that_is_still_set_on_a_completed_request_stops_the_machine() -> None:
    """It would complete the request a second time, whose packet is queued."""
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    tiny.issue(tiny.late, 512)
    irp = tiny.driver.queue[0]
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    tiny.clock.now = 9
    with pytest.raises(BugCheck, match="CANCEL_STATE_IN_COMPLETED_IRP at 9 ns: read of 512 bytes"):
        tiny.io.cancel(irp)


# ---- buffers, fast I/O (2.9, 2.10) -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", range(3))
@pytest.mark.parametrize("synchronous", [False, True])
def test_2_9_a_bad_buffer_fails_the_call_before_anybody_hears_of_it(method: int, synchronous: bool) -> None:
    tiny = TinyPipe()
    file = file_of(tiny.driver, None, method)
    if not synchronous:
        tiny.associated(file)
    file.synchronous = synchronous
    file.signalled = False
    block, event = StatusBlock(), unset(tiny)
    block.status = STATUS_PENDING
    irp = tiny.io.allocate(1)
    irp.prepare(tiny.request(), file, READ, 0, 512)
    irp.tell(Notice(block, block).with_event(event))
    irp.synchronous = synchronous
    irp.accessible = False
    assert tiny.io.start(tiny.one, irp, BLOCKED_CALL) == STATUS_ACCESS_VIOLATION
    assert (tiny.depth, tiny.driver.queue, tiny.io.pending(file), event.state) == (0, [], [], False)
    assert (block.status, file.signalled, tiny.io.small.private[0].entries) == (STATUS_PENDING, False, [irp])


class Fast(LateDriver):
    """Answers reads and device controls without an IRP."""

    says = STATUS_SUCCESS

    def fast_io(
        self, device: DeviceObject, file: FileObject, major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        return self.says

    def fast_control(self, device: DeviceObject, file: FileObject, code: int, size: int, block: StatusBlock) -> int:
        return self.says


@pytest.mark.parametrize(
    ("says", "accepted"),
    [
        (STATUS_SUCCESS, True),
        (STATUS_BUFFER_OVERFLOW, True),
        (STATUS_END_OF_FILE, True),
        (STATUS_CANCELLED, False),
        (STATUS_INVALID_DEVICE_REQUEST, False),
        (NOT_FAST, False),
    ],
)
def test_2_10_2_a_fast_answer_counts_if_it_is_success_overflow_or_end_of_file(says: int, accepted: bool) -> None:
    tiny = TinyPipe()
    driver = Fast(tiny.io)
    driver.says = says
    file = file_of(driver)
    file.synchronous = file.cache_map = True
    block = StatusBlock()
    block.status = STATUS_PENDING
    assert tiny.io.fast_io(file, READ, 0, 512, block) == (says if accepted else NOT_FAST)
    assert block.status == (says if accepted else STATUS_PENDING)
    assert file.final_status == (says if accepted else STATUS_SUCCESS)


@pytest.mark.parametrize("synchronous", [False, True])
def test_2_10_3_2_10_4_a_fast_device_control_is_tried_for_any_handle_and_pends_nothing(synchronous: bool) -> None:
    tiny = TinyPipe()
    file = file_of(Fast(tiny.io))
    file.synchronous = synchronous
    block = StatusBlock()
    block.status = STATUS_PENDING
    assert tiny.io.fast_control(file, 1, 0, Notice(block, block, APC)) == STATUS_SUCCESS
    assert (block.status, tiny.io.pending(file), tiny.one.user_apcs) == (STATUS_SUCCESS, [], [])
    assert tiny.io.small.private[0].total_allocates == 0
    assert tiny.io.fast_control(tiny.late, 1, 0, Notice(block, block)) == NOT_FAST  # its driver has no such entry
