"""Filter drivers: who sees what, in which order, what it costs and whose time it is (0b.17)."""

from typing import Any

import pytest
from test_machine import Tree, build, everything_but, run
from tiny import causes
from tiny_cache import TinyCache
from tiny_io import DOWN, LATENCY, UP, TinyIo

from iosim.attribution import CAUSE_COUNT, FILTER
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.filter import Filter
from iosim.heap_clock import HeapClock
from iosim.irp import READ
from iosim.units import PAGE


def put_filter(tiny: TinyIo, pre: int = 0, post: int = 0, **options: Any) -> Filter:
    """A filter over the file system, wired as filters.py does."""
    scan, delay = options.get("scan_ps", 0), options.get("delay", 0)
    driver = Filter(tiny.io, tiny.work_queue, pre, post, scan, delay, options.get("passive", False))
    below = tiny.file.device
    top = DeviceObject(driver, below, 0, below.size)
    top.dispatch_ns = pre + driver.completion_ns + below.dispatch_ns
    top.scan_ps = scan + below.scan_ps
    file = FileObject(0, top, tiny.file.base, tiny.file.size, tiny.file.cached)
    file.control = tiny.file.control
    tiny.io.associate(file, tiny.port, 0)
    tiny.file = file
    tiny.steps[0].file = file  # type: ignore[attr-defined]
    return driver


def read_once(pre: int = 0, post: int = 0, *, filtered: bool = True, **options: Any) -> tuple[TinyIo, int]:
    """One unbuffered read: the machine, and how long it took."""
    tiny = TinyIo(2, switch=0, system_workers=1, clock=HeapClock)
    if filtered:
        put_filter(tiny, pre, post, **options)
    tiny.ask_at(2000, 0)
    tiny.run()
    ((ended, _),) = tiny.log
    return tiny, ended - 2000


PLAIN = read_once(filtered=False)[1]


def test_a_filter_that_costs_nothing_changes_nothing() -> None:
    tiny, took = read_once()
    assert took == PLAIN > LATENCY + DOWN + UP
    assert "filter" not in causes(tiny.ended.requests[0])


def test_its_processor_time_is_the_requests_time_of_cause_filter() -> None:
    tiny, took = read_once(300, 40)
    assert took == PLAIN + 340
    assert causes(tiny.ended.requests[0])["filter"] == 340
    assert sum(tiny.ended.requests[0].ledger) == took


def test_it_takes_no_event_of_its_own() -> None:
    assert read_once(300, 40)[0].clock.events == read_once(filtered=False)[0].clock.events


def test_bytes_that_are_looked_at_cost_by_their_number() -> None:
    """2 pages at 500 ps a byte."""
    tiny, took = read_once(scan_ps=500)
    assert took == PLAIN + 2 * PAGE // 2
    assert causes(tiny.ended.requests[0])["filter"] == PAGE


def test_a_delay_is_waited_on_no_processor() -> None:
    tiny, took = read_once(delay=7000)
    assert took == PLAIN + 7000
    assert causes(tiny.ended.requests[0])["filter"] == 7000
    assert tiny.clock.events == read_once(filtered=False)[0].clock.events + 1


def test_a_post_operation_at_passive_level_is_done_by_a_system_worker() -> None:
    """Not in the DPC, whose time stays what it was without it."""
    tiny, took = read_once(0, 900, passive=True)
    assert took == PLAIN + 900
    assert causes(tiny.ended.requests[0])["filter"] == 900
    assert tiny.system_workers[0].switches == 2


def test_post_operations_wait_for_a_free_worker() -> None:
    """Two reads end together, and there is one worker."""
    tiny = TinyIo(2, switch=0, system_workers=1, clock=HeapClock)
    put_filter(tiny, 0, 5000, passive=True)
    tiny.ask_at(2000, 0, 1)
    tiny.run()
    found = [causes(request) for request in tiny.ended.requests]
    assert [it["filter"] for it in found] == [5000, 5000]
    assert found[1].get("system_worker_queue", 0) > 4000 > found[0].get("system_worker_queue", 0)


def test_requests_leave_a_delay_in_the_order_in_which_they_came() -> None:
    tiny = TinyIo(2, switch=0, clock=HeapClock)
    driver = put_filter(tiny, delay=5000)
    for time, index in ((2000, 0), (2100, 1), (6000, 2)):
        tiny.ask_at(time, index)
    tiny.run()
    assert [index for _, index in tiny.log] == [0, 1, 2]
    hold = driver.hold
    assert (hold.held, hold.area, hold.sojourns) == (3, 15_000, 15_000)


# ---- cached reads ----------------------------------------------------------------------------------------------------


def cached(pages: int, **options: Any) -> tuple[TinyCache, Filter]:
    tiny = TinyCache()
    driver = put_filter(tiny, **options)
    tiny.does(*[tiny.transfer(READ, PAGE, 0) for _ in range(pages)])
    tiny.ask_at(2000, 0)
    tiny.run()
    return tiny, driver


def test_0b17_a_cached_miss_comes_by_twice_and_a_hit_once() -> None:
    """The first read misses, the second hits."""
    _, driver = cached(2, pre=10)
    assert (driver.seen, driver.paging_seen) == (2, 1)


def test_0b17_a_filter_over_the_volume_sees_only_the_paging_read() -> None:
    changed = everything_but()
    changed["volumes"]["data"]["filters"] = [
        {"name": "above", "altitude": 328000},
        {"name": "below", "altitude": 140000, "over": "volume"},
    ]
    machine = build(changed)
    machine.run()
    above, below = (machine.filters.drivers[f"volumes.data.filters.{name}"] for name in ("above", "below"))
    caches = machine.file_systems.caches["data"]
    assert above.paging_seen == below.paging_seen == caches.paging_reads + caches.paging_writes > 0
    assert above.seen > below.seen  # unbuffered ones pass both


def test_a_cached_hit_pays_its_filter_both_ways() -> None:
    plain, filtered = cached(2)[0], cached(2, pre=300, post=40)[0]
    assert causes(filtered.ended.requests[0])["filter"] == 3 * 340
    assert filtered.log[0][0] - plain.log[0][0] == 3 * 340


@pytest.mark.parametrize("options", [{"delay": 3000}, {"post": 70, "passive": True}], ids=str)
def test_a_cached_hit_ends_once_however_it_is_held_up(options: dict[str, int]) -> None:
    tiny, _ = cached(3, **options)
    assert len(tiny.log) == 1
    request = tiny.ended.requests[0]
    assert sum(request.ledger) == tiny.log[0][0] - 2000


@pytest.mark.parametrize("options", [{"delay": 3000}, {"post": 70, "passive": True}], ids=str)
def test_a_blocking_cached_read_goes_through_a_filter_that_waits(options: dict[str, int]) -> None:
    """What would keep the calling thread is done by a system worker, for which the caller waits."""
    tiny = TinyCache()
    put_filter(tiny, **options)
    tiny.does(tiny.transfer(READ, PAGE, 0, blocking=True), tiny.transfer(READ, PAGE, 0, blocking=True))
    tiny.ask_at(2000, 0)
    tiny.run()
    request = tiny.ended.requests[0]
    assert sum(request.ledger) == tiny.log[0][0] - 2000
    assert request.bytes == 2 * PAGE


# ---- in a described machine ------------------------------------------------------------------------------------------


def described(*filters: Tree) -> Tree:
    changed = everything_but()
    changed["volumes"]["data"]["filters"] = list(filters)
    return changed


def test_filters_stand_by_altitude_whatever_order_they_are_written_in() -> None:
    changed = described(
        {"name": "low", "altitude": 140000},
        {"name": "high", "altitude": 328000},
        {"name": "middle", "altitude": 265000},
        {"name": "disk", "altitude": 999999, "over": "volume"},
    )
    machine = build(changed)
    device = machine.storage.extents["raw"][1]
    drivers = {id(driver): name.rsplit(".", 1)[1] for name, driver in machine.filters.drivers.items()}
    found = []
    while device.lower is not device:
        found.append(drivers.get(id(device.driver), type(device.driver).__name__))
        device = device.lower
    assert found == ["high", "middle", "low", "Ntfs", "disk", "PassThrough", "PassThrough"]


@pytest.mark.parametrize(
    "one",
    [
        {"pre": "5 us", "post": "3 us"},
        {"delay": "30 us"},
        {"synchronous": True, "post": "20 us"},
        {"synchronous": True, "delay": "10 us", "scan": "1 GB/s"},
        {"over": "volume", "pre": "2 us", "delay": "15 us"},
    ],
    ids=str,
)
@pytest.mark.parametrize("extents", [1, 4096])
def test_the_laws_hold_behind_any_filter(one: Tree, extents: int) -> None:
    changed = described({"name": "one", "altitude": 1, **one})
    changed["files"]["raw"]["extents"] = extents
    raw = run(changed, record=("causes",))
    assert len(raw.columns["index"]) > 50
    assert raw.samples["volumes.data.filters.one.seen"][-1] > 50


def test_a_filter_is_charged_for_opening_and_closing() -> None:
    def filter_times(**one: str) -> set[int]:
        changed = described({"name": "av", "altitude": 328000, "pre": "0 s", "post": "0 s", **one})
        steps = [{"open": {"volume": "data", "files": 10}}, {"close": {"volume": "data"}}]
        changed["handlers"] = dict.fromkeys(changed["handlers"], steps)
        return set(run(changed, record=("causes",)).causes[FILTER::CAUSE_COUNT])

    assert filter_times() == {0}
    assert filter_times(create="30 us", cleanup="5 us") == {35_000}
