"""A filter driver over a file system (a minifilter: one device each, by altitude) or over a volume.

It costs processor time on the way down and up, may hold a request back without a processor, and may need PASSIVE_LEVEL on
the way up, so that a system worker thread does that part. What it takes is the request's time of cause `filter`: the wait,
and of the kernel's processor time what is its own. A cached miss comes by twice: as the program's request and, from the top of
the stack again, as a paging IRP; a volume filter sees the second alone (semantics 0b.17).

Processor time is paid where all drivers' is: on the way down by the caller before its call, on the way up in the completing
DPC; of a cached request all by the caller.
Simplified: flushes pass at no cost; a paging IRP is not held up for PASSIVE_LEVEL, and passes up without `post`; behind a
filter that waits or needs PASSIVE_LEVEL, work that would keep the calling thread is done by a system worker; fast I/O of
programs passes at no cost.
"""

from collections import deque

from iosim.actor import TIMER, Actor, Clock
from iosim.attribution import FILTER, rebook
from iosim.device_stack import DeviceObject, Driver, FileObject
from iosim.io_manager import IoManager
from iosim.irp import INVOKE_ALWAYS, NO_ROUTINE, WRITE, Irp, StatusBlock
from iosim.kernel_queue import KernelQueue, KernelThread
from iosim.kernel_work import NO_WORK, STAYS_IN_CALL, KernelWork
from iosim.ntstatus import STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING
from iosim.outcomes import OVER, OWES


class Filter(Driver):
    """One filter. Times in ns; `scan_ps` is ps a byte; `workers` is the queue of the system's worker threads.

    What it counts is since the start of the run: reads and writes by kind, and how long it held them.
    """

    def __init__(
        self, io: IoManager, workers: KernelQueue, pre: int, post: int, scan_ps: int, delay: int, passive: bool
    ) -> None:
        self.io = io
        self.workers = workers
        self.pre = pre
        self.post = post
        self.scan_ps = scan_ps
        self.delay = delay
        self.passive = passive
        self.dispatch_ns = pre
        self.completion_ns = 0 if passive else post
        self.sized = scan_ps > 0
        self.routine = INVOKE_ALWAYS if post else NO_ROUTINE
        self.hold = Hold(self)
        self.seen = 0
        self.paging_seen = 0

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        """Down: at once, or after the delay."""
        location = irp.location()
        if location.major > WRITE:
            irp.copy_to_next(device.base, NO_ROUTINE)
            return self.io.call_driver(device.lower, irp)
        if irp.paging:
            self.paging_seen += 1
        else:
            self.seen += 1
        time = self.pre + location.size * self.scan_ps // 1000
        if time:
            rebook(irp.request, FILTER, time)
        if self.delay:
            irp.mark_pending()
            hold = self.hold
            hold.take(irp)
            return STATUS_PENDING
        if self.passive and not irp.paging:
            irp.mark_pending()
            return self.go_on(device, irp)
        irp.copy_to_next(device.base, NO_ROUTINE if self.passive else self.routine)
        return self.io.call_driver(device.lower, irp)

    def go_on(self, device: DeviceObject, irp: Irp) -> int:
        """Down, of a request that is pending already."""
        irp.copy_to_next(device.base, NO_ROUTINE if self.passive and irp.paging else self.routine)
        if self.io.call_driver(device.lower, irp) == STAYS_IN_CALL:
            work = irp.work
            irp.work = NO_WORK
            workers = self.workers
            workers.insert(work)
        return STATUS_PENDING

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        """Up."""
        if self.passive:
            workers = self.workers
            workers.insert(PostOperation(self, irp))
            return STATUS_MORE_PROCESSING_REQUIRED
        rebook(irp.request, FILTER, self.post)
        if irp.pending_returned:
            irp.mark_pending()
        return irp.status

    def sized_cost(self, device: DeviceObject, major: int, size: int) -> int:
        """The bytes that it looks at, and what is below."""
        return size * self.scan_ps // 1000 + Driver.sized_cost(self, device, major, size)

    def fast_io(
        self, device: DeviceObject, file: FileObject, major: int, offset: int, size: int, block: StatusBlock
    ) -> int:
        """Passed on."""
        lower = device.lower
        driver = lower.entry
        return driver.fast_io(lower, file, major, offset, size, block)


class Hold(Actor):
    """Requests that a filter holds back: all for the same time, so that they leave in the order in which they came.

    Little's law holds here too: `area` is the integral of their number, `sojourns` sums their times (ns).
    """

    def __init__(self, owner: Filter) -> None:
        self.generation = 0
        self.owner = owner
        self.clock: Clock = owner.io.clock
        self.irps: deque[Irp] = deque()
        self.held = 0
        self.area = 0
        self.since = 0
        self.sojourns = 0

    def take(self, irp: Irp) -> None:
        """A request comes."""
        self.settle()
        irp.entered = self.clock.now
        self.irps.append(irp)
        self.held += 1
        self.clock.at(self.owner.delay, TIMER, self, 0)

    def fire(self, what: int) -> None:
        """The oldest goes on."""
        self.settle()
        irp = self.irps.popleft()
        now = self.clock.now
        self.sojourns += now - irp.entered
        request = irp.request
        request.spend(FILTER, now)
        location = irp.location()
        owner = self.owner
        owner.go_on(location.device, irp)

    def settle(self) -> None:
        """Bring the integral up to now."""
        now = self.clock.now
        self.area += len(self.irps) * (now - self.since)
        self.since = now

    def ages(self, now: int) -> int:
        """Summed time (ns) of those that are held."""
        whole = 0
        for irp in self.irps:
            whole += now - irp.entered
        return whole


class PostOperation(KernelWork):
    """What a filter does at PASSIVE_LEVEL on the way up; then the walk goes on where it stood."""

    def __init__(self, owner: Filter, irp: Irp) -> None:
        super().__init__(irp.request)
        self.owner = owner
        self.irp = irp
        self.paid = False

    def go_on(self, thread: KernelThread) -> int:
        """All in one stretch."""
        if self.paid:
            return OVER
        self.paid = True
        thread.owe_kernel(self.owner.post)
        return OWES

    def end(self) -> None:
        """Up."""
        owner = self.owner
        irp = self.irp
        rebook(irp.request, FILTER, owner.post)
        io = owner.io
        io.complete(irp)
