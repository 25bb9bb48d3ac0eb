"""What the bundled scenarios over a network card claim: the effect, and that it is gone when its cause is."""

from typing import Any

import pytest

import iosim

Changes = dict[str, Any]
FREE = {
    "nics.nic0.costs": {"isr": "0 ns", "dpc": "0 ns", "receive": "0 ns", "transmit": "0 ns"},
    "machine.tcp": {"segment": "0 ns", "receive": "0 ns"},
    "machine.kernel.copy": "100 GB/s",
}
MULTICHANNEL = "traces/smb3_multichannel_headers.csv.gz"


def figures(name: str, changes: Changes, duration: str = "3 ms", replications: int = 2) -> dict[str, Any]:
    """The summary of a short run."""
    run = {"run.duration": duration, "run.warm_up": "1 ms", "run.replications": replications}
    summary: dict[str, Any] = iosim.run(iosim.load(name, set={**run, **changes}), study=False).summary
    return summary


def value(summary: dict[str, Any], path: str) -> float:
    found: Any = summary
    for part in path.split("."):
        found = found[part]
    return float(found["value"])


def driver_share(summary: dict[str, Any]) -> float:
    """Of the processors' time, what goes to service routines and DPCs."""
    return value(summary, "processors.share.isr") + value(summary, "processors.share.dpc")


def test_waiting_with_interrupts_costs_latency_and_saves_processor_time() -> None:
    off, late = (figures("interrupt-moderation", {"nics.nic0.interrupt_moderation": it}) for it in ("off", "100 us"))
    assert 20_000 < value(late, "latency_ns.mean") - value(off, "latency_ns.mean") < 150_000
    assert driver_share(late) < 0.7 * driver_share(off)
    assert value(late, "nics.nic0.frames_per_interrupt") > 3


def test_nothing_is_saved_where_interrupts_cost_nothing() -> None:
    free = {"nics.nic0.costs": {"isr": "0 ns", "dpc": "0 ns"}}
    off, late = (
        figures("interrupt-moderation", {"nics.nic0.interrupt_moderation": it, **free}) for it in ("off", "100 us")
    )
    assert driver_share(late) == pytest.approx(driver_share(off), rel=0.05)


def copied(direction: str, changes: Changes) -> float:
    changes = {"workload.copy.addresses": MULTICHANNEL, "workload.copy.direction": direction, **changes}
    return value(figures("rss-skew", changes, "2 ms", 1), "throughput_per_s")


def test_connections_whose_hashes_meet_on_one_processor_copy_at_half_the_rate() -> None:
    assert copied("replies", {}) < 0.6 * copied("requests", {})


def test_with_one_queue_for_all_the_hash_makes_no_difference() -> None:
    one = {"nics.nic0.rss.number_of_receive_queues": 1}
    assert copied("replies", one) == pytest.approx(copied("requests", one), rel=0.05)


def answered(rate: str, changes: Changes) -> float:
    return value(figures("receive-livelock", {"workload.flood.rate": rate, **changes}, "5 ms"), "throughput_per_s")


def test_a_server_that_is_flooded_answers_less_than_one_that_is_busy() -> None:
    busy, flooded = answered("100000/s", {}), answered("800000/s", {})
    assert flooded < 0.4 * busy
    assert answered("800000/s", {"nics.nic0.receive_buffers": 16}) > 0.7 * busy


def test_it_does_not_where_lifting_a_datagram_costs_nothing() -> None:
    assert answered("800000/s", FREE) > 0.95 * answered("200000/s", FREE)


def worked(processor: int, changes: Changes) -> float:
    changes = {"nics.nic0.rss.base_processor_number": processor, "workload.storm.rate": "1200000/s", **changes}
    return value(figures("dpc-storm", changes, "4 ms", 1), "classes.work.throughput_per_s")


def test_a_thread_starves_on_the_processor_of_the_dpcs_and_not_beside_it() -> None:
    assert worked(0, {}) == 0
    assert worked(1, {}) == pytest.approx(5000, rel=0.06)


def test_a_storm_that_costs_nothing_starves_nobody() -> None:
    assert worked(0, FREE) == pytest.approx(5000, rel=0.06)


def test_receives_of_no_bytes_lock_no_pages_and_take_a_call_more() -> None:
    found = {}
    for zero in (False, True):
        changes = {"handlers.request[1].recv.zero_byte": zero, "workload.users.connections": 300}
        found[zero] = figures("zero-byte-receive", changes)
    assert value(found[False], "nics.nic0.locked_pages_max") == 300
    assert 290 < value(found[False], "nics.nic0.locked_pages_mean") < 300
    assert value(found[True], "nics.nic0.locked_pages_max") == 0
    calls = [value(it, "nics.nic0.socket_calls_per_s") / value(it, "throughput_per_s") for it in found.values()]
    assert calls == pytest.approx([2, 3], rel=0.05)


def test_a_limit_of_locked_pages_leaves_connections_unserved() -> None:
    few = {"machine.tcp.locked_pages": 100, "workload.users.connections": 200}
    requests = figures("zero-byte-receive", few)["requests"]
    assert 0.3 < requests["completed"] / requests["offered"] < 0.7
    none = {**few, "handlers.request[1].recv.zero_byte": True}
    assert figures("zero-byte-receive", none)["requests"]["in_flight"] == 0


def test_thousands_of_connections_wait_no_longer_than_a_hundred() -> None:
    many, few = (figures("ten-thousand-connections", {"workload.users.connections": it}) for it in (3000, 100))
    assert value(many, "latency_ns.mean") == pytest.approx(value(few, "latency_ns.mean"), rel=0.03)
    assert value(many, "nics.nic0.locked_pages_max") == 3000


def page_latency(per_connection: int, round_trip: str) -> float:
    changes = {
        "workload.pages.requests_per_connection": per_connection,
        "workload.pages.round_trip": round_trip,
        "workload.films.round_trip": round_trip,
        "workload.pages.clients": 8,
        "nics.nic0.interrupt_moderation": "off",
    }
    return value(figures("web-server", changes, "10 ms", 1), "classes.pages.latency_ns.mean")


def test_a_connection_for_each_page_costs_a_round_trip_more_where_there_is_one() -> None:
    gain = page_latency(1, "2 ms") - page_latency(100, "2 ms")
    assert 1_500_000 < gain < 2_500_000
    assert page_latency(1, "0 s") - page_latency(100, "0 s") < 150_000


def test_a_web_servers_pages_come_from_the_cache_and_its_films_from_the_kernel() -> None:
    small = {"workload.pages.clients": 8, "files.pages.size": "64 KiB", "files.films.size": "512 KiB"}
    summary = figures("web-server", small, "10 ms", 1)
    requests = summary["requests"]
    assert requests["completed"] == requests["offered"] > 40
    assert value(summary, "volumes.site.cache_hit_share") > 0.7
    assert value(summary, "classes.films.latency_ns.mean") > value(summary, "classes.pages.latency_ns.mean")


# ---- numa-placement --------------------------------------------------------------------------------------------------

ALL_FAR = {"nics.nic0.buffer_node": 1}
ALIKE = {
    "machine.memory.nodes": {"latency": "78 ns", "remote": "78 ns", "bandwidth": "113.1 GB/s", "link": "113.1 GB/s"}
}


def remote(changes: Changes) -> float:
    return value(figures("numa-placement", changes, "2 ms", 1), "latency_causes_ns.remote_memory")


def test_buffers_on_the_other_node_cost_whoever_touches_them() -> None:
    """Two lines of each of six frames' headers, and a copy of 8 KiB: within a microsecond or two of a request."""
    assert remote({}) == 0
    assert 1000 < remote(ALL_FAR) < 3000


def test_where_buffers_lie_does_not_matter_if_all_memory_is_alike() -> None:
    assert remote({**ALL_FAR, **ALIKE}) == 0


def test_workers_alone_pay_less_than_workers_and_dpcs_together() -> None:
    workers = remote({"pools.workers.node": 1})
    assert 0 < workers < remote(ALL_FAR)
