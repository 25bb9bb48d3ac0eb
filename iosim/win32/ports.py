"""Completion ports: create and associate, remove, post. Source: semantics 1.2, 1.5, 1.10 to 1.13, 0b.1, 2.7."""

from dataclasses import dataclass
from typing import Any

from iosim.attribution import NO_REQUEST
from iosim.completion_port import CompletionPort
from iosim.io_manager import MiniPacket
from iosim.irp import Irp
from iosim.kernel_queue import NO_PACKET, NO_QUEUE, KernelThread, Packet
from iosim.ntstatus import (
    ERROR_ABANDONED_WAIT_0,
    ERROR_INVALID_PARAMETER,
    STATUS_ABANDONED_WAIT_0,
    STATUS_INVALID_HANDLE,
    STATUS_TIMEOUT,
    STATUS_USER_APC,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
    WIN32,
    error_name,
    error_of,
    succeeded,
)
from iosim.objects import INFINITE
from iosim.win32.calls import (
    AGAIN,
    RETURNED,
    WAITS,
    Call,
    Calls,
    ProgramError,
    Refused,
    SystemCall,
    nanoseconds,
    of_kind,
)
from iosim.win32.handles import INVALID_HANDLE_VALUE, NULL, TAG_BITS, Handle, HandleTable
from iosim.win32.requests import OpenFile


@dataclass(frozen=True, slots=True)
class CompletionStatus:
    """What GetQueuedCompletionStatus gives: `ok` is its BOOL, `error` what it leaves in GetLastError (0: nothing).

    Without a packet `overlapped` is None; key and bytes, which keep their old values in the real call, are None too.
    """

    ok: bool
    completion_key: Any
    bytes_transferred: int | None
    overlapped: Any
    error: int
    status: int

    def __repr__(self) -> str:
        if self.overlapped is None and not self.ok:
            return f"CompletionStatus(ok=False, error={error_name(self.error)}, no packet)"
        return (
            f"CompletionStatus(ok={self.ok}, completion_key={self.completion_key!r}, bytes_transferred="
            f"{self.bytes_transferred}, overlapped={self.overlapped!r}, error={error_name(self.error)})"
        )


class PostedPacket(Packet):
    """A mini packet: key, overlapped and byte count as they were posted, none of them looked at (semantics 1.12)."""

    __slots__ = ("completion_key", "information", "overlapped", "status")

    def __init__(self, completion_key: Any, overlapped: Any, information: int, status: int) -> None:
        super().__init__(NO_REQUEST)
        self.completion_key = completion_key
        self.overlapped = overlapped
        self.information = information
        self.status = status


class RemoveCall(SystemCall):
    """GetQueuedCompletionStatus and its Ex form (`most` > 0: a list of at most so many)."""

    def __init__(self, cost: int, handles: HandleTable, handle: Any, timeout: int, most: int, alertable: bool) -> None:
        self.cost = cost
        self.handles = handles
        self.handle = handle
        self.timeout = timeout
        self.most = most
        self.alertable = alertable
        self.port: CompletionPort
        self.taken = False

    def begin(self, thread: KernelThread) -> None:
        """Kernel time."""
        super().begin(thread)
        self.taken = False

    def act(self, thread: KernelThread) -> int:
        """A packet at once, or a status, or park (semantics 1.5, 1.11)."""
        if self.taken:
            return RETURNED  # what the packet's removal costs is paid
        port = self.port = self.handles.of_kind(self.handle, CompletionPort)
        if self.alertable and thread.user_apcs and not self._packet_wins(thread):
            return self._none(WAIT_IO_COMPLETION, STATUS_USER_APC)
        if thread.queue is not port and not self._leave_other(thread):
            return self._none(ERROR_ABANDONED_WAIT_0, STATUS_ABANDONED_WAIT_0)
        if self.timeout == 0:
            packet = port.poll(thread)
            return self._got(thread, packet) if packet is not NO_PACKET else self._none(WAIT_TIMEOUT, STATUS_TIMEOUT)
        packet = port.remove(thread)
        if packet is not NO_PACKET:
            return self._got(thread, packet)
        thread.alertable = self.alertable
        if self.timeout != INFINITE:
            port.object.dispatcher.arm(thread, self.timeout)
        return WAITS

    def _packet_wins(self, thread: KernelThread) -> bool:
        """Only a bound thread takes a packet before its APC (semantics 1.11.4)."""
        port = self.port
        return thread.queue is port and len(port.entries) > 0 and port.running <= port.limit

    def _leave_other(self, thread: KernelThread) -> bool:
        """Another port's place is free at once (1.5.2). False: who got it has closed this port at this very instant."""
        if thread.queue is not NO_QUEUE:
            thread.queue.unbind(thread)
        return self.port.keeps_waiters or not self.port.object.closed

    def woken(self, thread: KernelThread) -> int:
        """Handed a packet; or timed out, abandoned, called for an APC."""
        packet = thread.packet
        if packet is not NO_PACKET:
            thread.packet = NO_PACKET
            return self._got(thread, packet)
        return self._none(WIN32[thread.wait_status], thread.wait_status)

    def refuse(self, error: int) -> None:
        """FALSE, and no packet."""
        self._none(error, STATUS_INVALID_HANDLE)

    def _got(self, thread: KernelThread, packet: Packet) -> int:
        packets = [packet]
        if self.most:
            packets += self.port.take_more(thread, self.most - 1)
        found = [completion_status(each) for each in packets]
        due = sum(each.removed() for each in packets)
        if self.most:
            self.value = found
        else:
            self.value = found[0]
            self.error = found[0].error
        if not due:
            return RETURNED
        thread.owe_kernel(due)
        self.taken = True
        return AGAIN

    def _none(self, error: int, status: int) -> int:
        self.value = CompletionStatus(False, None, None, None, error, status)
        self.error = error
        self.alerted = status == STATUS_USER_APC
        return RETURNED


def completion_status(packet: Packet) -> CompletionStatus:
    """The outcome of a removed packet; a failed operation is FALSE with its error, and the packet is gone (1.10)."""
    if isinstance(packet, PostedPacket):
        key, overlapped = packet.completion_key, packet.overlapped
    else:
        assert isinstance(packet, Irp | MiniPacket)
        key, overlapped = packet.file.key, packet.notice.context
    status = packet.status
    return CompletionStatus(succeeded(status), key, packet.information, overlapped, error_of(status), status)


class PortCalls(Calls):
    """Completion ports."""

    def CreateIoCompletionPort(
        self, file: Handle | int, port: Handle | int | None = NULL, completion_key: Any = 0, concurrency: int = 0
    ) -> Call:
        """Create a port, or associate a file with one, or both at once; a handle to the port.

        `file` INVALID_HANDLE_VALUE and no port: create only. A file and no port: create and associate. A file and a port:
        associate, whatever the concurrency says. `concurrency` 0: as many as there are processors. NULL with
        ERROR_INVALID_HANDLE; ERROR_INVALID_PARAMETER for a port without a file, a synchronous file, one that has its port.
        """
        if of_kind(concurrency, int, "number of threads") < 0:
            raise ProgramError(f"{concurrency} is no number of threads: 0 means as many as there are processors")
        return self._call(lambda _: self._create(file, port, completion_key, concurrency), failing=NULL)

    def _create(self, file: Handle | int, port: Handle | int | None, key: Any, concurrency: int) -> Handle:
        handles = self.system.handles
        if file == INVALID_HANDLE_VALUE:
            if port:
                raise Refused(ERROR_INVALID_PARAMETER)
            return self.system.port(concurrency)
        opened = handles.of_kind(file, OpenFile)
        existing = handles.of_kind(port, CompletionPort) if port else self.system.new_port(concurrency)
        status = self.system.io.associate(opened.file, existing, key)
        if status:
            raise Refused(WIN32[status])
        return handles.open[port & ~TAG_BITS] if port else handles.add(existing)

    def GetQueuedCompletionStatus(self, port: Handle, timeout: int) -> Call:
        """One packet, as a CompletionStatus; `timeout` in ns, INFINITE, or 0 to look only.

        Not ok with an overlapped: the operation failed with `error`. Not ok without one: no packet, and WAIT_TIMEOUT,
        ERROR_ABANDONED_WAIT_0 (the port was closed) or ERROR_INVALID_HANDLE.
        """
        return RemoveCall(self.cost, self.system.handles, port, nanoseconds(timeout, True), 0, False)

    def GetQueuedCompletionStatusEx(self, port: Handle, count: int, timeout: int, alertable: bool = False) -> Call:
        """Up to `count` packets in one call: a list of CompletionStatus, or one CompletionStatus that says why not.

        Why not: as above, or WAIT_IO_COMPLETION; ERROR_INVALID_PARAMETER for a count below 1. That an operation failed is
        no failure of the call.
        """
        if of_kind(count, int, "number of entries") < 1:
            return self._call(lambda _: self._no_room(), failing=refused_status(ERROR_INVALID_PARAMETER))
        return RemoveCall(self.cost, self.system.handles, port, nanoseconds(timeout, True), count, alertable)

    def PostQueuedCompletionStatus(
        self, port: Handle, bytes_transferred: int, completion_key: Any, overlapped: Any, status: int = 0
    ) -> Call:
        """Queue a packet: True, or False with ERROR_INVALID_HANDLE.

        `status` is what only the native call can set: the Win32 one always posts success.
        """
        return self._call(
            lambda _: self._post(port, PostedPacket(completion_key, overlapped, bytes_transferred, status))
        )

    def _no_room(self) -> None:
        raise Refused(ERROR_INVALID_PARAMETER)

    def _post(self, port: Handle, packet: Packet) -> bool:
        self.system.handles.of_kind(port, CompletionPort).insert(packet)
        return True


def refused_status(error: int) -> CompletionStatus:
    """FALSE, without a packet."""
    return CompletionStatus(False, None, None, None, error, STATUS_INVALID_HANDLE)
