"""The kernel queue under its port and its dispatcher, held to the rules' own words (naive_port.py) after every step.

Two ports, eight threads, any order of everything that can happen to them. The first machine drives bare threads through
the real queue, port and dispatcher, so that a thread that was made ready can stay so while other things happen. The
second lets programs call the API on real processors: what a call decides before it comes to the queue is in it too.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from naive_port import ABANDONED, NEVER, PACKET, PENDING, TIMED_OUT, UNBLOCKED, USER_APC, NaivePorts, State
from tiny import EVENTS, EVER, Late, Passing

from iosim.actor import STOP
from iosim.apc import kernel_apcs, queue_user_apc
from iosim.attribution import BLOCKED_CALL, new_ledger, new_request
from iosim.cache import Caches
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.heap_clock import HeapClock
from iosim.kernel_queue import NO_PACKET, NO_QUEUE, KernelThread, Packet
from iosim.ntstatus import STATUS_ABANDONED_WAIT_0, STATUS_PENDING, STATUS_TIMEOUT, STATUS_USER_APC
from iosim.numa import Topology
from iosim.objects import Event
from iosim.thread import READY, RUNNING, TERMINATED, Program, Thread
from iosim.win32 import INFINITE, WAIT_OBJECT_0, Api, Call, CompletionStatus, Handle, System, ThreadBody
from iosim.win32.ports import PostedPacket

THREADS = 8
STEPS = 40
OUTCOMES = {STATUS_TIMEOUT: TIMED_OUT, STATUS_USER_APC: USER_APC, STATUS_ABANDONED_WAIT_0: ABANDONED}
STATES = {RUNNING: State.RUNNING, READY: State.WOKEN, TERMINATED: State.ENDED}


class Quiet(Dispatcher):
    """Nobody gets a processor: who was made ready stays so until the test lets him run."""

    def __init__(self) -> None:
        super().__init__(HeapClock(), Caches(Topology(1, 1), 0, 0, 0, 0), 0, EVER, 0)

    def make_ready(self, thread: Thread) -> None:
        thread.state = READY


class BareThread:
    """A kernel thread and its last call."""

    def __init__(self, thread: KernelThread) -> None:
        self.thread = thread
        self.thread.state = RUNNING
        self.most = 1
        self.got: list[int] = []
        self.outcome = PENDING


class RealPorts:
    """The product, driven by the same calls as the reference."""

    def __init__(self, limits: list[int], keeps_waiters: bool) -> None:
        self.dispatcher = Quiet()
        self.clock = self.dispatcher.clock
        self.ports = [
            CompletionPort(self.clock, self.dispatcher, place, limit, 1) for place, limit in enumerate(limits)
        ]
        for port in self.ports:
            port.keeps_waiters = keeps_waiters
        self.threads = [BareThread(self.dispatcher.create_thread(Program(), 8)) for _ in range(THREADS)]

    def name(self, packet: Packet) -> int:
        return packet.request.index

    def insert(self, port: CompletionPort, packet: int) -> int:
        depth = len(port.entries)
        port.post(new_request(0, packet, self.clock.now, new_ledger()))
        return depth

    def remove(self, bare: BareThread, port: CompletionPort, most: int, timeout: int, alertable: bool) -> str:
        thread = bare.thread
        bare.got, bare.most, bare.outcome = [], most, PENDING
        packet = port.remove(thread) if timeout else port.poll(thread)
        if packet is not NO_PACKET:
            self.take(bare, port, packet)
        elif not timeout:
            bare.outcome = TIMED_OUT
        else:
            thread.alertable = alertable
            if timeout != NEVER:
                self.dispatcher.arm(thread, timeout)
        return bare.outcome

    def take(self, bare: BareThread, port: CompletionPort, packet: Packet) -> None:
        bare.outcome = PACKET
        packets = [packet, *port.take_more(bare.thread, bare.most - 1)]
        bare.got = [each.request.index for each in packets]

    def returns(self, bare: BareThread) -> None:
        thread = bare.thread
        thread.state = RUNNING
        if bare.outcome == PACKET and thread.packet is not NO_PACKET:
            queue, packet = thread.queue, thread.packet
            thread.packet = NO_PACKET
            bare.got = [packet.request.index]
            if isinstance(queue, CompletionPort):
                self.take(bare, queue, packet)
        if bare.outcome == USER_APC:
            thread.user_apcs.clear()

    def look(self, bare: BareThread) -> None:
        """How did the wait end, if it did?"""
        thread = bare.thread
        if bare.outcome == PENDING and thread.state == READY:
            bare.outcome = PACKET if thread.packet is not NO_PACKET else OUTCOMES[thread.wait_status]

    def pass_time(self, ns: int) -> None:
        self.clock.at(ns, STOP, Late(self.clock.stop), 0)
        self.clock.run(EVENTS)

    def queue_user_apc(self, bare: BareThread) -> None:
        queue_user_apc(bare.thread, None)

    def kernel_apc(self, bare: BareThread) -> None:
        """It leaves its place, and looks again when the APC has run."""
        queue = bare.thread.queue
        queue.break_off(bare.thread)
        queue.wait_again(bare.thread, STATUS_PENDING)

    def block(self, bare: BareThread) -> None:
        self.dispatcher.block(bare.thread, BLOCKED_CALL)
        if self.dispatcher.left is not NO_QUEUE:
            self.dispatcher.give_place_up(bare.thread)

    def unblock(self, bare: BareThread) -> None:
        self.dispatcher.wake(bare.thread)
        bare.outcome = UNBLOCKED

    def end(self, bare: BareThread) -> None:
        self.dispatcher.terminate(bare.thread)

    def close(self, port: CompletionPort) -> list[int]:
        return [packet.request.index for packet in port.close_handle()]

    def file_gone(self, port: CompletionPort) -> list[int]:
        return [packet.request.index for packet in port.file_gone()]


LIMITS = st.lists(st.integers(1, 4), min_size=2, max_size=2)
PARKED = st.integers(0, THREADS)

# What happens how often; one number says the rest.
WEIGHTS = {
    "insert": 10,
    "work": 8,
    "remove": 5,
    "runs": 8,
    "block": 4,
    "unblock": 4,
    "pass_time": 4,
    "user_apc": 3,
    "kernel_apc": 2,
    "end": 1,
    "close": 3,
    "file_gone": 1,
}
WHAT = st.sampled_from([what for what, weight in WEIGHTS.items() for _ in range(weight)])
NUMBER = st.integers(0, 2**15 - 1)
TIMEOUTS = [0, NEVER, 5, 12]


class QueueMachine(RuleBasedStateMachine):
    """Bare threads. What nobody can do now is done by nobody."""

    trials = 0

    @initialize(limits=LIMITS, keeps=st.booleans(), parked=PARKED, handles=st.integers(1, 2), files=st.integers(0, 1))
    def start(self, limits: list[int], keeps: bool, parked: int, handles: int, files: int) -> None:
        type(self).trials += 1
        self.real = RealPorts(limits, keeps)
        self.naive = NaivePorts(limits, THREADS, keeps)
        self.packets = 0
        for port, twin in zip(self.real.ports, self.naive.ports, strict=True):
            port.handles = twin.handles = handles
            port.files = twin.files = files
        for place in range(parked):
            self.call(0, place % 2, 1 + place % 3, NEVER)
            self.compare()

    @rule(what=WHAT, number=NUMBER)
    def step(self, what: str, number: int) -> None:
        getattr(self, what)(number)
        self.compare()

    def insert(self, number: int) -> None:
        place = number % 2
        if self.open(place) or self.naive.ports[place].files:
            self.packets += 1
            before = self.real.insert(self.real.ports[place], self.packets)
            assert before == self.naive.insert(self.naive.ports[place], self.packets)

    def work(self, number: int) -> None:
        """What workers do most: the next packet, or park; mostly on the same port."""
        self.call(number, int(number % 8 == 7), 1, NEVER)

    def remove(self, number: int) -> None:
        number, place = divmod(number, 2)
        number, most = divmod(number, 4)
        number, timeout = divmod(number, 4)
        self.call(number, place, most + 1, TIMEOUTS[timeout])

    def call(self, number: int, place: int, most: int, timeout: int) -> None:
        chosen = self.some(number, State.RUNNING)
        if chosen >= 0 and self.open(place):
            alertable = most % 2 == 0 and not self.naive.threads[chosen].apcs
            real = self.real.remove(self.real.threads[chosen], self.real.ports[place], most, timeout, alertable)
            naive = self.naive.threads[chosen]
            assert real == self.naive.remove(naive, self.naive.ports[place], most, timeout, alertable)

    def runs(self, number: int) -> None:
        self.thread_does("returns", number, State.WOKEN)

    def block(self, number: int) -> None:
        self.thread_does("block", number, State.RUNNING)

    def unblock(self, number: int) -> None:
        self.thread_does("unblock", number, State.BLOCKED)

    def user_apc(self, number: int) -> None:
        self.thread_does("queue_user_apc", number, State.PARKED, State.RUNNING)

    def kernel_apc(self, number: int) -> None:
        self.thread_does("kernel_apc", number, State.PARKED)

    def end(self, number: int) -> None:
        self.thread_does("end", number, State.RUNNING)

    def pass_time(self, number: int) -> None:
        self.real.pass_time(1 + number % 9)
        self.naive.pass_time(1 + number % 9)

    def close(self, number: int) -> None:
        place = number % 2
        if self.open(place):
            assert self.real.close(self.real.ports[place]) == self.naive.close(self.naive.ports[place])

    def file_gone(self, number: int) -> None:
        place = number % 2
        if self.naive.ports[place].files:
            assert self.real.file_gone(self.real.ports[place]) == self.naive.file_gone(self.naive.ports[place])

    def open(self, place: int) -> bool:
        return self.naive.ports[place].handles > 0

    def thread_does(self, what: str, number: int, *states: State) -> None:
        chosen = self.some(number, *states)
        if chosen >= 0:
            getattr(self.real, what)(self.real.threads[chosen])
            getattr(self.naive, what)(self.naive.threads[chosen])

    def some(self, number: int, *states: State) -> int:
        """A thread in one of these states; -1 for none."""
        threads = [each.number for each in self.naive.threads if each.state in states]
        return threads[number % len(threads)] if threads else -1

    def compare(self) -> None:
        """Everything that can be seen of both, port by port and thread by thread."""
        for port, twin in zip(self.real.ports, self.naive.ports, strict=True):
            assert port.running == len(self.naive.active(twin))
            assert [self.real.name(packet) for packet in port.entries] == twin.packets
            assert [thread.number for thread in port.waiting] == [each.number for each in self.naive.parked(twin)]
            assert [*port.bound] == [each.number for each in self.naive.bound(twin)]
        for bare, other in zip(self.real.threads, self.naive.threads, strict=True):
            self.real.look(bare)
            thread = bare.thread
            queue = None if thread.queue is NO_QUEUE else self.naive.ports[thread.queue.number]
            waits = State.PARKED if thread.waits_in is thread.queue else State.BLOCKED
            got = bare.got if thread.packet is NO_PACKET else [self.real.name(thread.packet)]
            assert (STATES.get(thread.state, waits), queue, bare.outcome, got, len(thread.user_apcs)) == (
                other.state,
                other.port,
                other.outcome,
                other.got,
                other.apcs,
            )


# ---- programs on real processors -------------------------------------------------------------------------------------

SLOT = 10  # ns: a step begins with a slot, timeouts end in the middle of one


class Seat(BareThread):
    """A thread that does one call a slot, if it is told to, and computes on."""

    def __init__(self, real: "RealPrograms") -> None:
        self.orders: list[Call] = []
        self.event = real.system.handles.add(Event(real.system.dispatcher, False, False))
        self.handle = real.system.start(self.body, real.system)
        super().__init__(self.handle.object.thread)

    def body(self, api: Api, system: System) -> ThreadBody:
        while True:
            yield api.Compute(SLOT - system.clock.now % SLOT)
            if self.orders:
                answer = yield self.orders.pop()
                self.answered(answer)

    def answered(self, answer: Any) -> None:
        if isinstance(answer, list):
            self.outcome = PACKET
            self.got = [status.completion_key for status in answer]
        elif isinstance(answer, CompletionStatus):
            self.outcome = PACKET if answer.ok else OUTCOMES[answer.status]
            self.got = [answer.completion_key] if answer.ok else []
        elif answer == WAIT_OBJECT_0:
            self.outcome = UNBLOCKED


class RealPrograms:
    """The product with processors for everybody. `outsider` does what no worker does, and is never bound."""

    def __init__(self, limits: list[int], keeps_waiters: bool) -> None:
        self.system = System(THREADS + 1, close_mode="keep" if keeps_waiters else "abandon")
        self.api = self.system.api
        self.handles = [self.system.port(limit) for limit in limits]
        self.ports: list[CompletionPort] = [handle.object for handle in self.handles]
        self.threads = [Seat(self) for _ in range(THREADS)]
        self.outsider = Seat(self)
        self.let_pass(SLOT - 1)

    def handle(self, port: CompletionPort) -> Handle:
        return self.handles[port.number]

    def let_pass(self, ns: int) -> None:
        clock = self.system.clock
        clock.at(ns, STOP, Late(clock.stop), 0)
        clock.run(EVENTS)

    def name(self, packet: Packet) -> int:
        assert isinstance(packet, PostedPacket)
        return int(packet.completion_key)

    def insert(self, port: CompletionPort, packet: int) -> int:
        self.outsider.orders.append(self.api.PostQueuedCompletionStatus(self.handle(port), 0, packet, None))
        return len(port.entries)

    def remove(self, seat: Seat, port: CompletionPort, most: int, timeout: int, alertable: bool) -> None:
        seat.got, seat.outcome = [], PENDING
        time = INFINITE if timeout == NEVER else timeout
        if most == 1 and not alertable:
            seat.orders.append(self.api.GetQueuedCompletionStatus(self.handle(port), time))
        else:
            seat.orders.append(self.api.GetQueuedCompletionStatusEx(self.handle(port), most, time, alertable))

    def look(self, seat: Seat) -> None:
        """The thread has told itself."""

    def queue_user_apc(self, seat: Seat) -> None:
        self.outsider.orders.append(self.api.QueueUserAPC(nothing, seat.handle))

    def kernel_apc(self, seat: Seat) -> None:
        kernel_apcs(self.system.dispatcher).insert(seat.thread, Passing())

    def block(self, seat: Seat) -> None:
        seat.orders.append(self.api.WaitForSingleObject(seat.event, INFINITE))

    def unblock(self, seat: Seat) -> None:
        self.outsider.orders.append(self.api.SetEvent(seat.event))

    def end(self, seat: Seat) -> None:
        seat.orders.append(self.api.ExitThread())

    def close(self, port: CompletionPort) -> None:
        self.outsider.orders.append(self.api.CloseHandle(self.handle(port)))


def nothing(api: Api, argument: Any) -> None:
    """A user APC."""


class ProgramMachine(QueueMachine):
    """Who is woken runs in the same slot; alertable calls with an APC pending are in it (1.11.4, 1.11.5)."""

    real: Any

    @initialize(limits=LIMITS, keeps=st.booleans())
    def start(self, limits: list[int], keeps: bool) -> None:
        type(self).trials += 1
        self.real = RealPrograms(limits, keeps)
        self.naive = NaivePorts(limits, THREADS, keeps)
        self.packets = 0

    @rule(what=WHAT, number=NUMBER)
    def step(self, what: str, number: int) -> None:
        getattr(self, what)(number)
        self.all_run()
        self.real.let_pass(SLOT)
        self.naive.pass_time(SLOT)
        self.all_run()
        self.compare()

    def all_run(self) -> None:
        for each in self.naive.threads:
            if each.state is State.WOKEN:
                self.naive.returns(each)

    def call(self, number: int, place: int, most: int, timeout: int) -> None:
        chosen = self.some(number, State.RUNNING)
        if chosen >= 0 and self.open(place):
            ns = timeout * SLOT + SLOT // 2 if timeout > 0 else timeout
            self.real.remove(self.real.threads[chosen], self.real.ports[place], most, ns, most % 2 == 0)
            self.naive.remove(self.naive.threads[chosen], self.naive.ports[place], most, ns, most % 2 == 0)

    def pass_time(self, number: int) -> None:
        """The slot itself."""

    def close(self, number: int) -> None:
        place = number % 2
        if self.open(place):
            self.real.close(self.real.ports[place])
            self.naive.close(self.naive.ports[place])


def run(machine: type[Any], trials: int, steps: int) -> None:
    machine.trials = 0
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=trials,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert machine.trials >= trials


def test_any_interleaving_on_two_ports_gives_what_the_rules_say() -> None:
    run(QueueMachine, 300, STEPS)


@pytest.mark.heavy
@pytest.mark.timeout(1800)  # 80 s of processor time, on whatever machine
def test_ten_thousand_interleavings_give_what_the_rules_say() -> None:
    run(QueueMachine, 10_000, STEPS)


def test_any_interleaving_of_calls_by_programs_gives_what_the_rules_say() -> None:
    run(ProgramMachine, 150, STEPS)
