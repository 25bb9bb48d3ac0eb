"""Programs of a scenario: worker threads on a port, and the steps of the handlers they run.

A handler is a list of step objects. A request carries its own place in the list, so that it can go on in another thread
after an overlapped read or a post. A step that only takes processor time (`acts` is False) joins the stretch of the next
one; a step that acts does so when all the time owed before it has been paid.
"""

from iosim.attribution import BLOCKED_CALL, FILTER, SLEEP, rebook
from iosim.cache_manager import CacheManager
from iosim.completion_port import CompletionPort
from iosim.device_stack import FileObject
from iosim.irp import FLUSH, READ, WRITE
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.kernel_work import KernelWork
from iosim.locks import ACQUIRED, SPINNING, ContendedLock
from iosim.ntfs_metadata import Metadata
from iosim.ntstatus import is_error
from iosim.outcomes import AGAIN, BEGIN, BLOCKED, DONE, FETCH, FINISH, LEFT, LEFT_AND_WAITS, RETRIES, STAYS, WAITS
from iosim.port_lock import LockedPort
from iosim.services import Services
from iosim.thread import RUNNING, Program, Thread
from iosim.variates import Variate

SECTOR = 512


class Step:
    """One thing a handler does. `begin` charges time; `finish` acts, once that time is paid.

    `acts`: `finish` does something; `charges`: `begin` does.
    """

    def __init__(self, services: Services, acts: bool = True, charges: bool = True) -> None:
        self.services = services
        self.acts = acts
        self.charges = charges

    def begin(self, thread: KernelThread) -> None:
        """Charge the thread what comes before the act."""

    def finish(self, thread: KernelThread) -> int:
        """Act; the outcomes are those of outcomes.py."""
        return DONE


class ComputeStep(Step):
    """Keep the processor busy for a drawn time, touching memory, then go on with the next step."""

    def __init__(self, services: Services, time: Variate, private: int, request_bytes: int) -> None:
        super().__init__(services, acts=False)
        self.time = time
        self.private = private
        self.request_bytes = request_bytes
        self.touches = private > 0 or request_bytes > 0

    def begin(self, thread: KernelThread) -> None:
        """Owe the time."""
        time = self.time.value(thread.request.index)
        thread.owed_user += time
        thread.owed += time
        if self.touches:
            self.services.touch(thread, self.private, self.request_bytes)


class TransferStep(Step):
    """Read or write a file, overlapped (the packet continues the handler) or blocking."""

    def __init__(self, services: Services, file: FileObject, cache: CacheManager, major: int, blocking: bool) -> None:
        super().__init__(services)
        self.file = file
        self.cache = cache
        self.major = major
        self.blocking = blocking

    def where(self, thread: KernelThread) -> tuple[int, int]:
        """Offset and size (bytes) of this request's transfer."""
        raise NotImplementedError

    def hit(self, thread: KernelThread, offset: int, size: int) -> bool:
        """Whether a cached read finds its pages: by what the cache holds."""
        return self.cache.resident(self.file, offset, size)

    def at_once(self, thread: KernelThread, offset: int, size: int) -> bool:
        """Whether a cached request ends with its copy: a read that hits, or a write that the cache takes in."""
        if self.major != READ:
            return self.cache.takes(self.file, offset, size)
        hit = self.hit(thread, offset, size)
        self.cache.count(hit)
        return hit

    def begin(self, thread: KernelThread) -> None:
        """Owe the way down."""
        offset, size = self.where(thread)
        hit = self.file.cached and self.at_once(thread, offset, size)
        thread.call = self.services.prepare(thread, self.file, self.major, offset, size, hit)

    def finish(self, thread: KernelThread) -> int:
        """Call the driver."""
        cache = self.cache
        outcome = self.services.issue(thread, self.blocking, self.file.cached and cache.saturated())
        if outcome == LEFT_AND_WAITS:
            cache.blocked += 1
        return outcome


class DrawnTransfer(TransferStep):
    """Size and offset are drawn for the request; `hits` is 1 or 0 where a hit is drawn, and empty where the cache tells."""

    def __init__(
        self,
        services: Services,
        file: FileObject,
        cache: CacheManager,
        major: int,
        blocking: bool,
        size: Variate,
        offset: Variate,
        hits: list[Variate],
    ) -> None:
        super().__init__(services, file, cache, major, blocking)
        self.size = size
        self.offset = offset
        self.hits = hits

    def where(self, thread: KernelThread) -> tuple[int, int]:
        """Drawn; kept within the file."""
        index = thread.request.index
        size = self.size.value(index)
        offset = self.offset.value(index)
        end = self.file.size
        if not self.file.cached:  # unbuffered lengths are whole sectors (semantics 3.8)
            size = -(-size // SECTOR) * SECTOR
        if size < 1 or offset + size > end:
            size = max(1, min(size, end))
            offset = min(offset, (end - size) // SECTOR * SECTOR)
        return offset, size

    def hit(self, thread: KernelThread, offset: int, size: int) -> bool:
        """Drawn, or by what the cache holds."""
        for drawn in self.hits:
            return drawn.value(thread.request.index) == 1
        return TransferStep.hit(self, thread, offset, size)


class RowTransfer(Step):
    """The read or write that a replayed trace's row asks for."""

    def __init__(self, services: Services, files: list[FileObject], caches: list[CacheManager]) -> None:
        super().__init__(services)
        self.files = files
        self.caches = caches

    def begin(self, thread: KernelThread) -> None:
        """Owe the way down."""
        request = thread.request
        file = self.files[request.target]
        major = WRITE if request.write else READ
        hit = False
        if file.cached:
            cache = self.caches[request.target]
            if request.write:
                hit = cache.takes(file, request.offset, request.size)
            else:
                hit = cache.resident(file, request.offset, request.size)
                cache.count(hit)
        thread.call = self.services.prepare(thread, file, major, request.offset, request.size, hit)

    def finish(self, thread: KernelThread) -> int:
        """Call the driver."""
        target = thread.request.target
        file = self.files[target]
        cache = self.caches[target]
        outcome = self.services.issue(thread, False, file.cached and cache.saturated())
        if outcome == LEFT_AND_WAITS:
            cache.blocked += 1
        return outcome


class FlushStep(Step):
    """FlushFileBuffers: the thread waits until the disk has all that was written to the file."""

    def __init__(self, services: Services, file: FileObject) -> None:
        super().__init__(services)
        self.file = file

    def begin(self, thread: KernelThread) -> None:
        """Owe the way down."""
        thread.call = self.services.prepare(thread, self.file, FLUSH, 0, 0, False)

    def finish(self, thread: KernelThread) -> int:
        """Call the driver."""
        return self.services.issue(thread, True, False)


class OpenStep(Step):
    """CreateFile of one of many files: a synchronous call, on whatever handle, that may wait for metadata."""

    def __init__(self, services: Services, metadata: Metadata, record: Variate, cost: int, filters: int) -> None:
        super().__init__(services)
        self.filters = filters  # ns of `cost` that filter drivers take
        self.metadata = metadata
        self.record = record
        self.cost = cost

    def begin(self, thread: KernelThread) -> None:
        """Owe the call; find out what it needs."""
        thread.owe_kernel(self.cost)
        request = thread.request
        if self.filters:
            rebook(request, FILTER, self.filters)
        thread.call = self.metadata.look_up(request, self.record.value(request.index))

    def finish(self, thread: KernelThread) -> int:
        """Wait for it."""
        work: KernelWork = thread.call  # type: ignore[assignment]  # `begin` left it there
        if work.go_on(thread) == BLOCKED:
            return STAYS
        if thread.owed:
            return AGAIN
        if is_error(work.status):
            request = thread.request
            request.fail()
        return DONE


class CloseStep(OpenStep):
    """CloseHandle: the cleanup that writes down what has changed."""

    def begin(self, thread: KernelThread) -> None:
        """Owe the call; find out what it needs."""
        thread.owe_kernel(self.cost)
        request = thread.request
        if self.filters:
            rebook(request, FILTER, self.filters)
        thread.call = self.metadata.change(request)


class AcquireStep(Step):
    """Take a lock: at once, after spinning, or after a wait."""

    def __init__(self, services: Services, lock: ContendedLock, shared: bool) -> None:
        super().__init__(services)
        self.lock = lock
        self.shared = shared

    def finish(self, thread: KernelThread) -> int:
        """Try; a thread that blocked tries again when it is woken."""
        outcome = self.lock.acquire(thread, self.shared)
        if outcome == ACQUIRED:
            return DONE
        return AGAIN if outcome == SPINNING else RETRIES


class ReleaseStep(Step):
    """Give a lock up."""

    def __init__(self, services: Services, lock: ContendedLock, shared: bool) -> None:
        super().__init__(services)
        self.lock = lock
        self.shared = shared

    def finish(self, thread: KernelThread) -> int:
        """Somebody else may have it."""
        self.lock.release(thread, self.shared)
        return DONE


class BlockStep(Step):
    """A blocking call to elsewhere: a wait in the kernel of a drawn length."""

    def __init__(self, services: Services, time: Variate) -> None:
        super().__init__(services)
        self.time = time

    def begin(self, thread: KernelThread) -> None:
        """Owe the system call."""
        if self.services.costs.block:
            thread.owe_kernel(self.services.costs.block)

    def finish(self, thread: KernelThread) -> int:
        """Wait until the answer comes; one that is there already is no wait (semantics 1.6)."""
        time = self.time.value(thread.request.index)
        if not time:
            return DONE
        self.services.wait(thread, time, BLOCKED_CALL)
        return WAITS


class SleepStep(BlockStep):
    """Sleep: the wait ends at the first clock tick that is no earlier than the time asked for (0b.13)."""

    def finish(self, thread: KernelThread) -> int:
        """Wait until the tick; Sleep(0) does not block (semantics 1.6)."""
        services = self.services
        time = self.time.value(thread.request.index)
        if not time:
            return DONE
        services.wait(thread, services.dispatcher.next_tick(time), SLEEP)
        return WAITS


class PostStep(Step):
    """Hand the rest of the request to the workers of another port."""

    def __init__(self, services: Services, port: CompletionPort) -> None:
        super().__init__(services)
        self.port = port

    def begin(self, thread: KernelThread) -> None:
        """Owe the system call."""
        thread.owe_kernel(self.services.costs.post)

    def finish(self, thread: KernelThread) -> int:
        """Post."""
        self.services.post(thread, self.port)
        return LEFT


class LockedPostStep(PostStep):
    """The same at a port whose lock has a cost: the poster spins until its turn."""

    def __init__(self, services: Services, port: LockedPort) -> None:
        super().__init__(services, port)
        self.locked = port

    def begin(self, thread: KernelThread) -> None:
        """Owe the system call, and the hold in it."""
        thread.owe_kernel(self.services.costs.post + self.locked.hold)

    def finish(self, thread: KernelThread) -> int:
        """Post, in turn."""
        if not self.locked.enter(thread):
            return AGAIN
        self.locked.insert_in_turn(Packet(self.services.let_go(thread)))
        return LEFT


class EndStep(Step):
    """The request has been served."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, charges=False)

    def finish(self, thread: KernelThread) -> int:
        """Tell the source."""
        request = self.services.let_go(thread)
        request.source.finished(request)
        return LEFT


class WorkerProgram(Program):
    """Remove a packet, run its handler, again (the loop around GetQueuedCompletionStatus)."""

    def __init__(self, services: Services, port: CompletionPort) -> None:
        self.services = services
        self.port = port

    def resume(self, thread: Thread) -> bool:
        """Go on: the time owed is paid, a packet was handed over, or a wait is over."""
        worker: KernelThread = thread  # type: ignore[assignment]  # the dispatcher makes no other threads
        stage = worker.stage
        if stage == FETCH and worker.owed and worker.packet is NO_PACKET:
            return True  # the switch of a thread that starts, or was blocked as an issuer, is no packet's business
        while True:
            if stage == FETCH:
                if not self.services.remove(worker, self.port):
                    worker.stage = FETCH
                    return worker.state == RUNNING  # False: it parked; True: it spins for the port's lock
                stage = BEGIN
            request = worker.request
            step: Step = request.steps[request.step]
            if stage == BEGIN:
                if step.charges:
                    step.begin(worker)
                if not step.acts:
                    request.step += 1
                    continue
                if worker.owed:
                    worker.stage = FINISH
                    return True
            request.step += 1  # before the act: the request may go on in another thread at once
            outcome = step.finish(worker)
            if outcome == DONE:
                stage = BEGIN
            elif outcome == LEFT:
                stage = FETCH
            elif outcome == AGAIN:
                request.step -= 1
                worker.stage = FINISH
                return True
            elif outcome == STAYS:
                request.step -= 1
                worker.stage = FINISH
                return False
            else:
                if outcome == RETRIES:
                    request.step -= 1
                worker.stage = FETCH if outcome == LEFT_AND_WAITS else BEGIN
                return False
