"""Fragmented files: where their bytes are, and requests that are split among the pieces (semantics 2.11, 0b.18)."""

from array import array

import pytest
from test_cached_writes import Broken
from test_machine import EVERYTHING, Tree, build, everything_but, run
from tiny import causes
from tiny_cache import TinyCache
from tiny_io import LATENCY

from iosim.device_stack import DeviceObject
from iosim.file_control import FileControl
from iosim.irp import READ
from iosim.units import MIB, PAGE


def fragmented(*places: int) -> FileControl:
    """Pieces of 4 pages each, at these pages."""
    control = FileControl(0, len(places) * 4 * PAGE)
    control.extent = 4 * PAGE
    control.places = array("q", [page * PAGE for page in (*places, 4 * len(places))])
    return control


def test_a_byte_lies_in_its_piece() -> None:
    control = fragmented(8, 0, 4)
    assert [control.place(offset) for offset in (0, 5000, 4 * PAGE, 11 * PAGE)] == [
        8 * PAGE,
        8 * PAGE + 5000,
        0,
        7 * PAGE,
    ]


@pytest.mark.parametrize(
    ("page", "pages", "together"), [(0, 4, 4), (1, 4, 3), (4, 8, 8), (6, 6, 6), (3, 9, 1)], ids=str
)
def test_pieces_that_follow_each_other_on_the_disk_are_one(page: int, pages: int, together: int) -> None:
    assert fragmented(8, 0, 4).within(page * PAGE, pages * PAGE) == together * PAGE


def split(offset: int, pages: int, stagger: int = 0) -> TinyCache:
    tiny = TinyCache(cached=False, stagger=stagger)
    tiny.control.extent = 4 * PAGE
    tiny.control.places = fragmented(8, 0, 4, 12).places
    tiny.does(tiny.transfer(READ, pages * PAGE, offset * PAGE))
    tiny.ask_at(2000, 0)
    tiny.run()
    return tiny


def test_0b18_a_request_on_two_pieces_is_two_commands_and_one_packet() -> None:
    tiny = split(2, 4)
    assert tiny.commands() == [(10, 2), (0, 2)]
    assert tiny.port.packets == 2
    assert tiny.ended.requests[0].bytes == 4 * PAGE


def test_a_request_on_one_piece_is_one_command() -> None:
    assert split(5, 2).commands() == [(1, 2)]


def test_the_piece_that_ends_last_has_the_causes() -> None:
    """The commands take 10 and 60 us side by side: the request's time in the disk is that of the longer one."""
    tiny = split(2, 4, stagger=50_000)
    (request,) = tiny.ended.requests
    (ended,) = [time for time, _ in tiny.log]
    assert causes(request)["device_service"] == LATENCY + 50_000
    assert sum(request.ledger) == ended - 2000


def tree(extents: int) -> Tree:
    changed = everything_but()
    changed["files"]["raw"]["extents"] = extents
    return changed


def test_a_described_file_lies_in_as_many_pieces_as_it_says_each_somewhere_of_its_own() -> None:
    control = build(tree(100)).file_systems.controls["raw"]
    pieces = list(control.places[:-1])
    assert control.extent == -(-16 * MIB // (100 * PAGE)) * PAGE
    assert sorted(pieces) == [control.extent * number for number in range(len(pieces))] != pieces


def test_the_order_is_the_seeds_and_the_names() -> None:
    places = [list(build(tree(100), seed=seed).file_systems.controls["raw"].places) for seed in (5, 5, 6)]
    assert places[0] == places[1] != places[2]


def test_a_machine_with_a_fragmented_file_keeps_the_laws_and_asks_its_disk_more_often() -> None:
    whole, pieces = run(EVERYTHING), run(tree(4096))
    assert len(pieces.columns["index"]) == len(whole.columns["index"])
    assert pieces.samples["disks.flash.commands"][-1] > 1.2 * whole.samples["disks.flash.commands"][-1]


@pytest.mark.parametrize("forced", [False, True])
def test_a_request_whose_pieces_all_fail_at_once_ends_once(forced: bool) -> None:
    """It was marked pending, so its end is a packet; one that keeps its thread must not wait for what is up already."""
    tiny = TinyCache(cached=False)
    tiny.control.extent = 4 * PAGE
    tiny.control.places = fragmented(8, 0, 4, 12).places
    tiny.control.transformed = forced
    tiny.control.settle()
    tiny.top.lower = DeviceObject(Broken(tiny), None, 0, 1 << 30)
    tiny.does(tiny.transfer(READ, 4 * PAGE, 2 * PAGE))
    tiny.ask_at(2000, 0)
    tiny.run()
    assert (len(tiny.log), tiny.ended.requests[0].bytes) == (1, 0)
    assert tiny.port.packets == (1 if forced else 2)
