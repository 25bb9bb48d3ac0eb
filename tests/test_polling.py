"""Polling: the thread that issued a request spins until the drive is done, and completes it itself.

Costs are those of tests/tiny_io.py: a request asked for at 2,000 is in the drive at 3,431 (with the switch of 1,000).
"""

from tiny import causes
from tiny_io import DPC, ISR, START, UNLOCK, UP, Ladder, TinyIo

from iosim.application import ComputeStep
from iosim.devices.polling_port import PollingPort
from iosim.heap_clock import HeapClock
from iosim.irp import READ
from iosim.polling import PolledTransfer
from iosim.thread import KINDS
from iosim.variates import Constant

SIZE = 8192


class Polled(TinyIo):
    """Its workers spin for their reads."""

    def __init__(self, processors: int = 1, *, switch: int = 1000, workers: int = 1, slots: int = 32) -> None:
        super().__init__(processors, clock=HeapClock, switch=switch, workers=workers, slots=slots, port=PollingPort)
        port = self.port_driver
        assert isinstance(port, PollingPort)
        self.steps[0] = PolledTransfer(self.services, self.file, self.cache, READ, Constant(SIZE), Ladder(SIZE), port)

    def time(self, kind: str) -> int:
        return sum(processor.account[KINDS.index(kind)] for processor in self.dispatcher.processors)


def test_a_polled_reads_whole_way() -> None:
    """The drive is done at 13,431; the way up, 118, is the thread's: no interrupt, no DPC, no switch, no packet."""
    tiny = Polled()
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.log == [(13_431 + UP + 2 * UNLOCK, 1)]
    request = tiny.ended.requests[0]
    assert causes(request)["device_service"] == 10_000
    assert sum(request.ledger) == 13_549 - 2000
    assert (tiny.time("spin"), tiny.time("isr"), tiny.time("dpc")) == (10_000, 0, 0)
    assert (tiny.port.packets, request.bytes, [*tiny.file.irps]) == (1, SIZE, [])


def test_it_saves_interrupt_dpc_and_switch() -> None:
    """The same read with a thread that waits: 1,000 of a switch, the ISR and the DPC itself more."""
    blocking = TinyIo(clock=HeapClock, workers=1, blocking=True)
    polled = Polled()
    for tiny in (blocking, polled):
        tiny.ask_at(2000, 1)
        tiny.run()
    assert blocking.log[0][0] - polled.log[0][0] == 1000 + ISR + DPC


def test_a_thread_that_lost_its_processor_notices_when_it_goes_on() -> None:
    """A better thread runs from 10,000 to 20,000; the drive was done at 13,431."""
    tiny = Polled(switch=0)
    tiny.ask_at(2000, 1)
    better = tiny.start(at=10_000, priority=12)
    better.owe_user(10_000)
    better.planned = True
    tiny.run()
    request = tiny.ended.requests[0]
    assert tiny.log == [(20_000 + UP + 2 * UNLOCK, 1)]
    assert causes(request)["ready_queue"] == 20_000 - 12_431
    assert sum(request.ledger) == tiny.log[0][0] - 2000


def test_spinners_start_what_waits_above_a_full_drive() -> None:
    tiny = Polled(2, switch=0, workers=2, slots=1)
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert [time for time, _, _ in tiny.drive.seen] == [2431, 12_431]
    assert [time for time, _ in tiny.log] == [12_431 + UP + 2 * UNLOCK + START, 22_431 + UP + 2 * UNLOCK]
    for request, (ended, _) in zip(tiny.ended.requests, tiny.log, strict=True):
        assert sum(request.ledger) == ended - request.intended
    driver = tiny.port_driver
    driver.settle()
    assert (driver.area, driver.present) == (driver.sojourns, 0)


def test_a_handler_goes_on_after_it() -> None:
    tiny = Polled(switch=0)
    tiny.steps.insert(1, ComputeStep(tiny.services, Constant(700), 0, 0))
    tiny.steps.insert(2, tiny.steps[0])
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    assert len(tiny.drive.seen) == 4
    assert [index for _, index in tiny.log] == [0, 1]
    assert tiny.time("spin") == 40_000
