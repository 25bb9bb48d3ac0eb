"""The dispatcher with everything that can be set: affinity, ideal processors, queues a processor, quanta by ticks, groups.

Threads that may run on some processors only wait apart, in the queue of one of these processors (0b.16); with
`ready_queues: per_processor` (2003 to Windows 7) all threads do. A processor takes the best of its own queue and of the
queue that the group shares, of equals who has been ready longer; one that finds neither looks into the queues of the others.

A woken thread goes to an idle processor if one is allowed; else it may pre-empt; else it waits. `placement: ideal` is the
rule of semantics 7.3: the ideal processor first, then the last one, then others of the ideal processor's node, then other
nodes; with no idle processor it may only pre-empt on its ideal one. `placement: last` puts the last processor first, where
its cache lines are, and pre-empts the worst thread anywhere.

A process is confined to one group of at most 64 processors; affinity masks are of the group.

Sources: semantics 7.2, 7.3, 0b.12, 0b.15, 0b.16. From memory of public literature: that an idle processor looks into other
queues, of equal threads of its own node first; that equals of a processor's own queue and of the shared one take turns.
"""

from dataclasses import dataclass

from iosim.actor import INTERRUPT, TIMER, Actor, Clock
from iosim.attribution import READY_QUEUE
from iosim.cache import Caches
from iosim.dispatcher import REAL_TIME, WORD, Dispatcher, bit, decay, lowest_bit, oust
from iosim.kernel_queue import NO_QUEUE, KernelThread
from iosim.modes import DECIDING, HALTED, PASSIVE, WAKING
from iosim.processor import Processor
from iosim.ready_queues import BalanceSetManager, ReadyQueue
from iosim.thread import IDLE_THREAD, READY, RUNNING, Program, Thread

SHARED = -1  # `queued_on` of a thread in the queue that its group shares
ENDLESS = 1 << 62  # ns: a quantum that only clock ticks end
UNITS_A_TICK = 3
WAITS_ARE_CHARGED_BELOW = 14  # base priority (semantics 7.2)
NO_PROCESSOR = -1
NO_PRIORITY = -1
CHARGE, END = range(2)  # what a quantum's tick does


@dataclass(frozen=True, slots=True)
class SchedulerParams:
    """How a scheduler differs from the plain one; the defaults are the plain one's behaviour.

    `quantum_mode` belongs to the completion mode: cycles to direct (Vista and later), ticks to apc (NT 4 to 2003; 0b.12).
    `foreground_quanta` (ns): quanta of processes in the foreground (separation 1 and 2); empty: the same as all others.
    """

    placement: str = "last"  # or ideal
    ready_queues: str = "shared"  # or per_processor
    quantum_mode: str = "cycles"  # or ticks
    starvation_relief: bool = False
    foreground_quanta: tuple[int, ...] = ()


PLAIN = SchedulerParams()
QUANTUM_MODES = {"direct": "cycles", "apc": "ticks"}  # by completion mode


class FullDispatcher(Dispatcher):
    """A dispatcher whose threads have affinities, ideal processors and groups. Times in ns.

    Raises ValueError for quanta by ticks without a tick.
    """

    def __init__(
        self,
        clock: Clock,
        caches: Caches,
        switch_cost: int,
        quantum: int,
        tick: int,
        idle_exit: int = 0,
        params: SchedulerParams = PLAIN,
    ) -> None:
        super().__init__(clock, caches, switch_cost, quantum, tick, idle_exit)
        topology = caches.topology
        self.by_ideal = params.placement == "ideal"
        self.per_processor = params.ready_queues == "per_processor"
        self.by_ticks = params.quantum_mode == "ticks"
        self.relieves = params.starvation_relief
        self.quanta = (quantum, *params.foreground_quanta)
        if self.by_ticks and not tick:
            raise ValueError("tick: a quantum in clock ticks needs a tick above 0")
        self.group_of_node = topology.group_of_node
        self.group_masks = [0] * topology.groups
        self.shared = [ReadyQueue() for _ in range(topology.groups)]
        self.own: list[ReadyQueue] = []  # by processor
        self.own_count = 0  # threads in these
        self.turns = 0
        self.seeds = [0] * topology.groups  # the process's last ideal processor, by group
        self.standby: list[Thread] = []  # by processor: chosen already, as its thread has just yielded
        self.displaced = IDLE_THREAD  # has just lost its processor: another may be idle
        self.quantum_tick = QuantumTick(self)
        self.balance_set_manager = BalanceSetManager(self)

    def add_processor(self, number: int) -> Processor:
        """Add the next processor of the machine, idle."""
        processor = Dispatcher.add_processor(self, number)
        group = self.group_of_node[processor.node]
        if not self.group_masks[group]:
            self.seeds[group] = number
        self.group_masks[group] |= bit(number)
        self.own.append(ReadyQueue())
        self.standby.append(IDLE_THREAD)
        return processor

    def create_thread(self, program: Program, priority: int) -> KernelThread:
        """A new thread of group 0, its ideal processor by the process's seed (semantics 7.3)."""
        thread = Dispatcher.create_thread(self, program, priority)
        thread.ideal = self._next_ideal(0)
        self.set_foreground(thread, 0)
        return thread

    def _next_ideal(self, group: int) -> int:
        """The next processor to the right of the seed within its node, on another core than the seed's if possible."""
        seed = self.seeds[group]
        processor = self.processors[seed]
        first = processor.node * self.per_node
        node = (bit(self.per_node) - 1) << first & self.group_masks[group]
        others = node & ~(bit(seed) | bit(processor.sibling.number))
        chosen = next_to_the_right(seed, others or node)
        self.seeds[group] = chosen
        return chosen

    # ---- what threads and programs can set -----------------------------------------------------------------------

    def set_affinity(self, thread: Thread, mask: int) -> int:
        """Let the thread run only where a bit of `mask` is set (bit n: the group's processor n); the mask before.

        0, and nothing happens, for a mask that names no processor or one that the group does not have. A thread that
        runs elsewhere moves at once; its ideal processor becomes one of the mask.
        """
        group = self.group_masks[thread.group]
        first = lowest_bit(group)
        wanted = mask << first
        if mask <= 0 or wanted & ~group:
            return 0
        before = self._allowed(thread) >> first
        self._withdraw(thread)
        thread.affinity = 0 if wanted == group else wanted
        if not wanted >> thread.ideal & 1:
            thread.ideal = next_to_the_right(thread.ideal, wanted)
        self._put_back(thread)
        return before

    def bind(self, thread: Thread, number: int) -> None:
        """Run on this processor of the machine alone."""
        group = self.group_of_node[self.processors[number].node]
        self.set_group(thread, group)
        self.set_affinity(thread, bit(number - lowest_bit(self.group_masks[group])))

    def set_ideal_processor(self, thread: Thread, number: int) -> int:
        """The processor (of the thread's group) to try first from the next wake on; the one before.

        -1, and nothing happens, for one on which the thread can't run.
        """
        first = lowest_bit(self.group_masks[thread.group])
        if number < 0 or not self._allowed(thread) >> (first + number) & 1:
            return NO_PROCESSOR
        before = thread.ideal - first
        thread.ideal = first + number
        return before

    def set_group(self, thread: Thread, group: int) -> int:
        """Confine the thread to another group, on any of its processors; the group before, -1 for one there is not."""
        if not 0 <= group < len(self.group_masks):
            return NO_PROCESSOR
        before = thread.group
        self._withdraw(thread)
        thread.group = group
        thread.affinity = 0
        thread.ideal = self._next_ideal(group)
        self._put_back(thread)
        return before

    def set_priority(self, thread: Thread, priority: int) -> None:
        """A new base priority (0 to 31), any boost dropped; a running thread may lose its processor to a better one."""
        self._withdraw(thread)
        thread.base_priority = thread.priority = priority
        thread.priority_decrement = 0
        self.lowest = min(self.lowest, priority)
        self._put_back(thread)

    def set_foreground(self, thread: Thread, separation: int) -> None:
        """How far the thread's process is in front (0 to 2): added when it wakes, and its quantum from the next refill on.

        A thread that has not run yet has the quantum at once.
        """
        thread.foreground = separation
        thread.full_quantum = self.quanta[min(separation, len(self.quanta) - 1)]
        if self.by_ticks:
            thread.full_units = max(1, round(UNITS_A_TICK * thread.full_quantum / self.tick))
        if not thread.switches:
            refill(thread, self.by_ticks)

    def yield_processor(self, thread: KernelThread) -> bool:
        """The running thread lets whoever is ready go first, worse ones too; False when nobody is ("no yield").

        True: its quantum is full again, it lost a level of its boost and is the last of its level; its program returns
        False next (semantics 7.2). It stays active at its port (1.6).
        """
        number = thread.processor
        queue = self._better_queue(number)
        if not queue.mask:
            return False
        self.standby[number] = self._taken(queue)
        self._end_quantum(thread)
        thread.planned = True
        self._count_ready(1)
        self._queue(thread, self._home(thread, number), False)
        self.displaced = thread
        return True

    def _allowed(self, thread: Thread) -> int:
        return thread.affinity or self.group_masks[thread.group]

    def _withdraw(self, thread: Thread) -> None:
        if thread.state == READY:
            self._unqueue(thread)

    def _put_back(self, thread: Thread) -> None:
        """Something about the thread has changed: a ready one is placed again, a running one may have to go."""
        if thread.state == READY:
            self._place(thread)
        elif thread.state == RUNNING and self.outranked(thread):
            oust(self.processors[thread.processor], NO_PRIORITY)

    # ---- becoming ready ------------------------------------------------------------------------------------------

    def make_ready(self, thread: Thread) -> None:
        """The thread's wait is over: to an idle processor, or before a worse thread, or into a queue.

        With quanta by ticks the wait is charged.
        """
        if self.by_ticks and thread.switches:
            charge_wait(thread)
        self._place(thread)

    def make_ready_for_apc(self, thread: Thread) -> None:
        """A kernel APC alone ends no wait, and costs no unit (semantics 7.2)."""
        self._place(thread)

    def ended_in_apc(self, thread: Thread) -> None:
        """A wait like any other (semantics 7.2)."""
        if self.by_ticks:
            charge_wait(thread)

    def _place(self, thread: Thread) -> None:
        number = self._idle_for(thread)
        if number >= 0:
            self._hand(thread, number)
            return
        victim = self._victim_of(thread) if thread.priority > self.lowest else NO_PROCESSOR
        self._count_ready(1)
        self._queue(thread, self._home(thread, victim if victim >= 0 else thread.ideal), False)
        if victim >= 0:
            oust(self.processors[victim], thread.priority)

    def _hand(self, thread: Thread, number: int) -> None:
        taker = self.processors[number]
        self.left_idle(taker)
        self._switch_in(thread, taker)
        taker.take(thread)

    def _home(self, thread: Thread, number: int) -> int:
        """The queue for a thread that waits for processor `number`."""
        if not self.per_processor and not thread.affinity:
            return SHARED
        return number if self._allowed(thread) >> number & 1 else thread.ideal

    def _idle_for(self, thread: Thread) -> int:
        """The idle processor that the thread gets; -1 for none."""
        allowed = self._allowed(thread)
        home = thread.ideal if self.by_ideal else thread.processor
        for number in (home, thread.processor):
            if number >= 0 and allowed >> number & 1:
                processor = self.processors[number]
                if processor.mode == HALTED and processor.sibling.mode == HALTED:
                    return number
        node = (home if home >= 0 and allowed >> home & 1 else lowest_bit(allowed)) // self.per_node
        mask = self._idle_on(node, allowed)
        if mask:
            return node * self.per_node + lowest_bit(self._whole_cores(node, mask) or mask)
        for other in range(len(self.group_of_node)):
            mask = self._idle_on(other, allowed)
            if mask:
                return other * self.per_node + lowest_bit(mask)
        return NO_PROCESSOR

    def _whole_cores(self, node: int, mask: int) -> int:
        """Those of the node's processors whose SMT sibling is in the mask too, however many; 0 without SMT."""
        leader = self.processors[node * self.per_node]
        if leader.sibling is leader:
            return 0
        even = (bit(2 * self.per_node) - 1) // 3  # bits 0, 2, 4, ...
        pairs = mask & (mask >> 1) & even
        return pairs | pairs << 1

    def _idle_on(self, node: int, allowed: int) -> int:
        """As a mask of the node's processors, however many."""
        idle = 0
        for word in range(self.words):
            mask = self.idle[node * self.words + word]
            idle |= mask << word * WORD
        return idle & allowed >> node * self.per_node

    def _victim_of(self, thread: Thread) -> int:
        """The processor on which the thread may pre-empt; -1 for none."""
        allowed = self._allowed(thread)
        if self.by_ideal or self.per_processor:
            allowed = bit(thread.ideal)
        victim = NO_PROCESSOR
        lowest = thread.priority
        for processor in self.processors:
            if (
                allowed >> processor.number & 1
                and processor.mode in (PASSIVE, DECIDING)
                and processor.thread.priority < lowest
                and processor.claimed < lowest
                and processor.holder is IDLE_THREAD
            ):
                victim = processor.number
                lowest = max(processor.thread.priority, processor.claimed)
        return victim

    # ---- queues --------------------------------------------------------------------------------------------------

    def queues(self) -> list[ReadyQueue]:
        """All of them, shared ones first."""
        return self.shared + self.own

    def _queue(self, thread: Thread, where: int, first: bool) -> None:
        thread.state = READY
        thread.queued_on = where
        thread.ready_since = self.clock.now
        self.turns += 1
        thread.turn = -self.turns if first else self.turns  # at the head: before all others of its level
        queue = self.shared[thread.group] if where == SHARED else self.own[where]
        if first:
            queue.push(thread)
        else:
            queue.append(thread)
        if where != SHARED:
            self.own_count += 1
        if self.relieves and not self.balance_set_manager.booked:
            self.balance_set_manager.book()

    def _unqueue(self, thread: Thread) -> None:
        """Out of its queue; what it has waited there is booked."""
        thread.request.spend(READY_QUEUE, self.clock.now)
        if thread.queued_on == SHARED:
            self.shared[thread.group].remove(thread)
        else:
            self.own[thread.queued_on].remove(thread)
            self.own_count -= 1
        self._count_ready(-1)

    def _taken(self, queue: ReadyQueue) -> Thread:
        thread = queue.take()
        if thread.queued_on != SHARED:
            self.own_count -= 1
        return thread

    def _better_queue(self, number: int) -> ReadyQueue:
        """Of a processor's own queue and the one it shares, that with the better thread; of equals, whose turn it is."""
        own = self.own[number]
        shared = self.shared[self.group_of_node[self.processors[number].node]]
        better = shared.mask.bit_length() - own.mask.bit_length()
        if better or not own.mask:
            return shared if better > 0 else own
        return shared if shared.first().turn < own.first().turn else own

    def _choose(self, processor: Processor) -> Thread:
        thread = self.standby[processor.number]
        if thread is not IDLE_THREAD:
            self.standby[processor.number] = IDLE_THREAD
            return thread
        queue = self._better_queue(processor.number)
        if queue.mask:
            return self._taken(queue)
        return self._steal(processor) if self.own_count else IDLE_THREAD

    def _steal(self, processor: Processor) -> Thread:
        """The best thread that waits for another processor and may run here; of equals one of this node."""
        found = IDLE_THREAD
        near = False
        group = self.group_masks[self.group_of_node[processor.node]]
        for number, queue in enumerate(self.own):
            if queue.mask and group >> number & 1:
                thread = queue.best_for(processor.number)
                same = number // self.per_node == processor.node
                if thread.priority > found.priority or (thread.priority == found.priority and same and not near):
                    found = thread
                    near = same
        if found is not IDLE_THREAD:
            self.own[found.queued_on].remove(found)
            self.own_count -= 1
        return found

    # ---- what processors ask (Scheduler) -------------------------------------------------------------------------

    def next_ready(self, processor: Processor) -> Thread:
        """The best ready thread for this processor, its switch charged; IDLE_THREAD for none: the processor is idle."""
        if self.left is not NO_QUEUE:
            self.give_place_up(processor.thread)
        if self.caches.costs and processor.thread is not IDLE_THREAD:
            self.caches.left(processor.thread, processor.number)
        if self.displaced is not IDLE_THREAD:
            self._find_another()  # before this processor chooses: others may be pushed aside, and wait for it
        thread = self._choose(processor)
        if thread is IDLE_THREAD:
            self.went_idle(processor)
            return thread
        self._count_ready(-1)
        thread.request.spend(READY_QUEUE, self.clock.now)
        self._switch_in(thread, processor)
        return thread

    def _find_another(self) -> None:
        """The thread that has just lost its processor goes to an idle one, or where its new affinity lets it."""
        thread = self.displaced
        self.displaced = IDLE_THREAD
        number = self._idle_for(thread)
        if number >= 0:
            self._unqueue(thread)
            self._hand(thread, number)
        elif not self._allowed(thread) >> thread.processor & 1:
            self._unqueue(thread)
            self._place(thread)

    def _switch_in(self, thread: Thread, processor: Processor) -> None:
        Dispatcher._switch_in(self, thread, processor)
        if self.by_ticks and not self.quantum_tick.booked:
            self.quantum_tick.book()

    def outranked(self, thread: Thread) -> bool:
        """Whether a better thread waits for this processor, or the running one must leave it."""
        number = thread.processor
        if not self._allowed(thread) >> number & 1:
            return True
        return self._better_queue(number).mask >> (thread.priority + 1) != 0

    def pre_empted(self, thread: Thread) -> None:
        """To the head of its level, with the rest of its quantum; to the tail if this tick took the last (semantics 7.2)."""
        over = self.by_ticks and thread.units <= 0
        if over:
            self._end_quantum(thread)
        self._count_ready(1)
        self._queue(thread, self._home(thread, thread.processor), not over)
        self.displaced = thread

    def quantum_ended(self, thread: Thread) -> bool:
        """Refill, decay; to the tail of its level when an equal or better thread is ready (semantics 7.2)."""
        self._end_quantum(thread)
        number = thread.processor
        if not self._better_queue(number).mask >> thread.priority:
            return False
        self._count_ready(1)
        self._queue(thread, self._home(thread, number), False)
        self.displaced = thread
        return True

    def _end_quantum(self, thread: Thread) -> None:
        refill(thread, self.by_ticks)
        decay(thread)

    # ---- relief of starvation ------------------------------------------------------------------------------------

    def lift(self, thread: Thread) -> None:
        """A ready thread that starves: priority 15 for one quantum of twice the length, then back to its base (0b.15)."""
        self._unqueue(thread)
        refill(thread, self.by_ticks)
        thread.units += thread.full_units
        if not self.by_ticks:
            thread.quantum += thread.full_quantum
        thread.priority = REAL_TIME - 1
        thread.priority_decrement = REAL_TIME - 1 - thread.base_priority
        self._place(thread)


class QuantumTick(Actor):
    """The clock tick as the quantum sees it: whoever runs is charged three units, however long it ran (semantics 7.2).

    A quantum ends when the tick's timers have expired: the timers come first in the drain, and threads after it (7.6.4).
    It comes only while threads run: nobody else would notice.
    """

    def __init__(self, dispatcher: FullDispatcher) -> None:
        super().__init__()
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock
        self.booked = False

    def book(self) -> None:
        """Come at the next tick."""
        self.booked = True
        tick = self.dispatcher.tick
        self.clock.at(tick - self.clock.now % tick, INTERRUPT, self, CHARGE)

    def fire(self, what: int) -> None:
        """Charge every processor's thread; then end the quanta that are used up."""
        if what == CHARGE:
            self._charge()
            return
        for processor in self.dispatcher.processors:
            thread = processor.thread
            if thread is not IDLE_THREAD and processor.mode != WAKING and thread.units <= 0:
                processor.end_quantum()

    def _charge(self) -> None:
        self.booked = False
        busy = False
        over = False
        for processor in self.dispatcher.processors:
            thread = processor.thread
            if thread is not IDLE_THREAD:
                busy = True
                if processor.mode != WAKING:
                    thread.units -= UNITS_A_TICK
                    over |= thread.units <= 0
        if over:
            self.clock.at(0, TIMER, self, END)
        if busy:
            self.book()


def refill(thread: Thread, by_ticks: bool) -> None:
    """A full quantum."""
    thread.units = thread.full_units
    thread.quantum = ENDLESS if by_ticks else thread.full_quantum


def charge_wait(thread: Thread) -> None:
    """A satisfied wait: real-time threads get a full quantum, others below 14 pay a unit, perhaps their last (7.2)."""
    if thread.base_priority >= REAL_TIME:
        refill(thread, True)
    elif thread.base_priority < WAITS_ARE_CHARGED_BELOW:
        thread.units -= 1
        if thread.units <= 0:
            refill(thread, True)
            decay(thread)


def next_to_the_right(processor: int, mask: int) -> int:
    """The highest set bit below `processor`, else the highest of all; `mask` is not 0 (semantics 7.3)."""
    lower = mask & (bit(processor) - 1)
    return (lower or mask).bit_length() - 1
