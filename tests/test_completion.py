"""The end of a request: who is told what, in which order, in both completion modes. I.., P..: semantics 9.7, 9.3."""

from collections.abc import Callable
from typing import Literal

import pytest
from tiny import Script, call, causes, compute, wait
from tiny_io import DPC, ISR, REMOVAL, REMOVE, TinyIo
from tiny_pipe import APC_MODE, LateDriver, TinyPipe

from iosim.application import BlockStep, ComputeStep, Step
from iosim.attribution import BLOCKED_CALL
from iosim.completion import DirectRules
from iosim.device_stack import BUFFERED, NOT_FAST, DeviceObject, FileObject
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.heap_clock import HeapClock
from iosim.io_manager import USUAL, IoParams, MiniPacket
from iosim.irp import NO_NOTICE, READ, WRITE, Irp, Notice, StatusBlock
from iosim.kernel_queue import NO_PACKET, KernelThread
from iosim.ntstatus import (
    STATUS_ACCESS_VIOLATION,
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_END_OF_FILE,
    STATUS_INFO_LENGTH_MISMATCH,
    STATUS_INVALID_PARAMETER,
    STATUS_PENDING,
    STATUS_SUCCESS,
    STATUS_TIMEOUT,
    STATUS_USER_APC,
)
from iosim.objects import INFINITE, Event, wait_for
from iosim.services import CallCosts, Services
from iosim.system_workers import SystemWorker
from iosim.variates import Constant

BOTH = [USUAL, APC_MODE]


def held(params: IoParams = USUAL, **more: bool) -> TinyPipe:
    """The issuing thread is in a guarded region, so that what is queued to it can be looked at."""
    tiny = TinyPipe(params, **more)
    tiny.apcs.enter_guarded_region(tiny.one)
    tiny.one.program = Script(tiny, [call(lambda: tiny.apcs.leave_guarded_region(tiny.one)), wait()])
    return tiny


def let_go(tiny: TinyPipe) -> None:
    """It leaves the region, and takes what has waited."""
    tiny.dispatcher.make_ready(tiny.one)


def ends(tiny: TinyPipe) -> list[Irp]:
    """What waits for the issuing thread."""
    return [apc.irp for apc in tiny.one.kernel_apcs]


def event_of(tiny: TinyPipe) -> Event:
    return Event(tiny.dispatcher, True, True)


# ---- requests that never pend ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", BOTH)
def test_I09_a_request_that_ends_in_the_dispatch_routine_is_told_of_inline(params: IoParams) -> None:
    """No APC; when the call returns, the status block is valid and the packet queued (2.5.5)."""
    tiny = held(params)
    tiny.associated(tiny.late)
    tiny.driver.answer = STATUS_SUCCESS
    status, block = tiny.issue(tiny.late, 512)
    assert (status, block.status, block.information) == (STATUS_SUCCESS, STATUS_SUCCESS, 512)
    assert (ends(tiny), tiny.depth, [*tiny.late.irps], tiny.one.irps) == ([], 1, [], {})
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)


@pytest.mark.parametrize("params", BOTH)
def test_I12_an_immediate_error_is_a_return_value_and_nothing_else(params: IoParams) -> None:
    tiny = held(params)
    tiny.associated(tiny.late)
    tiny.driver.answer = STATUS_END_OF_FILE
    event, block = event_of(tiny), StatusBlock()
    status, _ = tiny.issue(tiny.late, 512, event=event, block=block)
    assert status == STATUS_END_OF_FILE
    assert (block.status, block.information) == (STATUS_PENDING, 0)  # as the program had left it
    assert (event.state, tiny.late.signalled, tiny.depth, ends(tiny)) == (False, False, 0, [])
    assert tiny.io.pending(tiny.late) == []
    assert tiny.io.allocate(1).lookaside.total_frees == 1


# ---- requests that pended --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", BOTH)
def test_I11_an_error_after_pending_is_written_and_queued(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    tiny.driver.end(tiny.driver.queue[0], STATUS_END_OF_FILE)
    assert tiny.take() == (7, block, STATUS_END_OF_FILE, 0)
    assert (block.status, block.information) == (STATUS_END_OF_FILE, 0)


def test_2_7_in_direct_mode_the_remover_writes_the_status_block() -> None:
    """DOC-IOCP: it is updated only when the packet is removed. No APC, whatever the issuer does (no context switch)."""
    tiny = held()
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (ends(tiny), tiny.depth, block.status, block.information) == ([], 1, STATUS_PENDING, 0)
    tiny.take()
    assert (block.status, block.information) == (STATUS_SUCCESS, 512)


def test_2_7_in_apc_mode_the_issuing_thread_writes_it_before_the_packet_is_queued() -> None:
    tiny = held(APC_MODE)
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512, 2)
    assert (ends(tiny), tiny.depth, block.status) == ([tiny.driver.queue[0]], 0, STATUS_PENDING)
    let_go(tiny)
    assert (tiny.depth, block.status, block.information) == (1, STATUS_SUCCESS, 512)
    tiny.take()


@pytest.mark.parametrize(
    ("params", "issuer", "remover"),
    [(USUAL, 0, 9), (APC_MODE, 9, 0)],
)
def test_0b1_freeing_the_irp_is_the_removers_time_in_direct_mode_and_the_issuers_in_apc_mode(
    params: IoParams, issuer: int, remover: int
) -> None:
    tiny = TinyPipe(params, costs=True)
    tiny.associated(tiny.late)
    tiny.issue(tiny.late, 512)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    tiny.run()
    packet = tiny.port.poll(tiny.two)
    assert (tiny.busy().get("kernel", 0), packet.removed()) == (issuer, remover)


# ---- where the cost goes, by mode (2.7): the timelines of test_io_manager.py, with and without APCs ---------------------

DELIVERY, IPI = 25, 40


def two_requests(params: IoParams, processors: int, second: Callable[[Services], Step]) -> tuple[TinyIo, list[int]]:
    """A read (request 1) whose issuer has gone on to request 2 when it ends, at 14,449; and the ends of both."""
    tiny = TinyIo(processors, clock=HeapClock, params=params)
    tiny.io.completion.apcs.cost = DELIVERY
    for processor in tiny.processors:
        processor.ipi.cost = IPI
    tiny.ask_at(2000, 1)
    tiny.at(3900, lambda: tiny.handler(second))
    tiny.ask_at(4000, 2)
    tiny.run()
    ends = {request.index: time for (time, _), request in zip(tiny.log, tiny.ended.requests, strict=True)}
    for request in tiny.ended.requests:
        assert sum(request.ledger) == request.mark - request.intended == ends[request.index] - request.intended
    return tiny, [ends[1], ends[2]]


def test_2_7_an_issuer_that_waits_is_woken_and_its_wait_begins_again() -> None:
    """One processor, limit 1. Direct: the other worker is switched in at 14,449 (1,000), removes (5), frees the IRP (9).

    APC: the issuer is switched in, pays delivery and IRP, and holds the only place until it waits again at 15,483; only then
    the other worker: 1,000 and 5. The issuer's own call, to 55,015, takes no longer.
    """
    blocked = lambda services: BlockStep(services, Constant(50_000))  # noqa: E731
    direct, ends = two_requests(USUAL, 1, blocked)
    assert ends == [15_463, 56_015]
    apc, apc_ends = two_requests(APC_MODE, 1, blocked)
    assert apc_ends == [14_449 + 1000 + DELIVERY + REMOVAL + 1000 + REMOVE, 56_015]
    switches = [sum(thread.switches for thread in tiny.workers) for tiny in (direct, apc)]
    assert switches == [6, 7]
    by_index = {request.index: causes(request) for request in apc.ended.requests}
    assert (
        by_index[1]["wake_and_switch"] == 1000 + 1000 + 1000
    )  # the issuer's first, the one for the APC, the remover's
    assert by_index[1].get("port_limit", 0) == 0  # queued, and handed over at the same instant
    assert by_index[2]["interrupted"] == 1000 + DELIVERY + REMOVAL
    assert by_index[2]["blocked_call"] == 50_000 - 1034


def test_2_7_an_issuer_that_runs_elsewhere_is_interrupted() -> None:
    """Two processors, the device's interrupts on 0, the issuer on 1: interrupt 40, delivery 25, IRP 9, then the packet."""
    busy = lambda services: ComputeStep(services, Constant(50_000), 0, 0)  # noqa: E731
    _, ends = two_requests(USUAL, 2, busy)
    assert ends == [15_463, 55_005]
    apc, apc_ends = two_requests(APC_MODE, 2, busy)
    assert apc_ends == [14_449 + IPI + DELIVERY + REMOVAL + 1000 + REMOVE, 55_005 + IPI + DELIVERY + REMOVAL]
    by_index = {request.index: causes(request) for request in apc.ended.requests}
    assert by_index[1]["ready_queue"] == IPI
    assert by_index[2] == {"wake_and_switch": 1000, "kernel": REMOVE, "user": 50_000, "interrupted": 74}
    assert apc.busy(1)["isr"] == IPI


def test_2_7_1_4_5_an_issuer_that_is_parked_takes_the_packet_itself() -> None:
    """The overlapped read of test_io_manager.py: no further switch, though another worker is parked and the limit is 2."""
    tiny = TinyIo(clock=HeapClock, concurrency=2, params=APC_MODE)
    tiny.io.completion.apcs.cost = DELIVERY
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.log == [(15_463 + DELIVERY, 1)]
    assert [thread.switches for thread in tiny.workers] == [1, 3]
    assert sum(causes(tiny.ended.requests[0]).values()) == 13_463 + DELIVERY


def test_0b1_in_apc_mode_the_status_block_is_written_before_the_issuer_goes_on_with_anything_else() -> None:
    """Its issuer is ready but does not run (an outsider does, from 14,000 to 24,000): until then nobody is told."""
    tiny = TinyIo(clock=HeapClock, workers=1, params=APC_MODE)
    tiny.ask_at(2000, 1)
    tiny.start(compute(10_000), priority=15, at=13_000)
    tiny.run()
    assert tiny.log == [(13_000 + 1000 + 10_000 + ISR + DPC + 118 + 1000 + REMOVAL + REMOVE, 1)]
    assert causes(tiny.ended.requests[0])["ready_queue"] > 0


@pytest.mark.parametrize(("params", "packets"), [(USUAL, 1), (APC_MODE, 0)])
def test_2_5_6_an_end_whose_thread_ends_before_the_apc_has_run_is_cleaned_up(params: IoParams, packets: int) -> None:
    """Silently in apc mode; in direct mode (here: one with an event, which needs an APC) it is linked to the port."""
    tiny = held(params)
    tiny.associated(tiny.late)
    tiny.issue(tiny.late, 512, event=event_of(tiny))
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (len(ends(tiny)), tiny.depth) == (1, 0)
    tiny.one.program = Script(tiny, [])
    let_go(tiny)
    assert (ends(tiny), tiny.depth, tiny.io.pending(tiny.late)) == ([], packets, [])
    assert len(tiny.io.small.private[0].entries) == 1 - packets


def test_2_7_a_status_block_that_is_in_use_again_is_not_written_by_a_packet_that_was_told_of_before() -> None:
    """With an event the block is written in the APC; the program may use it again before the packet is removed."""
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512, event=event_of(tiny))
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert block.status == STATUS_SUCCESS
    block.status = STATUS_PENDING
    tiny.take()
    assert block.status == STATUS_PENDING


@pytest.mark.parametrize("params", BOTH)
def test_2_6_5_the_event_is_set_before_the_packet_is_queued(params: IoParams) -> None:
    seen: list[tuple[str, int]] = []

    class Watched(Event):
        def set(self, increment: int = 0) -> None:
            seen.append(("event", tiny.depth))
            super().set(increment)

    tiny = TinyPipe(params)
    tiny.associated(tiny.late)
    event = Watched(tiny.dispatcher, True, True)
    tiny.issue(tiny.late, 512, event=event)
    assert not event.state  # reset by the call
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (seen, event.state, tiny.depth, tiny.late.signalled) == ([("event", 0)], True, 1, False)


@pytest.mark.parametrize("params", BOTH)
def test_2_6_3_without_an_event_of_its_own_a_request_sets_the_file_objects(params: IoParams) -> None:
    tiny = TinyPipe(params)
    event = tiny.io.event_of(tiny.late)
    tiny.issue(tiny.late, 512)
    assert not event.state
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert event.state and tiny.late.signalled
    tiny.issue(tiny.late, 512)
    assert not event.state


def test_7_4_the_drivers_boost_goes_to_the_thread_that_waits_for_the_event() -> None:
    tiny = TinyPipe()
    event = event_of(tiny)
    tiny.issue(tiny.late, 512, event=event)
    assert wait_for(tiny.two, [event], False, INFINITE, False) == STATUS_PENDING
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512, 6)
    assert tiny.two.priority == 8 + 6


def test_2_6_3_a_user_apc_is_queued_to_the_issuing_thread_and_ends_its_alertable_wait() -> None:
    """ReadFileEx: one of user APC, packet, nothing (2.6.3)."""
    tiny = TinyPipe()
    apc = ("routine", "argument")
    _, block = tiny.issue(tiny.late, 512, apc=apc)
    wait_for(tiny.one, [event_of_unset(tiny)], False, INFINITE, True)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (tiny.one.user_apcs, tiny.one.wait_status, block.information) == ([apc], STATUS_USER_APC, 512)


def event_of_unset(tiny: TinyPipe) -> Event:
    return Event(tiny.dispatcher, True, False)


def test_1_2_8_a_request_with_an_apc_that_pended_before_the_association_runs_it_and_queues_nothing() -> None:
    tiny = TinyPipe()
    apc = ("routine", "argument")
    tiny.issue(tiny.late, 512, apc=apc)
    tiny.associated(tiny.late)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (tiny.one.user_apcs, tiny.depth) == ([apc], 0)


def test_2_3_2_a_careless_filter_that_loses_the_pending_mark_loses_the_request() -> None:
    """Semantics 2.3.2: the end thinks that the issuing call, long gone, will do the rest. No packet, no status block."""
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    irp = tiny.driver.queue[0]
    irp.location().pending = False
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert (tiny.depth, block.status) == (0, STATUS_PENDING)


# ---- which requests are linked directly (0b.3) -----------------------------------------------------------------------

Kind = Literal["plain", "event", "buffered", "early"]


@pytest.mark.parametrize(
    ("kind", "rules", "apcs"),
    [
        ("plain", DirectRules(), 0),
        ("event", DirectRules(), 1),
        ("event", DirectRules(with_event=True), 0),
        ("buffered", DirectRules(), 1),
        ("buffered", DirectRules(buffered_reads=True), 0),
        ("early", DirectRules(), 1),
        ("early", DirectRules(pended_before_association=True), 0),
    ],
)
def test_0b3_the_table_of_requests_that_need_the_issuing_thread_in_direct_mode_too(
    kind: Kind, rules: DirectRules, apcs: int
) -> None:
    """An APC or not: there is one packet in the end, and it tells the same."""
    tiny = held(IoParams(direct_rules=rules))
    file = tiny.late
    if kind == "buffered":
        file = FileObject(3, DeviceObject(tiny.driver, None, 0, 1 << 30, BUFFERED), 0, 1 << 30, False)
    if kind != "early":
        tiny.associated(file)
    _, block = tiny.issue(file, 512, event=event_of(tiny)) if kind == "event" else tiny.issue(file, 512)
    if kind == "early":
        tiny.associated(file)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert len(ends(tiny)) == apcs
    let_go(tiny)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)
    assert (block.status, tiny.depth) == (STATUS_SUCCESS, 0)


# ---- the table of 1.3 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize(
    ("row", "associated", "context", "pends", "status", "skip", "packet"),
    [
        (1, False, True, True, STATUS_SUCCESS, False, False),
        (1, False, True, False, STATUS_SUCCESS, False, False),
        (2, True, False, True, STATUS_SUCCESS, False, False),
        (2, True, False, False, STATUS_SUCCESS, False, False),
        (2, True, False, True, STATUS_CANCELLED, False, False),
        (3, True, True, False, STATUS_END_OF_FILE, False, False),
        (4, True, True, True, STATUS_END_OF_FILE, False, True),
        (4, True, True, True, STATUS_CANCELLED, True, True),
        (5, True, True, False, STATUS_SUCCESS, False, True),
        (6, True, True, False, STATUS_SUCCESS, True, False),
        (7, True, True, True, STATUS_SUCCESS, True, True),
        (8, True, True, False, STATUS_BUFFER_OVERFLOW, False, True),
        (8, True, True, False, STATUS_BUFFER_OVERFLOW, True, True),
    ],
)
def test_1_3_when_a_packet_is_queued_at_all(
    params: IoParams, row: int, associated: bool, context: bool, pends: bool, status: int, skip: bool, packet: bool
) -> None:
    tiny = TinyPipe(params)
    if associated:
        tiny.associated(tiny.late)
    if skip:
        assert tiny.io.set_notification_modes(tiny.late, 1) == STATUS_SUCCESS
    tiny.driver.answer = STATUS_PENDING if pends else status
    returned, block = tiny.issue(tiny.late, 512, null_context=not context)
    assert returned == tiny.driver.answer
    if pends:
        assert tiny.depth == 0
        tiny.driver.end(tiny.driver.queue[0], status, 512)
    assert tiny.depth == packet
    if packet:
        assert tiny.take() == (7, block, status, 512)
    if row != 3:
        assert block.status == status
    assert tiny.io.pending(tiny.late) == []


def test_1_3_row_2_the_low_bit_of_an_event_keeps_the_packet_away_and_still_sets_the_event() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    event = event_of(tiny)
    _, block = tiny.issue(tiny.late, 512, event=event, null_context=True)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (tiny.depth, event.state, block.status, block.information) == (0, True, STATUS_SUCCESS, 512)


def test_1_3_row_7_hangs_on_what_the_caller_saw_not_on_timing() -> None:
    """A driver that marks, completes and returns STATUS_PENDING has pended, though nothing is left to wait for."""

    class Eager(LateDriver):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            irp.mark_pending()
            self.end(irp, STATUS_SUCCESS, 512)
            return STATUS_PENDING

    tiny = TinyPipe()
    file = FileObject(3, DeviceObject(Eager(tiny.io), None, 0, 1 << 30), 0, 1 << 30, False)
    tiny.associated(file)
    tiny.io.set_notification_modes(file, 1)
    status, block = tiny.issue(file, 512)
    assert status == STATUS_PENDING
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)


def test_P40_a_write_that_returns_success_queues_a_packet_all_the_same() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    status, block = tiny.issue(tiny.ours, 3, WRITE)
    assert (status, tiny.take(), tiny.depth) == (STATUS_SUCCESS, (7, block, STATUS_SUCCESS, 3), 0)


@pytest.mark.parametrize("params", BOTH)
def test_1_9_3_packets_come_in_the_order_of_the_ends_not_of_the_calls(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.associated(tiny.late)
    blocks = [tiny.issue(tiny.late, 512)[1] for _ in range(3)]
    irps = [*tiny.driver.queue]
    for place in (1, 2, 0):
        tiny.driver.end(irps[place], STATUS_SUCCESS, 512)
    assert [tiny.take()[1] for _ in range(3)] == [blocks[1], blocks[2], blocks[0]]


# ---- notification modes (1.15) ---------------------------------------------------------------------------------------


def test_P29_notification_modes_are_refused_on_a_synchronous_handle() -> None:
    tiny = TinyPipe()
    tiny.late.synchronous = True
    assert tiny.io.set_notification_modes(tiny.late, 1) == STATUS_INVALID_PARAMETER
    assert tiny.late.modes == 0


def test_P30_a_buffer_one_byte_short_is_refused() -> None:
    tiny = TinyPipe()
    assert tiny.io.set_notification_modes(tiny.late, 1, 3) == STATUS_INFO_LENGTH_MISMATCH
    assert tiny.late.modes == 0


def test_P34_modes_are_never_cleared_and_unknown_bits_ignored() -> None:
    tiny = TinyPipe()
    for modes, after in ((1, 1), (0, 1), (0x100 | 2, 3), (4, 7)):
        assert tiny.io.set_notification_modes(tiny.late, modes) == STATUS_SUCCESS
        assert tiny.late.modes == after


@pytest.mark.parametrize("pends", [False, True])
def test_1_15_mode_2_leaves_the_file_objects_event_alone_but_sets_an_event_of_the_programs(pends: bool) -> None:
    tiny = TinyPipe()
    tiny.io.set_notification_modes(tiny.late, 2)
    tiny.associated(tiny.late)
    assert not tiny.late.signalled  # 1.2.10
    tiny.driver.answer = STATUS_PENDING if pends else STATUS_SUCCESS
    event = event_of(tiny)
    tiny.issue(tiny.late, 512)
    tiny.issue(tiny.late, 512, event=event)
    for irp in tiny.driver.queue:
        tiny.driver.end(irp, STATUS_SUCCESS)
    assert (tiny.late.signalled, event.state, tiny.depth) == (False, True, 2)


# ---- cases on NTFS ---------------------------------------------------------------------------------------------------


def ntfs(cached: bool) -> TinyIo:
    return TinyIo(clock=HeapClock, workers=0, cached=cached, cache_pages=100, switch=0)


def issue(tiny: TinyIo, thread: KernelThread, major: int, hit: bool, size: int = 4096) -> tuple[int, StatusBlock]:
    block = StatusBlock()
    irp = tiny.services.prepare(thread, tiny.file, major, 0, size, hit)
    irp.tell(Notice(block, block))
    irp.synchronous = tiny.file.synchronous
    return tiny.io.start(thread, irp, BLOCKED_CALL), block


def test_P32_a_cached_write_that_returns_success_queues_one_packet_with_key_and_context() -> None:
    tiny = ntfs(cached=True)
    tiny.file.key = 0xDEADBEEF
    status, block = issue(tiny, tiny.thread(), WRITE, True)
    assert status == STATUS_SUCCESS
    packet = tiny.port.poll(tiny.thread())
    assert isinstance(packet, Irp)
    assert (packet.file.key, packet.notice.context, packet.status, packet.information) == (0xDEADBEEF, block, 0, 4096)
    assert not tiny.port.entries


def test_P32_a_cached_write_that_pends_queues_one_packet_too() -> None:
    """What Vista and later do; here the rest of the page is not there, and a system worker reads it first."""
    tiny = ntfs(cached=True)
    worker = tiny.dispatcher.create_thread(SystemWorker(tiny.work_queue), 12)
    tiny.dispatcher.make_ready(worker)
    tiny.file.key = 0xDEADBEEF
    thread = tiny.thread()
    thread.processor = 0
    status, block = issue(tiny, thread, WRITE, False, 100)
    assert (status, len(tiny.port.entries)) == (STATUS_PENDING, 0)
    tiny.run()
    packet = tiny.port.poll(tiny.thread())
    assert isinstance(packet, Irp)
    assert (packet.file.key, packet.notice.context, packet.status, packet.information) == (0xDEADBEEF, block, 0, 100)
    assert not tiny.port.entries


def test_P33_P34_with_the_skip_flag_a_write_that_returns_success_queues_no_packet_and_0_does_not_clear_it() -> None:
    tiny = ntfs(cached=True)
    tiny.io.set_notification_modes(tiny.file, 1)
    for modes in (1, 0):
        tiny.io.set_notification_modes(tiny.file, modes)
        status, block = issue(tiny, tiny.thread(), WRITE, True)
        assert (status, block.status, block.information) == (STATUS_SUCCESS, STATUS_SUCCESS, 4096)
        waiter = tiny.thread()
        assert tiny.port.remove(waiter) is NO_PACKET
        tiny.dispatcher.arm(waiter, 500_000_000)
        before = tiny.clock.now
        tiny.run()
        assert (waiter.packet, waiter.wait_status) == (NO_PACKET, STATUS_TIMEOUT)
        assert tiny.clock.now - before == 500_000_000


def test_P35_an_unbuffered_read_pends_and_queues_a_packet_in_spite_of_the_skip_flag() -> None:
    tiny = ntfs(cached=False)
    tiny.io.set_notification_modes(tiny.file, 1)
    thread = tiny.thread()
    thread.processor = 0
    status, block = issue(tiny, thread, READ, False)
    assert (status, len(tiny.port.entries)) == (STATUS_PENDING, 0)
    tiny.run()
    packet = tiny.port.poll(tiny.thread())
    assert isinstance(packet, Irp)
    packet.removed()
    assert (packet.notice.context, block.status, block.information) == (block, STATUS_SUCCESS, 4096)
    assert not tiny.port.entries


@pytest.mark.parametrize(("offset", "size", "status"), [(0, 335, 0), (981, 512, 0), (512, 1024, STATUS_PENDING)])
def test_I21_an_unbuffered_request_that_is_no_whole_sectors_is_refused_by_the_io_manager(
    offset: int, size: int, status: int
) -> None:
    """Before a driver hears of it, and without a packet. The buffer's place is the program's (win32)."""
    tiny = ntfs(cached=False)
    tiny.file.sector = 512
    thread = tiny.thread()
    thread.processor = 0
    irp = tiny.services.prepare(thread, tiny.file, READ, offset, size, False)
    block = StatusBlock()
    irp.tell(Notice(block, block))
    given = sum(own.total_frees for own in tiny.io.of_more)
    assert tiny.io.start(thread, irp, BLOCKED_CALL) == (status or STATUS_INVALID_PARAMETER)
    assert sum(own.total_frees for own in tiny.io.of_more) - given == (0 if status else 1)
    tiny.run()
    assert len(tiny.port.entries) == (1 if status else 0)


def test_I23_a_cached_read_on_a_synchronous_handle_is_fast_io_without_an_irp() -> None:
    """Once the file has a cache map, which the first read makes by way of an IRP (2.10.1)."""
    tiny = ntfs(cached=True)
    tiny.file = FileObject(9, tiny.top, 0, 1 << 20, True)
    tiny.file.synchronous = True
    block = StatusBlock()
    assert tiny.io.fast_io(tiny.file, READ, 0, 4096, block) == NOT_FAST
    assert issue(tiny, tiny.thread(), READ, True)[0] == STATUS_SUCCESS
    tiny.cache.pages.fill(9, 0, 8192)
    allocated = tiny.io.large.private[0].total_allocates
    assert tiny.io.fast_io(tiny.file, READ, 0, 8192, block) == STATUS_SUCCESS
    assert (block.status, block.information, tiny.file.final_status) == (STATUS_SUCCESS, 8192, STATUS_SUCCESS)
    assert tiny.io.large.private[0].total_allocates == allocated
    assert tiny.io.fast_io(tiny.file, READ, 0, 1 << 19, block) == NOT_FAST  # not all there


def test_2_10_1_an_overlapped_handle_never_takes_the_fast_path() -> None:
    tiny = ntfs(cached=True)
    tiny.file.cache_map = True
    tiny.cache.pages.fill(0, 0, 4096)
    assert tiny.io.fast_io(tiny.file, READ, 0, 4096, StatusBlock()) == NOT_FAST


# ---- fast device control (1.3, 2.10.3) -------------------------------------------------------------------------------


class Quick(LateDriver):
    """Satisfies device controls without an IRP."""

    def fast_control(self, device: DeviceObject, file: FileObject, code: int, size: int, block: StatusBlock) -> int:
        block.information = size
        return code


@pytest.mark.parametrize(
    ("status", "modes", "packet"),
    [
        (STATUS_SUCCESS, 0, True),
        (STATUS_SUCCESS, 1, False),
        (STATUS_BUFFER_OVERFLOW, 1, True),
        (STATUS_END_OF_FILE, 0, False),  # where ReactOS queues one and Windows does not (11.7, S06)
        (NOT_FAST, 0, False),
    ],
)
def test_1_3_2_1_5_a_fast_device_control_queues_a_mini_packet_unless_it_failed(
    status: int, modes: int, packet: bool
) -> None:
    tiny = TinyPipe()
    file = FileObject(3, DeviceObject(Quick(tiny.io), None, 0, 0), 0, 0, False)
    tiny.associated(file)
    tiny.io.set_notification_modes(file, modes)
    block = StatusBlock()
    assert tiny.io.fast_control(file, status, 5, Notice(block, block)) == status
    assert tiny.depth == packet
    if packet:
        taken = tiny.port.poll(tiny.two)
        assert isinstance(taken, MiniPacket)
        assert (taken.file.key, taken.notice.context, taken.status, taken.information) == (7, block, status, 5)
        assert (block.status, taken.removed()) == (status, 0)
        assert (tiny.io.mini.private[0].total_allocates, tiny.io.mini.private[0].entries) == (1, [taken])


@pytest.mark.parametrize(("modes", "is_set"), [(0, True), (2, True), (4, False)])
def test_1_15_mode_4_leaves_the_programs_event_alone_at_a_fast_device_control(modes: int, is_set: bool) -> None:
    tiny = TinyPipe()
    file = FileObject(3, DeviceObject(Quick(tiny.io), None, 0, 0), 0, 0, False)
    tiny.io.set_notification_modes(file, modes)
    block, event = StatusBlock(), event_of_unset(tiny)
    tiny.io.fast_control(file, STATUS_SUCCESS, 5, Notice(block, block).with_event(event))
    assert (event.state, tiny.depth) == (is_set, 0)


# ---- synchronous file objects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", BOTH)
@pytest.mark.parametrize("status", [STATUS_SUCCESS, STATUS_END_OF_FILE])
def test_2_6_4_a_synchronous_request_holds_its_thread_until_the_end(params: IoParams, status: int) -> None:
    """The status block tells of an error that came after pending, too (2.6.4); the IRP is free again."""
    tiny = TinyPipe(params)
    tiny.late.synchronous = True
    returned, block = tiny.issue(tiny.late, 512)
    assert (returned, tiny.one.wait_cause) == (STATUS_PENDING, BLOCKED_CALL)
    tiny.driver.end(tiny.driver.queue[0], status, 0, 3)
    assert (block.status, tiny.late.final_status, tiny.late.signalled) == (status, status, True)
    assert tiny.one.priority == 8 + 3
    assert (tiny.one.irps, len(tiny.io.small.private[0].entries)) == ({}, 1)


def test_a_synchronous_request_that_ends_while_its_driver_returns_pending_does_not_wait() -> None:
    class Eager(LateDriver):
        def dispatch(self, device: DeviceObject, irp: Irp) -> int:
            irp.mark_pending()
            self.end(irp, STATUS_SUCCESS, 512)
            return STATUS_PENDING

    tiny = TinyPipe()
    file = FileObject(3, DeviceObject(Eager(tiny.io), None, 0, 1 << 30), 0, 1 << 30, False)
    file.synchronous = True
    status, block = tiny.issue(file, 512)
    assert (status, block.information, len(tiny.io.small.private[0].entries)) == (STATUS_SUCCESS, 512, 1)


# ---- buffers (2.9) ---------------------------------------------------------------------------------------------------


def test_2_9_a_buffer_that_cannot_be_locked_fails_the_call_at_once() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    irp = tiny.io.allocate(1)
    irp.prepare(tiny.request(), tiny.late, READ, 0, 512)
    irp.accessible = False
    assert tiny.io.start(tiny.one, irp, BLOCKED_CALL) == STATUS_ACCESS_VIOLATION
    assert (tiny.depth, tiny.driver.queue, tiny.io.allocate(1)) == (0, [], irp)


@pytest.mark.parametrize(
    ("method", "major", "at_issue", "at_the_end"),
    [
        ("direct", READ, 10 + 20 + 2 * 3, 0),
        ("direct", WRITE, 10 + 20 + 2 * 3, 0),
        ("buffered", READ, 10 + 20, 8000),
        ("buffered", WRITE, 10 + 20 + 8000, 0),
        ("neither", READ, 10 + 20 + 8000, 0),
    ],
)
def test_2_9_0b2_what_a_buffer_costs_by_method(method: str, major: int, at_issue: int, at_the_end: int) -> None:
    """Direct: two pages locked, no copy (unlocked by the driver's DPC). Buffered: 1 ns a byte, a read's in the last stage."""
    tiny = TinyPipe(costs=True)
    device = DeviceObject(tiny.driver, None, 0, 1 << 30, ("direct", "buffered", "neither").index(method))
    file = FileObject(3, device, 0, 1 << 30, False)
    services = Services(tiny.dispatcher, tiny.io, tiny.caches, CallCosts(0, 0, 0))
    irp = services.prepare(tiny.one, file, major, 0, 8000, False)
    assert tiny.one.owed_kernel == at_issue
    tiny.one.owed = tiny.one.owed_kernel = 0
    tiny.io.start(tiny.one, irp, BLOCKED_CALL)
    tiny.driver.end(irp, STATUS_SUCCESS, 8000)
    assert tiny.one.owed_kernel == at_the_end


# ---- associated and paging IRPs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_I13_a_master_completes_with_the_last_of_its_associated_irps(order: tuple[int, int, int]) -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    tiny.driver.routine = False
    tiny.issue(tiny.late, 512)
    master = tiny.driver.queue.pop()
    parts = [tiny.io.make_associated(master, 1) for _ in range(3)]
    for part in parts:
        tiny.io.call_driver(tiny.device, part)
    master.information = 512
    for place in order:
        assert (tiny.depth, master.associated) == (0, 3 - order.index(place))
        tiny.driver.end(parts[place], STATUS_SUCCESS, 0, 1)
    assert (list(tiny.port.entries), master.information, master.boost) == ([master], 512, 1)
    assert tiny.io.small.private[0].total_frees == 3


def test_I13_a_master_that_was_never_sent_down_completes_too() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    master = tiny.io.allocate(1)
    master.prepare(tiny.request(), tiny.late, READ, 0, 512)
    master.tell(Notice(NO_NOTICE.block, StatusBlock()))
    part = tiny.io.make_associated(master, 1)
    tiny.io.call_driver(tiny.device, part)
    tiny.driver.end(part, STATUS_SUCCESS)
    assert list(tiny.port.entries) == [master]


def test_I14_a_paging_read_sets_its_event_with_the_drivers_boost_and_does_nothing_else() -> None:
    tiny = held()
    tiny.associated(tiny.late)
    event = event_of_unset(tiny)
    block = StatusBlock()
    irp = tiny.io.allocate(1)
    irp.prepare(tiny.request(), tiny.late, READ, 0, 4096)
    irp.tell(Notice(block, block).with_event(event))
    irp.paging = True
    assert tiny.io.call_driver(tiny.device, irp) == STATUS_PENDING
    wait_for(tiny.one, [event], False, INFINITE, False)
    tiny.driver.queue[0].set_canceller(tiny.driver)
    tiny.driver.end(irp, STATUS_SUCCESS, 4096, IO_DISK_INCREMENT)
    assert (tiny.one.priority, tiny.one.wait_status) == (8 + IO_DISK_INCREMENT, STATUS_SUCCESS)
    assert (tiny.depth, ends(tiny), block.information, irp.request.bytes) == (0, [], 0, 0)


def test_a_blocking_reads_irp_goes_back_to_its_lookaside_list() -> None:
    tiny = TinyIo(clock=HeapClock, workers=1, blocking=True)
    tiny.ask_at(2000, 1)
    tiny.ask_at(100_000, 2)
    tiny.run()
    own = tiny.io.large.private[0]
    assert (own.total_allocates, own.allocate_misses, own.total_frees) == (2, 1, 2)
    assert sum(causes(tiny.ended.requests[1]).values()) == tiny.log[1][0] - 100_000
