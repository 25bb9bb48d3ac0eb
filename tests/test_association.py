"""File objects and the port they are associated with. Cases P..: semantics 9.3; rules 1.2."""

import pytest
from tiny_pipe import APC_MODE, TinyPipe

from iosim.completion_port import NO_PORT, CompletionPort
from iosim.io_manager import USUAL, IoParams
from iosim.irp import NO_APC, NO_STATUS_BLOCK, Irp, Notice, StatusBlock
from iosim.kernel_queue import NO_PACKET
from iosim.ntstatus import STATUS_INVALID_PARAMETER, STATUS_PENDING, STATUS_PIPE_BROKEN, STATUS_SUCCESS

BOTH = [USUAL, APC_MODE]


def another_port(tiny: TinyPipe) -> CompletionPort:
    return CompletionPort(tiny.clock, tiny.dispatcher, 1, 0, 2)


def test_1_2_4_a_file_object_opened_for_synchronous_io_cannot_be_associated() -> None:
    tiny = TinyPipe()
    tiny.late.synchronous = True
    assert tiny.io.associate(tiny.late, tiny.port, 1) == STATUS_INVALID_PARAMETER
    assert (tiny.late.port, tiny.port.files) == (NO_PORT, 0)


def test_P37_a_second_association_fails_and_the_first_stays() -> None:
    tiny = TinyPipe()
    other = another_port(tiny)
    tiny.associated(tiny.ours, 1)
    assert tiny.io.associate(tiny.ours, other, 2) == STATUS_INVALID_PARAMETER
    assert tiny.io.associate(tiny.ours, tiny.port, 2) == STATUS_INVALID_PARAMETER  # to the same port, too (1.2.3)
    assert (tiny.ours.port, tiny.ours.key) == (tiny.port, 1)


def test_P38_of_two_threads_that_associate_one_wins_and_the_other_takes_no_reference() -> None:
    """The slot is claimed at one instant, so there is no third outcome."""
    tiny = TinyPipe()
    other = another_port(tiny)
    assert [tiny.io.associate(tiny.ours, port, 1) for port in (tiny.port, other)] == [
        STATUS_SUCCESS,
        STATUS_INVALID_PARAMETER,
    ]
    assert (tiny.port.files, other.files) == (1, 0)


def test_1_2_5_the_association_belongs_to_the_file_object_not_to_a_handle() -> None:
    """A duplicate reports too, and goes on to when the first handle is closed."""
    tiny = TinyPipe()
    tiny.io.duplicate(tiny.ours)
    tiny.associated(tiny.ours)
    tiny.io.close(tiny.ours)
    _, block = tiny.issue(tiny.ours, 8)
    tiny.write(tiny.theirs, 3)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 3)


@pytest.mark.parametrize("params", BOTH)
def test_1_2_6_1_2_7_the_reference_on_the_port_goes_with_the_last_handle_and_the_last_request(params: IoParams) -> None:
    tiny = TinyPipe(params)
    tiny.driver.routine = False  # a disk: what is in flight ends normally (0b.6)
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    tiny.io.close(tiny.late)
    assert (tiny.port.files, tiny.late.gone) == (1, False)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert (tiny.port.files, tiny.late.gone) == (0, True)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)


def test_a_port_without_handles_lives_until_its_last_file_object_is_gone_and_its_packets_are_freed() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    tiny.issue(tiny.ours, 8)
    assert tiny.port.close_handle() == []
    tiny.io.close(tiny.ours)  # breaks the pipe: a packet that nobody can take
    assert (tiny.port.files, tiny.depth) == (0, 0)
    assert tiny.io.small.private[0].total_frees == 1


def test_0b5_a_discarded_packet_leaves_its_status_block_pending_for_ever_in_direct_mode() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    _, block = tiny.issue(tiny.ours, 8)
    tiny.port.close_handle()
    tiny.io.close(tiny.ours)
    assert block.status == STATUS_PENDING


def test_P26_1_2_8_a_request_pended_before_the_association_reports_to_the_port() -> None:
    tiny = TinyPipe()
    _, block = tiny.issue(tiny.late, 512)
    tiny.associated(tiny.late)
    tiny.driver.end(tiny.driver.queue[0], STATUS_SUCCESS, 512)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 512)


def test_P27_a_request_with_an_apc_on_an_associated_file_object_is_refused_before_there_is_an_irp() -> None:
    tiny = TinyPipe()
    block = StatusBlock()
    notice = Notice(block, block, ("routine", "argument"))
    assert not tiny.io.refuses(tiny.ours, notice)
    tiny.associated(tiny.ours)
    assert tiny.io.refuses(tiny.ours, notice)
    assert not tiny.io.refuses(tiny.ours, Notice(block, block, NO_APC))
    assert tiny.io.small.private[0].total_allocates == 0


@pytest.mark.parametrize(("modes", "signalled"), [(0, True), (1, True), (2, False)])
def test_1_2_10_association_signals_the_file_object_unless_it_is_told_not_to(modes: int, signalled: bool) -> None:
    tiny = TinyPipe()
    tiny.io.set_notification_modes(tiny.ours, modes)
    event = tiny.io.event_of(tiny.ours)
    tiny.associated(tiny.ours)
    assert (tiny.ours.signalled, event.state) == (signalled, signalled)


def test_0b6_closing_one_of_several_handles_ends_nothing() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    tiny.issue(tiny.late, 512)
    tiny.io.duplicate(tiny.late)
    tiny.io.close(tiny.late)
    assert (tiny.driver.cancelling, tiny.depth) == ([], 0)


def test_1_16_closing_the_last_handle_cancels_what_a_driver_without_cleanup_has_pending() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.late)
    _, block = tiny.issue(tiny.late, 512)
    tiny.io.close(tiny.late)
    assert tiny.driver.cancelling == tiny.driver.queue
    tiny.driver.end(tiny.driver.queue[0], STATUS_PIPE_BROKEN)
    assert tiny.take() == (7, block, STATUS_PIPE_BROKEN, 0)
    assert tiny.port.files == 0


def test_a_packet_names_the_file_object_that_it_is_of() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours, 11)
    tiny.associated(tiny.theirs, 22)
    tiny.issue(tiny.ours, 8)
    tiny.issue(tiny.theirs, 5, 4)
    packets = [tiny.port.poll(tiny.two) for _ in range(2)]
    assert [packet.file.key for packet in packets if isinstance(packet, Irp)] == [11, 22]
    assert tiny.port.poll(tiny.two) is NO_PACKET
    assert NO_STATUS_BLOCK.status == STATUS_SUCCESS  # nobody has written to it
