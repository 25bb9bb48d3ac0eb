"""A logical processor: interrupt service over deferred procedure calls over threads, every nanosecond accounted for.

Each processor has one pending event, the end of what it is doing. An interrupt cuts a thread's stretch short: what was
done is booked, what is left stays with the thread as time *owed* and is resumed after the DPCs have drained. A mode is
interrupted only by a higher one; a thread that has raised its IRQL to DISPATCH_LEVEL (a holder of a spin lock) is `RAISED`:
interrupts come through, DPCs and better threads wait (0b.10).

Source of the order of work and of the drain: semantics 7.5, 7.6, 0b.7. Simplified: interrupt service is not slowed by a
busy SMT sibling.
"""

from array import array
from typing import Any

from iosim.accounts import book, book_stolen, scale
from iosim.actor import DPC as DPC_RANK
from iosim.actor import INTERRUPT as INTERRUPT_RANK
from iosim.actor import THREAD as THREAD_RANK
from iosim.actor import Actor, Clock
from iosim.dpc import NO_DPC, Dpc, DpcQueue
from iosim.errors import BugCheck
from iosim.interrupts import NO_INTERRUPT, SIGNAL, TICK, InterProcessorInterrupt, Interrupt, Messenger
from iosim.modes import DECIDING, DEVICE_LEVEL, DISPATCH, FULL_PACE, HALTED, PASSIVE, RAISED, WAKING
from iosim.thread import (
    DEVICE_IRQL,
    DISPATCH_LEVEL,
    DPC,
    IDLE,
    IDLE_THREAD,
    ISR,
    KERNEL,
    KINDS,
    REFILL,
    SPIN,
    SWITCH,
    USER,
    Thread,
)


class Scheduler:
    """What a processor and a kernel queue ask of the dispatcher. `tick` (ns) is the clock tick; 0: time has no ticks."""

    def __init__(self) -> None:
        self.tick = 0

    def make_ready(self, thread: Thread) -> None:
        """The thread's wait is over."""
        raise NotImplementedError

    def disarm(self, thread: Thread) -> None:
        """The thread's wait has ended before its timeout."""
        raise NotImplementedError

    def next_ready(self, processor: "Processor") -> Thread:
        """The thread that this processor runs next, its switch charged; IDLE_THREAD for none: it counts as idle then."""
        raise NotImplementedError

    def outranked(self, thread: Thread) -> bool:
        """Whether a ready thread has a higher priority than this running one."""
        raise NotImplementedError

    def pre_empted(self, thread: Thread) -> None:
        """The running thread lost its processor in mid-stretch."""
        raise NotImplementedError

    def quantum_ended(self, thread: Thread) -> bool:
        """Refill the quantum; True: an equal or better thread is ready, and this one went to the tail."""
        raise NotImplementedError

    def left_idle(self, processor: "Processor") -> None:
        """The processor was idle and is no longer."""
        raise NotImplementedError

    def next_tick(self, delay: int) -> int:
        """Delay (ns) until the first clock tick at or after `delay` from now."""
        raise NotImplementedError

    def deliver_apcs(self, thread: Thread) -> None:
        """The thread is about to run: what kernel APCs it may take come first."""
        raise NotImplementedError

    def takes_apcs(self, thread: Thread) -> bool:
        """The thread has just begun to wait. True: it stays, for a kernel APC that it may take."""
        raise NotImplementedError


class Processor(Actor):
    """One logical processor. `account` holds ns by kind; the kinds sum to the clock at any settled instant."""

    def __init__(self, clock: Clock, number: int, node: int, scheduler: Scheduler) -> None:
        self.clock = clock
        self.number = number
        self.node = node
        self.word = 0  # the processor's place in the dispatcher's masks of idle ones, and its bit there
        self.place = 0
        self.scheduler = scheduler
        self.generation = 0
        self.account = array("q", bytes(8 * len(KINDS)))
        self.mode = HALTED
        self.thread = IDLE_THREAD
        self.since = 0  # start of what has not been booked yet
        self.interrupted_at = 0
        self.interrupt = NO_INTERRUPT
        self.interrupts: list[Interrupt] = []  # few at a time, as DPCs are: a list's head is as quick
        self.dpc = NO_DPC
        self.dpc_left = 0
        self.dpcs = DpcQueue()
        self.due = self.dpcs.due
        self.later = self.dpcs.later
        self.ipi = InterProcessorInterrupt(0)
        self.messenger = Messenger(self)
        self.holder = IDLE_THREAD  # the present thread while it is at DISPATCH_LEVEL
        self.sibling = self  # itself: no SMT
        self.pace = FULL_PACE  # wall ns for 1,000 ns of work; more while the sibling is busy
        self.shared_pace = FULL_PACE
        # Before the next stretch there is something to look at: a better thread became ready while this processor was
        # deciding, DPCs or kernel APCs wait, the thread is at DISPATCH_LEVEL.
        self.reschedule = False
        self.claimed = -1  # while deciding: the priority of the thread for which the present one will make way

    # ---- threads -------------------------------------------------------------------------------------------------

    def begin_stretch(self) -> None:
        """Run the present thread until what it owes is paid or its quantum ends."""
        if self.reschedule and self._attends():
            return
        thread = self.thread
        self.mode = PASSIVE
        self.since = self.clock.now
        if self.pace != FULL_PACE:
            scale(thread, self.pace, FULL_PACE)
        owed = thread.owed
        self.clock.at(owed if owed <= thread.quantum else thread.quantum, THREAD_RANK, self, 0)

    def fire(self, what: int) -> None:
        """What the processor was doing has ended: a stretch of its thread, as a rule."""
        if self.mode != PASSIVE:
            if self.mode == DISPATCH:
                self._end_dpc()
                return
            if self.mode == DEVICE_LEVEL:
                self._end_interrupt()
                return
        thread = self.thread
        elapsed = self.clock.now - self.since
        thread.quantum -= elapsed
        self.mode = DECIDING
        if elapsed == thread.owed:
            self._book_all(thread)
            program = thread.program
            if not program.resume(thread):
                self.run_next()
                return
        else:
            self._book_part(thread, elapsed)
        ended = thread.quantum <= 0 and thread.irql < DISPATCH_LEVEL and not self.due  # DPCs come first (7.6.4)
        if ended and self.scheduler.quantum_ended(thread):
            thread.planned = True
            self.run_next()
        else:
            self.begin_stretch()

    def _attends(self) -> bool:
        """Before the present thread's stretch: DPCs, then its kernel APCs, then a better thread.

        True: the stretch does not begin now, or has begun at DISPATCH_LEVEL, where all of them wait.
        """
        thread = self.thread
        if self.holder is not IDLE_THREAD:
            self._begin_raised(thread)
            return True
        self.reschedule = len(self.later) > 0
        self.claimed = -1
        if self.due:
            self._drain_first(thread)
            return True
        self.scheduler.deliver_apcs(thread)
        if not self.scheduler.outranked(thread):
            return False
        thread.planned = True
        self.scheduler.pre_empted(thread)
        self.run_next()
        return True

    def _begin_raised(self, thread: Thread) -> None:
        """All that is owed is run in one stretch: the quantum's end waits, too."""
        if self.holder is not thread:
            raise self._switched_at_dispatch()
        self.mode = RAISED
        self.since = self.clock.now
        if self.pace != FULL_PACE:
            scale(thread, self.pace, FULL_PACE)
        self.clock.at(thread.owed, THREAD_RANK, self, 0)

    def _switched_at_dispatch(self) -> BugCheck:
        what = f"thread {self.holder.number} waited at DISPATCH_LEVEL"
        return BugCheck("IRQL_NOT_LESS_OR_EQUAL", self.clock.now, what)

    def _drain_first(self, thread: Thread) -> None:
        """A DPC that the thread itself queued has run when the thread goes on (semantics 7.6.5)."""
        if self.pace != FULL_PACE:
            scale(thread, self.pace, FULL_PACE)
        self.since = self.interrupted_at = self.clock.now
        self._lower()

    def _book_part(self, thread: Thread, elapsed: int) -> None:
        book(thread, self.account, elapsed)
        if thread.stolen:
            book_stolen(thread)
        if self.pace != FULL_PACE:  # off the processor, time is owed in ns of an undisturbed one
            scale(thread, FULL_PACE, self.pace)

    def _book_all(self, thread: Thread) -> None:
        """All that is owed has been paid: book it on the processor and on the request."""
        account = self.account
        request = thread.request
        ledger = request.ledger
        owed = thread.owed
        request.mark += owed
        thread.owed = 0
        if thread.stolen:
            book_stolen(thread)
        if thread.owed_user == owed:  # nothing else, as so often
            account[USER] += owed
            ledger[USER] += owed
            thread.owed_user = 0
            return
        if thread.owed_user:
            account[USER] += thread.owed_user
            ledger[USER] += thread.owed_user
            thread.owed_user = 0
        if thread.owed_kernel:
            account[KERNEL] += thread.owed_kernel
            ledger[KERNEL] += thread.owed_kernel
            thread.owed_kernel = 0
        if thread.owed_switch:
            account[SWITCH] += thread.owed_switch
            ledger[SWITCH] += thread.owed_switch
            thread.owed_switch = 0
        if thread.owed_refill:
            account[REFILL] += thread.owed_refill
            ledger[REFILL] += thread.owed_refill
            thread.owed_refill = 0
        if thread.owed_spin:
            account[SPIN] += thread.owed_spin
            ledger[SPIN] += thread.owed_spin
            thread.owed_spin = 0

    def run_next(self) -> None:
        """The processor has no thread: take ready ones until one owes time, or go idle."""
        self.mode = DECIDING
        if self.reschedule and self.scheduler.takes_apcs(self.thread):
            self._go_on()
            return
        thread = self.thread = self.scheduler.next_ready(self)
        if thread is IDLE_THREAD:
            self._halt()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Run the present thread; while it gives the processor up at once, the next one."""
        thread = self.thread
        while thread is not IDLE_THREAD:
            if thread.planned:
                thread.planned = False
                self.begin_stretch()
                return
            program = thread.program
            if program.resume(thread):
                self.begin_stretch()
                return
            if self.reschedule and self.scheduler.takes_apcs(thread):
                continue
            thread = self.thread = self.scheduler.next_ready(self)
        self._halt()

    def _halt(self) -> None:
        self.mode = HALTED
        self.since = self.clock.now
        if self.sibling is not self:
            self.sibling.set_pace(FULL_PACE)
        if self.reschedule:
            self._drain_idle()

    def _drain_idle(self) -> None:
        """The processor goes idle: the DPCs that had time run now (semantics 7.6.3)."""
        if self.holder is not IDLE_THREAD:
            raise self._switched_at_dispatch()
        self.reschedule = False
        self.claimed = -1
        self.drain()

    def _leave_idle(self) -> None:
        now = self.clock.now
        self.account[IDLE] += now - self.since
        self.since = now
        self.mode = DECIDING
        if self.sibling is not self:
            self.sibling.set_pace(self.shared_pace)
            self.pace = FULL_PACE if self.sibling.mode == HALTED else self.shared_pace

    def take(self, thread: Thread) -> None:
        """An idle processor gets a thread, whose switch has been charged."""
        self._leave_idle()
        self.thread = thread
        if thread.planned:
            thread.planned = False
            self.begin_stretch()
            return
        program = thread.program
        if program.resume(thread):
            self.begin_stretch()
        else:
            self.run_next()

    def cut_short(self) -> None:
        """Stop the present thread's stretch at `now`: book what is done, leave the rest owed."""
        thread = self.thread
        elapsed = self.clock.now - self.since
        thread.quantum -= elapsed
        book(thread, self.account, elapsed)
        self.since = self.clock.now
        self.generation += 1

    def pre_empt(self) -> None:
        """A better thread is ready: the present one goes back, and the processor picks again."""
        thread = self.thread
        self.cut_short()
        self._book_part(thread, 0)
        thread.planned = True
        self.scheduler.pre_empted(thread)
        self.run_next()

    def end_quantum(self) -> None:
        """A clock tick used the present thread's quantum up: it ends when nothing above threads runs here any more."""
        if self.mode == PASSIVE:
            self.cut_short()
            self.thread.quantum = 0
            self._resume_stretch()
        else:
            self.thread.quantum = 0

    def end_spin(self) -> None:
        """The present thread spins, and what it spins for has come: it goes on at once."""
        thread = self.thread
        self.cut_short()
        self._book_part(thread, 0)
        thread.owed -= thread.owed_spin
        thread.owed_spin = 0
        self.mode = DECIDING
        self._go_on()

    # ---- interrupts and DPCs -------------------------------------------------------------------------------------

    def raise_interrupt(self, interrupt: Interrupt) -> None:
        """A device asserts its vector; one that is pending already is not asserted twice."""
        if interrupt.pending:
            return
        interrupt.pending = True
        if self.mode == DEVICE_LEVEL:
            self.interrupts.append(interrupt)
            return
        self._stop_for_interrupt()
        self.mode = DEVICE_LEVEL
        self.interrupt = interrupt
        self.clock.at(interrupt.cost, INTERRUPT_RANK, self, 0)

    def _stop_for_interrupt(self) -> None:
        now = self.clock.now
        if self.mode == PASSIVE or self.mode == RAISED:
            self.cut_short()
            self.interrupted_at = now
        elif self.mode == DISPATCH:
            self.account[DPC] += now - self.since
            self.dpc_left -= now - self.since
            self.generation += 1
        else:
            self._leave_idle()
            self.scheduler.left_idle(self)
            self.interrupted_at = now
        self.since = now

    def _end_interrupt(self) -> None:
        interrupt = self.interrupt
        now = self.clock.now
        self.account[ISR] += now - self.since
        self.since = now
        interrupt.pending = False
        interrupt.service(self)
        if self.interrupts:
            self.interrupt = self.interrupts[0]
            del self.interrupts[0]  # compiled, pop looks for the method of so short a list
            self.clock.at(self.interrupt.cost, INTERRUPT_RANK, self, 0)
        else:
            self._lower()

    def signal(self) -> None:
        """Interrupt the processor from another one; its way down looks for DPCs and kernel APCs.

        Sent through the clock: the processor may be deciding at this very instant.
        """
        self.clock.at(0, INTERRUPT_RANK, self.messenger, SIGNAL)

    def queue_dpc(self, dpc: Dpc, argument: Any = 0) -> bool:
        """Queue a DPC (KeInsertQueueDpc) from code on this processor; False, and nothing changes, when it is queued already.

        A thread's program that does so returns True next: then a DPC that is due at once has run when it is asked again
        (semantics 7.6.1 to 7.6.5).
        """
        if dpc.queued:
            return False
        dpc.queued = True
        dpc.argument = argument
        if dpc.usual and self.mode == DEVICE_LEVEL and not self.later:  # a service routine's: the way down runs it
            dpc.processor = self
            self.dpcs.requests += 1
            self.due.append(dpc)
        elif dpc.aimed:
            dpc.processor.take_dpc(dpc, dpc.processor is self)
        else:
            dpc.processor = self
            self.take_dpc(dpc, True)
        return True

    def take_dpc(self, dpc: Dpc, own: bool) -> None:
        """Queue it here, and see to it that it runs in time."""
        tick = self.scheduler.tick
        number = self.clock.now // tick if tick else 0
        if self.dpcs.insert(dpc, own, self.mode == DISPATCH or self.dpc is not NO_DPC, number):
            if own:
                self._ask_for_drain()
            elif self.mode not in (DEVICE_LEVEL, DISPATCH):
                self.reschedule = True
                self.signal()
        elif self.later:
            self.reschedule = True
            if not self.messenger.waits:
                self.messenger.waits = True
                self.clock.at(self.scheduler.next_tick(0), INTERRUPT_RANK, self.messenger, TICK)

    def remove_dpc(self, dpc: Dpc) -> bool:
        """Take a DPC out of whatever queue it is in (KeRemoveQueueDpc); False: it is in none (D03)."""
        if not dpc.queued:
            return False
        dpc.queued = False
        dpc.unqueue()
        return True

    def drain(self) -> None:
        """A drain comes anyway, at a clock tick or before idle time: what waited for it runs too."""
        self.dpcs.gather()
        if self.due:
            self._ask_for_drain()

    def _ask_for_drain(self) -> None:
        """As soon as the IRQL is below DISPATCH_LEVEL: now, or on the way down, or when the thread goes on."""
        if self.mode == PASSIVE or self.mode == HALTED or self.mode == WAKING:
            self._stop_for_interrupt()
            self._lower()
        elif self.mode not in (DEVICE_LEVEL, DISPATCH):
            self.reschedule = True

    def current_irql(self) -> int:
        """KeGetCurrentIrql, for code that runs on this processor at this instant."""
        if self.mode == DEVICE_LEVEL:
            return DEVICE_IRQL
        return DISPATCH_LEVEL if self.mode == DISPATCH else self.thread.irql

    def raise_irql(self, level: int) -> int:
        """The present thread's program raises its IRQL, up to DISPATCH_LEVEL; returns the old one (KeRaiseIrql)."""
        thread = self.thread
        old = thread.irql
        thread.irql = level
        if level >= DISPATCH_LEVEL:
            self.holder = thread
            self.reschedule = True
        return old

    def lower_irql(self, level: int) -> None:
        """Back to the old IRQL; what waited for that comes before the program is asked again (KeLowerIrql)."""
        self.thread.irql = level
        if level < DISPATCH_LEVEL:
            self.holder = IDLE_THREAD
            self.thread.quantum = max(self.thread.quantum, 0)  # it may have run beyond its end up there
        self.reschedule = True

    def _lower(self) -> None:
        """IRQL falls below device level: go on with the DPC, drain the queue, then return to the thread."""
        if self.dpc is not NO_DPC:
            self.mode = DISPATCH
            self.clock.at(self.dpc_left, DPC_RANK, self, 0)
        elif self.due and self.holder is IDLE_THREAD:
            self.mode = DISPATCH
            dpc = self.due[0]
            del self.due[0]
            dpc.queued = False
            self.dpc = dpc
            self.dpc_left = dpc.begin(self)
            self.clock.at(self.dpc_left, DPC_RANK, self, 0)
        else:
            self._return_to_thread()

    def _end_dpc(self) -> None:
        now = self.clock.now
        self.account[DPC] += now - self.since
        self.since = now
        dpc = self.dpc
        self.dpc = NO_DPC
        dpc.end(self)
        self._lower()

    def _return_to_thread(self) -> None:
        thread = self.thread
        self.mode = PASSIVE
        if thread is IDLE_THREAD:
            self.run_next()
            return
        thread.stolen += self.clock.now - self.interrupted_at
        if self.reschedule:
            self._book_part(thread, 0)
            self.begin_stretch()
            return
        if thread.quantum <= 0 and self.scheduler.quantum_ended(thread):  # it had ended before the drain
            self._book_part(thread, 0)
            thread.planned = True
            self.run_next()
        elif self.scheduler.outranked(thread):
            self.since = self.clock.now
            self.pre_empt()
        else:
            self._resume_stretch()

    def _resume_stretch(self) -> None:
        thread = self.thread
        self.since = self.clock.now
        owed = thread.owed
        self.clock.at(owed if owed <= thread.quantum else max(thread.quantum, 0), THREAD_RANK, self, 0)

    # ---- SMT and accounts ----------------------------------------------------------------------------------------

    def set_pace(self, pace: int) -> None:
        """The SMT sibling became busy or idle: what is owed takes longer or less long from now on."""
        if pace == self.pace or self.mode == HALTED:
            return
        runs = self.mode == PASSIVE or self.mode == RAISED
        if runs:
            self.cut_short()
        if self.mode != DECIDING:  # a stretch that is still being planned is paced when it begins
            scale(self.thread, pace, self.pace)
        self.pace = pace
        if runs:
            self._resume_stretch()

    def settle(self) -> None:
        """Book up to now, without disturbing anything: for observers and for the end of a run."""
        now = self.clock.now
        elapsed = now - self.since
        if self.mode == HALTED:
            self.account[IDLE] += elapsed
        elif self.mode == DEVICE_LEVEL:
            self.account[ISR] += elapsed
        elif self.mode == DISPATCH:
            self.account[DPC] += elapsed
            self.dpc_left -= elapsed
        else:
            self.thread.quantum -= elapsed
            book(self.thread, self.account, elapsed)
        self.since = now
