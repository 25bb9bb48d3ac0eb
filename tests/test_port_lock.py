"""The port's own lock: inserts and removes of one port, one after the other (semantics 1.4). Times in ns."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import GO, RUN, WAIT, Passing, Step, Tiny, causes, compute, note
from tiny_io import Ended

import iosim
from iosim.apc import KernelApc, kernel_apcs
from iosim.application import EndStep, LockedPostStep, WorkerProgram
from iosim.attribution import Request
from iosim.completion_port import CompletionPort
from iosim.heap_clock import HeapClock
from iosim.io_manager import IoCosts, IoManager
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.machine import Machine
from iosim.port_lock import LockedPort
from iosim.services import CallCosts, Services
from iosim.thread import RUNNING

HOLD = 20


def port_of(tiny: Tiny, limit: int = 4) -> LockedPort:
    return LockedPort(tiny.clock, tiny.dispatcher, 0, limit, 4, HOLD)


def take(port: LockedPort) -> Step:
    """Remove a packet, as a worker does: spin for the lock, park, or write down whose packet it is."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        packet = thread.packet
        if packet is NO_PACKET:
            packet = port.remove(thread)
            if packet is NO_PACKET:
                tiny.again(thread)
                return RUN if thread.state == RUNNING else WAIT
        thread.packet = NO_PACKET
        thread.request = packet.request
        tiny.log.append((tiny.clock.now, f"T{thread.number} takes {packet.request.index}"))
        return GO

    return Step(act)


def post(port: LockedPort, index: int) -> Step:
    """Post a packet, as a step of a handler does."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        if not port.enter(thread):
            tiny.again(thread)
            return RUN
        thread.owe_kernel(port.hold)
        port.insert_in_turn(tiny.packet(index))
        return GO

    return Step(act)


# ---- one after the other ---------------------------------------------------------------------------------------------


def test_1_4_threads_that_remove_at_once_spin_until_their_turns_and_pay_for_the_hold() -> None:
    """Packets are there at 0, 20 and 40. Three threads ask at 100: their turns are at 100, 120 and 140."""
    tiny = Tiny(3)
    port = port_of(tiny)
    tiny.insert(0, port, 1, 2, 3)
    for _ in range(3):
        tiny.start(compute(100), take(port), compute(50), note("done"))
    tiny.run()
    takes, dones = tiny.log[:3], tiny.log[3:]
    assert takes == [(100, "T0 takes 1"), (120, "T1 takes 2"), (140, "T2 takes 3")]
    assert dones == [(170, "done"), (190, "done"), (210, "done")]
    assert tiny.busy(0) == {"user": 150, "kernel": 20}
    assert tiny.busy(1) == {"user": 150, "kernel": 20, "spin": 20}
    assert tiny.busy(2) == {"user": 150, "kernel": 20, "spin": 40}


def test_1_4_packets_that_arrive_at_once_enter_at_their_turns_and_their_requests_wait_for_the_lock() -> None:
    """Three threads are parked since 0, 20 and 40. Nobody spins: the outside world has no processor here."""
    tiny = Tiny(3)
    port = port_of(tiny)
    for at in (0, 20, 40):
        tiny.start(take(port), compute(50), at=at)
    requests: list[Request] = []

    def arrive() -> None:
        requests.extend(tiny.request(index) for index in (1, 2, 3))
        for request in requests:
            port.insert(Packet(request))

    tiny.at(100, arrive)
    tiny.run()
    assert tiny.log == [(100, "T2 takes 1"), (120, "T1 takes 2"), (140, "T0 takes 3")]
    assert [causes(request) for request in requests] == [
        {"user": 50},
        {"user": 50, "lock": 20},
        {"user": 50, "lock": 40},
    ]
    assert sum(tiny.busy(number).get("user", 0) for number in range(3)) == 150
    assert not any("spin" in tiny.busy(number) for number in range(3))


def test_a_poster_spins_until_its_turn_too() -> None:
    """T0 takes packet 1 at 100; T1 posts packet 2 at 110, in its turn at 120, and pays for the hold until 140."""
    tiny = Tiny(3)
    port = port_of(tiny)
    tiny.insert(0, port, 1)
    tiny.start(compute(100), take(port), compute(500))
    tiny.start(compute(110), post(port, 2), compute(10), note("posted"))
    tiny.start(compute(200), take(port))
    tiny.run()
    assert tiny.log == [(100, "T0 takes 1"), (150, "posted"), (200, "T2 takes 2")]
    assert tiny.busy(1) == {"user": 120, "kernel": 20, "spin": 10}


def test_two_handlers_that_post_at_once_wait_for_each_other_and_their_requests_say_so() -> None:
    """Each post takes 30 and the hold of 20, which both have paid at 150: packet 1 enters.

    It is served in no time, so that its worker asks for the lock again before the other poster does: turns at 170 and 190.
    """
    tiny = Tiny(4)
    first, second = CompletionPort(tiny.clock, tiny.dispatcher, 1, 2, 4), port_of(tiny)
    io = IoManager(tiny.dispatcher, IoCosts(0, 0, 0, 0, 0))
    services = Services(tiny.dispatcher, io, tiny.caches, CallCosts(0, 30, 0))
    for port in (first, first, second, second):
        tiny.dispatcher.make_ready(tiny.dispatcher.create_thread(WorkerProgram(services, port), 8))
    ended = Ended(tiny.log, tiny.clock)

    def ask(index: int) -> None:
        request = tiny.request(index)
        request.source, request.steps = ended, [LockedPostStep(services, second), EndStep(services)]
        first.insert(Packet(request))

    tiny.at(100, lambda: ask(1))
    tiny.at(100, lambda: ask(2))
    tiny.run()
    assert tiny.log == [(150, 1), (190, 2)]
    assert [causes(request) for request in ended.requests] == [{"kernel": 50}, {"kernel": 50, "lock": 40}]


def test_a_thread_that_finds_nothing_holds_the_lock_and_parks() -> None:
    """It parks at 100, so that the packet of 105 enters at 120; what it was handed needs no lock."""
    tiny = Tiny()
    port = port_of(tiny)
    tiny.start(compute(100), take(port), compute(50), note("done"))
    tiny.insert(105, port, 1)
    tiny.run()
    assert tiny.log == [(120, "T0 takes 1"), (170, "done")]
    assert tiny.busy() == {"user": 150}
    assert port.free_at == 140


def test_a_spinner_takes_what_has_come_by_its_turn() -> None:
    """Empty at 100; packets 1 and 2 of 100 enter at 100 and 120, while T0, which asked at 105, spins until 140."""
    tiny = Tiny()
    port = port_of(tiny)
    tiny.start(compute(105), take(port), compute(50), take(port), compute(5))
    tiny.insert(100, port, 1, 2)
    tiny.run()
    assert tiny.log == [(140, "T0 takes 1"), (210, "T0 takes 2")]
    assert tiny.busy() == {"user": 160, "kernel": 40, "spin": 35}


class Inserting(KernelApc):
    """Queues a packet to the port, as the end of a request does in `apc` mode."""

    def __init__(self, tiny: Tiny, port: LockedPort) -> None:
        super().__init__()
        self.tiny = tiny
        self.port = port

    def run(self, thread: KernelThread) -> bool:
        self.port.insert_in_apc(self.tiny.packet(1))
        return True


def test_1_5_6_a_thread_that_an_apc_takes_out_of_its_wait_spins_before_it_parks_again() -> None:
    """T0 parks at 100 and holds the lock until then, so that it looks again at 120 and not at 110."""
    tiny = Tiny()
    port = port_of(tiny)
    thread = tiny.start(compute(100), take(port), compute(50), note("done"))
    tiny.at(110, lambda: kernel_apcs(tiny.dispatcher).insert(thread, Passing()))
    tiny.insert(200, port, 1)
    tiny.run()
    assert tiny.log == [(200, "T0 takes 1"), (250, "done")]
    assert tiny.busy() == {"user": 150, "spin": 10}


def test_1_4_5_a_packet_from_an_apc_is_its_threads_own_though_that_has_to_spin_for_it() -> None:
    """The insert holds the lock from 300 to 320; T1, which waits too and is the newest, is not woken for it."""
    tiny = Tiny(2)
    port = port_of(tiny)
    thread, _ = (tiny.start(compute(100), take(port)) for _ in range(2))
    tiny.at(300, lambda: kernel_apcs(tiny.dispatcher).insert(thread, Inserting(tiny, port)))
    tiny.run()
    assert tiny.log == [(320, "T0 takes 1")]
    assert [waiter.number for waiter in port.waiting] == [1]


def test_two_ports_do_not_wait_for_each_other() -> None:
    tiny = Tiny(2)
    for _ in range(2):
        port = port_of(tiny)
        tiny.insert(0, port, 1)
        tiny.start(compute(100), take(port))
    tiny.run()
    assert tiny.log == [(100, "T0 takes 1"), (100, "T1 takes 1")]


def test_a_look_pays_for_the_lock_whether_it_finds_anything_or_not() -> None:
    tiny = Tiny()
    port = port_of(tiny)
    thread = tiny.thread()
    assert port.poll(thread) is NO_PACKET
    assert port.poll(thread) is NO_PACKET
    assert (thread.owed_kernel, thread.owed_spin) == (40, 20)


def test_a_port_that_dies_discards_the_packets_whose_turn_has_not_come() -> None:
    tiny = Tiny()
    port = port_of(tiny)
    tiny.insert(100, port, 1, 2, 3)
    discarded: list[Packet] = []
    tiny.at(110, lambda: discarded.extend(port.run_down()))
    tiny.run()
    assert [packet.request.index for packet in discarded] == [1, 2, 3]
    assert not port.entries


# ---- several ports scale where one does not --------------------------------------------------------------------------

PROCESSORS = 16


def tree(ports: int, hold: str) -> dict[str, Any]:
    """16 processors with a thread each, 64 clients that ask at once again for 1 us: on one port, or shared among several."""
    each = PROCESSORS // ports
    names = [str(number) for number in range(ports)]
    return {
        "version": 1,
        "machine": {"cores_per_node": PROCESSORS, "kernel": {"port_lock": hold}},
        "ports": {f"p{it}": {"concurrency": each} for it in names},
        "pools": {f"w{it}": {"port": f"p{it}", "threads": each} for it in names},
        "handlers": {"h": [{"compute": {"exponential": "1 us"}}]},
        "workload": {
            f"c{it}": {"kind": "closed", "port": f"p{it}", "handler": "h", "clients": 4 * each, "think": "0 s"}
            for it in names
        },
        "run": {"duration": "1 ms", "warm_up": "0.2 ms", "replications": 2, "seed": 3},
    }


def summary(directory: Path, ports: int, hold: str) -> dict[str, Any]:
    path = directory / "ports.yaml"
    path.write_text(json.dumps(tree(ports, hold)))
    found: dict[str, Any] = iosim.run(iosim.load(path), study=False).summary
    return found


def rate(found: dict[str, Any]) -> float:
    return float(found["throughput_per_s"]["value"])


def test_1_4_one_port_saturates_at_its_lock_and_several_ports_do_not(tmp_path: Path) -> None:
    """An insert and a remove a packet, 200 ns each: 2.5 million packets a second, however many processors there are."""
    one, four = summary(tmp_path, 1, "200 ns"), summary(tmp_path, 4, "200 ns")
    assert rate(one) == pytest.approx(2_500_000, rel=0.01)
    assert rate(four) > 3 * rate(one)
    assert one["processors"]["share"]["spin"]["value"] > 0.7
    assert four["processors"]["share"]["spin"]["value"] < 0.3
    waited = {name: it["latency_causes_ns"]["lock"]["value"] for name, it in (("one", one), ("four", four))}
    assert waited["one"] > 5 * waited["four"] > 0


def test_without_the_cost_one_port_is_as_good_as_several(tmp_path: Path) -> None:
    one, four = summary(tmp_path, 1, "0 ns"), summary(tmp_path, 4, "0 ns")
    assert rate(one) == pytest.approx(rate(four), rel=0.02)
    for found in (one, four):
        assert found["processors"]["share"]["spin"]["value"] == 0
        assert found["latency_causes_ns"]["lock"]["value"] == 0


@pytest.mark.parametrize(("hold", "kind"), [("0 ns", CompletionPort), ("50 ns", LockedPort)])
def test_a_lock_without_a_cost_is_not_built(tmp_path: Path, hold: str, kind: type[CompletionPort]) -> None:
    path = tmp_path / "ports.yaml"
    path.write_text(json.dumps(tree(1, hold)))
    machine = Machine(iosim.load(path), HeapClock(), 1, 0, {})
    assert type(machine.ports["p0"]) is kind
