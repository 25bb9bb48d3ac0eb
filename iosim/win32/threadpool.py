"""The thread pool: callbacks of work and of file I/O, run by threads on a port of the pool's own.

The port lets as many threads run as there are processors. While work waits, the limit has room and no thread is free (all
are blocked, or there is none yet), another thread is started, up to a maximum. Source: semantics 7.8, 9.5 (W-TP); the
counting of what is outstanding follows Wine's threadpool [M]. Simplified: a thread starts without delay and never retires.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from iosim.attribution import Request
from iosim.completion_port import CompletionPort
from iosim.kernel_queue import KernelThread, Packet
from iosim.ntstatus import WIN32
from iosim.objects import INFINITE, DispatcherObject, Latch
from iosim.win32.calls import Call, Calls, ProgramError, Refused, SystemCall, ThreadBody, of_kind
from iosim.win32.handles import Handle
from iosim.win32.ports import CompletionStatus, PostedPacket
from iosim.win32.requests import OpenFile
from iosim.win32.waits import WaitCall

if TYPE_CHECKING:
    from iosim.win32.system import System

MAXIMUM_THREADS = 500  # the default of the real pool (semantics 7.8 [M])


class PoolPort(CompletionPort):
    """The pool's port: tells the pool of work that nobody takes."""

    pool: "ThreadPool"

    def unclaimed(self) -> None:
        """A packet was queued."""
        self.pool.grow()

    def insert_in_apc(self, packet: Packet) -> None:
        """The thread that the APC interrupts is about to look (1.4.5): none is missing."""
        self.awaited = False
        super().insert_in_apc(packet)
        self.awaited = True

    def _bind(self, thread: KernelThread) -> None:
        """A thread of the pool comes, for the first time or from another port."""
        super()._bind(thread)
        self.pool.starting.discard(thread.number)

    def release_one(self, by: Request) -> None:
        """A thread of the pool blocks: its place may be another's."""
        super().release_one(by)
        self.pool.grow()


class ThreadPool:
    """Its threads and its port; nothing exists before the first work does."""

    def __init__(self, system: "System", maximum: int) -> None:
        self.system = system
        self.maximum = maximum
        self.threads: list[Handle] = []
        self.starting: set[int] = set()  # numbers of those that have not come to the port yet
        dispatcher = system.dispatcher
        self.port = PoolPort(system.clock, dispatcher, 0, 0, len(dispatcher.processors))
        self.port.pool = self
        self.port.awaited = True
        self.handle = system.handles.add(self.port)

    def grow(self) -> None:
        """Start a thread if there is room under the limit, and a packet, that no parked or starting thread will take."""
        port = self.port
        starting = len(self.starting)
        if port.waiting or starting >= len(port.entries) or len(self.threads) == self.maximum:
            return
        if port.running + starting < port.limit:
            handle = self.system.start(self._work)
            self.system.program(handle.object.thread).pooled = True
            self.threads.append(handle)
            self.starting.add(handle.object.thread.number)

    def _work(self, api: Any) -> ThreadBody:
        """What its threads do."""
        while True:
            status = yield api.GetQueuedCompletionStatus(self.handle, INFINITE)
            body = status.completion_key.dispatch(api, status)
            if isinstance(body, Generator):
                yield from body
            status.completion_key.done()


class PoolObject:
    """What callbacks are for. `pending` are to come; `skipped` of those that arrive are to be passed over.

    `running`: taken by a thread of the pool and not done with.
    """

    def __init__(self, pool: ThreadPool, callback: Callable[..., Any], context: Any) -> None:
        self.pool = pool
        self.callback = callback
        self.context = context
        self.pending = 0
        self.skipped = 0
        self.running = 0
        self.closed = False
        self.drained = Latch(pool.system.dispatcher)
        self.drained.set(True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.pending} callbacks to come, {self.running} running>"

    def check(self) -> None:
        """Before every use."""
        if self.closed:
            raise ProgramError("the thread-pool object has been closed: its memory is gone")

    def begin(self) -> None:
        """A callback is to come."""
        self.pending += 1
        self.drained.set(False)

    def revoke(self) -> None:
        """It is not."""
        if not self.pending:
            raise ProgramError("CancelThreadpoolIo without a StartThreadpoolIo before it")
        self.pending -= 1
        self.settle()

    def cancel(self) -> None:
        """None of those that have not begun is to be run."""
        self.skipped += self.pending
        self.pending = 0
        self.settle()

    def settle(self) -> None:
        """Whoever waits for the end of all callbacks is told."""
        self.drained.set(not self.pending and not self.running)

    def dispatch(self, api: Any, status: CompletionStatus) -> Any:
        """A packet: the callback's generator, or whatever else if there is nothing more to run."""
        self.running += 1
        if self.skipped:
            self.skipped -= 1
            return None
        if not self.pending:
            raise ProgramError("a request has ended that StartThreadpoolIo was not called for")
        self.pending -= 1
        return self.run(api, status)

    def run(self, api: Any, status: CompletionStatus) -> Any:
        """Call the callback."""
        raise NotImplementedError

    def done(self) -> None:
        """The callback is over."""
        self.running -= 1
        self.settle()


class ThreadpoolIo(PoolObject):
    """TP_IO: callbacks of one file's requests."""

    def run(self, api: Any, status: CompletionStatus) -> Any:
        """`callback(api, context, overlapped, error, bytes, io)`."""
        return self.callback(api, self.context, status.overlapped, status.error, status.bytes_transferred, self)


class ThreadpoolWork(PoolObject):
    """TP_WORK: a callback that can be submitted again and again."""

    def run(self, api: Any, status: CompletionStatus) -> Any:
        """`callback(api, context, work)`."""
        return self.callback(api, self.context, self)


class DrainCall(WaitCall):
    """Waits until no callback of the object is to come or is running."""

    def __init__(self, api: Calls, it: PoolObject, cancel_pending: bool) -> None:
        super().__init__(api.cost, api.system.handles, [], False, INFINITE, False)
        self.it = it
        self.cancel_pending = cancel_pending

    def objects(self) -> list[DispatcherObject]:
        """The one that says so."""
        of_kind(self.it, PoolObject, "object of the thread pool").check()
        if self.cancel_pending:
            self.it.cancel()
        return [self.it.drained]


class PoolCalls(Calls):
    """The thread pool. Start, Cancel and Close take no time: they count in user mode."""

    def CreateThreadpoolIo(self, file: Handle, callback: Callable[..., Any], context: Any = None) -> Call:
        """Report the file's requests to the pool: a ThreadpoolIo.

        Its callback is `callback(api, context, overlapped, error, bytes, io)`, a generator or a plain function. None (NULL)
        with ERROR_INVALID_HANDLE, or ERROR_INVALID_PARAMETER for a synchronous file or one that reports to a port.
        """
        return self._call(lambda _: self._io(file, callback, context), failing=None)

    def _io(self, file: Handle, callback: Callable[..., Any], context: Any) -> ThreadpoolIo:
        pool = self.system.pool
        it = ThreadpoolIo(pool, callback, context)
        status = self.system.io.associate(self.system.handles.of_kind(file, OpenFile).file, pool.port, it)
        if status:
            raise Refused(WIN32[status])
        return it

    def StartThreadpoolIo(self, io: ThreadpoolIo) -> Call:
        """Say that a request will be issued: before each one."""
        return self._count(io, lambda it: it.begin())

    def CancelThreadpoolIo(self, io: ThreadpoolIo) -> Call:
        """Say that the request that was announced will queue no packet: it failed at once.

        Or it succeeded at once on a file that skips the port on success. Without this the object never drains (T08).
        """
        return self._count(io, lambda it: it.revoke())

    def WaitForThreadpoolIoCallbacks(self, io: ThreadpoolIo, cancel_pending: bool) -> Call:
        """Wait until all that was announced has had its callback: WAIT_OBJECT_0.

        `cancel_pending`: those that have not begun are not run, nor those of requests that have not ended.
        """
        return DrainCall(self, io, cancel_pending)

    def CloseThreadpoolIo(self, io: ThreadpoolIo) -> Call:
        """The object is not used any more; a use is a ProgramError. The file keeps reporting to the pool."""
        return self._count(io, close)

    def CreateThreadpoolWork(self, callback: Callable[..., Any], context: Any = None) -> Call:
        """A ThreadpoolWork, whose callback is `callback(api, context, work)`."""
        return self._call(lambda _: ThreadpoolWork(self.system.pool, callback, context))

    def SubmitThreadpoolWork(self, work: ThreadpoolWork) -> Call:
        """Have its callback run once more."""
        return self._call(lambda _: submit(work))

    def WaitForThreadpoolWorkCallbacks(self, work: ThreadpoolWork, cancel_pending: bool) -> Call:
        """Wait until every submitted callback has run: WAIT_OBJECT_0. `cancel_pending`: without those not yet begun."""
        return DrainCall(self, work, cancel_pending)

    def CloseThreadpoolWork(self, work: ThreadpoolWork) -> Call:
        """The object is not used any more."""
        return self._count(work, close)

    def _count(self, it: PoolObject, act: Callable[[Any], None]) -> Call:
        def do(_: KernelThread) -> None:
            of_kind(it, PoolObject, "object of the thread pool").check()
            act(it)

        return SystemCall(0, do)


def submit(work: ThreadpoolWork) -> None:
    """One callback more."""
    of_kind(work, ThreadpoolWork, "ThreadpoolWork").check()
    work.begin()
    work.pool.port.insert(PostedPacket(work, None, 0, 0))


def close(it: PoolObject) -> None:
    """Its memory is gone."""
    it.closed = True
