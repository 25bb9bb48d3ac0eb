"""Faults of a disk, to the nanosecond: who is told what, when, and that each request ends once.

Costs are those of tests/tiny_io.py, no switches: a request asked for at 2,000 is in the drive at 2,431, the next at 2,862,
the third at 3,293; the drive takes 10,000; ISR 400, DPC 618, then the worker needs 14 to end the request.
"""

from typing import Any

import pytest
from tiny import causes
from tiny_io import TinyIo

from iosim.application import FlushStep
from iosim.attribution import COMPLETED, FAILED
from iosim.devices.port_driver import PortDriver
from iosim.devices.recovery import RecoveringPort, RecoveryTimes
from iosim.drives.drive import Command
from iosim.drives.faults import MEDIA_ERROR, NO_ANSWER, READS, WRITES, BadRange, Faults
from iosim.heap_clock import HeapClock
from iosim.irp import Irp
from iosim.ntstatus import (
    STATUS_DEVICE_DATA_ERROR,
    STATUS_DEVICE_DOES_NOT_EXIST,
    STATUS_DEVICE_NOT_CONNECTED,
    STATUS_IO_DEVICE_ERROR,
    STATUS_IO_TIMEOUT,
    error_of,
)

BASE = (1 << 20) + (1 << 24)  # where the file begins on the disk
SIZE = 8192
TIMES = {"timeout": 50_000, "reset": 20_000, "error_log": 5_000, "retries": 1}


class Watched(RecoveringPort):
    """Writes down the statuses that requests end with."""

    statuses: list[int]

    def fail(self, command: Command, irp: Irp) -> None:
        RecoveringPort.fail(self, command, irp)
        self.statuses.append(irp.status)


class Faulty(TinyIo):
    """Request n reads the n-th 8 KiB of the file; the reads of some of them are struck by a fault."""

    def __init__(self, failed: int = 0, struck: tuple[int, ...] = (), *, ncq: bool = False, **keywords: Any) -> None:
        times = RecoveryTimes(**{name: keywords.pop(name, value) for name, value in TIMES.items()})

        def port(*arguments: Any) -> PortDriver:
            made = Watched(*arguments, times)  # type: ignore[call-arg]
            made.statuses = []
            made.drains = ncq
            return made

        super().__init__(clock=HeapClock, port=port, switch=0, workers=1, **keywords)
        ranges = [BadRange(failed, READS, BASE + n * SIZE, BASE + (n + 1) * SIZE, False) for n in struck]
        self.drive.faults = Faults(list(ranges))
        self.drive.faulty = True

    @property
    def recovering(self) -> Watched:
        assert isinstance(self.port_driver, Watched)
        return self.port_driver

    def ended_as(self) -> dict[int, int]:
        return {request.index: request.status for request in self.ended.requests}

    def check(self, requests: int, packets: int) -> None:
        """Nothing is lost, each request ends once and by one packet, its time is explained, and Little's law holds."""
        assert sorted(request.index for request in self.ended.requests) == list(range(requests))
        assert self.port.packets == packets
        for request, (ended, _) in zip(self.ended.requests, self.log, strict=True):
            assert request.mark == ended
            assert sum(request.ledger) == ended - request.intended
        driver = self.recovering
        driver.settle()
        assert (driver.area, driver.present) == (driver.sojourns, 0)
        assert len(driver.slots) == driver.depth
        assert driver.free is driver.slots or driver.gone
        assert [*self.file.irps] == []


# ---- errors of the medium --------------------------------------------------------------------------------------------


def test_4_1_4_one_failing_queued_command_takes_the_others_with_it_and_they_are_issued_anew() -> None:
    """Request 1 fails at 12,862, with request 2 in the drive. The log is read at 17,862; the DPC, with one start more, tells
    request 1 and issues request 2 at 19,080, which takes its whole time again.
    """
    tiny = Faulty(MEDIA_ERROR, (1,), ncq=True)
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert tiny.log == [(13_463, 0), (19_094, 1), (30_112, 2)]
    assert tiny.ended_as() == {0: COMPLETED, 1: FAILED, 2: COMPLETED}
    assert tiny.recovering.statuses == [STATUS_DEVICE_DATA_ERROR]
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 2862, 3293, 19_080]
    assert causes(tiny.ended.requests[1])["fault_recovery"] == 5_000
    assert causes(tiny.ended.requests[2])["fault_recovery"] == 19_080 - 3293
    assert [request.bytes for request in tiny.ended.requests] == [SIZE, 0, SIZE]
    tiny.check(3, 6)


def test_on_nvme_only_the_failing_command_fails() -> None:
    tiny = Faulty(MEDIA_ERROR, (1,))
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert tiny.ended_as() == {0: COMPLETED, 1: FAILED, 2: COMPLETED}
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 2862, 3293]
    assert "fault_recovery" not in {cause for request in tiny.ended.requests for cause in causes(request)}
    tiny.check(3, 6)


def test_while_the_log_is_read_newcomers_wait_behind_what_is_issued_anew() -> None:
    tiny = Faulty(MEDIA_ERROR, (0,), ncq=True)
    tiny.ask_at(2000, 0, 1)
    tiny.ask_at(15_000, 2)
    tiny.run()
    assert [offset for _, offset, _ in tiny.drive.seen] == [BASE + n * SIZE for n in (0, 1, 1, 2)]
    assert tiny.ended_as() == {0: FAILED, 1: COMPLETED, 2: COMPLETED}
    tiny.check(3, 6)


def test_a_handler_whose_read_failed_goes_no_further() -> None:
    tiny = Faulty(MEDIA_ERROR, (0,))
    tiny.steps = [tiny.steps[0], tiny.steps[0], tiny.steps[1]]
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert len(tiny.drive.seen) == 3  # one read of request 0, two of request 1
    assert tiny.ended_as() == {0: FAILED, 1: COMPLETED}
    tiny.check(2, 5)


def test_a_blocking_read_that_fails_ends_its_request_without_a_packet() -> None:
    tiny = Faulty(MEDIA_ERROR, (0,), blocking=True)
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert tiny.ended_as() == {0: FAILED, 1: COMPLETED}
    tiny.check(2, 2)


def test_a_bad_place_is_good_again_where_it_was_written() -> None:
    place = BadRange(MEDIA_ERROR, READS, 1000, 2000, True)
    faults = Faults([place])
    assert [faults.outcome(offset, 100, 0) for offset in (900, 901, 1999, 2000)] == [0, MEDIA_ERROR, MEDIA_ERROR, 0]
    assert faults.outcome(1400, 200, 1) == 0
    assert place.bad == [(1000, 1400), (1600, 2000)]
    assert [faults.outcome(offset, 1, 0) for offset in (1399, 1400, 1599, 1600)] == [MEDIA_ERROR, 0, 0, MEDIA_ERROR]
    faults.outcome(0, 5000, 1)
    assert place.bad == []


def test_a_permanent_one_stays_bad_and_a_fault_of_writes_leaves_reads_alone() -> None:
    faults = Faults([BadRange(MEDIA_ERROR, READS, 0, 10, False), BadRange(MEDIA_ERROR, WRITES, 20, 30, False)])
    assert [faults.outcome(0, 10, write) for write in (1, 0)] == [0, MEDIA_ERROR]
    assert [faults.outcome(20, 10, write) for write in (1, 0)] == [MEDIA_ERROR, 0]


# ---- commands that are never answered --------------------------------------------------------------------------------


def test_a_command_that_is_never_answered_has_the_drive_reset_and_ends_after_its_retries() -> None:
    """In the drive at 2,862: silent at 52,862, reset at 72,862, ISR and a DPC of 700: anew at 73,962; silent again at 123,962,
    reset at 143,962, and then it is told: 400 + 618 + 14.
    """
    tiny = Faulty(NO_ANSWER, (1,), ncq=True)
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 2862, 3293, 73_962]
    assert tiny.log[-1] == (144_994, 1)
    assert tiny.ended_as() == {0: COMPLETED, 2: COMPLETED, 1: FAILED}
    assert tiny.recovering.statuses == [STATUS_IO_TIMEOUT]
    assert (tiny.recovering.resets, tiny.recovering.reissued) == (2, 1)
    assert causes(tiny.ended.requests[-1])["fault_recovery"] == 143_962 - 2862
    tiny.check(3, 6)


def test_a_reset_takes_the_others_with_it_and_each_has_its_own_retries() -> None:
    """No retries: the silent one timed out, its neighbours fail with the device's error."""
    tiny = Faulty(NO_ANSWER, (0,), stagger=100_000, retries=0)
    tiny.ask_at(2000, 0, 1, 2)
    tiny.run()
    assert tiny.recovering.statuses == [STATUS_IO_TIMEOUT, STATUS_IO_DEVICE_ERROR, STATUS_IO_DEVICE_ERROR]
    assert set(tiny.ended_as().values()) == {FAILED}
    tiny.check(3, 6)


def test_after_a_reset_what_was_in_the_drive_ends_well() -> None:
    tiny = Faulty(NO_ANSWER, (0,), stagger=100_000, retries=1)
    tiny.ask_at(2000, 0, 1)
    tiny.at(60_000, lambda: setattr(tiny.drive, "faulty", False))
    tiny.run()
    assert tiny.ended_as() == {0: COMPLETED, 1: COMPLETED}
    assert (tiny.recovering.resets, tiny.recovering.reissued, tiny.recovering.tries) == (1, 2, {})
    tiny.check(2, 4)


# ---- removal ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ncq", [False, True])
def test_when_the_disk_is_pulled_out_all_that_is_pending_ends_and_later_requests_end_at_once(ncq: bool) -> None:
    """Two in the drive and one above it; the fourth never pends: its call fails, and no packet comes (1.3 row 3)."""
    tiny = Faulty(slots=2, ncq=ncq)
    tiny.recovering.removed_at(5000)
    tiny.ask_at(2000, 0, 1, 2)
    tiny.ask_at(50_000, 3)
    tiny.run()
    assert set(tiny.ended_as().values()) == {FAILED}
    assert tiny.recovering.statuses == [STATUS_DEVICE_NOT_CONNECTED] * 2
    assert (tiny.recovering.failures, len(tiny.drive.seen)) == (4, 2)
    assert tiny.log[-1][1] == 3
    tiny.check(4, 7)


def test_a_flush_of_a_disk_that_is_gone_fails() -> None:
    tiny = Faulty()
    tiny.handler(lambda services: FlushStep(services, tiny.file))
    tiny.recovering.removed_at(5000)
    tiny.ask_at(50_000, 0)
    tiny.run()
    assert tiny.ended_as() == {0: FAILED}
    tiny.check(1, 1)


def test_a_disk_that_is_pulled_out_during_a_reset_or_while_a_log_is_read_tells_everybody_too() -> None:
    for failed, ncq, when in ((NO_ANSWER, False, 60_000), (MEDIA_ERROR, True, 15_000), (NO_ANSWER, True, 73_900)):
        tiny = Faulty(failed, (0,), ncq=ncq, slots=3, stagger=100_000)
        tiny.recovering.removed_at(when)
        tiny.ask_at(2000, 0, 1, 2, 3)
        tiny.run()
        assert set(tiny.ended_as().values()) == {FAILED}
        tiny.check(4, 8)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (STATUS_DEVICE_DATA_ERROR, 23),
        (STATUS_IO_TIMEOUT, 121),
        (STATUS_IO_DEVICE_ERROR, 1117),
        (STATUS_DEVICE_NOT_CONNECTED, 1167),
        (STATUS_DEVICE_DOES_NOT_EXIST, 55),
    ],
)
def test_programs_find_the_documented_errors(status: int, error: int) -> None:
    assert error_of(status) == error
