"""Cancelling: the routine's exchange, the races, threads and files that go. Cases I..: semantics 9.7; rules 1.16, 2.8."""

from collections import deque

import pytest
from tiny_pipe import APC_MODE, TinyPipe

from iosim.canceller import NO_CANCELLER
from iosim.io_manager import EXIT_ROUNDS, USUAL, IoParams
from iosim.irp import StatusBlock
from iosim.ntstatus import STATUS_CANCELLED, STATUS_END_OF_FILE, STATUS_PENDING, STATUS_SUCCESS
from iosim.objects import Event
from iosim.thread import TERMINATED

BOTH = [USUAL, APC_MODE]


# ---- IoCancelIrp and the races (2.8.1 to 2.8.5) ----------------------------------------------------------------------


def test_I16_cancelling_without_a_routine_says_false_leaves_the_mark_and_the_request_may_succeed() -> None:
    tiny = TinyPipe()
    tiny.driver.routine = False
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    irp = tiny.driver.queue[0]
    assert not tiny.io.cancel(irp)
    assert irp.cancel
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)


def test_2_8_1_2_8_2_2_8_5_cancelling_calls_the_routine_once_and_says_true_though_nothing_is_cancelled_yet() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    tiny.issue(tiny.late, 512)
    irp = tiny.driver.queue[0]
    assert tiny.io.cancel(irp)
    assert (irp.cancel, irp.canceller, tiny.driver.cancelling, tiny.depth) == (True, NO_CANCELLER, [irp], 0)
    assert not tiny.io.cancel(irp)  # in progress (2.8.5)
    assert tiny.driver.cancelling == [irp]


def test_2_8_3_a_driver_that_dequeues_first_owns_the_request_and_one_that_comes_second_leaves_it_alone() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    for _ in range(2):
        tiny.issue(tiny.late, 512)
    first, second = tiny.driver.queue
    assert tiny.driver.dequeue(first)
    assert not tiny.io.cancel(first)
    assert tiny.io.cancel(second)
    assert not tiny.driver.dequeue(second)
    assert tiny.driver.cancelling == [second]


def test_2_8_4_a_request_cancelled_before_its_routine_was_set_is_the_drivers_to_end() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    tiny.driver.cancels_early = True
    status, block = tiny.issue(tiny.late, 512)
    (irp,) = tiny.driver.cancelling
    assert (status, irp.canceller) == (STATUS_PENDING, NO_CANCELLER)
    tiny.driver.end(irp, STATUS_CANCELLED)
    assert tiny.take() == (7, block, STATUS_CANCELLED, 0)


def test_2_8_7_a_request_whose_packet_is_queued_can_no_longer_be_cancelled() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    irp = tiny.driver.queue[0]
    assert irp.dequeued()
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert not irp.under_way()
    assert tiny.io.cancel_io(tiny.late, context=block) == 0
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)


# ---- CancelIo, CancelIoEx (1.16) -------------------------------------------------------------------------------------


def test_I17_cancel_io_ex_finds_nothing_where_nothing_is_pending() -> None:
    """What the program sees as FALSE, ERROR_NOT_FOUND."""
    tiny = TinyPipe()
    assert tiny.io.cancel_io(tiny.ours) == 0
    tiny.issue(tiny.ours, 8)
    assert tiny.io.cancel_io(tiny.ours, context=StatusBlock()) == 0
    assert tiny.io.cancel_io(tiny.theirs) == 0


@pytest.mark.parametrize("params", BOTH)
def test_1_16_cancel_io_ex_takes_one_overlapped_or_all_of_the_file_object_whoever_issued(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.associated(tiny.ours)
    threads = (tiny.one, tiny.two, tiny.one)
    blocks = [tiny.issue(tiny.ours, 8, thread=thread)[1] for thread in threads]
    assert tiny.io.cancel_io(tiny.ours, context=blocks[1]) == 1
    assert tiny.take() == (7, blocks[1], STATUS_CANCELLED, 0)
    assert tiny.io.cancel_io(tiny.ours) == 2
    assert [tiny.take()[1] for _ in range(2)] == [blocks[0], blocks[2]]


@pytest.mark.parametrize("params", BOTH)
def test_1_16_cancel_io_takes_the_calling_threads_requests_only(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.associated(tiny.ours)
    mine = tiny.issue(tiny.ours, 8)[1]
    tiny.issue(tiny.ours, 8, thread=tiny.two)
    assert tiny.io.cancel_io(tiny.ours, tiny.one) == 1
    assert (tiny.take()[1], tiny.depth, len(tiny.ours.readers)) == (mine, 0, 1)
    assert tiny.io.cancel_io(tiny.ours, tiny.one) == 0


def test_1_16_a_cancelled_request_may_end_with_any_status_and_yields_one_packet_in_every_case() -> None:
    for status in (STATUS_SUCCESS, STATUS_CANCELLED, STATUS_END_OF_FILE):
        tiny = TinyPipe()
        tiny.associated(tiny.late)
        _, block = tiny.issue(tiny.late, 512)
        assert tiny.io.cancel_io(tiny.late) == 1
        tiny.driver.end(tiny.driver.queue[0], status)
        assert (tiny.take()[1:3], tiny.depth) == ((block, status), 0)


def test_a_synchronous_read_that_is_cancelled_lets_its_thread_go() -> None:
    tiny = TinyPipe()
    tiny.ours.synchronous = True
    _, block = tiny.issue(tiny.ours, 8)
    assert tiny.io.cancel_io(tiny.ours) == 1
    assert (block.status, tiny.ours.final_status) == (STATUS_CANCELLED, STATUS_CANCELLED)


# ---- threads that end (1.16, 2.8.6) ----------------------------------------------------------------------------------


def test_I19_a_threads_end_cancels_its_requests_but_not_those_that_report_to_a_port() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    kept = tiny.issue(tiny.ours, 8)[1]
    gone = tiny.issue(tiny.theirs, 8)[1]
    assert tiny.io.leave(tiny.one)
    assert (gone.status, kept.status, tiny.depth) == (STATUS_CANCELLED, STATUS_PENDING, 0)
    tiny.one.state = TERMINATED
    tiny.write(tiny.theirs, 3)
    assert tiny.take() == (7, kept, STATUS_SUCCESS, 3)


def test_I19_xp_cancelled_those_too() -> None:
    tiny = TinyPipe(APC_MODE)
    tiny.associated(tiny.ours)
    block = tiny.issue(tiny.ours, 8)[1]
    assert tiny.io.leave(tiny.one)
    assert tiny.take() == (7, block, STATUS_CANCELLED, 0)


def test_1_16_a_request_with_a_null_context_or_an_event_does_not_survive() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    tiny.issue(tiny.ours, 8, null_context=True)
    tiny.issue(tiny.ours, 8, event=Event(tiny.dispatcher, True, False))
    assert tiny.io.leave(tiny.one)
    assert (len(tiny.ours.readers), tiny.depth) == (0, 1)  # the one with the event had a context


def test_1_16_a_request_that_pended_before_the_association_survives() -> None:
    tiny = TinyPipe()
    _, block = tiny.issue(tiny.ours, 8)
    tiny.associated(tiny.ours)
    assert tiny.io.leave(tiny.one)
    tiny.one.state = TERMINATED
    tiny.write(tiny.theirs, 3)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 3)


def test_1_2_8_a_request_with_an_apc_that_pended_before_the_association_does_not_survive() -> None:
    """It would have to run its routine in a thread that is gone, and may never yield a packet."""
    tiny = TinyPipe()
    tiny.issue(tiny.ours, 8, apc=("routine", "argument"))
    tiny.associated(tiny.ours)
    assert tiny.io.leave(tiny.one)
    assert (tiny.ours.readers, tiny.depth, tiny.io.pending(tiny.ours)) == (deque(), 0, [])


def test_2_8_6_a_thread_waits_for_requests_that_do_not_end_and_disowns_them_after_five_minutes() -> None:
    """3,000 steps of 100 ms. What ends later ends silently."""
    tiny = TinyPipe()
    tiny.driver.routine = False
    _, block = tiny.issue(tiny.late, 512)
    irp = tiny.driver.queue[0]
    rounds = 0
    while not tiny.io.leave(tiny.one):
        rounds += 1
    assert (rounds, irp.cancel, tiny.one.irps) == (EXIT_ROUNDS, True, {})
    tiny.driver.end(irp, STATUS_SUCCESS, 512)
    assert (block.status, tiny.io.small.private[0].total_frees) == (STATUS_PENDING, 1)


def test_a_thread_goes_as_soon_as_its_last_request_has_ended() -> None:
    tiny = TinyPipe()
    tiny.issue(tiny.late, 512)
    assert [tiny.io.leave(tiny.one) for _ in range(3)] == [False] * 3
    assert len(tiny.driver.cancelling) == 1  # cancelled once
    tiny.driver.end(tiny.driver.queue[0], STATUS_CANCELLED)
    assert tiny.io.leave(tiny.one)
    assert tiny.io.exits == {}


def test_2_5_6_a_cancelled_request_whose_thread_is_gone_is_cleaned_up_silently() -> None:
    tiny = TinyPipe(APC_MODE)
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    tiny.io.cancel_io(tiny.late)
    tiny.one.state = TERMINATED
    tiny.driver.end(tiny.driver.queue[0], STATUS_CANCELLED)
    assert (tiny.depth, block.status, tiny.io.small.private[0].total_frees) == (0, STATUS_PENDING, 1)
