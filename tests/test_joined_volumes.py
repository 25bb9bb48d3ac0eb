"""Striped, spanned and mirrored volumes and long transfers: where the parts go, how they end, and whose time it was."""

from array import array
from itertools import accumulate
from random import Random

import pytest
from test_machine import Tree, build, everything_but, run
from tiny import causes
from tiny_volume import TinyVolume

from iosim.device_stack import DeviceObject, Driver
from iosim.devices.class_driver import ClassDriver
from iosim.devices.joined_volumes import NEAREST, REGION, TURNS, MirroredVolume, SpannedVolume, StripedVolume
from iosim.io_manager import IoManager
from iosim.irp import FLUSH, READ, WRITE
from iosim.ntstatus import (
    STATUS_DEVICE_DOES_NOT_EXIST,
    STATUS_DEVICE_NOT_CONNECTED,
    STATUS_END_OF_FILE,
    STATUS_INVALID_PARAMETER,
    STATUS_PENDING,
    STATUS_SUCCESS,
)
from iosim.split import Leg
from iosim.units import KIB, MIB

UNIT = 100
BROKEN = STATUS_INVALID_PARAMETER  # any error will do


def striped(disks: int = 3, base: int = 0) -> TinyVolume:
    return TinyVolume(disks, lambda io, slack, legs: StripedVolume(io, 0, 0, slack, legs, UNIT), base=base)


def spanned(*sizes: int) -> TinyVolume:
    def make(io: IoManager, slack: "array[int]", legs: list[Leg]) -> Driver:
        return SpannedVolume(io, 0, 0, slack, legs, array("q", accumulate(sizes)))

    return TinyVolume(len(sizes), make)


def mirrored(disks: int = 2, reads: int = TURNS, size: int = 1000) -> TinyVolume:
    return TinyVolume(disks, lambda io, slack, legs: MirroredVolume(io, 0, 0, slack, legs, reads, size))


# ---- striped ---------------------------------------------------------------------------------------------------------


def test_a_request_within_one_unit_goes_on_as_the_same_irp() -> None:
    tiny = striped()
    tiny.ask(4 * UNIT + 10, 50)
    assert tiny.seen == [(1, UNIT + 10, 50)]
    assert (tiny.joined.splits, tiny.returned) == (0, STATUS_PENDING)
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 50)]


def test_0b18_a_request_over_units_is_an_irp_of_the_volume_managers_own_for_each() -> None:
    tiny = striped(base=7000)
    tiny.ask(90, 220)
    assert tiny.seen == [(0, 7090, 10), (1, 7000, 100), (2, 7000, 100), (0, 7100, 10)]
    assert (tiny.joined.splits, tiny.joined.parts) == (1, 4)
    for disk in (2, 0, 0):
        tiny.disks[disk].end()
        assert tiny.ended() == []
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 220)]
    assert tiny.lists_are_even()


@pytest.mark.parametrize("seed", range(20))
def test_every_byte_lies_in_exactly_one_place(seed: int) -> None:
    """Two requests of one volume overlap on a disk exactly where they overlap in the volume."""
    random = Random(seed)
    tiny = striped(random.randint(2, 5))
    taken: dict[tuple[int, int], int] = {}
    for _ in range(8):
        offset, size = random.randrange(2000), random.randint(1, 500)
        tiny.seen.clear()
        tiny.ask(offset, size)
        places = [(disk, start + byte) for disk, start, length in tiny.seen for byte in range(length)]
        assert len(places) == size
        for byte, place in enumerate(places):
            assert taken.setdefault(place, offset + byte) == offset + byte


def test_a_flush_is_every_disks() -> None:
    tiny = striped()
    tiny.ask(0, 0, FLUSH)
    assert [disk for disk, _, _ in tiny.seen] == [0, 1, 2]
    for disk in tiny.disks:
        disk.end()
    assert tiny.ended() == [(STATUS_SUCCESS, 0)]


def test_the_first_error_is_the_masters_and_its_information_ends_where_the_first_failed_part_begins() -> None:
    tiny = striped()
    tiny.ask(50, 250)
    tiny.disks[2].end(STATUS_END_OF_FILE)
    tiny.disks[1].end(BROKEN)
    tiny.disks[0].end()
    assert tiny.ended() == [(STATUS_END_OF_FILE, 50)]


def test_parts_that_end_within_the_call_end_the_master_once() -> None:
    tiny = striped()
    for disk in tiny.disks:
        disk.answer = STATUS_SUCCESS
    tiny.ask(0, 300)
    assert (tiny.returned, tiny.ended()) == (STATUS_PENDING, [(STATUS_SUCCESS, 300)])
    assert tiny.lists_are_even()


def test_of_parallel_parts_the_one_that_ended_last_owns_the_time_and_the_others_had_slack() -> None:
    """The parts end at 100, 300 and 1000 ns: slack is 900 + 700."""
    tiny = striped()
    request = tiny.ask(0, 300)
    for time, disk in ((100, 2), (300, 0), (1000, 1)):
        tiny.pass_time(time)
        tiny.disks[disk].end()
    assert causes(request) == {"device_service": 1000}
    assert request.mark == tiny.clock.now == 1000
    assert list(tiny.slack) == [1600]


def test_one_cause_a_nanosecond_and_no_slack_where_nothing_is_parallel() -> None:
    tiny = striped()
    request = tiny.ask(0, 60)
    tiny.pass_time(400)
    tiny.disks[0].end()
    assert (causes(request), list(tiny.slack)) == ({"device_service": 400}, [0])


# ---- spanned ---------------------------------------------------------------------------------------------------------


def test_a_spanned_volume_is_one_disk_after_the_other() -> None:
    tiny = spanned(100, 50, 200)
    for offset, size in ((0, 100), (100, 20), (160, 100)):
        tiny.ask(offset, size)
    assert tiny.seen == [(0, 0, 100), (1, 0, 20), (2, 10, 100)]
    assert tiny.joined.splits == 0


def test_a_request_across_disks_is_split() -> None:
    tiny = spanned(100, 50, 200)
    tiny.ask(90, 100)
    assert tiny.seen == [(0, 90, 10), (1, 0, 50), (2, 0, 40)]
    for disk in tiny.disks:
        disk.end()
    assert tiny.ended() == [(STATUS_SUCCESS, 100)]


# ---- mirrored --------------------------------------------------------------------------------------------------------


def test_a_mirrored_write_goes_to_all_disks_and_ends_with_the_last() -> None:
    tiny = mirrored(3)
    tiny.ask(30, 10, WRITE)
    assert tiny.seen == [(0, 30, 10), (1, 30, 10), (2, 30, 10)]
    for disk in tiny.disks:
        assert tiny.ended() == []
        disk.end()
    assert tiny.ended() == [(STATUS_SUCCESS, 10)]


def reads(tiny: TinyVolume, *offsets: int) -> list[int]:
    tiny.seen.clear()
    for offset in offsets:
        tiny.ask(offset, 10)
    return [disk for disk, _, _ in tiny.seen]


def test_mirrored_reads_take_turns() -> None:
    assert reads(mirrored(), 0, 0, 0, 500, 500) == [0, 1, 0, 1, 0]


def test_mirrored_reads_by_region_keep_each_disk_in_its_half() -> None:
    assert reads(mirrored(reads=REGION), 0, 400, 500, 100, 999) == [0, 0, 1, 0, 1]


def test_mirrored_reads_go_where_the_last_transfer_was_nearest() -> None:
    assert reads(mirrored(reads=NEAREST), 0, 10, 900, 0, 890, 20) == [0, 0, 0, 1, 0, 1]


def test_a_read_that_fails_is_tried_on_the_other_disk_and_the_time_was_recovery() -> None:
    tiny = mirrored()
    request = tiny.ask(30, 10)
    tiny.pass_time(500)
    tiny.disks[0].end(BROKEN)
    assert (tiny.seen, tiny.ended()) == ([(0, 30, 10), (1, 30, 10)], [])
    tiny.pass_time(700)
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 10)]
    assert causes(request) == {"fault_recovery": 500, "device_service": 200}
    assert (tiny.joined.retries, tiny.lists_are_even()) == (1, True)


def test_a_read_that_fails_everywhere_ends_with_the_last_status_and_one_packet() -> None:
    tiny = mirrored(3)
    tiny.ask(30, 10)
    for disk, status in ((0, BROKEN), (1, BROKEN), (2, STATUS_END_OF_FILE)):
        tiny.disks[disk].end(status)
    assert tiny.ended() == [(STATUS_END_OF_FILE, 0)]
    assert [disk for disk, _, _ in tiny.seen] == [0, 1, 2]


def test_a_write_that_fails_on_one_disk_succeeds_and_degrades_the_mirror() -> None:
    tiny = mirrored()
    tiny.ask(30, 10, WRITE)
    tiny.disks[0].end(BROKEN)
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 10)]
    assert reads(tiny, 0, 500, 30) == [1, 1, 1]
    tiny.seen.clear()
    tiny.ask(30, 10, WRITE)
    assert tiny.seen == [(1, 30, 10)]


@pytest.mark.parametrize("policy", [TURNS, NEAREST, REGION])
def test_a_disk_that_is_out_is_not_read_by_any_policy(policy: int) -> None:
    tiny = mirrored(reads=policy)
    tiny.ask(30, 10, WRITE)
    tiny.disks[0].end(BROKEN)
    tiny.disks[1].end()
    assert reads(tiny, 0, 30, 999) == [1, 1, 1]


def test_a_write_that_fails_on_all_disks_fails() -> None:
    tiny = mirrored()
    tiny.ask(30, 10, WRITE)
    for disk in tiny.disks:
        disk.end(BROKEN)
    assert tiny.ended() == [(BROKEN, 0)]
    assert [leg.failed for leg in tiny.joined.legs] == [True, False]


def test_a_disk_that_is_gone_is_out_when_a_read_finds_that() -> None:
    tiny = mirrored(3)
    tiny.ask(30, 10)
    tiny.disks[0].end(STATUS_DEVICE_NOT_CONNECTED)
    tiny.disks[1].end(BROKEN)
    tiny.disks[2].end(BROKEN)
    assert tiny.ended() == [(BROKEN, 0)]
    assert [leg.failed for leg in tiny.joined.legs] == [True, False, False]
    assert reads(tiny, 0, 0, 0) == [1, 2, 1]


def test_a_disk_that_went_while_nothing_was_asked_of_it_is_out_too() -> None:
    """Reads end there at once, with another status than those that were pending when it went."""
    tiny = mirrored()
    tiny.disks[0].answer = STATUS_DEVICE_DOES_NOT_EXIST
    tiny.ask(30, 10)
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 10)]
    assert [leg.failed for leg in tiny.joined.legs] == [True, False]


def test_a_degraded_mirror_is_flushed_on_the_disks_that_it_has() -> None:
    tiny = mirrored()
    tiny.ask(30, 10, WRITE)
    tiny.disks[0].end(BROKEN)
    tiny.disks[1].end()
    tiny.seen.clear()
    tiny.ask(0, 0, FLUSH)
    assert [disk for disk, _, _ in tiny.seen] == [1]
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 10), (STATUS_SUCCESS, 0)]


def test_a_flush_that_fails_on_one_disk_succeeds_and_degrades_the_mirror() -> None:
    """What that disk had in its buffer may be lost."""
    tiny = mirrored()
    tiny.ask(0, 0, FLUSH)
    tiny.disks[0].end(BROKEN)
    tiny.disks[1].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 0)]
    assert reads(tiny, 0, 0) == [1, 1]


def test_the_last_disk_of_a_mirror_is_never_out() -> None:
    tiny = mirrored()
    for _ in range(3):
        tiny.ask(30, 10, WRITE)
        for disk in tiny.disks:
            while disk.irps:
                disk.end(BROKEN)
    assert reads(tiny, 0) == [1]


# ---- long transfers, and splits of splits ----------------------------------------------------------------------------


def limited(io: IoManager, slack: "array[int]", device: DeviceObject) -> DeviceObject:
    return DeviceObject(ClassDriver(io, 0, 0, slack, device, 40), device, 0, 1 << 40)


def test_a_transfer_beyond_the_limit_is_split_and_one_at_the_limit_is_not() -> None:
    tiny = TinyVolume(2, lambda io, slack, legs: StripedVolume(io, 0, 0, slack, legs, UNIT), under=limited)
    tiny.ask(0, 40)
    tiny.ask(0, 41)
    assert tiny.seen == [(0, 0, 40), (0, 0, 40), (0, 40, 1)]


def test_splits_within_splits_end_the_request_once_and_its_time_is_the_last_ones() -> None:
    """Units of 100 in transfers of 40: the second part of disk 1 ends last of all."""
    tiny = TinyVolume(2, lambda io, slack, legs: StripedVolume(io, 0, 0, slack, legs, UNIT), under=limited)
    request = tiny.ask(50, 150)
    assert tiny.seen == [(0, 50, 40), (0, 90, 10), (1, 0, 40), (1, 40, 40), (1, 80, 20)]
    order = ((100, 0), (200, 1), (300, 0), (400, 1), (900, 1))
    for time, disk in order:
        assert tiny.ended() == []
        tiny.pass_time(time)
        tiny.disks[disk].end()
    assert tiny.ended() == [(STATUS_SUCCESS, 150)]
    assert causes(request) == {"device_service": 900}
    assert list(tiny.slack) == [(300 - 100) + (900 - 200) + (900 - 400) + (900 - 300)]
    assert tiny.lists_are_even()


def test_an_error_deep_below_is_the_requests_and_says_how_far_all_was_well() -> None:
    tiny = TinyVolume(2, lambda io, slack, legs: StripedVolume(io, 0, 0, slack, legs, UNIT), under=limited)
    tiny.ask(0, 200)
    statuses = {0: [0, 0, 0], 1: [0, BROKEN, 0]}
    for disk in (0, 1):
        for status in statuses[disk]:
            tiny.disks[disk].end(status)
    assert tiny.ended() == [(BROKEN, 100)]


@pytest.mark.parametrize("seed", range(30))
def test_any_order_of_ends_gives_one_packet_the_whole_time_and_all_irps_back(seed: int) -> None:
    random = Random(seed)
    tiny = TinyVolume(3, lambda io, slack, legs: StripedVolume(io, 0, 0, slack, legs, UNIT), under=limited)
    requests = [
        tiny.ask(random.randrange(1000), random.randint(1, 600), random.choice([READ, WRITE])) for _ in range(6)
    ]
    while busy := [disk for disk in tiny.disks if disk.irps]:
        tiny.pass_time(tiny.clock.now + random.randint(0, 50))
        disk = random.choice(busy)
        disk.irps.insert(0, disk.irps.pop(random.randrange(len(disk.irps))))
        disk.end()
    assert sorted(status for status, _ in tiny.ended()) == [0] * 6
    assert [sum(request.ledger) == request.mark for request in requests] == [True] * 6
    assert tiny.lists_are_even()


# ---- in a whole machine ----------------------------------------------------------------------------------------------

FLASH = {"kind": "nvme", "units": 4, "read": "50 us", "program": "100 us", "capacity": "1 GB", "queue_depth": 4}


def tree(**volume: object) -> Tree:
    """The machine of all parts, its volume on three disks."""
    changed = everything_but()
    changed["disks"] = {name: dict(FLASH) for name in ("flash", "second", "third")}
    changed["volumes"] = {"data": {"disks": [*changed["disks"]], "cache": "1 MiB", **volume}}
    return changed


@pytest.mark.parametrize("extents", [1, 4096])
@pytest.mark.parametrize("limit", [None, "4 KiB"])
@pytest.mark.parametrize(
    "volume",
    [{"layout": "stripe", "stripe_unit": "4 KiB"}, {"layout": "mirror"}, {"layout": "span"}],
    ids=lambda volume: volume["layout"],
)
def test_the_laws_hold_whatever_is_split_by_whom(volume: Tree, limit: str | None, extents: int) -> None:
    """Causes sum to latencies, Little's law at every queue, every request ends: the run checks."""
    changed = tree(**volume)
    changed["files"]["raw"]["extents"] = extents
    if limit:
        for disk in changed["disks"].values():
            disk["max_transfer"] = limit
    raw = run(changed, record=("causes", "waits"))
    assert len(raw.columns["index"]) > 50
    if volume["layout"] != "span" or limit or extents > 1:
        commands = sum(raw.samples[f"disks.{name}.commands"][-1] for name in changed["disks"])
        assert commands > run(everything_but()).samples["disks.flash.commands"][-1]


@pytest.mark.parametrize(
    ("volume", "size"),
    [
        ({"layout": "stripe"}, 3 * (10**9 // (64 * KIB)) * 64 * KIB),
        ({"layout": "stripe", "size": "100 MiB"}, 100 * MIB),
        ({"layout": "mirror"}, 10**9),
        ({"layout": "span"}, 3 * 10**9),
    ],
    ids=str,
)
def test_a_volume_is_as_large_as_its_disks_let_it(volume: Tree, size: int) -> None:
    machine = build(tree(**volume))
    device = machine.storage.extents["raw"][1]
    assert device.size == size


def test_a_machine_that_splits_nothing_has_no_figures_of_splits() -> None:
    samples = run(everything_but()).samples
    assert not [name for name in samples if name.endswith((".splits", ".slack", ".held"))]
