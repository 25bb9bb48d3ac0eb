"""Named pipes, the vehicle of the published cases. P..: semantics 9.3."""

import pytest
from tiny_pipe import APC_MODE, TinyPipe

from iosim.io_manager import USUAL, IoParams
from iosim.irp import WRITE
from iosim.ntstatus import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_INVALID_PARAMETER,
    STATUS_PENDING,
    STATUS_PIPE_BROKEN,
    STATUS_PIPE_CLOSING,
    STATUS_SUCCESS,
)

KEY = 0x1234


@pytest.fixture(params=[USUAL, APC_MODE], ids=["direct", "apc"])
def mode(request: pytest.FixtureRequest) -> IoParams:
    params: IoParams = request.param
    return params


def test_P22_a_synchronous_pipe_end_cannot_be_associated() -> None:
    tiny = TinyPipe()
    tiny.ours.synchronous = True
    assert tiny.io.associate(tiny.ours, tiny.port, KEY) == STATUS_INVALID_PARAMETER
    assert tiny.port.files == 0


def test_P23_a_pended_read_yields_one_packet_when_the_peer_writes(mode: IoParams) -> None:
    tiny = TinyPipe(mode)
    tiny.associated(tiny.ours, KEY)
    status, block = tiny.issue(tiny.ours, 8)
    assert (status, tiny.depth) == (STATUS_PENDING, 0)
    assert tiny.write(tiny.theirs, 3) == STATUS_SUCCESS
    assert tiny.depth == 1
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 3)
    assert tiny.depth == 0


def test_P24_a_read_that_finds_data_ends_at_once_and_still_queues_a_packet(mode: IoParams) -> None:
    tiny = TinyPipe(mode)
    tiny.associated(tiny.ours, KEY)
    assert tiny.write(tiny.theirs, 2) == STATUS_SUCCESS
    status, block = tiny.issue(tiny.ours, 2)
    assert (status, block.status, block.information, tiny.depth) == (STATUS_SUCCESS, STATUS_SUCCESS, 2, 1)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 2)


def test_P25_closing_the_last_handle_breaks_the_pipe_for_its_pended_read(mode: IoParams) -> None:
    tiny = TinyPipe(mode)
    tiny.associated(tiny.ours, KEY)
    _, block = tiny.issue(tiny.ours, 8)
    tiny.io.duplicate(tiny.ours)
    tiny.io.close(tiny.ours)
    assert tiny.depth == 0  # not the last handle
    tiny.io.close(tiny.ours)
    assert tiny.take() == (KEY, block, STATUS_PIPE_BROKEN, 0)
    assert tiny.depth == 0


def test_P26_a_read_pended_before_the_association_reports_too(mode: IoParams) -> None:
    tiny = TinyPipe(mode)
    _, block = tiny.issue(tiny.ours, 8)
    tiny.associated(tiny.ours, KEY)
    tiny.write(tiny.theirs, 3)
    assert tiny.take() == (KEY, block, STATUS_SUCCESS, 3)
    assert tiny.depth == 0


# ---- streams of bytes -------------------------------------------------------------------------------------------------


def test_a_read_takes_from_several_writes_and_leaves_what_it_has_no_room_for() -> None:
    tiny = TinyPipe()
    for size in (3, 4, 5):
        tiny.write(tiny.theirs, size)
    assert [tiny.issue(tiny.ours, 5)[1].information for _ in range(3)] == [5, 5, 2]
    assert tiny.ours.unread == 0


def test_readers_are_served_in_the_order_in_which_they_asked() -> None:
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    blocks = [tiny.issue(tiny.ours, 4)[1] for _ in range(3)]
    tiny.write(tiny.theirs, 6)
    assert [tiny.take()[1:] for _ in range(2)] == [(blocks[0], STATUS_SUCCESS, 4), (blocks[1], STATUS_SUCCESS, 2)]
    assert (tiny.depth, len(tiny.ours.readers)) == (0, 1)


def test_a_write_beyond_the_quota_pends_until_its_data_fits() -> None:
    tiny = TinyPipe(quota=10)
    tiny.associated(tiny.theirs)
    assert tiny.issue(tiny.theirs, 8, WRITE)[0] == STATUS_SUCCESS
    tiny.take()
    status, block = tiny.issue(tiny.theirs, 6, WRITE)
    assert (status, tiny.depth) == (STATUS_PENDING, 0)
    tiny.issue(tiny.ours, 3, null_context=True)
    assert tiny.depth == 0  # 11 are waiting
    tiny.issue(tiny.ours, 1, null_context=True)
    assert tiny.take() == (7, block, STATUS_SUCCESS, 6)
    assert tiny.ours.unread == 10


def test_nothing_written_to_a_stream_wakes_nobody() -> None:
    tiny = TinyPipe()
    tiny.issue(tiny.ours, 4)
    assert tiny.write(tiny.theirs, 0) == STATUS_SUCCESS
    assert (len(tiny.ours.readers), len(tiny.ours.inbound)) == (1, 0)


# ---- messages ---------------------------------------------------------------------------------------------------------


def test_a_read_takes_one_message() -> None:
    tiny = TinyPipe(messages=True)
    for size in (3, 0, 5):
        tiny.write(tiny.theirs, size)
    blocks = [tiny.issue(tiny.ours, 100)[1] for _ in range(3)]
    assert [(block.status, block.information) for block in blocks] == [(0, 3), (0, 0), (0, 5)]


def test_1_3_row_8_a_message_that_is_too_long_is_a_warning_and_a_warning_queues_a_packet(mode: IoParams) -> None:
    """Semantics 1.3 row 8: warnings are not errors; the rest of the message is still there."""
    tiny = TinyPipe(mode, messages=True)
    tiny.associated(tiny.ours, KEY)
    tiny.write(tiny.theirs, 10)
    status, block = tiny.issue(tiny.ours, 4)
    assert (status, block.status, block.information) == (STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_OVERFLOW, 4)
    assert tiny.take() == (KEY, block, STATUS_BUFFER_OVERFLOW, 4)
    assert tiny.issue(tiny.ours, 100)[1].information == 6


def test_a_waiting_reader_with_too_little_room_gets_its_part_and_the_next_one_the_rest() -> None:
    tiny = TinyPipe(messages=True)
    tiny.associated(tiny.ours)
    blocks = [tiny.issue(tiny.ours, size)[1] for size in (4, 100)]
    tiny.write(tiny.theirs, 10)
    assert [tiny.take()[1:] for _ in range(2)] == [
        (blocks[0], STATUS_BUFFER_OVERFLOW, 4),
        (blocks[1], STATUS_SUCCESS, 6),
    ]


# ---- the end of a pipe ------------------------------------------------------------------------------------------------


def test_what_was_written_before_the_close_can_be_read_then_the_pipe_is_broken() -> None:
    """A read that finds the pipe broken fails at once: no packet, no status block (1.3 row 3)."""
    tiny = TinyPipe()
    tiny.associated(tiny.ours)
    tiny.write(tiny.theirs, 3)
    tiny.io.close(tiny.theirs)
    assert tiny.issue(tiny.ours, 8)[0] == STATUS_SUCCESS
    tiny.take()
    status, block = tiny.issue(tiny.ours, 8)
    assert (status, block.status, tiny.depth) == (STATUS_PIPE_BROKEN, STATUS_PENDING, 0)
    assert tiny.write(tiny.ours, 1) == STATUS_PIPE_CLOSING


def test_the_peers_close_ends_reads_and_writes_that_pend() -> None:
    tiny = TinyPipe(quota=2)
    tiny.associated(tiny.ours)
    _, reading = tiny.issue(tiny.ours, 8)
    _, writing = tiny.issue(tiny.ours, 8, WRITE)
    tiny.io.close(tiny.theirs)
    assert [tiny.take()[1:] for _ in range(2)] == [(reading, STATUS_PIPE_BROKEN, 0), (writing, STATUS_PIPE_BROKEN, 0)]


def test_a_closed_end_takes_its_pended_write_back() -> None:
    tiny = TinyPipe(quota=4)
    tiny.associated(tiny.theirs)
    tiny.issue(tiny.theirs, 3, WRITE)
    tiny.take()
    _, block = tiny.issue(tiny.theirs, 5, WRITE)
    tiny.io.close(tiny.theirs)
    assert tiny.take()[1:] == (block, STATUS_PIPE_BROKEN, 0)
    assert tiny.issue(tiny.ours, 100)[1].information == 3


@pytest.mark.parametrize("write", [False, True])
def test_a_pended_read_or_write_can_be_cancelled(write: bool) -> None:
    tiny = TinyPipe(quota=4)
    tiny.associated(tiny.ours)
    _, block = tiny.issue(tiny.ours, 8, WRITE) if write else tiny.issue(tiny.ours, 8)
    assert tiny.io.cancel_io(tiny.ours) == 1
    assert tiny.take()[1:] == (block, STATUS_CANCELLED, 0)
    assert (len(tiny.ours.readers), len(tiny.theirs.inbound), tiny.theirs.unread) == (0, 0, 0)
    assert tiny.depth == 0
