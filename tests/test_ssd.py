"""What a solid-state drive is made of, alone: dies and channels, the write buffer, garbage collection. Times are ns."""

from dataclasses import replace
from typing import Any

import pytest
from test_drives import FOREVER, Host, anywhere

from iosim.drives.block_map import BlockMap, scattered
from iosim.drives.ssd import CERTAIN, Ssd, SsdParams
from iosim.heap_clock import HeapClock
from iosim.variates import Variate
from iosim.verify.closed_loop import ClosedLoop

US = 1_000
# Two dies with pages of 8 KiB; stripe n is on die n modulo 2. A link of 1 ns a byte.
TINY = SsdParams(
    capacity=1 << 20,
    units=2,
    stripe=8_192,
    read=50_000,
    program=200_000,
    overhead=2_000,
    link_ps_per_byte=1_000,
    slots=8,
    placement="striped",
)
BUFFERED = replace(TINY, write_buffer=65_536)
PAGE = TINY.stripe


def run(params: SsdParams, *commands: tuple[int, int, int]) -> list[tuple[int, int, int, int, int]]:
    """All (offset, size, write) submitted at 0: what came of them by tag, (submitted, started, transferring, finished)."""
    host = Host(Ssd(HeapClock(), params))
    for tag, (offset, size, write) in enumerate(commands):
        host.submit(tag, offset, size, write)
    host.drive.clock.run(FOREVER)
    return sorted(host.done)


class Given(Variate):
    """Chance as the test has it."""

    def __init__(self, values: list[int]) -> None:
        self.values = values

    def value(self, index: int) -> int:
        return self.values[index % len(self.values)]


# --- placement, channels, controller, link


def test_striped_neighbours_are_on_the_dies_in_turn() -> None:
    drive = Ssd(HeapClock(), replace(TINY, units=3))
    assert [drive.unit_of(stripe) for stripe in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_a_stride_of_all_dies_meets_one_die_alone_when_striped_and_several_when_hashed() -> None:
    met = {}
    for placement in ("striped", "hashed"):
        drive = Ssd(HeapClock(), replace(TINY, units=8, placement=placement, capacity=1 << 30))
        met[placement] = len({drive.unit_of(8 * n) for n in range(64)})
    assert met["striped"] == 1
    assert met["hashed"] > 4


def test_what_two_dies_have_read_shares_their_channel_in_turn() -> None:
    """52 us until both dies are done; 8,192 B cross the channel at 2 ns each, one after the other; then the link."""
    channels = replace(TINY, channels=1, channel_ps_per_byte=2_000)
    assert run(channels, (0, PAGE, 0), (PAGE, PAGE, 0)) == [
        (0, 0, 2_000, 52_000 + 16_384, 52_000 + 16_384 + 8_192),
        (1, 0, 2_000, 52_000 + 2 * 16_384, 52_000 + 2 * 16_384 + 8_192),
    ]


def test_with_a_channel_each_they_do_not_wait_for_one_another() -> None:
    done = run(replace(TINY, channels=2, channel_ps_per_byte=2_000), (0, PAGE, 0), (PAGE, PAGE, 0))
    assert [it[3] for it in done] == [68_384, 68_384 + 8_192]  # only the link takes turns


def test_a_read_of_two_pages_has_an_event_a_page_with_channels_and_none_without() -> None:
    for channels, events in ((0, 2), (2, 4)):
        host = Host(Ssd(HeapClock(), replace(TINY, channels=channels, channel_ps_per_byte=1_000)))
        host.submit(0, 0, 2 * PAGE)
        host.drive.clock.run(FOREVER)
        assert host.drive.clock.events == events


def test_data_to_be_programmed_cross_the_channel_first() -> None:
    """Without a buffer: 2 us, 16 us of channel, 200 us of program, then the link as ever."""
    done = run(replace(TINY, channels=1, channel_ps_per_byte=2_000), (0, PAGE, 1))
    assert done == [(0, 0, 18_384, 218_384, 226_576)]


def test_the_serial_part_of_the_controller_lets_commands_begin_one_after_the_other() -> None:
    done = run(replace(TINY, serial=1_500, link_ps_per_byte=0), (0, 4_096, 0), (PAGE, 4_096, 0))
    assert [it[2] for it in done] == [2_000, 3_500]


def test_on_a_duplex_link_a_write_does_not_wait_for_a_read() -> None:
    """Both come to the link at 52 us; the read's 8,192 B take 8.192 us."""
    transferring = {}
    for duplex in (False, True):
        params = replace(BUFFERED, duplex=duplex, write_overhead=52_000)
        transferring[duplex] = run(params, (0, PAGE, 0), (PAGE, PAGE, 1))[1][3]
    assert transferring == {False: 52_000 + 8_192, True: 52_000}


def test_writes_may_be_slower_on_the_link_than_reads() -> None:
    done = run(replace(BUFFERED, write_ps_per_byte=2_000), (0, PAGE, 1))
    assert done == [(0, 0, 2_000, 2_000, 2_000 + 2 * 8_192)]


# --- slow reads


def test_a_slow_read_comes_later_and_does_not_hold_its_die_up() -> None:
    """One in a hundred by 30 us; the draw says which. Both reads are on die 0."""
    host = Host(drive := Ssd(HeapClock(), replace(TINY, link_ps_per_byte=0, slow_reads=((10_000, 30_000),))))
    drive.chance = Given([CERTAIN - 1, 0])
    host.submit(0, 0, 4_096)
    host.submit(1, 2 * PAGE, 4_096)
    drive.clock.run(FOREVER)
    assert [(it[0], it[4]) for it in host.done] == [(0, 82_000), (1, 102_000)]


def test_as_many_reads_are_slow_as_the_shares_say() -> None:
    drive = Ssd(HeapClock(), replace(TINY, slow_reads=((100_000, 5), (20_000, 70))))
    drive.chance = Given([CERTAIN * n // 1_000 for n in range(1_000)])
    found = [drive._slowness() for _ in range(1_000)]
    assert [found.count(time) for time in (0, 5, 70)] == [880, 100, 20]


# --- write buffer


def test_a_lone_write_has_ended_when_its_data_are_in_the_buffer_and_is_programmed_later() -> None:
    """2 us and 4,096 B over the link; half a page waits for its other half, with no event."""
    host = Host(drive := Ssd(HeapClock(), BUFFERED))
    host.submit(0, 0, 4_096, 1)
    drive.clock.run(FOREVER)
    assert host.done == [(0, 0, 2_000, 2_000, 6_096)]
    assert (drive.clock.events, drive.buffer.held, drive.buffer.busy) == (2, 4_096, 0)


def test_two_halves_make_a_page_and_their_room_is_free_when_it_is_programmed() -> None:
    host = Host(drive := Ssd(HeapClock(), BUFFERED))
    host.submit(0, 0, 4_096, 1)
    host.submit(1, 4_096, 4_096, 1)
    drive.clock.run(FOREVER)
    assert [it[4] for it in host.done] == [6_096, 10_192]
    assert (drive.clock.now, drive.buffer.held) == (10_192 + 200_000, 0)


def test_a_write_that_finds_no_room_waits_for_a_program_and_those_behind_it_wait_too() -> None:
    """Room for two pages. The third (16 KiB) and the fourth wait until both dies have programmed theirs."""
    params = replace(BUFFERED, write_buffer=2 * PAGE, link_ps_per_byte=0, write_ps_per_byte=0)
    done = run(params, (0, PAGE, 1), (PAGE, PAGE, 1), (2 * PAGE, 2 * PAGE, 1), (4 * PAGE, 4_096, 1))
    assert [it[4] for it in done] == [2_000, 2_000, 202_000, 402_000]
    assert [it[2] for it in done] == [2_000, 2_000, 202_000, 402_000]  # the wait is before they start


def test_a_write_larger_than_the_buffer_goes_in_when_it_is_empty() -> None:
    done = run(replace(BUFFERED, write_buffer=4_096), (0, 4 * PAGE, 1))
    assert done[0][4] == 2_000 + 4 * 8_192


def test_a_full_buffer_without_a_whole_page_programs_a_part_of_one() -> None:
    """Two halves of two pages fill it; the third write would wait for ever if nobody programmed half a page."""
    params = replace(BUFFERED, write_buffer=8_192, link_ps_per_byte=0, write_ps_per_byte=0)
    done = run(params, (0, 4_096, 1), (PAGE, 4_096, 1), (2 * PAGE, 4_096, 1))
    assert [it[4] for it in done] == [2_000, 2_000, 202_000]


def test_a_read_waits_behind_one_program_and_not_behind_the_whole_buffer() -> None:
    """Semantics 4.5: head-of-line blocking. Four pages for die 0 are in the buffer; the read comes while the first runs."""
    host = Host(drive := Ssd(HeapClock(), replace(BUFFERED, link_ps_per_byte=0, write_ps_per_byte=0)))
    for tag in range(4):
        host.submit(tag, 2 * tag * PAGE, PAGE, 1)
    host.submit(4, 0, 4_096)
    drive.clock.run(FOREVER)
    read = next(it for it in host.done if it[0] == 4)
    assert read[4] <= 2_000 + 200_000 + 50_000
    assert drive.clock.now == 2_000 + 4 * 200_000 + 50_000


def test_a_flush_ends_when_the_buffer_is_empty_and_at_once_where_nothing_can_be_lost() -> None:
    """Half a page was written: it is programmed for the flush, or stays where it is."""
    for protected, ended, held in ((False, 206_096, 0), (True, 6_096, 4_096)):
        host = Host(drive := Ssd(HeapClock(), replace(BUFFERED, protected=protected)))
        host.submit(0, 0, 4_096, 1)
        drive.clock.run(2)
        drive.commands[1].flush = 1
        host.submit(1, 0, 1)
        drive.clock.run(FOREVER)
        flush = next(it for it in host.done if it[0] == 1)
        assert (flush[4], drive.buffer.held) == (ended, held)


def test_a_flush_does_not_wait_for_what_is_written_after_it() -> None:
    """Else it would wait for ever on a busy drive. Half a page was there before; a whole one for its die comes after."""
    host = Host(drive := Ssd(HeapClock(), BUFFERED))
    host.submit(0, 0, 4_096, 1)
    drive.clock.run(2)
    drive.commands[1].flush = 1
    host.submit(1, 0, 1)
    host.submit(2, 0, PAGE, 1)
    drive.clock.run(FOREVER)
    assert [(it[0], it[4]) for it in host.done] == [(0, 6_096), (2, 6_096 + 2_000 + 8_192), (1, 206_096)]
    assert (drive.clock.now, drive.buffer.held, drive.buffer.flushing) == (406_096, 0, False)


def test_a_drive_without_a_buffer_ends_a_flush_at_once() -> None:
    host = Host(drive := Ssd(HeapClock(), TINY))
    drive.commands[0].flush = 1
    host.submit(0, 0, 1)
    drive.clock.run(FOREVER)
    assert host.done == [(0, 0, 0, 0, 0)]


def test_what_is_forgotten_never_finishes_and_what_is_in_the_buffer_is_programmed_all_the_same() -> None:
    """A read at its die, a write on the link, one that waits for room: all gone, and the drive serves new ones."""
    host = Host(drive := Ssd(HeapClock(), replace(BUFFERED, write_buffer=PAGE)))
    host.submit(0, 0, PAGE, 1)
    drive.clock.run(2)
    for tag, write in ((1, 1), (2, 1), (3, 0)):
        host.submit(tag, tag * PAGE, PAGE, write)
    drive.clock.run(2)
    assert len(drive.stalled) == 2
    drive.forget()
    for command in drive.commands:
        command.busy = 0
    drive.in_drive = 0
    drive.clock.run(FOREVER)
    assert [it[0] for it in host.done] == [0]
    assert (drive.buffer.held, len(drive.stalled), drive.buffer.busy) == (0, 0, 0)
    host.submit(5, 0, PAGE, 1)
    drive.clock.run(FOREVER)
    assert host.done[-1][0] == 5


def test_a_forgotten_write_on_the_link_gives_its_room_back() -> None:
    host = Host(drive := Ssd(HeapClock(), BUFFERED))
    host.submit(0, 0, PAGE, 1)
    drive.clock.run(1)
    assert drive.buffer.held == PAGE
    drive.forget()
    assert drive.buffer.held == 0
    assert drive.link_free_at[0] == drive.clock.now


# --- garbage collection

# One die of six blocks of four pages of two units; three blocks of spare.
GARBAGE = SsdParams(
    capacity=3 * 4 * PAGE,
    units=1,
    stripe=PAGE,
    read=50_000,
    program=200_000,
    placement="striped",
    write_buffer=PAGE,
    spare=1_000,
    erase=1_000_000,
    block_pages=4,
)


def small_map(**changes: Any) -> BlockMap:
    given = {"dies": 1, "die_pages": 24, "block_pages": 4, "page_units": 2, "spare": 1_000, "fresh": True}
    return BlockMap(**{**given, **changes})


def consistent(found: BlockMap) -> None:
    """Every unit is at the slot that owns it, and blocks count what they hold."""
    owned = [slot for slot, unit in enumerate(found.owner) if unit >= 0]
    assert all(found.where[found.owner[slot]] == slot for slot in owned)
    assert [found.valid[block] for block in range(found.blocks)] == [
        sum(slot // found.slots == block for slot in owned) for block in range(found.blocks)
    ]


def test_a_fresh_drive_collects_nothing_until_its_blocks_run_short() -> None:
    """24 pages are erased; one block is kept for moving. In order nothing is good in the victim: an erase, no move."""
    found = small_map()
    erases = []
    for page in range(40):
        found.write(0, [2 * page, 2 * page + 1])
        found.collect(0)
        erases.append(found.erases)
        consistent(found)
    assert erases.index(1) >= 16
    assert found.moved == 0
    assert found.amplification() == 1.0


def test_random_overwriting_moves_units_and_keeps_every_one_of_them() -> None:
    found = small_map()
    written = set()
    for number in range(2_000):
        unit = scattered(number) % found.units
        written.add(unit)
        found.write(0, [unit])
        found.collect(0)
    consistent(found)
    assert all(found.where[unit] >= 0 for unit in written)
    assert found.moved > 0
    assert found.erases > 200


def test_less_spare_room_means_more_moves() -> None:
    amplification = []
    for spare in (70, 140, 280, 560):
        found = BlockMap(1, 4_096, 16, 4, spare, False)
        for number in range(20_000):
            found.write(0, [scattered(number + 10**6) % found.units])
            found.collect(0)
        consistent(found)
        amplification.append(found.amplification())
    assert amplification == sorted(amplification, reverse=True)
    assert amplification[0] > 4
    assert amplification[-1] < 2


def test_writing_in_order_over_a_steady_drive_stops_moving_once_it_has_been_through() -> None:
    found = BlockMap(1, 1_024, 16, 4, 280, False)
    for unit in range(2 * found.units):
        found.write(0, [unit])
        found.collect(0)
    moved = found.moved
    for unit in range(found.units):
        found.write(0, [unit])
        found.collect(0)
    assert found.moved - moved <= 0.05 * found.units


def test_a_large_fresh_drive_is_filled_once_before_anything_is_collected() -> None:
    found = BlockMap(2, 10_000, 256, 4, 280, True)
    assert found.untouched == 20_000 - 2 * found.blocks * 16
    for number in range(found.untouched):
        found.write(number % 2, [0, 1, 2, 3])
        found.collect(number % 2)
    assert (found.moved, found.erases, max(found.where)) == (0, 0, -1)


def test_a_small_block_of_the_model_is_erased_as_rarely_as_the_real_one() -> None:
    found = BlockMap(1, 100_000, 256, 4, 280, False)
    for number in range(20_000):
        found.write(0, [scattered(number) % found.units for _ in range(4)])
        found.collect(0)
    programmed = (found.host + found.moved) / 4
    assert found.erases == pytest.approx(programmed / 256, rel=0.05)


def test_a_drive_of_thousands_of_dies_keeps_its_map_small() -> None:
    found = BlockMap(4_096, 100_000, 256, 4, 280, True)
    assert len(found.where) + len(found.owner) < 1 << 24
    assert BlockMap(64, 100_000, 256, 4, 280, True).blocks == 128 + 3


def test_a_read_behind_an_erase_waits_for_it() -> None:
    """The same write, on a fresh drive and on one whose next block has to be erased first."""
    waits = {}
    for condition in ("fresh", "steady"):
        host = Host(drive := Ssd(HeapClock(), replace(GARBAGE, condition=condition)))
        worst = 0
        for number in range(40):
            host.submit(0, number % 12 * PAGE, PAGE, 1)
            drive.clock.run(2)
            host.submit(1, 0, 4_096)
            drive.clock.run(FOREVER)
            read = next(it for it in reversed(host.done) if it[0] == 1)
            worst = max(worst, read[4] - read[1])
        waits[condition] = worst
        assert drive.buffer.maps[0].erases > 0
    assert waits["fresh"] >= 1_000_000 + 200_000
    assert waits["steady"] >= 1_000_000 + 200_000


def test_sustained_random_writes_are_slower_on_a_steady_drive_and_a_lone_one_is_not() -> None:
    rates = {}
    for condition in ("fresh", "steady"):
        params = SsdParams(1 << 30, 4, 16_384, 50_000, 200_000, 2_000, 300, 32, write_buffer=1 << 20, spare=150)
        params = replace(params, condition=condition, erase=2_000_000)
        drive = Ssd(HeapClock(), params)
        loop = ClosedLoop(drive, 16, 6_000, 4_096, anywhere_of(drive), lambda _n: True, skipped=2_000)
        rates[condition] = loop.per_second
        alone = Ssd(HeapClock(), params)
        assert ClosedLoop(alone, 1, 20, 4_096, anywhere_of(alone), lambda _n: True).mean_us < 4
    assert rates["fresh"] == pytest.approx(4 * 4 / 200e-6, rel=0.05)  # four dies, four units a page
    assert rates["steady"] < rates["fresh"] / 2


def anywhere_of(drive: Ssd) -> Any:
    draw = anywhere(drive, 4_096)
    return lambda _number: draw()


# --- what can't be


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": 100_000}, "units: 100000 are more than 65536, which no drive has"),
        ({"interface": "usb"}, "interface: 'usb' is not one of nvme, sata"),
        ({"interface": "sata", "slots": 64}, "slots: 64 is not within 1 to 32"),
        ({"placement": "random"}, "placement: 'random' is not one of hashed, striped"),
        ({"serial": 3_000}, "serial: 3000 ns are more than the overhead of 2000"),
        ({"write_buffer": 4_096, "stripe": 6_000}, "stripe: 6000 bytes are no multiple of 4096"),
        ({"spare": 70}, "spare: garbage collection asks for a write buffer"),
        ({"condition": "steady"}, "condition: 'steady' asks for spare flash"),
        ({"slow_reads": ((600_000, 1), (500_000, 2))}, "slow_reads: the shares are more than all reads"),
    ],
)
def test_a_solid_state_drive_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)
