"""The inside of a hard disk: orders, zones and spares, on-board cache, write cache, flush, reset. Exact on tiny drives; ns.

One revolution of the tiny drive is 8 ms: 8 sectors pass in 1 ms each. Two heads, three cylinders, no skew.
"""

from dataclasses import replace

import pytest
from test_drives import FOREVER, MS, TINY, Host, Later, sector

from iosim.drives.buffered_hdd import BufferedHdd, hard_disk
from iosim.drives.drive import Command
from iosim.drives.geometry import SECTOR, Geometry, Zone
from iosim.drives.hdd import Hdd, HddParams
from iosim.drives.seek_curve import SeekCurve, seek_points
from iosim.heap_clock import HeapClock
from iosim.presets.hard_disks import HARD_DISKS

READING = replace(TINY, segments=2, segment_size=8, read_ahead=4)
WRITING = replace(TINY, write_segments=2, write_segment_size=8)


class Flushing(Host):
    """Can ask for a flush."""

    def flush(self, tag: int) -> None:
        self.drive.commands[tag].flush = 1
        self.submit(tag, 0, SECTOR)
        self.drive.commands[tag].flush = 0


class FlushLater(Later):
    """Asks for a flush at its time."""

    def fire(self, what: int) -> None:
        assert isinstance(self.host, Flushing)
        self.host.flush(self.command[0])


def host_of(params: HddParams) -> Flushing:
    return Flushing(hard_disk(HeapClock(), params))


def ends(host: Host) -> list[tuple[int, float]]:
    """(tag, ms at which it finished)."""
    return [(done[0], done[4] / MS) for done in host.done]


# --- where things lie


def places(geometry: Geometry, blocks: range) -> list[tuple[int, int, int]]:
    found = []
    for block in blocks:
        geometry.locate(block)
        found.append((geometry.cylinder, geometry.head, geometry.sector))
    return found


def test_every_zone_has_its_own_sectors_and_skews_and_cylinders_between_zones_hold_nothing() -> None:
    zones = (Zone(0, 4, track_skew=1_000, last=0), Zone(2, 2, cylinder_skew=500))
    geometry = Geometry(zones, cylinders=4, heads=2, revolution=8_000)
    assert geometry.blocks == 8 + 2 * 4
    assert places(geometry, range(3, 6)) == [(0, 0, 3), (0, 1, 0), (0, 1, 1)]
    assert places(geometry, range(7, 13)) == [(0, 1, 3), (2, 0, 0), (2, 0, 1), (2, 1, 0), (2, 1, 1), (3, 0, 0)]
    geometry.locate(4)
    assert geometry.index_mark == 1_000
    geometry.locate(12)
    assert geometry.index_mark == 500


@pytest.mark.parametrize(
    ("spare_cylinders", "blocks", "first_of_the_second_cylinder"), [(0, 3 * 8 - 3, 8), (1, 3 * 5, 5), (2, 13 + 5, 8)]
)
def test_spare_sectors_have_no_address(spare_cylinders: int, blocks: int, first_of_the_second_cylinder: int) -> None:
    """Three of them, at the end of the zone, of every cylinder, or of every second one (the last range is short)."""
    geometry = Geometry((Zone(0, 4, spares=3, spare_cylinders=spare_cylinders),), 3, 2, 8_000)
    assert geometry.blocks == blocks
    found = places(geometry, range(blocks))
    assert len(set(found)) == blocks
    assert found[first_of_the_second_cylinder] == (1, 0, 0)


def test_a_read_over_spare_sectors_waits_for_what_lies_behind_them() -> None:
    """Block 5 is the first of cylinder 1; sector 5 of track 0 passes at 5 ms, its own sector 0 comes at 8."""
    params = replace(TINY, heads=1, zones=(Zone(0, 8, spares=3, spare_cylinders=1),))
    host = host_of(params)
    host.submit(0, 4 * SECTOR, 2 * SECTOR)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 9)]


def test_more_blocks_than_the_zones_hold_are_refused_and_fewer_end_the_drive_early() -> None:
    assert replace(TINY, blocks=40).capacity == 40 * SECTOR
    with pytest.raises(ValueError, match="blocks: 49 are more than the 48 that the zones hold"):
        replace(TINY, blocks=49)


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        ((Zone(0, 8, last=3),), "ends at 3; 0 to 2 is"),
        ((Zone(0, 8, last=1), Zone(1, 8)), "ends at 1; 0 to 0 is"),
        ((Zone(0, 0),), "a number below its least"),
        ((Zone(0, 8, spares=16, spare_cylinders=1),), "has 16 spares and nothing else"),
    ],
)
def test_zones_that_cannot_be_are_refused(zones: tuple[Zone, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, zones=zones)


@pytest.mark.parametrize("border", [1, 2, 500, 1_961, 1_962, 5_000])
def test_the_seek_formula_gives_a_table_of_rising_distances_wherever_its_border_is(border: int) -> None:
    points = seek_points(1_000, 100, 2_000, 5, border, 1_962)
    distances = [distance for distance, _time in points]
    assert distances == sorted(set(distances))
    assert (distances[0], distances[-1]) == (1, 1_961)
    curve = SeekCurve(points)
    assert curve.time(1_961) == (1_000 + 4_428 if border > 1_961 else 2_000 + 5 * 1_961)


# --- orders


@pytest.mark.parametrize(
    ("order", "expected"),
    [("fcfs", [0, 1, 2, 3, 4]), ("sstf", [0, 3, 4, 2, 1]), ("clook", [0, 3, 1, 2, 4]), ("sptf", [0, 4, 1, 2, 3])],
)
def test_each_order_takes_its_own_next(order: str, expected: list[int]) -> None:
    """The arm reads sector 0 of cylinder 4 while they come, for cylinders 6, 2, 4 and 3, and moves in 1 ms a cylinder.

    sptf takes sector 2 of cylinder 3, which comes by just as the arm is there; then the older of two that it can reach at
    7 ms; sector 0 of cylinder 4 is always a turn away.
    """
    seek = tuple((distance, distance * MS) for distance in range(1, 8))
    params = HddParams(7_500, 8, 1, (Zone(0, 8),), seek, order=order)
    drive = Hdd(HeapClock(), params)
    drive.mechanism.arm = 4
    host = Host(drive)
    for tag, (cylinder, number) in enumerate(((4, 0), (6, 7), (2, 7), (4, 0), (3, 2))):
        host.submit(tag, (cylinder * 8 + number) * SECTOR, SECTOR)
    drive.clock.run(FOREVER)
    assert [done[0] for done in host.done] == expected


def test_the_age_limit_holds_in_every_order() -> None:
    for order in ("sstf", "clook", "sptf"):
        host = Host(Hdd(HeapClock(), replace(TINY, order=order, age_limit=1)))
        for tag, number in enumerate((0, 7, 2, 1)):
            host.submit(tag, sector(0, 0, number), SECTOR)
        host.drive.clock.run(FOREVER)
        assert [done[0] for done in host.done] == [0, 1, 2, 3]


# --- reading ahead


def test_what_was_read_ahead_costs_the_overhead_and_the_bus() -> None:
    """Sectors 1 to 5 have passed by 6 ms; at 20 ms, 3 to 5 come from the buffer in 3 times 64 us."""
    host = host_of(replace(READING, overheads=(50_000, 0, 0, 0, 0, 0, 0, 0), bus_ps_per_byte=125_000))
    host.submit(0, sector(0, 0, 1), SECTOR)
    Later(host, 20 * MS, 0, sector(0, 0, 3), 3 * SECTOR)
    host.drive.clock.run(FOREVER)
    assert host.done[1] == (0, 20 * MS, 20_050_000, 20_050_000, 20_050_000 + 3 * 64_000)


def test_read_ahead_stops_at_its_limit() -> None:
    """Sector 6 is the fifth behind sector 1: at 20 ms it has to come by once more, at 22 ms."""
    host = host_of(READING)
    host.submit(0, sector(0, 0, 1), SECTOR)
    Later(host, 20 * MS, 0, sector(0, 0, 6), SECTOR)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 2), (0, 23)]


def test_a_read_that_the_read_ahead_will_come_to_is_served_as_its_sectors_come_by() -> None:
    """Sector 1 was read by 2 ms. At 2.5 ms sectors 4 and 5 are asked for, which pass by 6 ms: no turn is lost."""
    host = host_of(READING)
    host.submit(0, sector(0, 0, 1), SECTOR)
    Later(host, 2_500_000, 0, sector(0, 0, 4), 2 * SECTOR)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 2), (0, 6)]


def test_the_head_of_a_read_in_the_buffer_and_its_end_on_the_media() -> None:
    """By 10 ms, 1 to 5 are in the buffer. Of 4 to 7, sectors 6 and 7 are missing: they pass from 14 to 16 ms."""
    host = host_of(READING)
    host.submit(0, sector(0, 0, 1), SECTOR)
    Later(host, 10 * MS, 0, sector(0, 0, 4), 4 * SECTOR)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 2), (0, 16)]


def test_the_next_command_ends_the_read_ahead_after_the_sector_under_the_head() -> None:
    """At 2.5 ms sector 2 is passing: the arm leaves at 3 ms, is there at 5 and waits for sector 5 of cylinder 1."""
    host = host_of(READING)
    host.submit(0, sector(0, 0, 1), SECTOR)
    Later(host, 2_500_000, 1, sector(1, 0, 5), SECTOR)
    Later(host, 10 * MS, 0, sector(0, 0, 2), SECTOR)  # was read ahead
    Later(host, 20 * MS, 0, sector(0, 0, 3), SECTOR)  # was not
    host.drive.clock.run(FOREVER)
    assert host.done[1][2:] == (3 * MS, 6 * MS, 6 * MS)
    assert ends(host)[2:] == [(0, 10), (0, 28)]


def test_read_ahead_goes_on_over_tracks_or_ends_with_the_cylinder() -> None:
    """16 sectors a cylinder. Behind sector 14 comes the next one; asked for at 100 ms, its data are there or are not.

    If not, the arm is still on cylinder 0: 2 ms, sector 0 at 104, two sectors.
    """
    for stops, expected in ((False, 100), (True, 106)):
        host = host_of(replace(READING, segment_size=16, read_ahead=12, read_ahead_in_cylinder=stops))
        host.submit(0, sector(0, 1, 6), SECTOR)
        Later(host, 100 * MS, 0, sector(1, 0, 0), 2 * SECTOR)
        host.drive.clock.run(FOREVER)
        assert ends(host)[1] == (0, expected)


def test_what_passes_before_the_first_sector_is_kept_where_the_drive_reads_on_arrival() -> None:
    """The head is there at 0 and waits for sector 5; sector 2 passed meanwhile."""
    for on_arrival, expected in ((True, 20), (False, 27)):
        host = host_of(replace(READING, read_on_arrival=on_arrival))
        host.submit(0, sector(0, 0, 5), SECTOR)
        Later(host, 20 * MS, 0, sector(0, 0, 2), SECTOR)
        host.drive.clock.run(FOREVER)
        assert ends(host)[1] == (0, expected)


def test_the_segment_that_was_not_used_for_longest_is_thrown_out() -> None:
    """Two segments, three places: the first is used again before the third comes, so the second goes."""
    host = host_of(replace(READING, read_ahead=0))
    for number, where in enumerate((sector(0, 0, 0), sector(1, 0, 0), sector(0, 0, 0), sector(2, 0, 0))):
        Later(host, number * 100 * MS, 0, where, SECTOR)
    Later(host, 400 * MS, 0, sector(0, 0, 0), SECTOR)
    Later(host, 500 * MS, 0, sector(1, 0, 0), SECTOR)
    host.drive.clock.run(FOREVER)
    took = [done[4] - done[1] for done in host.done]
    assert (took[2], took[4]) == (0, 0)
    assert took[5] > 0


def test_sequential_reads_one_at_a_time_run_at_the_speed_of_the_media() -> None:
    """Without a buffer each of them would wait for a turn. Here only the two skews of 1 ms come on top of 24 ms."""
    params = replace(READING, zones=(Zone(0, 8, MS, 2 * MS),), read_ahead=8)
    host = host_of(params)
    waiting = iter(range(1, 24))

    def finished(command: Command) -> None:
        for number in waiting:
            host.submit(0, number * SECTOR, SECTOR)
            return

    host.finished = finished  # type: ignore[method-assign]
    host.submit(0, 0, SECTOR)
    host.drive.clock.run(FOREVER)
    assert host.done[-1][4] == 24 * MS + MS + 2 * MS


# --- writing


def test_a_write_ends_in_the_buffer_and_reaches_the_media_later() -> None:
    """0.1 ms of overhead, 64 us of bus; then the arm takes it to cylinder 2, sector 4 at 5 ms: one more clock event."""
    overheads = (0, 0, 0, 0, 100_000, 100_000, 0, 0)
    host = host_of(replace(WRITING, overheads=overheads, bus_ps_per_byte=125_000))
    host.submit(0, sector(2, 0, 4), SECTOR, write=1)
    host.drive.clock.run(FOREVER)
    assert host.done == [(0, 0, 100_000, 100_000, 164_000)]
    assert (host.drive.clock.now, host.drive.clock.events) == (5 * MS, 2)


def test_a_write_waits_for_room_when_all_segments_are_taken() -> None:
    """Sector 1 reaches the media at 2 ms; the third write's data can come then."""
    host = host_of(WRITING)
    for tag in range(3):
        host.submit(tag, sector(0, 0, 1 + 2 * tag), SECTOR, write=1)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 0), (1, 0), (2, 2)]


def test_writes_that_follow_each_other_share_a_segment_and_go_to_the_media_as_one() -> None:
    """The arm reads until 1 ms. Three writes are one piece by then, and on the media when sector 6 has passed.

    Clock events: the read, three writes, one piece.
    """
    host = host_of(WRITING)
    host.submit(3, sector(0, 0, 0), SECTOR)
    for tag in range(3):
        host.submit(tag, sector(0, 0, 4 + tag), SECTOR, write=1)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 0), (1, 0), (2, 0), (3, 1)]
    assert (host.drive.clock.now, host.drive.clock.events) == (7 * MS, 5)


@pytest.mark.parametrize(("cylinder", "finished"), [(1, 12), (0, 4)])
def test_before_a_write_the_arm_settles_if_it_has_moved(cylinder: int, finished: int) -> None:
    """2 ms of seek and 1.5 of settling: sector 3 has gone by on cylinder 1 and passes at 11 ms; on cylinder 0 at 3."""
    host = host_of(replace(TINY, write_settle=1_500_000))
    host.submit(0, sector(cylinder, 0, 3), SECTOR, write=1)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, finished)]


def test_sequential_writes_run_at_the_speed_of_the_media() -> None:
    """Pieces that follow each other on the media lose no turn, whatever settling there is."""
    host = host_of(replace(WRITING, write_settle=MS, zones=(Zone(0, 8, MS, 2 * MS),), head_switch=0))
    for tag in range(3):
        host.submit(tag, tag * 8 * SECTOR, 8 * SECTOR, write=1)
    host.drive.clock.run(FOREVER)
    assert host.drive.clock.now <= 24 * MS + 3 * MS + 8 * MS


def test_a_write_longer_than_a_segment_or_without_a_write_cache_ends_on_the_media() -> None:
    for params, size in ((WRITING, 9), (READING, 2)):
        host = host_of(params)
        host.submit(0, sector(1, 0, 3), size * SECTOR, write=1)
        host.drive.clock.run(FOREVER)
        assert ends(host)[0][1] >= 3 + size


def test_reads_go_before_written_pieces_until_a_write_waits_for_room() -> None:
    """The arm reads on and on; both pieces stay until the third write comes, which ends when one of them is written."""
    host = host_of(replace(WRITING, order="sptf"))

    class Reader(Flushing):
        def finished(self, command: Command) -> None:
            if command.tag == 0 and self.drive.clock.now < 100 * MS:
                self.submit(0, sector(0, 0, self.drive.clock.now // MS % 8), SECTOR)

    reader = Reader(host.drive)
    reader.submit(0, sector(0, 0, 0), SECTOR)
    for tag in (1, 2):
        reader.submit(tag, sector(2, 0, 2 * tag), SECTOR, write=1)
    written = host.drive
    assert isinstance(written, BufferedHdd)
    written.clock.run(20)
    assert written.clock.now < 100 * MS
    assert written.written.held == 2
    reader.submit(3, sector(1, 0, 0), SECTOR, write=1)
    written.clock.run(FOREVER)
    assert [done[0] for done in reader.done if done[0]] == [1, 2, 3]
    assert written.written.held == 0


def test_a_flush_ends_when_everything_is_on_the_media() -> None:
    host = host_of(WRITING)
    host.submit(0, sector(0, 0, 1), SECTOR, write=1)
    host.submit(1, sector(1, 0, 4), SECTOR, write=1)
    FlushLater(host, 1_000, 2, 0, SECTOR)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 0), (1, 0), (2, 5)]
    assert host.drive.in_drive == 0


@pytest.mark.parametrize("params", [TINY, WRITING, READING])
def test_a_flush_with_nothing_to_write_ends_at_once(params: HddParams) -> None:
    host = host_of(params)
    host.flush(0)
    host.drive.clock.run(FOREVER)
    assert ends(host) == [(0, 0)]


def test_data_that_wait_for_the_media_can_be_read() -> None:
    host = host_of(WRITING)
    host.submit(0, sector(2, 0, 0), 4 * SECTOR, write=1)
    Later(host, 1_000, 1, sector(2, 0, 1), 2 * SECTOR)
    host.drive.clock.run(FOREVER)
    assert host.done[1] == (1, 1_000, 1_000, 1_000, 1_000)


def test_what_is_overwritten_on_the_media_is_not_read_from_the_buffer() -> None:
    """Written through; the buffer's older sector 2 would have been there at once."""
    host = host_of(READING)
    host.submit(0, sector(0, 0, 1), SECTOR)
    host.drive.clock.run(FOREVER)
    host.submit(1, sector(0, 0, 2), SECTOR, write=1)
    host.drive.clock.run(FOREVER)
    before = host.drive.clock.now
    host.submit(0, sector(0, 0, 2), SECTOR)
    host.drive.clock.run(FOREVER)
    assert host.done[2][4] - before > 0


def test_what_was_written_can_be_read_back_where_the_drive_keeps_it() -> None:
    for keeps, expected in ((True, 0), (False, 1)):
        params = replace(WRITING, segments=2, segment_size=8, read_hits_on_writes=keeps)
        host = host_of(params)
        host.submit(0, sector(1, 0, 3), SECTOR, write=1)
        host.drive.clock.run(FOREVER)
        host.submit(1, sector(1, 0, 3), SECTOR)
        before = host.drive.clock.now
        host.drive.clock.run(FOREVER)
        assert (host.done[1][4] > before) == bool(expected)


# --- overheads


def test_the_overhead_is_that_of_the_kind_of_command_and_of_the_kind_before() -> None:
    """Read miss, read hit after read, write hit after read, write hit after write, read hit after write."""
    kinds = (10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000)
    host = host_of(replace(READING, write_segments=4, write_segment_size=8, overheads=kinds))
    plan = [(0, 0), (0, 0), (9, 1), (11, 1), (0, 0)]
    for number, (block, write) in enumerate(plan):
        host.submit(0, block * SECTOR, SECTOR, write)
        host.drive.clock.run(FOREVER)
        assert host.drive.overhead == (30_000, 10_000, 50_000, 60_000, 20_000)[number]
    started = [done[2] - done[1] for done in host.done]
    assert started == [30_000, 10_000, 50_000, 60_000, 20_000]


# --- reset


@pytest.mark.parametrize("params", [TINY, replace(READING, write_segments=2, write_segment_size=8)])
def test_what_a_drive_has_forgotten_finishes_nothing_and_it_serves_on(params: HddParams) -> None:
    """As after a reset: one command on the media, one waiting, one in the buffer; then a new one."""
    host = host_of(params)
    host.submit(0, sector(1, 0, 4), SECTOR)
    host.submit(1, sector(2, 0, 4), SECTOR)
    host.submit(2, sector(0, 0, 6), SECTOR, write=1)
    drive = host.drive
    drive.forget()
    drive.in_drive = 0
    for command in drive.commands:
        command.busy = 0
    host.submit(5, sector(0, 1, 0), SECTOR)
    drive.clock.run(FOREVER)
    assert [done[0] for done in host.done] == [5]
    assert drive.in_drive == 0


def test_a_reset_from_inside_the_end_of_a_command_leaves_one_arm() -> None:
    """Whoever hears of an error resets the drive and submits the rest again, before the call is over."""
    for params in (TINY, READING):
        host = host_of(params)

        class Resetting(Host):
            resets = 0

            def finished(self, command: Command) -> None:
                if not self.resets:
                    self.resets = 1
                    self.drive.forget()
                    self.drive.in_drive = 0
                    self.drive.commands[1].busy = 0
                    self.submit(1, sector(1, 0, 0), SECTOR)
                    self.submit(2, sector(2, 0, 0), SECTOR)

        resetting = Resetting(host.drive)
        resetting.submit(0, sector(0, 0, 0), SECTOR)
        resetting.submit(1, sector(1, 0, 0), SECTOR)
        host.drive.clock.run(FOREVER)
        assert [done[0] for done in resetting.done] == [0, 1, 2]
        assert resetting.done[2][2] >= resetting.done[1][4]


def test_written_data_outlive_a_reset() -> None:
    host = host_of(WRITING)
    host.submit(0, sector(2, 0, 4), SECTOR, write=1)
    drive = host.drive
    assert isinstance(drive, BufferedHdd)
    drive.clock.run(1)
    drive.forget()
    assert drive.written.held == 1
    drive.clock.run(FOREVER)
    assert drive.written.held == 0


# --- any load


@pytest.mark.parametrize("name", HARD_DISKS)
def test_every_preset_ends_every_command_in_the_order_of_its_times_under_mixed_load(name: str) -> None:
    """Reads and writes near and far, a few sectors to a MiB, 16 at once: nothing lost, and the slots are free at the end."""
    params = HARD_DISKS[name].params
    assert isinstance(params, HddParams)
    drive = hard_disk(HeapClock(), params)
    count = 3_000

    class Mixed(Host):
        asked = 0

        def ask(self, tag: int) -> None:
            number = self.asked
            self.asked += 1
            size = SECTOR * (1 + number * 7 % 40 if number % 50 else 2_048)
            place = number * 64 * SECTOR if number % 3 else number * 2_654_435_761 % (drive.capacity - (2 << 20))
            self.submit(tag, place // SECTOR * SECTOR, size, write=int(number % 5 < 2))

        def finished(self, command: Command) -> None:
            if self.asked < count:
                self.ask(command.tag)

    host = Mixed(drive)
    for tag in range(min(16, params.slots)):
        host.ask(tag)
    drive.clock.run(FOREVER)
    assert len(host.done) == count
    assert drive.in_drive == 0
    for _tag, submitted, started, transferring, finished in host.done:
        assert submitted <= started <= transferring <= finished
