"""Asynchronous procedure calls: code that the kernel has a thread run on top of whatever the thread does.

A special kernel APC runs as soon as its thread is below APC_LEVEL and no guarded region forbids it; a normal one also needs
no critical region, and no other normal one under way; a user APC runs in alertable waits alone. A thread that runs elsewhere
is interrupted for a kernel APC, one that is ready takes it when it runs, and one that waits is woken: its wait is broken
off and begins anew after the APC, in a port's list as the newest (1.5.6), with the deadline that it had.

While a thread runs kernel APCs, an `ApcFrame` is its program and keeps what it was doing. SuspendThread is a normal kernel
APC that waits for ResumeThread (0b.8). Source: semantics 7.7, 1.4.5, 1.5.4a, 1.5.6, 2.7, D06 to D08, K13.
Simplified: the routine of a kernel APC waits for nothing but a resume.
"""

from typing import Any

from iosim.attribution import BLOCKED_CALL, INTERRUPTED, LOCK, NO_REQUEST, READY_QUEUE, Request
from iosim.dispatcher import ApcDelivery, Dispatcher, boost
from iosim.kernel_queue import NO_OWNER, NO_QUEUE, KernelQueue, KernelThread, WaitOwner
from iosim.modes import DECIDING, PASSIVE, WAKING
from iosim.ntstatus import STATUS_PENDING, STATUS_SUCCESS, STATUS_USER_APC
from iosim.processor import Processor
from iosim.thread import APC_LEVEL, READY, RUNNING, TERMINATED, WAITING, Program, Thread

NEXT, RUN = range(2)  # what a frame does when it is asked: begin the next APC, or do the one whose time is paid


class KernelApc:
    """One kernel APC, queued once. `request`: whose end it is; the APC's time is on that request's way."""

    def __init__(self, special: bool = True, request: Request = NO_REQUEST) -> None:
        self.special = special
        self.request = request

    def cost(self, thread: KernelThread) -> int:
        """Processor time (ns) of the thread that this one takes beside the delivery."""
        return 0

    def run(self, thread: KernelThread) -> bool:
        """Do it, in the thread. False: the thread waits, and it is to be asked again when woken."""
        raise NotImplementedError

    def run_down(self, thread: KernelThread) -> None:
        """The thread ended before it could run."""


NO_KERNEL_APC = KernelApc()


class SuspendApc(KernelApc):
    """Waits until the thread's suspend count is 0."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(special=False)
        self.dispatcher = dispatcher

    def run(self, thread: KernelThread) -> bool:
        """The wait gives the place at a port up, as any wait does (0b.8)."""
        if thread.suspend_count:
            self.dispatcher.block(thread, BLOCKED_CALL)
            return False
        thread.suspending = False
        return True


class BrokenWait(WaitOwner):
    """Stands for a wait that a kernel APC broke off: how that wait has ended meanwhile, if it has."""

    def __init__(self) -> None:
        self.status = STATUS_PENDING

    def end_wait(self, thread: KernelThread, status: int) -> None:
        """The first end counts; the thread hears of it when it looks again."""
        if self.status == STATUS_PENDING:
            self.status = status


class ApcFrame(Program):
    """What a thread was doing when kernel APCs came, and the APCs on top of it. `waited`: it was in a wait."""

    def __init__(self, apcs: "KernelApcs", thread: KernelThread, waited: bool) -> None:
        self.apcs = apcs
        self.stage = NEXT
        self.apc = NO_KERNEL_APC
        self.old_irql = thread.irql
        self.waited = waited
        self.waits_in = thread.waits_in
        self.wait_cause = thread.wait_cause
        self.broken = BrokenWait()
        self.program = thread.program
        self.request = thread.request
        self.owed_kernel = thread.owed_kernel
        self.owed_user = thread.owed_user
        self.owed_spin = thread.owed_spin
        thread.owed -= thread.owed_kernel + thread.owed_user + thread.owed_spin  # a switch is paid first
        thread.owed_kernel = thread.owed_user = thread.owed_spin = 0
        thread.program = self
        thread.planned = False

    def resume(self, thread: Thread) -> bool:
        """Run what APCs there are, then go back."""
        mine: KernelThread = thread  # type: ignore[assignment]  # the dispatcher makes no other threads
        while True:
            if self.stage == NEXT:
                if mine.owed:
                    return True
                self.apc = next_apc(mine)
                if self.apc is NO_KERNEL_APC:
                    return self._go_back(mine)
                if self._begin(mine):
                    return True
            elif not self._end(mine):
                return False

    def _begin(self, thread: KernelThread) -> bool:
        """Whether it takes time."""
        apc = self.apc
        thread.kernel_apcs.remove(apc)
        self.lend(thread, apc)
        self.stage = RUN
        self.old_irql = thread.irql
        if apc.special:
            thread.irql = APC_LEVEL
        time = self.apcs.cost + apc.cost(thread)
        if time:
            thread.owe_kernel(time)
        return time > 0

    def lend(self, thread: KernelThread, apc: KernelApc) -> None:
        """The APC is the end of a request, whose time this is from now on; until now that request waited for the thread."""
        if apc.request is not NO_REQUEST:
            apc.request.spend(READY_QUEUE, self.apcs.clock.now)
            thread.request = apc.request

    def _end(self, thread: KernelThread) -> bool:
        """The APC's time is paid. False: it waits."""
        if thread.request is not self.request:
            thread.request = self.request
            self.request.spend(INTERRUPTED, self.apcs.clock.now)
        apc = self.apc
        if not apc.run(thread):
            return False
        thread.irql = self.old_irql
        self.apc = NO_KERNEL_APC
        self.stage = NEXT
        return True

    def _go_back(self, thread: KernelThread) -> bool:
        """Take up what the thread was doing: its wait, the rest of what it owed, or the next step of its program."""
        thread.apc_frames.pop()
        thread.program = self.program
        rest = self.owed_kernel + self.owed_user + self.owed_spin
        thread.owed_kernel += self.owed_kernel
        thread.owed_user += self.owed_user
        thread.owed_spin += self.owed_spin
        thread.owed += rest
        if self.waited and not self._wait_over(thread):
            return False
        if not thread.apc_frames:
            thread.waits_in = NO_OWNER
        program = self.program
        return thread.owed > 0 or program.resume(thread)  # who looks again at a port may have to spin for its lock

    def _wait_over(self, thread: KernelThread) -> bool:
        """Look again; False: the thread is back in its wait."""
        dispatcher = self.apcs.dispatcher
        if thread.apc_frames:  # it was suspended, by an APC below this one
            over = not thread.suspend_count
        elif self.waits_in is not NO_OWNER:
            over = self.waits_in.wait_again(thread, self.broken.status)
            if not over:
                return False
        else:
            over = self.broken.status != STATUS_PENDING
            thread.waits_in = NO_OWNER
        if over:
            dispatcher.ended_in_apc(thread)
        elif self.wait_cause == LOCK:
            return True  # who waits for a lock tries again by itself; its hand-over may have passed unheard
        else:
            dispatcher.block(thread, self.wait_cause)
        return over


class KernelApcs(ApcDelivery):
    """Queues and delivers kernel APCs. One a dispatcher; `cost` (ns): the kernel time of one delivery, in the thread."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock
        self.cost = 0

    def insert(self, thread: KernelThread, apc: KernelApc, increment: int = 0) -> bool:
        """Queue a kernel APC (KeInsertQueueApc); False for a thread that has ended.

        `increment` boosts a thread that waits (semantics 7.4).
        """
        if thread.state == TERMINATED:
            return False
        thread.kernel_apcs.append(apc)
        if not self._deliverable(thread):
            return True
        if thread.state == READY:
            self._push(thread, False)
        elif thread.state == WAITING and not self._leaving(thread):
            if increment:
                boost(thread, increment)
            self._break_wait(thread)
            self.dispatcher.make_ready_for_apc(thread)
        else:
            self._interrupt(thread, self.dispatcher.processors[thread.processor])
        return True

    def _interrupt(self, thread: KernelThread, processor: Processor) -> None:
        """The running thread takes it before its next stretch, and before anything else where its processor still wakes."""
        if processor.mode == WAKING:
            self._push(thread, False)
            return
        processor.reschedule = True
        if processor.mode == PASSIVE:
            processor.signal()

    def _leaving(self, thread: KernelThread) -> bool:
        """It has begun to wait at this very instant, and its processor still asks its program."""
        processor = self.dispatcher.processors[thread.processor]
        return processor.thread is thread and processor.mode == DECIDING

    def _deliverable(self, thread: KernelThread) -> bool:
        """Whether an APC may run that no frame would begin by itself."""
        frames = thread.apc_frames
        if frames and frames[-1].stage == NEXT:
            return False
        return next_apc(thread) is not NO_KERNEL_APC

    def _push(self, thread: KernelThread, waited: bool) -> ApcFrame:
        if thread.waits_in is NO_OWNER:
            thread.alertable = False  # what it does or waits for now ends for no user APC
        frame = ApcFrame(self, thread, waited)
        thread.apc_frames.append(frame)
        thread.waits_in = thread.apc_frames[0].broken
        return frame

    def _break_wait(self, thread: KernelThread) -> None:
        """The wait is broken off: the thread is active again (semantics 1.5.6, 1.7)."""
        owner = thread.waits_in
        frame = self._push(thread, True)
        if len(thread.apc_frames) == 1:
            owner.break_off(thread)
        if owner is not thread.queue:
            self._active_again(thread)
        frame.lend(thread, next_apc(thread))

    def _active_again(self, thread: KernelThread) -> None:
        """As at the end of any wait that is not for a packet."""
        thread.request.spend(thread.wait_cause, self.clock.now)
        if thread.queue is not NO_QUEUE:
            thread.queue.unblocked()

    # ---- what the dispatcher asks ------------------------------------------------------------------------------------

    def deliver(self, thread: KernelThread) -> None:
        """Before the running thread's next stretch."""
        if self._deliverable(thread):
            self._push(thread, False)

    def stays(self, thread: KernelThread) -> bool:
        """It runs what it may take before it is switched out (semantics 1.5.4a)."""
        if not self._deliverable(thread):
            return False
        self._break_wait(thread)
        thread.state = RUNNING
        return True

    def wake(self, thread: KernelThread, increment: int) -> None:
        """The thread hears of it when it looks again."""
        if increment or thread.foreground:
            boost(thread, increment)
        thread.apc_frames[0].broken.end_wait(thread, STATUS_SUCCESS)

    def run_down(self, thread: KernelThread) -> None:
        """None of them runs."""
        while thread.kernel_apcs:
            thread.kernel_apcs.pop(0).run_down(thread)

    # ---- regions -----------------------------------------------------------------------------------------------------

    def enter_critical_region(self, thread: KernelThread) -> None:
        """No normal kernel APC from now on (KeEnterCriticalRegion); regions nest."""
        thread.kernel_apc_disable -= 1

    def leave_critical_region(self, thread: KernelThread) -> None:
        """The last leave lets in what has waited."""
        thread.kernel_apc_disable += 1
        self.look_again(thread)

    def enter_guarded_region(self, thread: KernelThread) -> None:
        """No APC at all from now on (KeEnterGuardedRegion); regions nest."""
        thread.special_apc_disable -= 1

    def leave_guarded_region(self, thread: KernelThread) -> None:
        """The last leave lets in what has waited."""
        thread.special_apc_disable += 1
        self.look_again(thread)

    def look_again(self, thread: KernelThread) -> None:
        """The running thread may take APCs that it could not take before; they come before its program is asked again."""
        if thread.kernel_apcs:
            self.dispatcher.processors[thread.processor].reschedule = True

    # ---- suspension --------------------------------------------------------------------------------------------------

    def suspend(self, thread: KernelThread) -> int:
        """SuspendThread: one more; returns how many there were before. It takes hold when the thread runs the APC."""
        before = thread.suspend_count
        thread.suspend_count += 1
        if not thread.suspending:
            thread.suspending = True
            self.insert(thread, SuspendApc(self.dispatcher))
        return before

    def resume(self, thread: KernelThread) -> int:
        """ResumeThread: one less; returns how many there were before. The thread goes on when none is left."""
        before = thread.suspend_count
        if not before:
            return 0
        thread.suspend_count -= 1
        if before == 1 and is_suspended(thread):
            self._active_again(thread)
            self.dispatcher.make_ready(thread)
        return before


def kernel_apcs(dispatcher: Dispatcher) -> KernelApcs:
    """The dispatcher's delivery of kernel APCs, made for the first who asks."""
    if not isinstance(dispatcher.apcs, KernelApcs):
        dispatcher.apcs = KernelApcs(dispatcher)
    return dispatcher.apcs


def is_suspended(thread: KernelThread) -> bool:
    """Whether it waits for a resume now."""
    if thread.state != WAITING or not thread.apc_frames:
        return False
    apc: KernelApc = thread.apc_frames[-1].apc
    return not apc.special and apc is not NO_KERNEL_APC


def next_apc(thread: KernelThread) -> KernelApc:
    """The kernel APC that the thread may run now: special ones first; NO_KERNEL_APC for none (semantics 7.7)."""
    if not thread.kernel_apcs or all_apcs_disabled(thread):
        return NO_KERNEL_APC
    for apc in thread.kernel_apcs:
        if apc.special:
            found: KernelApc = apc
            return found
    if thread.kernel_apc_disable or in_normal_apc(thread):
        return NO_KERNEL_APC
    oldest: KernelApc = thread.kernel_apcs[0]
    return oldest


def in_normal_apc(thread: KernelThread) -> bool:
    """Whether a normal kernel APC is under way, which another one does not interrupt."""
    return len([frame for frame in thread.apc_frames if frame.stage == RUN and not frame.apc.special]) > 0


def all_apcs_disabled(thread: KernelThread) -> bool:
    """KeAreAllApcsDisabled: in a guarded region, or at APC_LEVEL or above (D06 to D08)."""
    return thread.special_apc_disable != 0 or thread.irql >= APC_LEVEL


def interrupted_in(thread: KernelThread, queue: KernelQueue) -> bool:
    """Whether the thread runs APCs on top of a wait in this queue, and so is about to look there again (1.4.5)."""
    return len(thread.apc_frames) > 0 and thread.apc_frames[0].waits_in is queue


def queue_user_apc(thread: KernelThread, apc: Any) -> None:
    """It runs in the thread's next alertable wait, or ends the one that the thread is in (7.7)."""
    thread.user_apcs.append(apc)
    if thread.alertable and thread.waits_in is not NO_OWNER:
        wait = thread.waits_in
        wait.end_wait(thread, STATUS_USER_APC)
