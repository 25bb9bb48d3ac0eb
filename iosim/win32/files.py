"""File, pipe and device calls. Source: semantics 1.2, 1.3, 1.15, 1.16, 2.8 to 2.10; names and errors as documented."""

from collections.abc import Sequence
from typing import Any

from iosim.completion_port import CompletionPort
from iosim.irp import CONNECT, DEVICE_CONTROL, FLUSH, NO_STATUS_BLOCK, READ, WRITE, Notice, StatusBlock
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import (
    ERROR_INVALID_PARAMETER,
    ERROR_IO_INCOMPLETE,
    ERROR_NOT_FOUND,
    STATUS_PENDING,
    error_of,
    succeeded,
)
from iosim.objects import INFINITE, DispatcherObject, wait_for
from iosim.win32.calls import RETURNED, WAITS, Call, Calls, Refused, of_kind
from iosim.win32.handles import INVALID_HANDLE_VALUE, NULL, Handle
from iosim.win32.memory import Buffer, Overlapped, overlapped_or_null
from iosim.win32.requests import IoResult, OpenFile, PagesCall, RequestCall, Routine
from iosim.win32.volume import OpenStored
from iosim.win32.waits import WaitCall, dispatcher_object


class FlushCall(RequestCall):
    """FlushFileBuffers: waits, on whatever handle; `value` is a BOOL."""

    always_waits = True

    def _notice(self) -> Notice:
        return Notice(StatusBlock(), NO_STATUS_BLOCK)

    def _ended(self, status: int) -> int:
        super()._ended(status)
        self.value = bool(self.value)
        return RETURNED

    def refuse(self, error: int) -> None:
        """FALSE."""
        self.value = False
        self.error = error


class ResultCall(WaitCall):
    """GetOverlappedResult: looks at the OVERLAPPED, waits for its event or the file if told so."""

    def __init__(self, api: Calls, file: Any, overlapped: Overlapped, wait: bool) -> None:
        super().__init__(api.cost, api.system.handles, [], False, INFINITE, False)
        self.file = file
        self.overlapped = overlapped
        self.wait = wait

    def act(self, thread: KernelThread) -> int:
        """At once, or not."""
        overlapped = of_kind(self.overlapped, Overlapped, "OVERLAPPED")
        if overlapped.status != STATUS_PENDING:
            return self._outcome()
        if not self.wait:
            raise Refused(ERROR_IO_INCOMPLETE)
        what: DispatcherObject = dispatcher_object(self.handles, overlapped.hEvent or self.file)
        if wait_for(thread, [what], False, INFINITE, False) == STATUS_PENDING:
            return WAITS
        return self._outcome()

    def woken(self, thread: KernelThread) -> int:
        """The event was set: the status is taken as it is now."""
        return self._outcome()

    def _outcome(self) -> int:
        """A status that is still pending counts as success: the price of waiting for what reports to a port."""
        status = self.overlapped.status
        self.error = self._error_of(status)
        self.value = IoResult(succeeded(status), self.error, self.overlapped.information)
        return RETURNED

    def _error_of(self, status: int) -> int:
        """What GetLastError says of it."""
        return error_of(status)

    def refuse(self, error: int) -> None:
        """FALSE."""
        self.value = IoResult(False, error, 0)
        self.error = error


class FileCalls(Calls):
    """Files, pipes, devices and the handles to them."""

    def CreateFile(
        self, name: str, *, overlapped: bool = False, no_buffering: bool = False, write_through: bool = False
    ) -> Call:
        r"""Open a file of the system, the other end of a pipe (`\\.\pipe\...`), or a device by its name; a handle.

        `overlapped`: FILE_FLAG_OVERLAPPED; `no_buffering`: FILE_FLAG_NO_BUFFERING; `write_through`: FILE_FLAG_WRITE_THROUGH.
        INVALID_HANDLE_VALUE with ERROR_FILE_NOT_FOUND, or ERROR_PIPE_BUSY if no instance of the pipe listens.
        """
        flags = overlapped, no_buffering, write_through
        return self._call(lambda _: self._open(name, *flags), failing=INVALID_HANDLE_VALUE)

    def _open(self, name: str, overlapped: bool, no_buffering: bool, write_through: bool) -> Handle:
        opened = self.system.names.open(name, no_buffering)
        opened.file.synchronous = not overlapped
        opened.file.write_through = write_through
        return self.system.handles.add(opened)

    def CreateNamedPipe(
        self, name: str, *, overlapped: bool = False, messages: bool = False, quota: int = 4096
    ) -> Call:
        r"""A new instance of the pipe `\\.\pipe\...`: a handle to the server's end, which listens.

        `quota`: bytes that may wait to be read in each direction. INVALID_HANDLE_VALUE with ERROR_INVALID_PARAMETER for
        another kind of name.
        """
        return self._call(lambda _: self._pipe(name, overlapped, messages, quota), failing=INVALID_HANDLE_VALUE)

    def _pipe(self, name: str, overlapped: bool, messages: bool, quota: int) -> Handle:
        opened = self.system.names.pipe(name, messages, quota)
        opened.file.synchronous = not overlapped
        return self.system.handles.add(opened)

    def ConnectNamedPipe(self, pipe: Handle, overlapped: Overlapped | None = None) -> Call:
        """Wait for a client, as an IoResult.

        ERROR_IO_PENDING; ERROR_PIPE_CONNECTED: a client was faster; errors of ReadFile. Without an OVERLAPPED the call comes
        back when there is a client.
        """
        return RequestCall(self.system, pipe, CONNECT, 0, overlapped)

    # ---- reading and writing -----------------------------------------------------------------------------------------

    def ReadFile(self, file: Handle, buffer: Buffer | None, size: int, overlapped: Overlapped | None = None) -> Call:
        """Read `size` bytes, as an IoResult: true when done at once, which may queue a packet all the same (P40).

        False: ERROR_IO_PENDING; ERROR_HANDLE_EOF (a synchronous read without an OVERLAPPED reads 0 bytes instead);
        ERROR_MORE_DATA with a part of a message; ERROR_BROKEN_PIPE, ERROR_PIPE_LISTENING; ERROR_NOACCESS (a NULL buffer);
        ERROR_INVALID_HANDLE; ERROR_INVALID_PARAMETER (no OVERLAPPED on an overlapped handle; unbuffered and not in whole
        sectors); later ERROR_OPERATION_ABORTED. A synchronous handle's call comes back at the end.
        """
        return RequestCall(self.system, file, READ, size, overlapped, [buffer])

    def WriteFile(self, file: Handle, buffer: Buffer | None, size: int, overlapped: Overlapped | None = None) -> Call:
        """Write, as above; ERROR_DISK_FULL beyond the end of a file, ERROR_NO_DATA to a pipe whose other end is closed."""
        return RequestCall(self.system, file, WRITE, size, overlapped, [buffer])

    def ReadFileEx(
        self, file: Handle, buffer: Buffer | None, size: int, overlapped: Overlapped, routine: Routine
    ) -> Call:
        """Read; at the end `routine(api, error, bytes, overlapped)` runs as a user APC of this thread.

        True also when it pends. ERROR_INVALID_PARAMETER on a synchronous file or one that reports to a port
        (semantics 1.2.9).
        """
        return RequestCall(self.system, file, READ, size, overlapped, [buffer], routine)

    def WriteFileEx(
        self, file: Handle, buffer: Buffer | None, size: int, overlapped: Overlapped, routine: Routine
    ) -> Call:
        """Write, as above."""
        return RequestCall(self.system, file, WRITE, size, overlapped, [buffer], routine)

    def ReadFileScatter(self, file: Handle, pages: Sequence[Buffer], size: int, overlapped: Overlapped) -> Call:
        """Read into a list of pages with one request; errors as ReadFile.

        ERROR_INVALID_PARAMETER unless the handle is overlapped and unbuffered, and the elements are whole pages that suffice.
        """
        return PagesCall(self.system, file, READ, size, overlapped, list(pages))

    def WriteFileGather(self, file: Handle, pages: Sequence[Buffer], size: int, overlapped: Overlapped) -> Call:
        """Write from a list of pages, as above."""
        return PagesCall(self.system, file, WRITE, size, overlapped, list(pages))

    def DeviceIoControl(self, file: Handle, code: int, size: int, overlapped: Overlapped | None = None) -> Call:
        """Ask the driver for what `code` means, with a buffer of `size` bytes; as an IoResult, errors as ReadFile.

        The driver's fast path comes first (semantics 2.10.3). ERROR_INVALID_FUNCTION: it does not know the code. Without an
        OVERLAPPED the call comes back at the end and queues no packet (1.3 row 2), on an overlapped handle too.
        """
        return RequestCall(self.system, file, DEVICE_CONTROL, size, overlapped, code=code)

    def FlushFileBuffers(self, file: Handle) -> Call:
        """Wait until the disk has what was written, or the reader of a pipe: True, or False with its error."""
        return FlushCall(self.system, file, FLUSH, 0, None)

    def SetFileValidData(self, file: Handle, length: int) -> Call:
        """Declare bytes of a stored file valid up to `length`, so that writes below it need not wait (semantics 3.7): True.

        False with ERROR_INVALID_PARAMETER beyond the end of the file or below what is valid already, or for what is no
        stored file; ERROR_INVALID_HANDLE. The privilege that it takes is not looked at.
        """
        return self._call(lambda _: self._set_valid(file, length))

    def _set_valid(self, file: Handle, length: int) -> bool:
        opened = self.system.handles.of_kind(file, OpenFile)
        control = opened.file.control
        if not isinstance(opened, OpenStored) or not control.valid <= length <= control.size:
            raise Refused(ERROR_INVALID_PARAMETER)
        control.set_valid(length)
        return True

    # ---- outcomes ----------------------------------------------------------------------------------------------------

    def GetOverlappedResult(self, file: Handle, overlapped: Overlapped, wait: bool) -> Call:
        """The request's outcome as an IoResult; if it is pending and `wait`, after a wait for its event or the file.

        ERROR_IO_INCOMPLETE: pending. If the request reports to a port its event is set before the status is there
        (semantics 2.7): success then, with the bytes of an earlier request.
        """
        return ResultCall(self, file, overlapped, wait)

    def CancelIo(self, file: Handle) -> Call:
        """Cancel what this thread has pending on the file: True, even if that is nothing; ERROR_INVALID_HANDLE."""
        return self._call(lambda thread: self._cancel_own(file, thread))

    def _cancel_own(self, file: Handle, thread: KernelThread) -> bool:
        self.system.io.cancel_io(self.system.handles.of_kind(file, OpenFile).file, thread)
        return True

    def CancelIoEx(self, file: Handle, overlapped: Overlapped | None = None) -> Call:
        """Cancel what is pending on the file, or only this: True if anything was.

        False with ERROR_NOT_FOUND or ERROR_INVALID_HANDLE. True does not say that it will end as cancelled:
        what a disk has begun comes to its end, while a read that waits at a pipe ends with ERROR_OPERATION_ABORTED.
        """
        return self._call(lambda _: self._cancel(file, overlapped))

    def _cancel(self, file: Handle, overlapped: Overlapped | None) -> bool:
        opened = self.system.handles.of_kind(file, OpenFile)
        if not self.system.io.cancel_io(opened.file, context=overlapped_or_null(overlapped) or NO_STATUS_BLOCK):
            raise Refused(ERROR_NOT_FOUND)
        return True

    def SetFileCompletionNotificationModes(self, file: Handle, modes: int) -> Call:
        """Add FILE_SKIP_COMPLETION_PORT_ON_SUCCESS (1), FILE_SKIP_SET_EVENT_ON_HANDLE (2): True; they never go away.

        False with ERROR_INVALID_PARAMETER on a synchronous handle, or ERROR_INVALID_HANDLE.
        """
        return self._call(lambda _: self._set_modes(file, modes))

    def _set_modes(self, file: Handle, modes: int) -> bool:
        status = self.system.io.set_notification_modes(self.system.handles.of_kind(file, OpenFile).file, modes)
        if status:
            raise Refused(error_of(status))
        return True

    # ---- handles -----------------------------------------------------------------------------------------------------

    def CloseHandle(self, handle: Handle) -> Call:
        """Close a handle: True, or False with ERROR_INVALID_HANDLE.

        A port's last one abandons its parked threads (semantics 1.13); a file's last one ends what is pending (1.16).
        """
        return self._call(lambda _: self.system.close(handle))

    def DuplicateHandle(self, handle: Handle) -> Call:
        """Another handle to the same object; NULL with ERROR_INVALID_HANDLE."""
        return self._call(lambda _: self._duplicate(handle), failing=NULL)

    def _duplicate(self, handle: Handle) -> Handle:
        it = self.system.handles.look_up(handle)
        if isinstance(it, OpenFile):
            self.system.io.duplicate(it.file)
        elif isinstance(it, CompletionPort):
            it.handles += 1
        return self.system.handles.add(it)
