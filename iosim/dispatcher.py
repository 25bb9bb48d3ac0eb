"""The dispatcher: who runs where. Ready queues by priority, idle processors, quantum, pre-emption, waits.

A thread that waits has left its processor; `wake` makes it ready again. A bound thread that blocks gives its place in
its kernel queue up (semantics 1.6), and takes it back when its wait is satisfied, whatever the limit (1.7).

This one has what most machines need: one ready queue for all, a quantum in processor time, threads that run anywhere.
Affinity, ideal processors, queues a processor, quanta in clock ticks and relief of starvation: scheduling.py.

Sources: semantics 7.1 to 7.3, 0b.12 (quantum in cycles: interrupts' time is not charged), 0b.16 (one ready queue for all,
as in Windows 8.1 and later), 7.4 (boosts).
"""

from array import array
from collections import deque

from iosim.actor import TIMER, Actor, Clock
from iosim.attribution import READY_QUEUE
from iosim.cache import Caches
from iosim.idle_states import SleepyProcessor
from iosim.kernel_queue import NO_OWNER, NO_QUEUE, KernelThread
from iosim.modes import DECIDING, HALTED, PASSIVE
from iosim.ntstatus import STATUS_TIMEOUT
from iosim.processor import Processor, Scheduler
from iosim.thread import IDLE_THREAD, READY, RUNNING, TERMINATED, WAITING, Program, Thread
from iosim.units import BIT

PRIORITIES = 32
WORD = 32  # idle processors that one mask tells of
EVEN_BITS = 0x55555555
REAL_TIME = 16  # priorities from here up are never boosted

# Priority boosts by what ended the wait (semantics 7.4, from the DDK's headers).
IO_DISK_INCREMENT = 1
IO_NETWORK_INCREMENT = 2
IO_NAMED_PIPE_INCREMENT = 2
EVENT_INCREMENT = 1
SEMAPHORE_INCREMENT = 1

# Base priority by the priority class of the process, and the two offsets that stand for a priority (semantics 7.1).
CLASS_BASES = {"idle": 4, "below_normal": 6, "normal": 8, "above_normal": 10, "high": 13, "real_time": 24}
THREAD_PRIORITY_IDLE = -15
THREAD_PRIORITY_TIME_CRITICAL = 15


class ApcDelivery:
    """What the dispatcher asks of whoever delivers kernel APCs (apc.py). This base knows of none."""

    def deliver(self, thread: KernelThread) -> None:
        """The thread is about to run: what it may take comes first."""

    def stays(self, thread: KernelThread) -> bool:
        """The thread has just begun to wait; True: for what it may take it is taken out again at once."""
        return False

    def wake(self, thread: KernelThread, increment: int) -> None:
        """The wait that an APC broke off is satisfied."""

    def run_down(self, thread: KernelThread) -> None:
        """The thread ends before it could take all that is queued to it."""


NO_DELIVERY = ApcDelivery()


class Dispatcher(Scheduler):
    """All threads and processors of the machine. Times are ns.

    `idle_exit`: from the moment that a thread is given to an idle processor to that when the processor runs it.
    """

    def __init__(
        self, clock: Clock, caches: Caches, switch_cost: int, quantum: int, tick: int, idle_exit: int = 0
    ) -> None:
        self.clock = clock
        self.caches = caches
        self.switch_cost = switch_cost
        self.quantum = quantum
        self.tick = tick
        self.idle_exit = idle_exit
        self.processors: list[Processor] = []
        self.threads: list[KernelThread] = []
        self.timeouts: list[Timeout] = []  # by thread
        self.ready: list[deque[Thread]] = [deque() for _ in range(PRIORITIES)]
        self.ready_mask = 0  # bit p: somebody is ready at priority p
        self.ready_count = 0
        self.ready_area = 0  # ns x threads, for the mean
        self.ready_since = 0
        self.per_node = caches.topology.processors_per_node
        self.words = -(-self.per_node // WORD)  # a node
        self.idle = array(
            "q", bytes(8 * self.words * caches.topology.nodes)
        )  # bit n: the word's n-th processor is idle
        self.idle_count = 0
        self.apcs = NO_DELIVERY
        self.left = NO_QUEUE  # whose place a thread that has just blocked gives up, once its program has returned
        self.lowest = PRIORITIES  # the lowest priority of any thread: nobody can be pre-empted by its like

    def add_processor(self, number: int) -> Processor:
        """Add the next processor of the machine, idle."""
        node = number // self.per_node
        processor = (
            SleepyProcessor(self.clock, number, node, self, self.idle_exit)
            if self.idle_exit
            else Processor(self.clock, number, node, self)
        )
        place = number % self.per_node
        processor.word = node * self.words + place // WORD
        processor.place = BIT << place % WORD
        self.processors.append(processor)
        self.went_idle(processor)
        return processor

    def create_thread(self, program: Program, priority: int) -> KernelThread:
        """A new thread, ready to run its program."""
        thread = KernelThread(len(self.threads), program, priority)
        thread.quantum = thread.full_quantum = self.quantum
        self.threads.append(thread)
        self.timeouts.append(Timeout(self, thread))
        self.lowest = min(self.lowest, priority)
        return thread

    # ---- becoming ready ------------------------------------------------------------------------------------------

    def make_ready(self, thread: Thread) -> None:
        """The thread's wait is over: to an idle processor, or before a worse thread, or to the tail of its queue.

        Of idle processors, the thread's last one first, unless its SMT sibling is busy (semantics 7.3).
        """
        if self.idle_count:
            taker = self.processors[thread.processor if thread.processor > 0 else 0]
            if thread.processor < 0 or taker.mode != HALTED or taker.sibling.mode != HALTED:
                taker = self.processors[self._idle_processor(thread)]
            self.idle[taker.word] ^= taker.place  # as left_idle, without the call
            self.idle_count -= 1
            self._switch_in(thread, taker)
            taker.take(thread)
            return
        thread.state = READY
        self._count_ready(1)
        self.ready[thread.priority].append(thread)
        self.ready_mask |= BIT << thread.priority
        if thread.priority > self.lowest:
            self._pre_empt_for(thread)

    def make_ready_for_apc(self, thread: Thread) -> None:
        """The thread's wait is broken off for a kernel APC."""
        self.make_ready(thread)

    def ended_in_apc(self, thread: Thread) -> None:
        """The wait that a kernel APC broke off ended while the thread ran it."""

    def bind(self, thread: Thread, number: int) -> None:
        """Run on this processor alone. Simplified: here, where there are no affinities, it is only the first choice."""
        thread.processor = number

    def _idle_processor(self, thread: Thread) -> int:
        """An idle processor (there is one), of the thread's node if possible, on an idle core there (semantics 7.3)."""
        node = thread.processor // self.per_node if thread.processor > 0 else 0
        first = node * self.words
        leader = self.processors[node * self.per_node]
        if leader.sibling is not leader:
            for word in range(first, first + self.words):
                mask = whole_cores(self.idle[word])
                if mask:
                    return self._number_of(word, mask)
        for word in range(first, first + self.words):
            if self.idle[word]:
                return self._number_of(word, self.idle[word])
        word = 0
        while not self.idle[word]:
            word += 1
        return self._number_of(word, self.idle[word])

    def _number_of(self, word: int, mask: int) -> int:
        """The processor that the lowest bit of a word's mask stands for."""
        return word // self.words * self.per_node + word % self.words * WORD + lowest_bit(mask)

    def _pre_empt_for(self, thread: Thread) -> None:
        """Pre-empt the worst thread that runs; one whose processor is deciding may have been asked to make way already."""
        victim = self.processors[0]
        lowest = thread.priority
        for processor in self.processors:
            if (
                processor.mode in (PASSIVE, DECIDING)
                and processor.thread.priority < lowest
                and processor.claimed < lowest
                and processor.holder is IDLE_THREAD
            ):
                victim = processor
                lowest = max(processor.thread.priority, processor.claimed)
        if lowest < thread.priority:
            oust(victim, thread.priority)

    def _count_ready(self, change: int) -> None:
        now = self.clock.now
        self.ready_area += self.ready_count * (now - self.ready_since)
        self.ready_since = now
        self.ready_count += change

    # ---- what processors ask (Scheduler) -------------------------------------------------------------------------

    def next_ready(self, processor: Processor) -> Thread:
        """The best ready thread, its switch to this processor charged; IDLE_THREAD for none: the processor is idle."""
        if self.left is not NO_QUEUE:  # as give_place_up, without the call
            queue = self.left
            self.left = NO_QUEUE
            queue.release_one(processor.thread.request)
        if self.caches.costs and processor.thread is not IDLE_THREAD:
            self.caches.left(processor.thread, processor.number)
        if not self.ready_mask:
            self.idle[processor.word] |= processor.place  # as went_idle, without the call
            self.idle_count += 1
            return IDLE_THREAD
        priority = self.ready_mask.bit_length() - 1
        level = self.ready[priority]
        thread = level.popleft()
        if not level:
            self.ready_mask ^= BIT << priority
        now = self.clock.now
        self.ready_area += self.ready_count * (now - self.ready_since)
        self.ready_since = now
        self.ready_count -= 1
        request = thread.request
        waited = now - request.mark
        if waited:
            request.ledger[READY_QUEUE] += waited
            request.mark = now
        self._switch_in(thread, processor)
        return thread

    def _switch_in(self, thread: Thread, processor: Processor) -> None:
        thread.state = RUNNING
        thread.switches += 1
        refill = self.caches.refill(thread, processor.number) if self.caches.costs else 0
        thread.processor = processor.number
        cost = self.switch_cost + refill
        if cost:
            thread.owed_switch += self.switch_cost
            thread.owed_refill += refill
            thread.owed += cost

    def outranked(self, thread: Thread) -> bool:
        """Whether a ready thread has a higher priority."""
        return self.ready_mask >> (thread.priority + 1) != 0

    def pre_empted(self, thread: Thread) -> None:
        """To the head of its level, with the rest of its quantum (semantics 7.2)."""
        thread.state = READY
        self._count_ready(1)
        self.ready[thread.priority].appendleft(thread)
        self.ready_mask |= BIT << thread.priority

    def quantum_ended(self, thread: Thread) -> bool:
        """Refill, decay; to the tail of its level when an equal or better thread is ready (semantics 7.2)."""
        thread.quantum = thread.full_quantum
        decay(thread)
        if not self.ready_mask >> thread.priority:
            return False
        thread.state = READY
        self._count_ready(1)
        self.ready[thread.priority].append(thread)
        self.ready_mask |= BIT << thread.priority
        return True

    def went_idle(self, processor: Processor) -> None:
        """The processor has nothing to do."""
        self.idle[processor.word] |= processor.place
        self.idle_count += 1

    def left_idle(self, processor: Processor) -> None:
        """The processor has something to do."""
        if self.idle[processor.word] & processor.place:
            self.idle[processor.word] ^= processor.place
            self.idle_count -= 1

    def deliver_apcs(self, thread: Thread) -> None:
        """Before the running thread's next stretch."""
        self.apcs.deliver(self.threads[thread.number])

    def takes_apcs(self, thread: Thread) -> bool:
        """A thread that queued an APC to itself and then waited runs it before it is switched out (semantics 1.5.4a).

        One that makes way before it could be interrupted for its APCs runs them when it runs again (7.7).
        """
        if thread.number < 0:
            return False
        if thread.state == READY:
            self.deliver_apcs(thread)
        if thread.state != WAITING:
            return False
        if self.left is not NO_QUEUE:
            self.give_place_up(thread)
        return self.apcs.stays(self.threads[thread.number])

    # ---- waits ---------------------------------------------------------------------------------------------------

    def block(self, thread: KernelThread, cause: int) -> None:
        """The running thread enters a wait that really blocks; its program returns False next."""
        thread.state = WAITING
        thread.wait_cause = cause
        self.left = thread.queue

    def give_place_up(self, thread: Thread) -> None:
        """The thread that has blocked is off its processor: its port may let another one go (semantics 1.6).

        Not earlier: that one may run at this very instant, and end the wait of a thread whose program is still on its way.
        """
        queue = self.left
        self.left = NO_QUEUE
        queue.release_one(thread.request)

    def wake(self, thread: KernelThread, increment: int = 0) -> None:
        """The wait is satisfied. Its request's time since the mark had the wait's cause.

        `increment` boosts the thread's priority, and so does being in front (semantics 7.4); a port's wake carries none (C11).
        """
        if thread.apc_frames:
            self.apcs.wake(thread, increment)
            return
        if increment or thread.foreground:
            boost(thread, increment)
        thread.request.spend(thread.wait_cause, self.clock.now)
        if thread.queue is not NO_QUEUE:
            thread.queue.unblocked()
        self.make_ready(thread)

    def terminate(self, thread: KernelThread) -> None:
        """The running thread ends; its program returns False next. It leaves its queue (semantics 1.8)."""
        thread.state = TERMINATED
        if thread.kernel_apcs:
            self.apcs.run_down(thread)
        for mutex in thread.mutexes[:]:
            mutex.abandon()
        if thread.queue is not NO_QUEUE:
            queue = thread.queue
            queue.unbind(thread)

    def arm(self, thread: KernelThread, timeout: int) -> None:
        """The wait that begins ends after `timeout` ns (at a clock tick, 0b.13) with STATUS_TIMEOUT, if not before."""
        thread.timed = True
        self.clock.at(self.next_tick(timeout), TIMER, self.timeouts[thread.number], 0)

    def disarm(self, thread: Thread) -> None:
        """The thread's wait has ended before its timeout."""
        self.threads[thread.number].timed = False
        self.timeouts[thread.number].generation += 1

    def next_tick(self, delay: int) -> int:
        """Delay (ns) until the first clock tick at or after `delay` from now: timers expire at ticks (0b.13)."""
        now = self.clock.now
        due = now + delay
        return -(-due // self.tick) * self.tick - now if self.tick else delay

    def settle(self) -> None:
        """Book every processor's time up to now."""
        for processor in self.processors:
            processor.settle()
        self._count_ready(0)


class Timeout(Actor):
    """Wakes one thread when its time has come."""

    def __init__(self, dispatcher: Dispatcher, thread: KernelThread) -> None:
        self.dispatcher = dispatcher
        self.thread = thread
        self.generation = 0

    def fire(self, what: int) -> None:
        """The time has come: the wait times out, or was for the time itself."""
        thread = self.thread
        if thread.waits_in is NO_OWNER:
            self.dispatcher.wake(thread)
        else:
            thread.timed = False
            wait = thread.waits_in
            wait.end_wait(thread, STATUS_TIMEOUT)


def oust(processor: Processor, priority: int) -> None:
    """The processor's thread makes way for one of this priority: now, or once its program has been asked.

    Above threads' level nothing need be said: the way down looks for a better thread by itself.
    """
    if processor.mode == PASSIVE:
        processor.pre_empt()
    elif processor.mode == DECIDING:
        processor.reschedule = True
        processor.claimed = max(processor.claimed, priority)


def boost(thread: Thread, increment: int) -> None:
    """Base plus increment (never current plus) and what the foreground adds, capped at 15, if that is higher (7.4).

    Real-time threads have none. A first boost refills the quantum where clock ticks are charged (7.2).
    """
    base = thread.base_priority
    if base >= REAL_TIME or thread.priority_decrement or not thread.boosts:
        return
    plain = min(base + increment, REAL_TIME - 1)
    boosted = min(base + increment + thread.foreground, REAL_TIME - 1)
    if boosted <= thread.priority:
        return
    if thread.priority == base:
        thread.units = thread.full_units
    thread.priority = boosted
    thread.priority_decrement = boosted - plain


def decay(thread: Thread) -> None:
    """A quantum has ended: a boosted thread loses what the foreground added, and one level, not below its base (7.4).

    That the foreground's part goes at once is from memory of public literature.
    """
    if thread.priority > thread.base_priority:
        thread.priority = max(thread.base_priority, thread.priority - thread.priority_decrement - 1)
    thread.priority_decrement = 0


def base_priority(process_class: str, offset: int) -> int:
    """Base priority of a thread: that of its process's class plus -2 to 2, or one of the two ends (semantics 7.1).

    `offset` THREAD_PRIORITY_IDLE: 1, or 16 in a real-time process; THREAD_PRIORITY_TIME_CRITICAL: 15, or 31.
    Raises ValueError for another class or offset.
    """
    if process_class not in CLASS_BASES:
        raise ValueError(f"priority class '{process_class}' is none of {', '.join(CLASS_BASES)}")
    real_time = process_class == "real_time"
    if offset == THREAD_PRIORITY_IDLE:
        return REAL_TIME if real_time else 1
    if offset == THREAD_PRIORITY_TIME_CRITICAL:
        return PRIORITIES - 1 if real_time else REAL_TIME - 1
    if not -2 <= offset <= 2:
        raise ValueError(f"a thread's priority is -2 to 2 from that of its class, or -15 or 15; not {offset}")
    return CLASS_BASES[process_class] + offset


def quantum_units(long: bool, variable: bool, foreground: int) -> int:
    """Quantum in units of a third of a clock tick, of a process in background (0), middle (1) or foreground (2).

    Client default: short and variable; server default: long and fixed. Source: semantics 7.2 (PSPROC).
    """
    if variable:
        return (12, 24, 36)[foreground] if long else (6, 12, 18)[foreground]
    return 36 if long else 18


def whole_cores(mask: int) -> int:
    """Of the idle processors, those whose SMT sibling is idle too: they run at full pace (semantics 7.3)."""
    pairs = mask & (mask >> 1) & EVEN_BITS  # siblings are neighbours
    return pairs | pairs << 1


def bit(number: int) -> int:
    """A mask of bit `number` alone, of any length."""
    return 1 << number


def lowest_bit(mask: int) -> int:
    """Number of the lowest set bit of a mask that is not 0."""
    return (mask & -mask).bit_length() - 1
