"""A call that sends a request down a device stack: ReadFile, WriteFile, DeviceIoControl and their kin.

What is wrong with the call itself is found before there is an IRP; then the driver is called when the way down is paid.
Source: semantics 1.2.9, 1.3, 2.6, 2.9, 2.10.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iosim.attribution import BLOCKED_CALL
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.completion_port import NO_PORT
from iosim.device_stack import NOT_FAST, FileObject
from iosim.io_manager import IoManager
from iosim.irp import CONNECT, DEVICE_CONTROL, NO_IRP, NO_STATUS_BLOCK, READ, WRITE, Notice, StatusBlock
from iosim.kernel_queue import KernelThread
from iosim.kernel_work import NO_WORK, STAYS_IN_CALL
from iosim.ntstatus import (
    ERROR_INVALID_PARAMETER,
    ERROR_IO_PENDING,
    ERROR_SUCCESS,
    STATUS_END_OF_FILE,
    STATUS_PENDING,
    error_name,
    error_of,
    is_error,
    succeeded,
)
from iosim.objects import DispatcherObject, Event
from iosim.outcomes import BLOCKED
from iosim.units import PAGE
from iosim.win32.calls import AGAIN, RETURNED, WAITS, Call, ProgramError, Refused
from iosim.win32.handles import NULL
from iosim.win32.memory import Buffer, Overlapped, buffer_or_null, overlapped_or_null
from iosim.win32.waits import Waitable

if TYPE_CHECKING:
    from iosim.win32.system import System

SECTOR = 512
NO_PACKET_BIT = 1  # of an OVERLAPPED's event

Routine = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class IoResult:
    """What an I/O call gives: true if it succeeded at once; else `error`, ERROR_IO_PENDING if it is under way."""

    ok: bool
    error: int
    bytes_transferred: int

    def __repr__(self) -> str:
        return f"IoResult(ok={self.ok}, error={error_name(self.error)}, bytes_transferred={self.bytes_transferred})"

    def __bool__(self) -> bool:
        return self.ok


class OpenFile(Waitable):
    """A file object as programs know it: duplicated handles share it, and so its place and its mode."""

    noun = "File"

    def __init__(self, io: IoManager, file: FileObject, unbuffered: bool = False) -> None:
        self.io = io
        self.file = file
        self.unbuffered = unbuffered  # FILE_FLAG_NO_BUFFERING
        self.position = 0  # bytes: where a synchronous handle goes on
        io.event_of(file)  # from the start: its state is what the latest request left, however many are under way

    def awaited(self) -> DispatcherObject:
        """The file object's own event."""
        return self.io.event_of(self.file)


class RequestCall(Call):
    """A request on a file's handle; `value` is an IoResult.

    `buffers`: a NULL one can't be accessed. An APC `routine` makes it one of the ...Ex calls, which are true when they pend.
    """

    always_waits = False  # else only on a file opened for synchronous I/O

    def __init__(
        self,
        system: "System",
        handle: Any,
        major: int,
        size: int,
        overlapped: Overlapped | None,
        buffers: Sequence[Buffer | None] = (),
        routine: Routine | None = None,
        code: int = 0,
    ) -> None:
        self.system = system
        self.handle = handle
        self.major = major
        self.size = size
        self.overlapped = overlapped
        self.buffers = buffers
        self.routine = routine
        self.code = code

    # ---- before there is an IRP --------------------------------------------------------------------------------------

    def begin(self, thread: KernelThread) -> None:
        """Charge the way down."""
        self.overlapped = overlapped_or_null(self.overlapped)
        self.buffers = [buffer_or_null(buffer) for buffer in self.buffers]
        if not isinstance(self.size, int) or self.size < 0:
            raise ProgramError(f"{self.size!r} is no size: sizes are whole bytes")
        self.irp = NO_IRP
        self.refusal = ERROR_SUCCESS
        self.fast = False
        self.over = False
        self.working = False
        try:
            self.opened = self._open_file()
            self.file = self.opened.file
            self.waits = self.always_waits or self.file.synchronous or self._waits_by_itself()
            self.notice = self._notice()
            self._check()
        except Refused as refusal:
            self.refusal = refusal.error
            thread.owe_kernel(self.system.io.costs.call)
            return
        self.fast = self._may_be_fast()
        if self.fast:
            io = self.system.io
            thread.owe_kernel(io.costs.call + (io.copy_cost(self.size) if self.major == READ else 0))
        else:
            self._prepare(thread)

    def _open_file(self) -> OpenFile:
        return self.system.handles.of_kind(self.handle, OpenFile)

    def _waits_by_itself(self) -> bool:
        """A control without an OVERLAPPED: the Win32 layer waits for the file's own event, on an overlapped handle too [M]."""
        return self.overlapped is None and self.major in (CONNECT, DEVICE_CONTROL)

    def _check(self) -> None:
        """What the I/O manager refuses by itself."""
        if self.overlapped is None and not self.waits:
            raise Refused(ERROR_INVALID_PARAMETER)
        for buffer in self.buffers:
            if buffer is not None:
                buffer.check(-(-self.size // len(self.buffers)))
        if self.opened.unbuffered and self.major in (READ, WRITE) and not self._aligned():
            raise Refused(ERROR_INVALID_PARAMETER)
        if self.system.io.refuses(self.file, self.notice) or (self.routine is not None and self.file.synchronous):
            raise Refused(ERROR_INVALID_PARAMETER)

    def _aligned(self) -> bool:
        """Length, offset and buffer of an unbuffered request are whole sectors (I21)."""
        places = [self.offset(), self.size, *(buffer.misalignment for buffer in self.buffers if buffer is not None)]
        return not any(place % SECTOR for place in places)

    def offset(self) -> int:
        """Bytes from the start of the file."""
        if self.overlapped is None:
            return self.opened.position
        return self.overlapped.Offset

    def _notice(self) -> Notice:
        """How the program wants to hear of the end."""
        overlapped = self.overlapped
        if overlapped is None:
            return Notice(StatusBlock(), NO_STATUS_BLOCK)
        if self.routine is not None:
            return Notice(overlapped, NO_STATUS_BLOCK, (completion_routine(self.routine), overlapped))
        event = overlapped.hEvent or NULL
        notice = Notice(overlapped, NO_STATUS_BLOCK if event & NO_PACKET_BIT else overlapped)
        if event:
            notice.with_event(self.system.handles.of_kind(event, Event))
        return notice

    # ---- the way down ------------------------------------------------------------------------------------------------

    def _may_be_fast(self) -> bool:
        if self.major == DEVICE_CONTROL:
            return True
        return self.major == READ and self.file.synchronous and self.file.cache_map and None not in self.buffers

    def _prepare(self, thread: KernelThread) -> None:
        if None in self.buffers and self.size:
            self._prepare_in_vain(thread)
            return
        system = self.system
        hit = self.file.cached and system.volume.hit(self.file, self.major, self.offset(), self.size)
        irp = system.services.prepare(thread, self.file, self.major, self.offset(), self.size, hit)
        irp.tell(self.notice)
        irp.synchronous = self.waits
        irp.code = self.code
        self.irp = irp

    def _prepare_in_vain(self, thread: KernelThread) -> None:
        """The buffer can't be probed or locked: the IRP goes nowhere (2.9). One of no bytes is not looked at."""
        io = self.system.io
        irp = io.allocate(self.file.device.stack_size, thread.processor)
        irp.prepare(thread.request, self.file, self.major, self.offset(), self.size)
        irp.accessible = False
        thread.owe_kernel(io.vain_cost())
        self.irp = irp

    def act(self, thread: KernelThread) -> int:
        """Without an IRP if that is possible, else through the stack."""
        if self.over:
            return RETURNED  # what its end costs is paid
        if self.working:
            return self._work(thread)
        if self.refusal:
            raise Refused(self.refusal)
        if self.overlapped is not None and self.overlapped.in_use():
            raise ProgramError("the OVERLAPPED belongs to a request that is pending: its outcome would be lost")
        if self.fast:
            self._still_open()
            self.fast = False
            status = self._try_fast(thread)
            if status != NOT_FAST:
                return self._ended(status)
            self._prepare(thread)
            if thread.owed:
                return AGAIN
        self._still_open()
        return self._start(thread)

    def _still_open(self) -> None:
        """Another thread may have closed the handle while this one was on its way."""
        try:
            self._open_file()
        except Refused:
            if self.irp is not NO_IRP:
                self.irp.free()
            raise

    def _try_fast(self, thread: KernelThread) -> int:
        io = self.system.io
        if self.major == DEVICE_CONTROL:
            return io.fast_control(self.file, self.code, self.size, self.notice, thread.processor)
        status = io.fast_io(self.file, self.major, self.offset(), self.size, self.notice.block)
        if status != NOT_FAST and self.notice.sets_event:
            self.notice.event.set(0)
        return status

    def _start(self, thread: KernelThread) -> int:
        irp = self.irp
        block = self.notice.block
        if self.overlapped is not None:
            self.overlapped.issued = False
        block.status = STATUS_PENDING  # the Win32 layer's doing: the kernel does not touch it before the end
        saturated = self.file.cached and not irp.hit and self.system.volume.saturated()
        status = self.system.io.start(thread, irp, BLOCKED_CALL)
        if status == STAYS_IN_CALL:
            self._lend(block)
            self.working = True
            return self._work(thread)
        if status != STATUS_PENDING:
            self._ended(status)
            return self._pay(thread, status)
        self._lend(block)
        if self.waits:
            return WAITS
        if self.overlapped is not None:
            self.overlapped.issued = True
        if saturated:
            self.system.io.wait_for(thread, irp, BLOCKED_CALL)  # no system worker is free (0b.20)
            return WAITS
        return self._pended()

    def _lend(self, block: StatusBlock) -> None:
        """The buffers are the request's until it ends."""
        for buffer in self.buffers:
            if buffer is not None:
                buffer.use(block)

    def _work(self, thread: KernelThread) -> int:
        """The thread does in its call what the request waits for (3.3, 3.7), and then tells of the end."""
        irp = self.irp
        work = irp.work
        if work.go_on(thread) == BLOCKED:
            return WAITS
        if thread.owed:
            return AGAIN
        self.working = False
        irp.work = NO_WORK
        pends = work.pends
        status = work.status
        work.end()
        if pends:
            if self.overlapped is not None:
                self.overlapped.issued = True
            return self._pended()
        self.system.io.ended_at_once(irp)
        self._ended(status)
        return self._pay(thread, status)

    def _pay(self, thread: KernelThread, status: int) -> int:
        """It ended at once: what is left to do in this call, before it returns.

        Without a packet nobody will remove it: what the remover pays in direct mode (0b.1) is the caller's.
        """
        io, file = self.system.io, self.file
        reports = self.notice.context is not NO_STATUS_BLOCK and file.port is not NO_PORT
        packet = reports and not is_error(status) and not (file.modes & SKIP_PORT_ON_SUCCESS and succeeded(status))
        if io.direct and not self.waits and not packet and io.costs.removal:
            thread.owe_kernel(io.costs.removal)
        self.over = thread.owed > 0
        return AGAIN if self.over else RETURNED

    # ---- the outcome -------------------------------------------------------------------------------------------------

    def woken(self, thread: KernelThread) -> int:
        """A synchronous request has ended; or an overlapped one that its issuer had to wait for, which it isn't told."""
        if self.working:
            return self._work(thread)
        if self.waits:
            return self._ended(self.notice.block.status)
        return self._pended()

    def _pended(self) -> int:
        if self.routine is not None:
            self.value = IoResult(True, ERROR_SUCCESS, 0)
            return RETURNED
        self.value = IoResult(False, ERROR_IO_PENDING, 0)
        self.error = ERROR_IO_PENDING
        return RETURNED

    def _ended(self, status: int) -> int:
        block = self.notice.block
        if status == STATUS_END_OF_FILE and self.overlapped is None and self.major == READ:
            self.value = IoResult(True, ERROR_SUCCESS, 0)  # a synchronous read at the end
            return RETURNED
        error = self._error_of(status)
        if not succeeded(status):
            moved = block.information if block.status == status else 0
            self.value = IoResult(False, error, moved)
            self.error = error
            return RETURNED
        if self.major in (READ, WRITE):
            self.opened.position = self.offset() + block.information
        self.value = IoResult(True, ERROR_SUCCESS, block.information)
        return RETURNED

    def _error_of(self, status: int) -> int:
        """What the call finds in GetLastError."""
        return error_of(status)

    def refuse(self, error: int) -> None:
        """FALSE with this error; there has been no request."""
        self.value = IoResult(False, error, 0)
        self.error = error


class PagesCall(RequestCall):
    """ReadFileScatter and WriteFileGather: one request for a list of pages."""

    def _check(self) -> None:
        super()._check()
        if not self.opened.unbuffered or self.file.synchronous or len(self.buffers) * PAGE < self.size:
            raise Refused(ERROR_INVALID_PARAMETER)
        if any(buffer.misalignment or buffer.size < PAGE for buffer in self.buffers if buffer is not None):
            raise Refused(ERROR_INVALID_PARAMETER)


def completion_routine(routine: Routine) -> Routine:
    """What runs as a user APC at the end of ReadFileEx and WriteFileEx."""

    def run(api: Any, overlapped: Overlapped) -> Any:
        status = overlapped.status
        return routine(api, error_of(status), overlapped.information, overlapped)

    return run
