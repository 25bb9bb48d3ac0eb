"""The port driver beyond its plain queue: flushes, queue pairs, interrupts held back, redirection, background requests.

Costs are those of tests/tiny_io.py, no switches: a request asked for at 2,000 is in the drive at 2,431, the next at 2,862,
the third at 3,293; the drive takes 10,000; ISR 400, DPC 618 for one request and 118 for each more.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from tiny import causes
from tiny_io import DPC, ISR, START, UNLOCK, UP, Ladder, TinyIo

from iosim.application import DrawnTransfer
from iosim.attribution import new_ledger, new_request
from iosim.device_stack import FileObject
from iosim.devices.port_driver import PortDriver
from iosim.heap_clock import HeapClock
from iosim.irp import FLUSH, READ
from iosim.ntstatus import STATUS_PENDING
from iosim.variates import Constant

BASE = (1 << 20) + (1 << 24)
SIZE = 8192
EACH = UP + 2 * UNLOCK


def flush_at(tiny: TinyIo, time: int) -> None:
    """An IRP that asks for a flush, issued from nowhere: nobody hears of its end."""

    def flush() -> None:
        irp = tiny.io.allocate(tiny.top.stack_size)
        irp.prepare(new_request(9, 0, tiny.clock.now, new_ledger()), tiny.file, FLUSH, 0, 0)
        irp.paging = True
        assert tiny.io.call_driver(tiny.top, irp) == STATUS_PENDING

    tiny.at(time, flush)


def order(tiny: TinyIo) -> list[int | str]:
    """What the drive was given, by the requests' numbers."""
    return [(offset - BASE) // SIZE if size else "flush" for _, offset, size in tiny.drive.seen]


def check(tiny: TinyIo) -> None:
    driver = tiny.port_driver
    driver.settle()
    assert (driver.area, driver.present) == (driver.sojourns, 0)
    assert (len(driver.slots), driver.held, driver.parked) == (driver.depth, False, 0)
    assert driver.free is driver.slots
    for request, (ended, _) in zip(tiny.ended.requests, tiny.log, strict=True):
        assert request.mark == ended
        assert sum(request.ledger) == ended - request.intended


# ---- commands that do not queue --------------------------------------------------------------------------------------


def test_4_1_3_a_flush_waits_for_an_ncq_drive_to_be_empty_and_has_it_for_itself() -> None:
    """Requests 0 and 1 are in the drive when the flush comes; request 2 comes after it, and is started by its DPC."""
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1)
    tiny.port_driver.drains = True
    tiny.ask_at(2000, 0, 1)
    flush_at(tiny, 5000)
    tiny.ask_at(6000, 2)
    tiny.run()
    assert order(tiny) == [0, 1, "flush", 2]
    emptied = 13_449 + DPC + START + EACH  # the first DPC ends; request 1 finished meanwhile
    times = [time for time, _, _ in tiny.drive.seen]
    assert times[2] == emptied + ISR
    assert times[3] == times[2] + 10_000 + ISR + DPC + START + UP
    check(tiny)


def test_on_nvme_a_flush_is_a_command_like_any_other() -> None:
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1)
    tiny.ask_at(2000, 0, 1)
    flush_at(tiny, 5000)
    tiny.ask_at(6000, 2)
    tiny.run()
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 2862, 5000, 6431]
    check(tiny)


def test_an_idle_drive_is_flushed_at_once_and_what_waits_before_a_flush_goes_first() -> None:
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1, slots=2)
    tiny.port_driver.drains = True
    flush_at(tiny, 1000)
    tiny.ask_at(2000, 0, 1, 2)
    flush_at(tiny, 5000)
    flush_at(tiny, 5500)
    tiny.ask_at(6000, 3)
    tiny.run()
    assert tiny.drive.seen[0][0] == 1000
    assert order(tiny) == ["flush", 0, 1, 2, "flush", "flush", 3]
    check(tiny)


# ---- queue pairs -----------------------------------------------------------------------------------------------------


def test_a_pair_takes_only_so_many_commands_though_the_drive_has_room() -> None:
    """Depth 1: the caller has paid for the start, so the DPC that frees the entry starts the next for nothing."""
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1)
    tiny.port_driver.pair_up(1)
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 12_431 + ISR + DPC + EACH]
    assert causes(tiny.ended.requests[1])["port_driver_queue"] == 13_449 - 2862
    check(tiny)


def test_a_full_pair_holds_up_nobody_who_uses_another() -> None:
    """Processor 1 has a pair of its own, as long as it may be interrupted."""
    for interrupted, submitted in (([0, 1], 2), ([0], 1)):
        tiny = TinyIo(2, clock=HeapClock, switch=0, workers=2, interrupted=interrupted)
        tiny.port_driver.pair_up(1)
        tiny.ask_at(2000, 0, 1)
        tiny.at(3000, lambda seen=tiny.drive.seen, want=submitted: check_length(seen, want))  # type: ignore[misc]
        tiny.run()
        assert len(tiny.drive.seen) == 2
        check(tiny)


def check_length(seen: Sequence[object], length: int) -> None:
    assert len(seen) == length


# ---- interrupts held back --------------------------------------------------------------------------------------------


def interrupts(tiny: TinyIo, *requests: int) -> tuple[int, list[int]]:
    """How many service routines ran, and when the requests ended."""
    tiny.ask_at(2000, *requests)
    tiny.run()
    check(tiny)
    return tiny.port_driver.interrupts, [time for time, _ in tiny.log]


def test_4_1_5_completions_are_told_of_together_by_count() -> None:
    """Two: told at 12,862, when the second is done; one DPC for both. The third waits for the time."""
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1)
    tiny.port_driver.coalesce(2, 100_000)
    both = 12_862 + ISR + DPC + 2 * EACH
    last = 13_293 + 100_000 + ISR + DPC + EACH
    assert interrupts(tiny, 0, 1, 2) == (2, [both + 14, both + 28, last + 14])


def test_4_3_or_by_time_from_the_first_of_them() -> None:
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1)
    tiny.port_driver.coalesce(16, 1_000)
    both = 12_431 + 1_000 + ISR + DPC + 3 * EACH
    assert interrupts(tiny, 0, 1, 2) == (1, [both + 14, both + 28, both + 42])


def test_a_timer_of_completions_that_were_told_by_count_does_not_interrupt_again() -> None:
    tiny = TinyIo(clock=HeapClock, switch=0, workers=1)
    tiny.port_driver.coalesce(2, 1_000)
    assert interrupts(tiny, 0, 1)[0] == 1


# ---- DPC redirection -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("redirect", [False, True])
def test_4_2_completions_are_redirected_to_the_processor_that_issued_the_request(redirect: bool) -> None:
    """The one vector interrupts processor 0; both requests are issued at once, each by a worker on its processor."""
    tiny = TinyIo(2, clock=HeapClock, switch=0, workers=2)
    if redirect:
        tiny.port_driver.redirect()
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    accounts = [processor.account for processor in tiny.dispatcher.processors]
    both = [account[6] for account in accounts]
    assert both == ([DPC + EACH] * 2 if redirect else [DPC + 2 * EACH, 0])
    assert len(tiny.log) == 2
    check(tiny)


# ---- background priority ---------------------------------------------------------------------------------------------


class Hinted(TinyIo):
    """Odd requests have background priority."""

    def __init__(self, idle_time: int, starvation: int, **keywords: Any) -> None:
        super().__init__(clock=HeapClock, switch=0, workers=1, **keywords)
        self.port_driver.hold_background(idle_time, starvation)
        self.background = FileObject(0, self.top, 1 << 24, 1 << 28, False)
        self.background.background = True
        self.io.associate(self.background, self.port, 0)

    def mixed(self, time: int, *requests: int) -> None:
        """Requests arrive at a time, each with a handler that has its priority."""

        def ask() -> None:
            for number in requests:
                file = self.background if number % 2 else self.file
                self.handler(
                    lambda services, file=file: DrawnTransfer(  # type: ignore[misc]
                        services, file, self.cache, READ, False, Constant(SIZE), Ladder(SIZE), []
                    )
                )
                self.ask(number)

        self.at(time, ask)


def test_0b19_a_background_request_waits_until_no_other_has_been_under_way_for_a_while() -> None:
    """The drive is done with request 0 at 12,431; 20,000 later a timer's DPC starts request 1: 500 + 200."""
    tiny = Hinted(20_000, 1_000_000)
    tiny.mixed(2000, 0, 1)
    tiny.run()
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 12_431 + 20_000 + DPC + START]
    assert causes(tiny.ended.requests[1])["port_driver_queue"] == 32_431 + 700 - 2862
    check(tiny)


def test_background_requests_go_one_at_a_time() -> None:
    tiny = Hinted(0, 1_000_000)
    tiny.mixed(2000, 1, 3, 5)
    tiny.run()
    assert order(tiny) == [1, 3, 5]
    gaps = [later[0] - earlier[0] for earlier, later in zip(tiny.drive.seen, tiny.drive.seen[1:], strict=False)]
    assert min(gaps) >= 10_000
    check(tiny)


def test_a_busy_disk_does_not_starve_them_for_ever() -> None:
    """A normal request every 5,000; a background one gets a turn 30,000 after it came, the next 30,000 later."""
    tiny = Hinted(20_000, 30_000)
    tiny.mixed(2000, 1, 3)
    for number in range(40):
        tiny.mixed(2000 + 5_000 * number, 100 + 2 * number)
    tiny.run()
    came = [time for time, offset, _ in tiny.drive.seen if (offset - BASE) // SIZE in (1, 3)]
    assert came[0] == pytest.approx(32_431, abs=2_500)
    assert came[1] == pytest.approx(came[0] + 30_000, abs=5_000)
    check(tiny)


def test_without_hints_there_is_no_idle_queue_and_no_event_for_it() -> None:
    plain, hinted = TinyIo(clock=HeapClock, switch=0, workers=1), Hinted(20_000, 30_000)
    for tiny in (plain, hinted):
        tiny.ask_at(2000, 0, 2)
        tiny.run()
    assert plain.clock.digest() == hinted.clock.digest()
    assert isinstance(plain.port_driver, PortDriver)
