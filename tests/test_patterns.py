"""What practitioners do with completion ports: batches, no packet on success, several requests at once, pools that grow,
a port and a thread for each processor. Costs are those of tests/tiny_io.py; times in ns."""

from itertools import product
from typing import Any

import pytest
from test_machine import EVERYTHING, Tree, build, everything_but, run, scenario
from tiny import causes, compute, note
from tiny_io import CALL, IRP, NTFS, REMOVAL, REMOVE, TinyIo

import iosim
from iosim.application import BlockStep, ComputeStep, WorkerProgram
from iosim.attribution import CAUSES, PORT_ORDER, new_ledger, new_request
from iosim.batch import BatchServices
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.heap_clock import HeapClock
from iosim.io_manager import IoParams
from iosim.pools import GrowingPool, GrowingPort, GrowingWorker, GrowthParams, PortPerProcessor, ThreadParams
from iosim.processor import Processor
from iosim.recorders import Behind
from iosim.records import Raw
from iosim.scheduling import FullDispatcher
from iosim.summary import fingerprint
from iosim.thread import TERMINATED, WAITING, Thread
from iosim.variates import CLIENT_SHIFT, Constant, Variate

# ---- batched dequeue -------------------------------------------------------------------------------------------------


class Batches(TinyIo):
    """Workers that take batches, and what they have for a door."""

    def __init__(self, processors: int, most: int, threads: int = 1, concurrency: int = 0, **options: Any) -> None:
        super().__init__(processors, switch=0, workers=0, concurrency=concurrency, **{"clock": HeapClock, **options})
        self.doors = [
            BatchServices(self.dispatcher, self.io, self.caches, self.services.costs, 1 + number, most)
            for number in range(threads)
        ]
        self.workers = [self.dispatcher.create_thread(WorkerProgram(door, self.port), 8) for door in self.doors]
        for thread in self.workers:
            self.dispatcher.make_ready(thread)

    def computes(self, ns: int) -> None:
        """What every request does."""
        self.handler(lambda services: ComputeStep(services, Constant(ns), 0, 0))


class ByIndex(Variate):
    """So much for some requests, nothing for the others."""

    def __init__(self, amounts: dict[int, int]) -> None:
        self.amounts = amounts

    def value(self, index: int) -> int:
        return self.amounts.get(index, 0)


def test_1_11_1_a_batch_is_one_call_and_its_packets_are_served_in_their_order() -> None:
    """The first is taken alone, as nothing else is there yet; the other two share one call of 5 ns."""
    tiny = Batches(1, 16)
    tiny.computes(100)
    tiny.ask_at(1000, 0, 1, 2)
    tiny.run()
    assert tiny.log == [(1105, 0), (1210, 1), (1310, 2)]
    assert (tiny.doors[0].calls, tiny.doors[0].packets) == (2, 3)


def test_1_11_1_a_batch_takes_no_more_than_was_asked_for() -> None:
    tiny = Batches(1, 2)
    tiny.computes(100)
    tiny.ask_at(1000, 0, 1, 2, 3)
    tiny.run()
    assert tiny.log == [(1105, 0), (1210, 1), (1310, 2), (1415, 3)]
    assert (tiny.doors[0].calls, tiny.doors[0].packets) == (3, 4)


def test_a_packet_in_a_batch_waits_in_the_ports_order_and_all_its_time_is_explained() -> None:
    """In the port for the limit or behind an earlier one, in the thread behind an earlier one, and no nanosecond twice."""
    tiny = Batches(1, 16)
    tiny.computes(100)
    tiny.ask_at(1000, 0, 1, 2)
    tiny.run()
    assert [causes(request) for request in tiny.ended.requests] == [
        {"user": 100, "kernel": 5},
        {"port_limit": 105, "user": 100, "kernel": 5},
        {"port_order": 105 + 105, "user": 100},
    ]
    assert tiny.port.sojourns == 2 * 105  # the port itself is left by all three at 1,105
    assert [request.began for request in tiny.ended.requests] == [1000, 1105, 1210]


def test_0b9_with_room_under_the_limit_parked_batch_callers_get_one_packet_each() -> None:
    tiny = Batches(2, 16, threads=2)
    tiny.computes(100)
    tiny.ask_at(1000, 0, 1)
    tiny.run()
    assert tiny.log == [(1105, 0), (1105, 1)]
    assert [(door.calls, door.packets) for door in tiny.doors] == [(1, 1), (1, 1)]


def test_0b9_a_woken_batch_caller_takes_what_is_there_when_it_runs() -> None:
    """Handed packet 0 at 1,000, it gets the processor at 1,400, when another thread has done with it."""
    tiny = Batches(1, 16, concurrency=2)
    tiny.computes(100)
    tiny.start(compute(500), at=900)
    tiny.ask_at(1000, 0, 1, 2)
    tiny.run()
    assert tiny.log == [(1505, 0), (1605, 1), (1705, 2)]
    assert (tiny.doors[0].calls, tiny.doors[0].packets) == (1, 3)


@pytest.mark.parametrize(("most", "ends"), [(16, [(2415, 0), (2425, 1), (2435, 2)]), (1, [(1430, 1), (1445, 2)])])
def test_1_11_2_a_request_that_blocks_holds_up_its_batch_though_another_worker_is_free(
    most: int, ends: list[tuple[int, int]]
) -> None:
    """The first worker gets all three packets at 1,400, or only the one that blocks at 1,415 and leaves two to the second."""
    tiny = Batches(2, most)
    tiny.handler(lambda services: BlockStep(services, ByIndex({0: 1000})))
    tiny.start(compute(500), at=900)
    tiny.start(compute(525), at=900)
    tiny.ask_at(1000, 0, 1, 2)
    second = tiny.worker(tiny.port)
    tiny.at(1050, lambda: tiny.dispatcher.make_ready(second))
    tiny.run()
    assert tiny.log[: len(ends)] == ends
    assert sum(tiny.ended.requests[-1].ledger) == tiny.log[-1][0] - 1000


def test_1_11_2_a_batch_has_one_place_under_the_limit() -> None:
    tiny = Batches(2, 16, concurrency=1)
    tiny.computes(100)
    tiny.ask_at(1000, 0, 1, 2, 3)
    seen: list[tuple[int, int]] = []
    tiny.at(1250, lambda: seen.append((tiny.port.running, len(tiny.doors[0].entries))))
    tiny.run()
    assert seen == [(1, 1)]


def test_the_removal_of_all_irps_of_a_batch_is_paid_in_the_call() -> None:
    """Four reads end together behind a busy processor; the call frees four IRPs before the first is looked at."""
    tiny = Batches(1, 16, slots=8)
    tiny.ask_at(1000, 0, 1, 2, 3)
    tiny.at(5000, lambda: tiny.dispatcher.make_ready(tiny.thread(compute(50_000), note("free"), priority=9)))
    tiny.run()
    free = tiny.log[0][0]
    assert tiny.log[1:] == [(free + REMOVE + 4 * REMOVAL, index) for index in range(4)]
    assert tiny.doors[0].packets == 8
    assert all(sum(request.ledger) == tiny.log[1][0] - 1000 for request in tiny.ended.requests)


def test_who_waits_in_a_batch_behind_whom_is_told_exactly() -> None:
    """The fast request waits in the thread's entries behind the slow one alone, whoever else holds the port meanwhile."""
    tiny = Batches(2, 16, threads=2)
    behind = Behind(tiny.clock, 3, 3, 10**9, 1)
    for watched in (tiny.port, *tiny.doors):
        watched.probes, watched.watched = behind, True  # type: ignore[attr-defined]
    tiny.handler(lambda services: BlockStep(services, ByIndex({0: 1000, 7: 3000})))
    for _ in range(2):
        tiny.dispatcher.make_ready(tiny.thread(compute(1400), priority=9))

    def ask() -> None:
        for index, group in (
            (0, 1),
            (7, 2),
            (1, 0),
        ):  # two threads are woken; the first to run takes the third packet too
            request = new_request(group, index, 1000, new_ledger())
            request.source, request.steps = tiny.ended, tiny.steps
            tiny.port.post(request)

    tiny.at(1000, ask)
    tiny.run()
    assert tiny.log == [(2415, 0), (2425, 1), (4415, 7)]
    held_up = tiny.ended.requests[1].ledger[PORT_ORDER]
    assert held_up == 2415 - 1400
    assert [matrix for matrix in behind.matrix[1:] if matrix] == [{0: [0, held_up, 0, *[0] * 6]}]
    assert behind.count == [[0, 0, 0]] * 3
    assert [sum(holds) for holds in behind.holds] == [3, 1, 2]


BEHIND: Tree = {
    "version": 1,
    "machine": {"cores_per_node": 2},
    "ports": {"main": {}},
    "pools": {"workers": {"port": "main", "threads": 4, "batch": 16}},
    "handlers": {"quick": [{"compute": "20 us"}], "slow": [{"block": "2 ms"}]},
    "workload": {
        "fast": {"kind": "open", "port": "main", "handler": "quick", "rate": "8000/s"},
        "slow": {"kind": "open", "port": "main", "handler": "slow", "rate": "800/s"},
    },
    "run": {"duration": "200 ms", "warm_up": "0 s", "replications": 2},
}


def summary_of(tree: Tree, **changes: Any) -> Any:
    return iosim.run(scenario(tree, **changes), study=False, jobs=1).summary


def test_head_of_line_time_within_batches_is_in_the_summary_and_gone_without_them() -> None:
    with_batches = summary_of(BEHIND)
    blamed = with_batches["head_of_line_ns"]["pools.workers"]
    assert blamed["fast"]["value"] > 20_000
    assert blamed["slow"]["value"] == 0
    assert with_batches["pools"]["workers"]["packets_per_call"]["value"] > 1.05
    without = summary_of(BEHIND, pools__workers__batch=1)
    assert "pools.workers" not in without["head_of_line_ns"]
    assert without["pools"]["workers"]["packets_per_call"]["value"] == 1


# ---- skip on success -------------------------------------------------------------------------------------------------


def hits(skip: bool, **options: Any) -> TinyIo:
    """Two processors, two workers; cached reads that hit."""
    tiny = TinyIo(2, cached=True, copy_ps=1000, switch=1000, **{"hits": [Constant(1)], "clock": HeapClock, **options})
    if skip:
        tiny.io.set_notification_modes(tiny.file, SKIP_PORT_ON_SUCCESS)
    return tiny


def test_1_3_row_6_with_skip_on_success_a_hit_goes_on_in_its_thread_without_a_packet() -> None:
    """The caller pays what the remover would have paid for the IRP (9), and no second worker is woken."""
    tiny = hits(True)
    tiny.ask_at(2000, 1)
    tiny.run()
    issued = 2000 + 1000 + REMOVE + CALL + IRP + NTFS[0] + 8192
    assert tiny.log == [(issued + REMOVAL, 1)]
    assert tiny.port.packets == 1
    assert sorted(worker.switches for worker in tiny.workers) == [1, 2]
    assert sum(tiny.ended.requests[0].ledger) == issued + REMOVAL - 2000


def test_0b1_without_it_the_hits_packet_wakes_a_second_worker_while_the_caller_runs() -> None:
    tiny = hits(False)
    tiny.ask_at(2000, 1)
    tiny.run()
    assert tiny.port.packets == 2
    assert [worker.switches for worker in tiny.workers] == [2, 2]


def test_1_3_row_7_what_pended_reports_to_the_port_all_the_same() -> None:
    skipping, plain = (hits(skip, hits=None, cache_pages=100, system_workers=1, workers=1) for skip in (True, False))
    for tiny in (skipping, plain):
        tiny.ask_at(2000, 1)
        tiny.run()
    assert skipping.log == plain.log
    assert skipping.port.packets == 2


def test_a_request_that_goes_on_in_its_thread_holds_the_port_once_and_all_the_time() -> None:
    tiny = hits(True)
    behind = Behind(tiny.clock, 1, 1, 10**9, 1)
    tiny.port.probes, tiny.port.watched = behind, True
    tiny.ask_at(2000, 1)
    tiny.run()
    assert (behind.holds, behind.count) == ([[1]], [[0]])
    assert behind.hold_area == [[tiny.log[0][0] - 2000]]


def cached(**changes: Any) -> Raw:
    """The machine of all parts with nothing but cached reads, half of which hit, for four clients."""
    tree = everything_but("workload.open")
    tree["files"]["kept"]["hit_ratio"] = 0.5
    tree["handlers"]["short"] = [{"read": {"file": "kept", "size": "4 KiB"}}, {"compute": "5 us"}]
    tree["workload"]["closed"] |= {"clients": 4, "think": "200 us"}
    return run(tree, **changes)


def test_skip_on_success_saves_a_packet_for_every_hit_of_a_scenario() -> None:
    plain, skipping = cached(), cached(files__kept__skip_on_success=True)
    for raw, saved in ((plain, 0), (skipping, 1)):
        found = raw.samples["volumes.data.hits"][-1]
        reads = found + raw.samples["volumes.data.misses"][-1]
        packets = raw.samples["ports.main.packets"][-1]
        assert abs(packets - (2 * reads - saved * found)) <= 4  # those under way at the end
        assert found > 100
    per_request = [raw.samples["switches"][-1] / len(raw.columns["ended"]) for raw in (plain, skipping)]
    assert per_request[1] < per_request[0]


# ---- several requests of a client ------------------------------------------------------------------------------------

CLOSED: Tree = {
    "version": 1,
    "machine": {"cores_per_node": 2},
    "ports": {"main": {}},
    "pools": {"workers": {"port": "main", "threads": 4}},
    "handlers": {"request": [{"compute": {"exponential": "20 us"}}, {"block": {"exponential": "50 us"}}]},
    "workload": {
        "all": {"kind": "closed", "port": "main", "handler": "request", "clients": 2, "think": {"exponential": "1 ms"}}
    },
    "run": {"duration": "40 ms", "warm_up": "0 s", "replications": 2},
}


def asked(raw: Raw) -> list[tuple[int, int]]:
    """Client and iteration of every request that ended."""
    return sorted((index >> CLIENT_SHIFT, index & ((1 << CLIENT_SHIFT) - 1)) for index in raw.columns["index"])


def test_each_slot_of_a_client_goes_through_its_own_share_of_the_clients_requests() -> None:
    raw = run(CLOSED, workload__all__outstanding=3)
    for client, slot in product(range(2), range(3)):
        iterations = [it for who, it in asked(raw) if who == client and it % 3 == slot]
        assert iterations == list(range(slot, slot + 3 * len(iterations), 3))
        assert len(iterations) > 20


def test_a_client_has_so_many_requests_under_way_and_never_more() -> None:
    """Without thinking, and with nobody else: the load is always outstanding times clients."""
    raw = run(CLOSED, workload__all__outstanding=3, workload__all__think="0 s")
    assert raw.samples["in_system"][-1] == 6 * raw.end_ns


def test_what_is_asked_for_does_not_depend_on_the_order_of_service() -> None:
    """Two designs draw the same for the same request (design 1.3): with no think time, one is just further than the other."""
    designs = [
        run(CLOSED, record=("causes",), workload__all__outstanding=3, machine__cores_per_node=cores) for cores in (1, 4)
    ]
    user = CAUSES.index("user")
    drawn = []
    for raw in designs:
        spent = raw.causes[user :: len(CAUSES)]
        drawn.append(dict(zip(raw.columns["index"], spent, strict=True)))
    common = drawn[0].keys() & drawn[1].keys()
    assert len(common) > 100
    assert [drawn[0][it] for it in common] == [drawn[1][it] for it in common]
    assert designs[0].end_ns != designs[1].end_ns


def test_one_request_at_a_time_is_the_load_that_it_always_was() -> None:
    assert fingerprint([run(CLOSED)]) == fingerprint([run(CLOSED, workload__all__outstanding=1)])


def test_1_9_1_requests_of_one_client_end_out_of_order_where_more_than_one_thread_runs() -> None:
    several = summary_of(CLOSED, workload__all__outstanding=4, pools__workers__threads=8, workload__all__think="0 s")
    assert 0.1 < several["classes"]["all"]["out_of_order_share"]["value"] < 1
    alone = summary_of(CLOSED, workload__all__outstanding=4, pools__workers__threads=1, workload__all__clients=1)
    assert alone["classes"]["all"]["out_of_order_share"]["value"] == 0
    assert summary_of(CLOSED)["classes"]["all"]["out_of_order_share"]["value"] == 0


# ---- pools that grow -------------------------------------------------------------------------------------------------


class Growing(TinyIo):
    """A pool of one thread that may become three; threads take 700 to make, and go after 50,000 without work."""

    def __init__(self, after: int = 0, concurrency: int = 0) -> None:
        super().__init__(4, switch=0, workers=0, clock=HeapClock)
        self.port = GrowingPort(self.clock, self.dispatcher, 0, concurrency, 4)
        self.pool = GrowingPool(self.dispatcher, self.port, GrowthParams(1, after, 50_000, 700), ThreadParams(8))
        self.pool.spare = [GrowingWorker(self.services, self.port, self.pool, number) for number in range(3)]
        self.dispatcher.make_ready(self.pool.new_thread())
        self.handler(lambda services: BlockStep(services, Constant(10_000)))


def test_7_8_a_pool_grows_a_thread_at_a_time_while_all_are_blocked_and_work_waits() -> None:
    """At 1,000 the only thread is taken; the second comes at 1,700, the third, begun then, at 2,400; a fourth may not be."""
    tiny = Growing()
    tiny.ask_at(1000, 0, 1, 2, 3)
    tiny.at(30_000, lambda: tiny.log.append((tiny.clock.now, f"{tiny.pool.alive} threads")))
    tiny.run()
    blocked = REMOVE + CALL + 10_000
    assert tiny.log == [
        (1000 + blocked, 0),
        (1700 + blocked, 1),
        (2400 + blocked, 2),
        (1000 + 2 * blocked, 3),
        (30_000, "3 threads"),
    ]
    assert all(sum(it.ledger) == time - 1000 for it, (time, _) in zip(tiny.ended.requests, tiny.log, strict=False))


def test_7_8_threads_that_found_no_packet_for_the_idle_timeout_end_down_to_the_fewest() -> None:
    """Newest waiters are woken first, so that the oldest is the one that is not needed."""
    tiny = Growing()
    tiny.ask_at(1000, 0, 1, 2, 3)
    counted: list[int] = []
    for time in (61_714, 61_716, 62_414, 62_416):  # parked at 11,715 and 12,415
        tiny.at(time, lambda: counted.append(tiny.pool.alive))
    tiny.run()
    assert counted == [3, 2, 2, 1]
    assert [thread.state for thread in tiny.pool.threads] == [WAITING, TERMINATED, TERMINATED]
    assert list(tiny.port.bound.values()) == [tiny.pool.threads[0]]
    assert (tiny.pool.alive_most, tiny.port.running) == (3, 0)


def test_7_8_a_pool_that_shrank_grows_again() -> None:
    tiny = Growing()
    tiny.ask_at(1000, 0, 1, 2, 3)
    tiny.ask_at(200_000, 4, 5, 6)
    tiny.run()
    blocked = REMOVE + CALL + 10_000
    assert tiny.log[4:] == [(200_000 + blocked, 4), (200_700 + blocked, 5), (201_400 + blocked, 6)]
    assert (len(tiny.pool.threads), tiny.pool.alive_most) == (5, 3)


class Reading(TinyIo):
    """A growing pool in `apc` mode whose requests read the disk: while they do, its two threads wait for packets."""

    def __init__(self, latency: int) -> None:
        super().__init__(4, switch=0, workers=0, latency=latency, clock=HeapClock, params=IoParams("apc"))
        self.port = GrowingPort(self.clock, self.dispatcher, 0, 0, 4)
        self.file.port = self.port
        self.pool = GrowingPool(self.dispatcher, self.port, GrowthParams(1, 0, 50_000, 700), ThreadParams(8))
        self.pool.spare = [GrowingWorker(self.services, self.port, self.pool, number) for number in range(4)]
        for _ in range(2):
            self.dispatcher.make_ready(self.pool.new_thread())


def test_1_4_5_a_pool_does_not_grow_for_a_packet_that_an_apc_leaves_to_its_own_thread() -> None:
    tiny = Reading(latency=10_000)
    tiny.ask_at(1000, 0, 1)
    tiny.run()
    assert {index for _, index in tiny.log} == {0, 1}
    assert len(tiny.log) == 2
    assert tiny.pool.alive_most == 2


def test_2_8_6_a_thread_with_requests_of_its_own_is_not_sent_away_by_its_pool() -> None:
    """It would take them along. It has been idle for 50,000 at 51,000 or so; its read ends at 101,000 or so."""
    tiny = Reading(latency=100_000)
    tiny.ask_at(1000, 0, 1)
    counted: list[int] = []
    for time in (60_000, 149_000, 160_000):
        tiny.at(time, lambda: counted.append(tiny.pool.alive))
    tiny.run()
    assert {index for _, index in tiny.log} == {0, 1}
    assert len(tiny.log) == 2
    assert counted == [2, 2, 1]


def test_a_pool_grows_only_when_its_oldest_packet_has_waited_for_the_time_that_was_asked_for() -> None:
    tiny = Growing(after=500)
    tiny.ask_at(1000, 0, 1)
    tiny.run()
    assert tiny.log == [(1000 + REMOVE + CALL + 10_000, 0), (1500 + 700 + REMOVE + CALL + 10_000, 1)]


def test_a_pool_does_not_grow_for_work_that_is_gone_before_the_time_is_up() -> None:
    tiny = Growing(after=500)
    tiny.handler(lambda services: ComputeStep(services, Constant(300), 0, 0))
    tiny.ask_at(1000, 0, 1)
    tiny.run()
    assert tiny.log == [(1305, 0), (1610, 1)]
    assert tiny.pool.alive_most == 1


def test_the_limit_keeps_a_pool_from_growing() -> None:
    """Its one thread runs: more would not."""
    tiny = Growing(concurrency=1)
    tiny.handler(lambda services: ComputeStep(services, Constant(300), 0, 0))
    tiny.ask_at(1000, 0, 1, 2, 3)
    tiny.run()
    assert tiny.pool.alive_most == 1


def test_the_summary_tells_how_many_threads_a_pool_had_at_most() -> None:
    changes = {"pools__workers__threads": 1, "pools__workers__grows": {"max": 12, "idle_timeout": "20 ms"}}
    grown = summary_of({**CLOSED, "run": {**CLOSED["run"], "duration": "100 ms"}}, **changes)
    workers = grown["pools"]["workers"]
    assert workers["threads"] == 1
    assert 1 < workers["threads_max"]["value"] <= 12
    fixed = summary_of(CLOSED)["pools"]["workers"]
    assert (fixed["threads"], fixed["threads_max"]["value"]) == (4, 4)


# ---- a port and a thread for each processor --------------------------------------------------------------------------


def test_with_a_port_for_each_processor_a_clients_requests_stay_at_one() -> None:
    machine = build(CLOSED, ports__main__per="processor", ports__main__concurrency=1, workload__all__clients=5)
    raw = machine.run()
    assert list(machine.ports) == ["main[0]", "main[1]"]
    assert [[thread.queue for thread in machine.pools["workers"]].count(port) for port in machine.ports.values()] == [
        2,
        2,
    ]
    ended = [0, 0]
    for index in raw.columns["index"]:
        ended[(index >> CLIENT_SHIFT) % 2] += 1
    for place, count in enumerate(ended):
        assert 0 <= raw.samples[f"ports.main[{place}].packets"][-1] - count <= 3
        assert count > 50


def test_with_a_port_for_each_processor_the_same_requests_are_offered() -> None:
    """Gaps, sizes and compute times belong to a request, whichever port it goes to."""
    tree = everything_but("workload.closed")
    together, apart = run(tree), run(tree, ports__main__per="processor", pools__workers__affinity="any")
    assert sorted(together.columns["intended"]) == sorted(apart.columns["intended"])
    assert together.samples["disks.flash.commands"][-1] == pytest.approx(apart.samples["disks.flash.commands"][-1], 0.1)


def test_the_processors_handlers_share_their_draws() -> None:
    """Else every processor would draw, and keep, what all of them need."""
    machine = build(CLOSED, ports__main__per="processor", ports__main__concurrency=1)
    spread = machine.sources[0].port
    assert isinstance(spread, PortPerProcessor)
    first, second = (steps[0] for steps in spread.steps)
    assert isinstance(first, ComputeStep) and isinstance(second, ComputeStep)
    assert first is not second
    assert first.time is second.time


def test_a_port_for_each_processor_is_one_in_the_summary() -> None:
    changes = {"ports__main__per": "processor", "ports__main__concurrency": 1, "workload__all__clients": 40}
    summary = summary_of(CLOSED, **changes)
    main = summary["ports"]["main"]
    assert (main["limit"], main["threads_used"]["value"]) == (2, 4)
    assert main["packets"]["value"] == pytest.approx(summary["requests"]["offered"] / 2, abs=40)


def test_every_port_of_a_handler_may_be_one_for_each_processor() -> None:
    raw = run(EVERYTHING, ports__aside__per="processor", pools__helpers__threads="2/processor")
    assert raw.samples["ports.aside[0].packets"][-1] > 10
    assert raw.samples["ports.aside[1].packets"][-1] > 10


def masks(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[tuple[int, int]]:
    """Thread and affinity mask, in the order in which they were bound."""
    found: list[tuple[int, int]] = []

    class Binding(FullDispatcher):
        def set_affinity(self, thread: Thread, mask: int) -> int:
            found.append((thread.number, mask))
            return 0

    monkeypatch.setattr("iosim.machine.FullDispatcher", Binding)
    run(CLOSED, pools__workers__affinity="processor", **changes)
    return found


def test_thread_k_of_an_affine_pool_is_bound_to_processor_k(monkeypatch: pytest.MonkeyPatch) -> None:
    assert masks(monkeypatch) == [(0, 1), (1, 2), (2, 1), (3, 2)]


def test_threads_that_an_affine_pool_grows_by_are_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    found = masks(monkeypatch, pools__workers__threads=1, pools__workers__grows={"max": 4}, workload__all__clients=40)
    assert found == [(0, 1), (1, 2), (2, 1), (3, 2)]


def test_an_affine_pool_with_a_port_for_each_processor_never_leaves_its_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    homes: dict[int, set[int]] = {}

    class Watched(FullDispatcher):
        def _switch_in(self, thread: Thread, processor: Processor) -> None:
            homes.setdefault(thread.number, set()).add(processor.number)
            super()._switch_in(thread, processor)

    monkeypatch.setattr("iosim.machine.FullDispatcher", Watched)
    run(
        CLOSED,
        ports__main__per="processor",
        ports__main__concurrency=1,
        pools__workers__affinity="processor",
        workload__all__clients=40,
    )
    assert homes == {0: {0}, 1: {1}, 2: {0}, 3: {1}}


def test_threads_of_an_affine_pool_go_to_all_groups() -> None:
    """Two nodes of 64 processors are two groups; thread 64 has the first processor of the second."""
    machine = build(
        CLOSED,
        machine__numa_nodes=2,
        machine__cores_per_node=64,
        pools__workers__affinity="processor",
        pools__workers__threads="1/processor",
    )
    threads = machine.pools["workers"]
    assert [(thread.group, thread.affinity) for thread in (threads[63], threads[64], threads[127])] == [
        (0, 1 << 63),
        (1, 1 << 64),
        (1, 1 << 127),
    ]


# ---- all of them together --------------------------------------------------------------------------------------------

GROWS = {"max": 9, "idle_timeout": "2 ms", "after": "20 us"}


@pytest.mark.parametrize(
    ("batch", "skip", "outstanding", "spread"),
    list(product((1, 3, 16), (False, True), (1, 3), ("fixed", "grows", "per"))),
)
def test_any_mixture_keeps_the_laws_and_is_the_same_on_both_clocks_watched_or_not(
    batch: int, skip: bool, outstanding: int, spread: str
) -> None:
    """Every run checks the conservation laws at its end."""
    changes: dict[str, Any] = {
        "pools__workers__batch": batch,
        "pools__helpers__batch": batch,
        "files__kept__skip_on_success": skip,
        "files__kept__hit_ratio": 0.5,
        "workload__closed__outstanding": outstanding,
        "run__duration": "12 ms",
    }
    if spread == "grows":
        changes["pools__workers__grows"] = GROWS
    elif spread == "per":
        changes["ports__main__per"] = "processor"
    bare = run(EVERYTHING, "heap", **changes)
    watched = run(EVERYTHING, "simpy", record=("causes", "waits", "timeline"), **changes)
    assert fingerprint([bare]) == fingerprint([watched])
    assert bare.samples == watched.samples
    if not bare.in_flight:
        assert bare.ledgers == watched.ledgers
