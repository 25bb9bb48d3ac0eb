"""The kernel queue, alone: no dispatcher, a clock that the test sets. Cases K..: semantics 9.6; C11: 9.10.

A thread that is handed a packet shows up in `woken`; what the dispatcher does when a thread blocks and is woken again
(`release_one`, `unblocked`) the tests do themselves, and tests/test_dispatcher.py holds the dispatcher to it.
"""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import EVER, Tiny, block, call, causes, compute, note, take

from iosim.actor import Clock
from iosim.attribution import SYSTEM_WORKER_QUEUE, Request
from iosim.completion_port import CompletionPort
from iosim.kernel_queue import NO_PACKET, NO_QUEUE, KernelQueue, KernelThread, Packet
from iosim.probes import Probes
from iosim.processor import NO_REQUEST, WAITING, Program, Scheduler, Thread
from iosim.recorders import new_ledger


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
        packets = [Packet(Request(0, index, self.clock.now, self.clock.now, new_ledger())) for index in indices]
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
    bench = k01()
    assert bench.woken.threads == [bench.threads[C]]
    assert got(bench.threads[C]) == 1
    assert (bench.state, bench.waiters) == ((1, 3), [A, B])


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


def test_K01f_an_overshoot_drains_by_parking_in_front_of_nothing_and_the_next_caller_gets_the_packet() -> None:
    """B removes twice: packet 4 (c = 1), then parks; C, still active in K01d, parked in between (W = A, C, B)."""
    bench = k01()
    bench.remove(bench.threads[C])
    bench.queue.release_one(NO_REQUEST)
    bench.queue.unblocked()
    assert bench.remove(bench.threads[C]) == 4  # 2 - 1 < limit is false only above the limit: c falls to 1 first
    assert bench.state == (2, 0)


def test_a_caller_parks_in_front_of_a_waiting_packet_while_the_limit_is_exceeded() -> None:
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
