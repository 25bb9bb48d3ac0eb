"""The door to the kernel for a scenario's programs: compute, remove, post, wait, issue, each with its processor time.

The handlers of a scenario are step objects on this door (application.py). Programs written as generators
(win32/) have calls of their own, which prepare requests here.
"""

from iosim.actor import TIMER, Clock
from iosim.attribution import BLOCKED_CALL, NO_NODE, NO_REQUEST, Request, rebook_refill
from iosim.cache import Caches
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.completion_port import CompletionPort
from iosim.device_stack import FileObject
from iosim.dispatcher import Dispatcher
from iosim.io_manager import IoManager
from iosim.irp import Irp
from iosim.kernel_queue import NO_PACKET, KernelThread
from iosim.kernel_work import NO_WORK, STAYS_IN_CALL
from iosim.ntstatus import STATUS_PENDING, is_error, succeeded
from iosim.numa import NO_MEMORY
from iosim.outcomes import AGAIN, BLOCKED, DONE, LEFT, LEFT_AND_WAITS, STAYS, WAITS


class CallCosts:
    """Processor time (ns) of calls that are no I/O."""

    def __init__(self, remove: int, post: int, block: int) -> None:
        self.remove = remove
        self.post = post
        self.block = block


class Services:
    """System services, called by the thread that is running now."""

    def __init__(self, dispatcher: Dispatcher, io: IoManager, caches: Caches, costs: CallCosts) -> None:
        self.dispatcher = dispatcher
        self.clock: Clock = dispatcher.clock
        self.io = io
        self.caches = caches
        self.costs = costs
        self.memory = NO_MEMORY

    # ---- compute -------------------------------------------------------------------------------------------------

    def touch(self, thread: KernelThread, private: int, request_bytes: int) -> None:
        """The computing that begins works on so many bytes of the thread's own and of the request's."""
        if private > thread.private:
            thread.owe_refill(self.caches.grow(thread, thread.processor, private))
        if request_bytes > thread.request_bytes:
            more = request_bytes - thread.request_bytes
            self.caches.fill(thread.processor, more)
            thread.request_bytes = request_bytes
            request = thread.request
            if self.memory is not NO_MEMORY and request.home != NO_NODE:
                self.reach(thread, more, request.home)

    def reach(self, thread: KernelThread, size: int, node: int) -> None:
        """The thread goes through bytes that lie on this node: owe what that takes more than at home."""
        memory = self.memory
        memory.spent = thread.owed
        excess = memory.stream_excess(self.clock.now, size, memory.topology.node_of(thread.processor), node)
        if excess:
            thread.owe_refill(excess)
            rebook_refill(thread.request, excess)

    # ---- ports ---------------------------------------------------------------------------------------------------

    def remove(self, thread: KernelThread, port: CompletionPort) -> bool:
        """GetQueuedCompletionStatus without a timeout: the packet's request is the thread's now; False: it parked."""
        packet = thread.packet
        if packet is NO_PACKET:
            packet = port.remove(thread)
            if packet is NO_PACKET:
                return False
        else:
            thread.packet = NO_PACKET
        request = packet.request
        thread.request = request
        thread.request_bytes = 0
        cost = self.costs.remove
        if packet.is_irp:
            cost += packet.removed()
        if cost:
            thread.owed_kernel += cost
            thread.owed += cost
        if request.began < 0:
            request.began = self.clock.now
        return True

    def post(self, thread: KernelThread, port: CompletionPort) -> None:
        """PostQueuedCompletionStatus: the thread's request goes on at the port."""
        request = self.let_go(thread)
        port.post(request)

    def let_go(self, thread: KernelThread) -> Request:
        """The thread has done its part of the request."""
        request = thread.request
        queue = thread.queue
        if queue.watched:
            queue.probes.released(queue.number, request)
        thread.last_request = request
        thread.request = NO_REQUEST
        return request

    # ---- waits ---------------------------------------------------------------------------------------------------

    def wait(self, thread: KernelThread, time: int, cause: int) -> None:
        """The thread waits in the kernel for `time` ns, for this cause; its program returns False next."""
        self.clock.at(time, TIMER, self.dispatcher.timeouts[thread.number], 0)
        self.dispatcher.block(thread, cause)

    # ---- files ---------------------------------------------------------------------------------------------------

    def prepare(self, thread: KernelThread, file: FileObject, major: int, offset: int, size: int, hit: bool) -> Irp:
        """Make the IRP of a read or write and charge the caller its way down; `hit`: a cached read finds its pages."""
        irp = self.io.allocate(file.device.stack_size, thread.processor)
        irp.prepare(thread.request, file, major, offset, size)
        if file.cached:
            costs = self.io.costs
            irp.hit = hit
            way = costs.call + costs.irp + file.device.dispatch_ns
            scan = size * file.device.scan_ps // 1000
            thread.owe_kernel(way + scan + (self.io.copy_cost(size) if hit else 0))
        elif file.device.method:  # its bytes are copied (named pipes)
            thread.owe_kernel(self.io.copying_cost(file, major, size))
        else:
            thread.owe_kernel(self.io.issue_cost(file, size, major))
        return irp

    def issue(self, thread: KernelThread, blocking: bool, saturated: bool) -> int:
        """ReadFile or WriteFile, prepared before. Overlapped: LEFT, the packet will tell; blocking: WAITS, or DONE.

        AGAIN and STAYS: the thread has work to do in its call, overlapped or not; to be called again.
        `saturated`: no system worker is free for a cached miss, so that its issuer waits for it (0b.20).
        """
        irp: Irp = thread.call  # type: ignore[assignment]  # `prepare` left it there
        io = self.io
        if irp.work is not NO_WORK:
            return self._work(thread, irp, blocking)
        if blocking:
            irp.synchronous = True
            status = io.start(thread, irp, BLOCKED_CALL)
            if status == STAYS_IN_CALL:
                return self._work(thread, irp, True)
            return WAITS if status == STATUS_PENDING else DONE
        irp.reports = True
        file = irp.file
        blocks_issuer = saturated and not irp.hit  # the IRP may be another's by the time that the call returns
        request = thread.request
        thread.last_request = request
        thread.request = NO_REQUEST
        if file.plain:  # as io.start does, for the many that need no more
            irp.plain = True
            irp.thread = thread
            irp.processor = thread.processor
            file.irps.append(irp)
            status = io.call_driver(file.device, irp)
            if status != STATUS_PENDING and status != STAYS_IN_CALL:
                io.ended_at_once(irp)
        else:
            status = io.start(thread, irp, BLOCKED_CALL)
        if status == STAYS_IN_CALL:
            thread.request = request
            return self._work(thread, irp, False)
        if self._goes_on(file, status):
            return self._in_thread(thread, request)
        queue = thread.queue
        if queue.watched:
            queue.probes.released(queue.number, request)
        if blocks_issuer:
            io.wait_for(thread, irp, BLOCKED_CALL)
            return LEFT_AND_WAITS
        return LEFT

    def _goes_on(self, file: FileObject, status: int) -> bool:
        """Whether no packet will come of a call that did not pend (1.3 rows 3 and 6)."""
        if status == STATUS_PENDING:
            return False
        return is_error(status) or (file.modes & SKIP_PORT_ON_SUCCESS != 0 and succeeded(status))

    def _in_thread(self, thread: KernelThread, request: Request) -> int:
        """The request goes on in its thread; what the remover of a packet pays in direct mode (0b.1) is the caller's."""
        io = self.io
        thread.request = request
        if io.direct:
            thread.owe_kernel(io.costs.removal)
        return DONE

    def _work(self, thread: KernelThread, irp: Irp, blocking: bool) -> int:
        """The thread does in its call what the IRP waits for, and then tells of the end."""
        io = self.io
        work = irp.work
        outcome = work.go_on(thread)
        if outcome == BLOCKED:
            return STAYS
        if thread.owed:
            return AGAIN
        irp.work = NO_WORK
        pends = work.pends
        status = STATUS_PENDING if pends else work.status
        request = thread.request
        file = irp.file
        if not blocking:
            thread.last_request = request
            thread.request = NO_REQUEST
        work.end()
        if not pends:
            io.ended_at_once(irp)
        if blocking:
            return DONE
        if self._goes_on(file, status):
            return self._in_thread(thread, request)
        queue = thread.queue
        if queue.watched:
            queue.probes.released(queue.number, request)
        return LEFT
