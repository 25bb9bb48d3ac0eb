"""What the scenarios about filters and striped volumes claim, and that each effect goes with its cause."""

from typing import Any

import pytest

import iosim

Summary = dict[str, Any]


def of(name: str, changes: dict[str, Any]) -> Summary:
    """The summary of one replication."""
    summary: Summary = iosim.run(iosim.load(name, set=changes), replications=1, study=False).summary
    return summary


# ---- raid-stripe -----------------------------------------------------------------------------------------------------


def striped(unit: str, clients: int, **more: Any) -> Summary:
    named = {"volumes.data.stripe_unit": unit, "workload.readers.clients": clients}
    return of("raid-stripe", {**named, **{key.replace("__", "."): value for key, value in more.items()}})


def rate(summary: Summary) -> float:
    return float(summary["throughput_per_s"]["value"])


def test_small_units_are_good_for_one_client_and_bad_for_many() -> None:
    """The lines of the picture cross."""
    assert rate(striped("16 KiB", 1)) > 1.7 * rate(striped("1 MiB", 1))
    assert rate(striped("1 MiB", 16)) > 1.3 * rate(striped("16 KiB", 16))


@pytest.mark.parametrize("clients", [1, 16])
def test_a_unit_does_not_matter_to_requests_that_fit_into_the_smallest(clients: int) -> None:
    few, many = (striped(unit, clients, **{"handlers__page[0]__read__size": "4 KiB"}) for unit in ("16 KiB", "1 MiB"))
    assert rate(few) == pytest.approx(rate(many), rel=0.03)
    assert few["slack_ns"]["value"] == many["slack_ns"]["value"] == 0


def test_parts_wait_for_the_last_of_their_request_the_longer_the_more_there_are() -> None:
    slack = [float(striped(unit, 16)["slack_ns"]["value"]) for unit in ("16 KiB", "64 KiB", "256 KiB")]
    assert slack[0] > 3 * slack[1] > 9 * slack[2] > 0


def test_a_mirror_reads_from_all_its_disks_and_one_disk_does_not() -> None:
    on_all = {"study": None, "volumes.data.layout": "mirror"}
    alone = {"study": None, "volumes.data": {"disk": "disk0"}}
    assert rate(of("raid-stripe", on_all)) > 3 * rate(of("raid-stripe", alone))


def test_a_mirror_writes_no_faster_than_one_disk() -> None:
    write = {"handlers.page": [{"write": {"file": "pages", "size": "256 KiB", "offset": "random"}}], "study": None}
    on_all = of("raid-stripe", {**write, "volumes.data.layout": "mirror"})
    alone = of("raid-stripe", {**write, "volumes.data": {"disk": "disk0"}})
    assert 0.5 * rate(alone) < rate(on_all) < 1.05 * rate(alone)


# ---- filter-tax ------------------------------------------------------------------------------------------------------

LIKE_ITS_NEIGHBOURS = {
    "volumes.data.filters[1].pre": "1 us",
    "volumes.data.filters[1].post": "0.5 us",
    "volumes.data.filters[1].synchronous": False,
}
NONE: dict[str, Any] = {"study": None, "volumes.data.filters": []}


def cause(summary: Summary, name: str) -> float:
    return float(summary["latency_causes_ns"][name]["value"])


def busy(summary: Summary) -> float:
    return float(summary["processors"]["utilization"]["value"])


def test_the_filters_take_what_their_costs_say() -> None:
    tax, even, free = (of("filter-tax", changes) for changes in ({}, LIKE_ITS_NEIGHBOURS, NONE))
    assert cause(tax, "filter") == pytest.approx(4 * 1500 + 15_000, rel=0.01)
    assert cause(even, "filter") == pytest.approx(5 * 1500, rel=0.01)
    assert cause(free, "filter") == 0
    assert cause(tax, "kernel") == pytest.approx(cause(free, "kernel"), rel=0.02)
    assert busy(tax) > 2 * busy(free)
    assert busy(free) < busy(even) < 0.7 * busy(tax)


def test_a_scanner_at_passive_level_needs_a_thread_and_its_neighbours_do_not() -> None:
    tax, even = (of("filter-tax", changes) for changes in ({}, LIKE_ITS_NEIGHBOURS))
    switches = [it["processors"]["context_switches_per_s"]["value"] for it in (tax, even)]
    assert switches[0] > 1.5 * switches[1]


def test_a_filter_that_holds_reads_back_uses_no_processor_for_it() -> None:
    at_once, held = (of("filter-tax", changes) for changes in ({}, {"volumes.data.filters[1].delay": "200 us"}))
    assert cause(held, "filter") == pytest.approx(cause(at_once, "filter") + 200_000, rel=0.01)
    assert busy(held) == pytest.approx(busy(at_once), rel=0.05)
    scanner = held["volumes"]["data"]["filters"]["scanner"]
    assert scanner["held_mean"]["value"] == pytest.approx(scanner["requests_per_s"]["value"] * 200e-6, rel=0.05)


def test_0b17_a_filter_over_the_volume_sees_only_what_the_cache_lacks() -> None:
    cached = {"files.documents.access": "cached", "files.documents.hit_ratio": 0.9}
    seen = of("filter-tax", cached)["volumes"]["data"]["filters"]
    below, above = seen["encryption"], seen["scanner"]
    assert below["requests_per_s"]["value"] == 0
    assert below["paging_requests_per_s"]["value"] == above["paging_requests_per_s"]["value"] > 0
    assert 0.05 < above["paging_requests_per_s"]["value"] / above["requests_per_s"]["value"] < 0.15
