"""A read's way down and up, to the nanosecond: who pays for what, in which context, and in which order.

Costs are those of tests/tiny_io.py. An unbuffered read of two pages on one processor, switch 1,000:

    2,000   the request's packet wakes the worker: switch 1,000, removal 5, and the way down: call 10, IRP 20, two pages
            locked 6, drivers 100 + 40 + 50, start of the drive 200
    3,431   the drive has the command; the worker parks
   13,431   the drive is done; ISR 400
   13,831   DPC: itself 500, up through the drivers 30 + 8 + 6 + 70, two pages unlocked 4
   14,449   packet; the drain has ended, the worker is switched in: 1,000, removal 5, IRP freed 9
   15,463   the handler ends the request
"""

from collections import deque

import pytest
from tiny import Late, causes
from tiny_io import CALL, DOWN, DPC, IRP, ISR, NTFS, PAGE_LOCK, REMOVAL, REMOVE, START, UNLOCK, UP, TinyIo

from iosim.actor import ARRIVAL, Clock
from iosim.application import BlockStep, ComputeStep, DrawnTransfer, SleepStep
from iosim.completion_port import CompletionPort
from iosim.dispatcher import IO_DISK_INCREMENT
from iosim.heap_clock import HeapClock
from iosim.irp import READ
from iosim.simpy_clock import SimpyClock
from iosim.variates import Constant

ISSUE = CALL + IRP + 2 * PAGE_LOCK + DOWN + START


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


# ---- unbuffered ------------------------------------------------------------------------------------------------------


def test_an_overlapped_reads_whole_way(clock: type[Clock]) -> None:
    """The timeline above."""
    tiny = TinyIo(clock=clock, workers=1)
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.log == [(15_463, 1)]
    assert tiny.drive.seen == [(3431, (1 << 20) + (1 << 24) + 8192, 8192)]
    request = tiny.ended.requests[0]
    assert causes(request) == {
        "wake_and_switch": 2000,
        "kernel": REMOVE + ISSUE + DPC + UP + 2 * UNLOCK + REMOVE + REMOVAL,
        "device_service": 10_000,
        "dpc_wait": ISR,
    }
    assert (sum(request.ledger), request.bytes, request.began) == (13_463, 8192, 2000)
    busy = tiny.busy()
    assert (busy["isr"], busy["dpc"], busy["kernel"]) == (ISR, 618, REMOVE + ISSUE + REMOVE + REMOVAL)


def test_an_idle_machine_spends_six_clock_events_on_a_read_beside_the_drives_own_second() -> None:
    """Style 6: arrival, way down, drive, ISR, DPC, last stage. With a real drive: tests/test_machine.py."""
    tiny = TinyIo(clock=HeapClock, workers=1)
    tiny.run()
    before = tiny.clock.events
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.clock.events - before == 6


def test_an_unaligned_read_locks_the_pages_of_its_size_rounded_up() -> None:
    tiny = TinyIo(clock=HeapClock, workers=1, size=4097)
    tiny.ask_at(2000, 0)
    tiny.run()
    assert tiny.log == [(15_463, 0)]


def test_a_blocking_read_holds_its_thread_and_comes_back_without_a_packet() -> None:
    """The thread waits in the kernel from 3,431 to the DPC's end, and pays a switch but no removal: 14,449 + 1,000."""
    tiny = TinyIo(clock=HeapClock, workers=1, blocking=True)
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.log == [(15_449, 1)]
    assert tiny.ended.requests[0].bytes == 8192
    assert tiny.port.packets == 1


@pytest.mark.parametrize(("blocking", "priority"), [(False, 8), (True, 8 + IO_DISK_INCREMENT)])
def test_C11_after_a_disk_completion_a_port_releases_its_worker_without_the_boost_that_a_blocked_thread_gets(
    blocking: bool, priority: int
) -> None:
    tiny = TinyIo(clock=HeapClock, workers=1, blocking=blocking)
    tiny.ask_at(2000, 1)
    tiny.run()
    assert (len(tiny.log), tiny.workers[0].priority) == (1, priority)


def test_0b1_2_5_4_the_completing_dpc_belongs_to_nobodys_thread() -> None:
    """A thread that computes meanwhile is held up by ISR and DPC; the worker of the packet follows it."""
    tiny = TinyIo(clock=HeapClock, workers=2, switch=0)
    tiny.ask_at(2000, 1)
    other = tiny.start(at=5000)
    other.request = request = tiny.request()
    tiny.at(5000, lambda: setattr(request, "mark", 5000))
    other.owe_user(20_000)
    tiny.dispatcher.threads[-1].planned = True
    tiny.run()
    assert causes(request) == {"user": 20_000, "interrupted": ISR + 618}
    assert tiny.log == [(5000 + 20_000 + ISR + 618 + REMOVE + REMOVAL, 1)]


def test_0b7_on_another_idle_processor_the_worker_starts_when_the_packet_is_queued() -> None:
    """The worker ran on processor 1, so it is switched in there at 14,449, as on one processor: nobody waits."""
    tiny = TinyIo(2, clock=HeapClock, workers=1)
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.log == [(15_463, 1)]


def test_H04_of_33_requests_32_are_in_the_drive_and_one_in_the_port_driver() -> None:
    """The 33rd is started by the DPC of an earlier one, on the DPC's time (0b.1), and before anybody is told."""
    tiny = TinyIo(clock=HeapClock, slots=32, latency=1_000_000, stagger=10_000, workers=1, switch=0)
    tiny.ask_at(2000, *range(33))
    seen: list[tuple[int, int, int]] = []
    driver = tiny.port_driver
    tiny.at(100_000, lambda: seen.append((tiny.drive.in_drive, len(driver.waiting), driver.present)))
    tiny.run()
    assert seen == [(32, 1, 33)]
    first_done = 2000 + REMOVE + ISSUE + 1_000_000
    submitted = [time for time, _, _ in tiny.drive.seen]
    assert submitted[32] == first_done + ISR + DPC + START + UP + 2 * UNLOCK
    last = next(request for request in tiny.ended.requests if request.index == 32)
    assert causes(last)["port_driver_queue"] == submitted[32] - (2000 + 33 * (REMOVE + ISSUE) - START)
    assert (driver.present_most, driver.queued_most) == (33, 1)
    driver.settle()
    assert driver.area == driver.sojourns


def test_a_request_that_arrives_while_the_completing_dpc_runs_is_not_forgotten() -> None:
    """Depth 1: it finds the slot taken, and the DPC that frees the slot had seen nobody waiting when it began.

    With no other command in the drive there would be no later DPC to start it: it would wait for ever.
    """
    tiny = TinyIo(2, clock=HeapClock, slots=1, workers=2, switch=0)
    tiny.ask_at(2000, 1)
    begins = 2000 + REMOVE + ISSUE + 10_000 + ISR
    tiny.ask_at(begins + 300 - REMOVE - (ISSUE - START), 2)  # dispatched 300 ns into the DPC's 618
    tiny.run()
    assert [index for _, index in tiny.log] == [1, 2]
    assert tiny.port_driver.waiting == deque()


def test_the_port_drivers_queue_is_first_come_first_served() -> None:
    """Semantics 0b.19: no elevator, whatever happens during the DPCs."""
    tiny = TinyIo(4, clock=HeapClock, slots=2, workers=8, switch=0, latency=700)
    entered: list[int] = []
    tiny.drive.hook = lambda command: entered.append(tiny.port_driver.entered[command.tag])
    for number in range(40):
        tiny.ask_at(2000 + 97 * number, number)
    tiny.run()
    assert len(entered) == 40
    assert entered == sorted(entered)


def test_commands_that_finish_together_share_an_interrupt_and_a_dpc() -> None:
    """Two arrive 431 ns apart on two processors, but the second is done while the ISR of the first runs."""
    tiny = TinyIo(3, clock=HeapClock, workers=2, switch=0, interrupted=[2])
    tiny.ask_at(2000, 1, 2)
    tiny.run()
    assert tiny.busy(2) == {"isr": ISR, "dpc": DPC + 2 * UP + 4 * UNLOCK}


def test_the_interrupt_goes_to_the_processor_that_started_the_command() -> None:
    """NVMe, a vector a processor (semantics 4.3): even when the issuing thread moved between its call and the start."""
    tiny = TinyIo(2, clock=HeapClock, workers=1, switch=0, interrupted=[0, 1])
    tiny.ask_at(2000, 1)
    hog = tiny.thread(priority=12)
    hog.processor = 0
    hog.owe_user(50_000)
    hog.planned = True
    tiny.at(2100, lambda: tiny.dispatcher.make_ready(hog))
    second = tiny.thread(priority=12)
    second.owe_user(50)
    second.planned = True
    second.processor = 1
    tiny.at(2090, lambda: tiny.dispatcher.make_ready(second))
    tiny.run()
    assert tiny.busy(1)["isr"] == ISR
    assert "isr" not in tiny.busy(0)


# ---- cached ----------------------------------------------------------------------------------------------------------


def test_3_2_a_cached_hit_ends_at_once_and_queues_its_packet_from_the_callers_thread(clock: type[Clock]) -> None:
    """Semantics 1.3 row 5, 0b.1: copy 1 ns a byte, and the packet wakes a second worker while the caller still runs.

    Caller: removal 5, call 10, IRP 20, NTFS 100, copy 8,192. The second worker, newest parked, is woken at 10,327 - on another
    processor - and pays its switch and the last stage, though the caller could have gone on at once.
    """
    tiny = TinyIo(2, clock=clock, cached=True, hits=[Constant(1)], copy_ps=1000, switch=1000)
    tiny.ask_at(2000, 1)
    tiny.run()
    issued = 2000 + 1000 + REMOVE + CALL + IRP + NTFS[0] + 8192
    assert tiny.log == [(issued + 1000 + REMOVE + REMOVAL, 1)]
    assert [worker.switches for worker in tiny.workers] == [2, 2]
    assert tiny.drive.seen == []
    assert tiny.port.packets == 2


def test_a_cached_hit_at_limit_1_is_taken_by_the_caller_itself_without_a_switch() -> None:
    tiny = TinyIo(2, clock=HeapClock, cached=True, hits=[Constant(1)], copy_ps=1000, concurrency=1)
    tiny.ask_at(2000, 1)
    tiny.run()
    issued = 2000 + 1000 + REMOVE + CALL + IRP + NTFS[0] + 8192
    assert tiny.log == [(issued + REMOVE + REMOVAL, 1)]


def test_a_cached_miss_goes_through_a_system_worker_that_reads_copies_and_completes(clock: type[Clock]) -> None:
    """One processor, no switch costs. Issuer 135; worker: way down, drive, ISR, DPC (paging IRP), copy; packet; last stage."""
    tiny = TinyIo(clock=clock, cached=True, cache_pages=100, copy_ps=1000, switch=0, system_workers=1)
    tiny.ask_at(2000, 1)
    tiny.run()
    posted = 2000 + REMOVE + CALL + IRP + NTFS[0]
    copied = posted + ISSUE + 10_000 + ISR + 618 + 8192
    assert tiny.log == [(copied + REMOVE + REMOVAL, 1)]
    request = tiny.ended.requests[0]
    assert causes(request)["device_service"] == 10_000
    assert sum(request.ledger) == tiny.log[0][0] - 2000
    assert (request.bytes, tiny.port.packets, tiny.work_queue.packets) == (8192, 2, 1)


def test_a_second_read_of_the_same_pages_hits() -> None:
    tiny = TinyIo(clock=HeapClock, cached=True, cache_pages=100, switch=0, system_workers=1)
    tiny.ask_at(2000, 1)
    tiny.ask_at(100_000, 1)
    tiny.run()
    assert tiny.log[1] == (100_000 + REMOVE + CALL + IRP + NTFS[0] + REMOVE + REMOVAL, 1)
    assert (tiny.cache.hits, tiny.cache.misses) == (1, 1)


def test_a_page_that_was_not_used_for_longest_is_dropped_first() -> None:
    """Three pages of room, reads of one page: 0, 1, 2, again 0, then 3 pushes 1 out."""
    tiny = TinyIo(clock=HeapClock, cached=True, cache_pages=3, size=4096, switch=0, system_workers=1)
    for place, number in enumerate((0, 1, 2, 0, 3, 0, 2, 1)):
        tiny.ask_at(100_000 * (place + 1), number)
    tiny.run()
    assert (tiny.cache.hits, tiny.cache.misses) == (3, 5)
    assert len(tiny.cache.pages.pages) == 3


def test_0b20_when_all_system_workers_are_busy_the_issuer_of_a_miss_blocks() -> None:
    """One system worker. The first issuer is free at once; the second waits until its own read has been served."""
    tiny = TinyIo(
        4, clock=HeapClock, cached=True, cache_pages=100, switch=0, system_workers=1, workers=2, concurrency=2
    )
    tiny.ask_at(2000, 1, 2)
    free: list[tuple[int, int]] = []
    for time in (5000, 20_000):
        tiny.at(time, lambda: free.append((len(tiny.port.waiting), len(tiny.work_queue.entries))))
    tiny.run()
    assert free == [(1, 1), (1, 0)]
    assert [index for _, index in tiny.log] == [1, 2]
    second = tiny.ended.requests[1]
    assert causes(second)["system_worker_queue"] > 10_000
    assert sum(second.ledger) == tiny.log[1][0] - 2000
    assert len(tiny.port.waiting) == 2


def test_the_issuer_that_was_blocked_pays_its_switch_before_it_looks_for_work_again() -> None:
    """A switch belongs to the thread that is switched in: left unpaid, it would be charged to its next request."""
    tiny = TinyIo(4, clock=HeapClock, cached=True, cache_pages=100, switch=1000, system_workers=1, workers=2)
    tiny.ask_at(50_000, 1, 2)
    tiny.run()
    assert all(thread.owed == 0 for thread in tiny.dispatcher.threads)


# ---- threads ---------------------------------------------------------------------------------------------------------


def test_a_thread_pays_its_first_switch_when_it_starts_not_with_its_first_packet() -> None:
    tiny = TinyIo(clock=HeapClock, workers=2, switch=1000)
    tiny.run()
    assert tiny.clock.now == 2000
    assert tiny.account() == {"switch": 2000}
    assert len(tiny.port.waiting) == 2
    assert all(thread.owed == 0 for thread in tiny.workers)


@pytest.mark.parametrize("step", [BlockStep, SleepStep])
def test_K11_a_wait_of_no_length_does_not_block(step: type[BlockStep]) -> None:
    """Semantics 1.6: a wait that is satisfied at once, or Sleep(0), keeps the place in the port and overshoots nothing."""
    tiny = TinyIo(2, clock=HeapClock, workers=2, switch=0, concurrency=1)
    tiny.dispatcher.tick = 1000
    tiny.handler(
        lambda services: ComputeStep(services, Constant(100), 0, 0),
        lambda services: step(services, Constant(0)),
        lambda services: ComputeStep(services, Constant(100), 0, 0),
    )
    tiny.ask_at(2000, 1, 2)
    tiny.run()
    each = REMOVE + 100 + CALL + 100
    assert tiny.log == [(2000 + each, 1), (2000 + 2 * each, 2)]
    assert tiny.port.running_most == 1


def test_a_wait_of_some_length_does() -> None:
    tiny = TinyIo(2, clock=HeapClock, workers=2, switch=0, concurrency=1)
    tiny.handler(
        lambda services: ComputeStep(services, Constant(100), 0, 0),
        lambda services: BlockStep(services, Constant(1)),
        lambda services: ComputeStep(services, Constant(100), 0, 0),
    )
    tiny.ask_at(2000, 1, 2)
    tiny.run()
    assert tiny.port.running_most == 2


def test_each_file_object_reports_to_the_port_that_it_was_associated_with() -> None:
    """The rest of the handler runs on the other port's worker."""
    tiny = TinyIo(clock=HeapClock, workers=1, switch=0)
    other = CompletionPort(tiny.clock, tiny.dispatcher, 1, 0, 1)
    tiny.file.port = other
    worker = tiny.worker(other)
    tiny.dispatcher.make_ready(worker)
    tiny.ask_at(2000, 1)
    tiny.run()
    assert (tiny.port.packets, other.packets) == (1, 1)
    assert worker.last_request.index == 1


def test_a_transfer_stays_within_its_file() -> None:
    tiny = TinyIo(clock=HeapClock, workers=1)
    step = DrawnTransfer(tiny.services, tiny.file, tiny.cache, READ, False, Constant(1 << 40), Constant(1 << 41), [])
    thread = tiny.workers[0]
    thread.request = tiny.request()
    assert step.where(thread) == (0, 1 << 28)
    step.size = Constant(4096)
    assert step.where(thread) == ((1 << 28) - 4096, 4096)


def test_events_of_an_actor_are_few() -> None:
    """The builders' own actors cost an event each; what a test counts is the model's."""
    tiny = TinyIo(clock=HeapClock, workers=0)
    tiny.clock.at(5, ARRIVAL, Late(lambda: None), 0)
    tiny.run()
    assert tiny.clock.events == 1
