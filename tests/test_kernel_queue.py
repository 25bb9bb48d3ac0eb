"""The kernel queue, alone: no dispatcher, a clock that the test sets. Cases K..: semantics 9.6.

A thread that is handed a packet shows up in `woken`; what the dispatcher does when a thread blocks and is woken again
(`release_one`, `unblocked`) the tests do themselves, and tests/test_dispatcher.py holds the dispatcher to it.
"""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import GO, WAIT, Step, Tiny, call, causes, compute, note, take

from iosim.actor import Clock
from iosim.apc import queue_user_apc
from iosim.attribution import NO_REQUEST, SYSTEM_WORKER_QUEUE, Request, new_ledger, new_request
from iosim.completion_port import CompletionPort
from iosim.kernel_queue import NO_PACKET, NO_QUEUE, KernelQueue, KernelThread, Packet
from iosim.ntstatus import STATUS_ABANDONED_WAIT_0, STATUS_USER_APC
from iosim.probes import Probes
from iosim.processor import Scheduler
from iosim.thread import Program, Thread


class Woken(Scheduler):
    """Remembers who was made ready, and with which packet."""

    def __init__(self) -> None:
        self.threads: list[Thread] = []

    def make_ready(self, thread: Thread) -> None:
        self.threads.append(thread)


class Bench:
    """One or two queues, named threads, numbered packets."""

    def __init__(self, limit: int, threads: int) -> None:
        self.clock = Clock()
        self.woken = Woken()
        self.queue = self.another(limit)
        self.threads = [KernelThread(number, Program(), 8) for number in range(threads)]

    def another(self, limit: int) -> KernelQueue:
        return KernelQueue(self.clock, self.woken, 0, limit)

    def park(self, *threads: KernelThread) -> None:
        for thread in threads:
            assert self.queue.remove(thread) is NO_PACKET

    def insert(self, *indices: int) -> list[Packet]:
        packets = [Packet(new_request(0, index, self.clock.now, new_ledger())) for index in indices]
        for packet in packets:
            self.queue.insert(packet)
        return packets

    def remove(self, thread: KernelThread) -> int:
        """The packet's index; -1 when the thread parked."""
        thread.packet = NO_PACKET
        packet = self.queue.remove(thread)
        return -1 if packet is NO_PACKET else packet.request.index

    @property
    def state(self) -> tuple[int, int]:
        """CurrentCount and depth: c and d of the cases."""
        return self.queue.running, len(self.queue.entries)

    @property
    def waiters(self) -> list[int]:
        return [thread.number for thread in self.queue.waiting]


def got(thread: KernelThread) -> int:
    """Index of the packet that the thread was handed, -1 for none."""
    return -1 if thread.packet is NO_PACKET else thread.packet.request.index


# ---- K01: limit 1 ----------------------------------------------------------------------------------------------------

A, B, C = range(3)


def k01() -> Bench:
    bench = Bench(1, 3)
    bench.park(*bench.threads)
    bench.insert(1, 2, 3, 4)
    return bench


def test_K01_the_thread_that_parked_last_gets_the_first_packet_and_the_limit_holds_the_rest() -> None:
    bench = Bench(1, 3)
    bench.park(*bench.threads)
    bench.insert(1)
    assert (bench.state, bench.waiters) == ((1, 0), [A, B])
    bench.insert(2, 3, 4)
    assert bench.woken.threads == [bench.threads[C]]
    assert got(bench.threads[C]) == 1
    assert (bench.state, bench.waiters) == ((1, 3), [A, B])


def test_1_4_3_what_the_real_insert_returns_is_the_number_of_packets_queued_before_it() -> None:
    """A packet that is handed over has never been queued."""
    bench = Bench(1, 3)
    bench.park(*bench.threads)
    before = []
    for index in (1, 2, 3, 4):
        before.append(len(bench.queue.entries))
        bench.insert(index)
    assert before == [0, 0, 1, 2]


def test_K01b_the_active_thread_takes_its_next_packet_without_parking() -> None:
    bench = k01()
    assert bench.remove(bench.threads[C]) == 2
    assert (bench.state, bench.waiters) == ((1, 2), [A, B])


def test_K01c_a_thread_that_blocks_releases_the_newest_waiter_not_the_oldest() -> None:
    bench = k01()
    bench.remove(bench.threads[C])
    bench.queue.release_one(NO_REQUEST)  # C blocks on an event
    assert got(bench.threads[B]) == 3
    assert got(bench.threads[A]) == -1
    assert (bench.state, bench.waiters) == ((1, 1), [A])


def test_K01d_a_thread_whose_wait_ends_overshoots_the_limit_and_releases_nobody() -> None:
    bench = k01()
    bench.remove(bench.threads[C])
    bench.queue.release_one(NO_REQUEST)
    bench.queue.unblocked()  # the event is set
    assert (bench.state, bench.waiters) == ((2, 1), [A])
    assert len(bench.woken.threads) == 2


def test_K01f_an_overshoot_drains_by_parking_and_the_last_active_thread_gets_the_packet() -> None:
    bench = k01()
    bench.remove(bench.threads[C])
    bench.queue.release_one(NO_REQUEST)
    bench.queue.unblocked()
    assert bench.remove(bench.threads[C]) == -1  # c = 2: C parks although packet 4 waits
    assert (bench.state, bench.waiters) == ((1, 1), [A, C])
    assert bench.remove(bench.threads[B]) == 4
    assert bench.state == (1, 0)
    assert bench.remove(bench.threads[B]) == -1
    assert (bench.state, bench.waiters) == ((0, 0), [A, C, B])


def test_1_5_5_a_caller_parks_in_front_of_a_waiting_packet_while_the_limit_is_exceeded() -> None:
    """Semantics 1.5.5: not to be optimised away, it is how an overshoot drains."""
    bench = k01()
    bench.queue.unblocked()
    bench.queue.unblocked()
    assert bench.state == (3, 3)
    assert bench.remove(bench.threads[C]) == -1
    assert bench.state == (2, 3)


# ---- K02: limit 2 ----------------------------------------------------------------------------------------------------


def k02() -> Bench:
    bench = Bench(2, 4)
    bench.park(*bench.threads)
    bench.insert(1, 2, 3, 4, 5, 6)
    return bench


def test_K02_two_packets_wake_the_two_newest_waiters() -> None:
    bench = k02()
    assert [got(thread) for thread in bench.threads] == [-1, -1, 2, 1]
    assert (bench.state, bench.waiters) == ((2, 4), [0, 1])


def test_K02b_each_of_two_threads_that_block_lets_one_in() -> None:
    bench = k02()
    bench.queue.release_one(NO_REQUEST)
    bench.queue.release_one(NO_REQUEST)
    assert [got(thread) for thread in bench.threads] == [4, 3, 2, 1]
    assert (bench.state, bench.waiters) == ((2, 2), [])


def test_K02c_both_come_back_and_four_threads_run_under_a_limit_of_two() -> None:
    bench = k02()
    for act in (bench.queue.release_one, bench.queue.release_one):
        act(NO_REQUEST)
    bench.queue.unblocked()
    bench.queue.unblocked()
    assert bench.state == (4, 2)
    assert bench.queue.running_most == 4


def test_K02e_when_the_overshoot_has_parked_the_others_take_the_rest_without_a_switch() -> None:
    bench = k02()
    bench.queue.release_one(NO_REQUEST)
    bench.queue.release_one(NO_REQUEST)
    bench.queue.unblocked()
    bench.queue.unblocked()
    assert (bench.remove(bench.threads[3]), bench.remove(bench.threads[2])) == (-1, -1)
    assert (bench.remove(bench.threads[1]), bench.remove(bench.threads[0])) == (5, 6)
    assert (bench.state, bench.waiters) == ((2, 0), [3, 2])
    assert len(bench.woken.threads) == 4


# ---- binding, limits -------------------------------------------------------------------------------------------------


def test_K06_a_thread_that_turns_to_another_port_frees_its_place_on_the_old_one() -> None:
    bench = Bench(1, 2)
    other = bench.another(1)
    a, b = bench.threads
    bench.park(a, b)
    bench.insert(1, 2)
    assert (got(b), bench.state) == (1, (1, 1))
    b.packet = NO_PACKET
    assert other.remove(b) is NO_PACKET
    assert (got(a), bench.state, bench.waiters) == (2, (1, 0), [])
    assert (other.running, other.waiting) == (0, [b])
    assert (list(other.bound), list(bench.queue.bound)) == ([b.number], [a.number])
    assert b.queue is other


def test_1_5_2_a_first_caller_is_not_counted_down() -> None:
    """Semantics 1.5.2: it was never counted up."""
    bench = Bench(2, 1)
    bench.insert(1)
    assert bench.remove(bench.threads[0]) == 1
    assert bench.state == (1, 0)


@pytest.mark.parametrize(("asked", "limit"), [(0, 8), (1, 1), (1000, 1000)])
def test_K09_concurrency_0_means_one_thread_a_processor_and_there_is_no_maximum(asked: int, limit: int) -> None:
    tiny = Tiny(8)
    assert CompletionPort(tiny.clock, tiny.dispatcher, 0, asked, 8).limit == limit


def test_K10_a_pre_empted_thread_still_counts() -> None:
    """CurrentCount moves when a thread becomes ready, not when it gets a processor: the port is not told of it."""
    tiny = Tiny(1)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 1)
    tiny.start(take(port), compute(100), take(port), compute(100))
    tiny.start(take(port), compute(100), at=1)
    tiny.start(compute(500), note("outsider"), priority=12, at=60)
    tiny.insert(50, port, 1)
    tiny.insert(70, port, 2)
    tiny.at(71, lambda: tiny.log.append((tiny.clock.now, (port.running, len(port.entries)))))
    tiny.run()
    # T1 parked last, so it is T1 that was pre-empted 10 ns into packet 1; it ends then, and its place goes to T0.
    assert tiny.log == [(50, "T1 takes 1"), (71, (1, 1)), (560, "outsider"), (650, "T0 takes 2")]


def test_K15_one_worker_does_everything_while_the_queue_never_runs_dry() -> None:
    tiny = Tiny(4, switch=10)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 1, 4)
    workers = [tiny.start(*[step for _ in range(20) for step in (take(port), compute(100))]) for _ in range(3)]
    tiny.insert(1000, port, *range(20))
    tiny.run()
    assert [what for _, what in tiny.log] == [f"T2 takes {index}" for index in range(20)]
    assert [worker.switches for worker in workers] == [1, 1, 2]


def test_K17_never_more_than_the_limit_run_when_nobody_blocks() -> None:
    tiny = Tiny(8)
    port = CompletionPort(tiny.clock, tiny.dispatcher, 0, 3, 8)
    for _ in range(6):
        tiny.start(*[step for _ in range(20) for step in (take(port), compute(100))])
    tiny.insert(1000, port, *range(20))
    tiny.run()
    assert port.running_most == 3
    assert {what for _, what in tiny.log if isinstance(what, str) and what.endswith("takes 5")} == {"T3 takes 5"}
    assert {str(what).split()[0] for _, what in tiny.log} == {"T3", "T4", "T5"}  # the oldest three stay parked


def test_1_6_a_thread_that_ends_gives_its_place_to_the_newest_waiter() -> None:
    bench = k01()
    bench.queue.unbind(bench.threads[C])
    assert got(bench.threads[B]) == 2
    assert bench.threads[C].queue is NO_QUEUE
    assert C not in bench.queue.bound


def test_a_woken_worker_serves_the_request_of_its_packet_from_that_moment_on() -> None:
    """What it then waits for (a processor, a switch) is that request's time."""
    bench = k01()
    assert bench.threads[C].request.index == 1


# ---- why packets waited ----------------------------------------------------------------------------------------------


def test_a_wait_is_divided_among_limit_no_free_thread_and_order() -> None:
    """Limit 1. Packet 1 heads the queue at once, 2 waits behind it, then under the limit, then with no thread free."""
    bench = Bench(1, 2)
    a, b = bench.threads
    clock = bench.clock
    bench.park(a)
    bench.insert(0)  # A is active from 0 on
    first = bench.insert(1)[0]
    clock.now = 100
    second = bench.insert(2)[0]
    clock.now = 300
    assert bench.remove(a) == 1
    clock.now = 400
    bench.queue.release_one(NO_REQUEST)  # A blocks; nobody is parked
    clock.now = 450
    assert bench.remove(b) == 2
    assert causes(first.request) == {"port_limit": 300}
    assert causes(second.request) == {"port_order": 200, "port_limit": 100, "no_free_thread": 50}
    assert sum(second.request.ledger) == 350
    assert second.request.mark == 450


def test_a_packet_on_a_port_whose_threads_are_all_busy_below_the_limit_waits_for_a_free_thread() -> None:
    bench = Bench(2, 1)
    bench.insert(0)
    bench.remove(bench.threads[0])
    packet = bench.insert(1)[0]
    bench.clock.now = 70
    bench.remove(bench.threads[0])
    assert causes(packet.request) == {"no_free_thread": 70}


def test_time_above_the_limit_is_the_limits() -> None:
    """An overshoot keeps packets waiting just as the limit itself does."""
    bench = Bench(1, 3)
    a, b, _ = bench.threads
    bench.insert(0)
    bench.remove(a)
    packet = bench.insert(1)[0]
    bench.clock.now = 40
    bench.queue.unblocked()  # another bound thread comes back from a wait: c = 2
    bench.clock.now = 90
    assert bench.remove(b) == -1
    assert bench.remove(a) == -1  # c was 2
    assert bench.state == (1, 1)
    bench.clock.now = 100
    bench.queue.release_one(NO_REQUEST)
    assert causes(packet.request) == {"port_limit": 100}


def test_another_queue_may_give_its_waits_one_name() -> None:
    """The system workers' queue is not a port."""
    bench = Bench(1, 1)
    queue = bench.queue
    queue.cause_limit = queue.cause_thread = queue.cause_order = SYSTEM_WORKER_QUEUE
    bench.insert(0)
    bench.remove(bench.threads[0])
    packets = bench.insert(1, 2)
    bench.clock.now = 10
    bench.remove(bench.threads[0])
    bench.clock.now = 30
    bench.remove(bench.threads[0])
    assert [causes(packet.request) for packet in packets] == [{"system_worker_queue": 10}, {"system_worker_queue": 30}]


# ---- the same, against an independent model, in any order of events --------------------------------------------------


class Twin:
    """Semantics 1.4 to 1.7 written down once more, naively: no integrals, a record of every instant."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.entries: deque[int] = deque()
        self.parked: list[int] = []
        self.handed: list[tuple[int, int]] = []

    def insert(self, index: int) -> None:
        self.entries.append(index)
        self.release()

    def release(self) -> None:
        if self.count < self.limit and self.parked and self.entries:
            self.count += 1
            self.handed.append((self.parked.pop(), self.entries.popleft()))

    def remove(self, thread: int, bound: bool) -> int:
        self.count -= bound
        if self.count < self.limit and self.entries:
            self.count += 1
            return self.entries.popleft()
        self.parked.append(thread)
        return -1

    def block(self) -> None:
        self.count -= 1
        self.release()


@given(
    limit=st.integers(1, 4),
    acts=st.lists(
        st.tuples(st.sampled_from(["insert", "insert", "remove", "remove", "block", "unblock"]), st.integers(0, 5)),
        max_size=60,
    ),
)
def test_any_order_of_events_gives_what_the_rules_say(limit: int, acts: list[tuple[str, int]]) -> None:
    """Who gets what, the counters, Little's law as equality, and causes that sum to the wait."""
    bench, twin = Bench(limit, 6), Twin(limit)
    packets: list[Packet] = []
    blocked: set[int] = set()
    seen = 0
    depth_area = 0
    for act, number in acts:
        bench.clock.now += 10 * number
        depth_area += 10 * number * len(twin.entries)
        thread = bench.threads[number]
        running = number not in twin.parked and number not in blocked
        if act == "insert":
            packets += bench.insert(len(packets))
            twin.insert(len(packets) - 1)
        elif act == "remove" and running:
            assert bench.remove(thread) == twin.remove(number, thread.queue is bench.queue and number in once(twin))
            once(twin).add(number)
        elif act == "block" and running and thread.queue is bench.queue:
            blocked.add(number)
            bench.queue.release_one(NO_REQUEST)
            twin.block()
        elif act == "unblock" and number in blocked:
            blocked.remove(number)
            bench.queue.unblocked()
            twin.count += 1
        handed = [(thread.number, got(bench.threads[thread.number])) for thread in bench.woken.threads[seen:]]
        assert handed == twin.handed[seen:]
        seen = len(twin.handed)
        assert bench.state == (twin.count, len(twin.entries))
        assert bench.waiters == twin.parked
        assert not (twin.parked and twin.entries) or twin.count >= limit
    bench.queue.settle()
    waiting = list(bench.queue.entries)
    assert bench.queue.depth_area == depth_area
    assert depth_area == bench.queue.sojourns + sum(bench.clock.now - packet.entered for packet in waiting)
    for packet in packets:
        if packet not in waiting:
            request = packet.request
            assert sum(request.ledger) == request.mark - request.intended


def once(twin: Twin) -> set[int]:
    """The threads that have called remove before, and so are bound and counted."""
    found: set[int] = twin.__dict__.setdefault("bound", set())
    return found


# ---- facts -----------------------------------------------------------------------------------------------------------


class Facts(Probes):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.facts: list[tuple[object, ...]] = []

    def wait_began(self, resource: int, request: Request) -> None:
        self.facts.append(("waits", request.index))

    def wait_ended(self, resource: int, request: Request, began: int, now: int, by: Request) -> None:
        self.facts.append(("waited", request.index, began, now, by.index))

    def held(self, resource: int, request: Request) -> None:
        self.facts.append(("held", request.index))

    def threads_counted(self, resource: int, running: int, depth: int) -> None:
        self.facts.append((running, depth))


def test_a_listener_hears_who_waited_from_when_to_when_and_who_ended_it() -> None:
    bench = Bench(1, 1)
    facts = Facts()
    thread = bench.threads[0]
    bench.queue.probes = facts
    bench.queue.watched = True
    bench.park(thread)
    first = bench.insert(7)[0]
    bench.insert(8)
    bench.clock.now = 25
    thread.last_request = first.request
    bench.remove(thread)
    assert facts.facts == [
        (0, 0),
        ("held", 7),
        (1, 0),
        ("waits", 8),
        (1, 1),
        ("waited", 8, 0, 25, 7),
        ("held", 8),
        (1, 0),
    ]


def test_1_13_an_abandoned_thread_that_runs_at_once_may_end_the_wait_of_the_next_one() -> None:
    """A goes on while the close is under way, and queues a user APC to B, whose wait ends for that."""
    tiny = Tiny(2)
    queue = KernelQueue(tiny.clock, tiny.dispatcher, 0, 1)
    park = Step(lambda _, thread: WAIT if queue.remove(thread) is NO_PACKET else GO)
    a = tiny.start(park, call(lambda: queue_user_apc(b, "user")), note("a"))
    b = tiny.start(park, note("b"))
    b.alertable = True
    tiny.at(100, queue.abandon)
    tiny.run()
    assert tiny.log == [(100, "b"), (100, "a")]
    assert (a.wait_status, b.wait_status) == (STATUS_ABANDONED_WAIT_0, STATUS_USER_APC)
    assert not queue.waiting
