"""The I/O manager: calls down a device stack, completes up through it, cancels. What happens at the end: completion.py.

Calling down is an ordinary call; a driver that must wait returns STATUS_PENDING. Completion walks upwards in whatever
context it happens (as a rule a DPC). Defines what a driver is; drivers import it, never the reverse.
Source: semantics 1.2, 1.3, 1.15, 1.16, 2, 0b.1 to 0b.4.

Processor time is not charged here but where it is spent in one stretch: the whole way down on the caller before the
call (`issue_cost`), the way up in the DPC, the removal on the thread that removes the packet.
"""

from dataclasses import dataclass
from typing import Any

from iosim.attribution import NO_REQUEST
from iosim.canceller import NO_CANCELLER
from iosim.completion import (
    SKIP_PORT_ON_SUCCESS,
    SKIP_SET_EVENT,
    SKIP_USER_EVENT_ON_FAST_IO,
    USUAL_RULES,
    Completion,
    CompletionMode,
    DirectRules,
)
from iosim.completion_port import NO_PORT, CompletionPort
from iosim.device_stack import BUFFERED, NOT_FAST, DeviceObject, FileObject
from iosim.dispatcher import Dispatcher
from iosim.errors import BugCheck
from iosim.irp import (
    INVOKE_ON_CANCEL,
    INVOKE_ON_ERROR,
    INVOKE_ON_SUCCESS,
    IRP_ALLOCATED_FIXED_SIZE,
    IRP_QUOTA_CHARGED,
    NO_APC,
    NO_IRP,
    NO_NOTICE,
    NO_STATUS_BLOCK,
    NO_THREAD,
    READ,
    WRITE,
    Irp,
    Notice,
    StackLocation,
    StatusBlock,
)
from iosim.kernel_queue import NO_PACKET, KernelThread, Packet
from iosim.kernel_work import STAYS_IN_CALL
from iosim.lookaside import LARGE, SMALL, Lookaside, PrivateList
from iosim.ntstatus import (
    STATUS_ACCESS_VIOLATION,
    STATUS_BUFFER_OVERFLOW,
    STATUS_END_OF_FILE,
    STATUS_INFO_LENGTH_MISMATCH,
    STATUS_INVALID_PARAMETER,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    STATUS_SUCCESS,
    is_error,
    succeeded,
)
from iosim.objects import Event
from iosim.units import PAGE

MOST_LOCATIONS = 127  # a stack location's number is a signed byte in the real IRP

PENDING_LOST = "DRIVER_VERIFIER: returned STATUS_PENDING, but the IRP is not marked"

EXIT_STEP = 100_000_000  # ns: an ending thread looks for its requests' end so often (2.8.6)
EXIT_ROUNDS = 3000


@dataclass(frozen=True, slots=True)
class IoParams:
    """What kind of I/O manager it is. `verifier`: its drivers are checked more strictly (0b.4)."""

    completion_mode: CompletionMode = "direct"
    direct_rules: DirectRules = USUAL_RULES
    verifier: bool = False
    lookaside_depth: int = 256  # of a processor's list and of the shared one; the real ones move up to 256
    lookaside_shared_depth: int = 256


class MiniPacket(Packet):
    """A packet that is no IRP: the end of a fast device control (1.3). It has lookaside lists of its own (2.1.5)."""

    def __init__(self, lookaside: PrivateList) -> None:
        super().__init__(NO_REQUEST)
        self.lookaside = lookaside
        self.notice = NO_NOTICE
        self.file: FileObject
        self.status = STATUS_SUCCESS
        self.information = 0

    def removed(self) -> int:
        """Freed; what it says can still be read at that instant."""
        self.free()
        return 0

    def free(self) -> None:
        """Back to the lookaside list."""
        self.lookaside.give(self)


class IoCosts:
    """Processor time of the I/O manager's own work (ns; `copy_ps` is ps per byte)."""

    def __init__(self, call: int, irp: int, page_lock: int, removal: int, copy_ps: int) -> None:
        self.call = call
        self.irp = irp
        self.page_lock = page_lock
        self.removal = removal
        self.copy_ps = copy_ps


USUAL = IoParams()


class IoManager:
    """Allocates, calls, completes, cancels. One a machine."""

    def __init__(self, dispatcher: Dispatcher, costs: IoCosts, params: IoParams = USUAL) -> None:
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock
        self.costs = costs
        self.verifier = params.verifier
        self.direct = params.completion_mode == "direct"
        self.completion = Completion(dispatcher, costs.copy_ps, params.completion_mode, params.direct_rules)
        depths = params.lookaside_depth, params.lookaside_shared_depth
        processors = max(1, len(dispatcher.processors))
        self.small = Lookaside(processors, *depths)
        self.large = Lookaside(processors, *depths)
        self.mini = Lookaside(processors, *depths)
        self.of_one = self.small.private
        self.of_more = self.large.private
        self.pool = [Lookaside(1, 0, 0).private[0] for _ in range(MOST_LOCATIONS + 1)]  # by number of locations
        self.exits: dict[int, int] = {}  # rounds that ending threads have waited, by thread

    # ---- IRPs --------------------------------------------------------------------------------------------------------

    def allocate(self, stack_size: int, processor: int = 0) -> Irp:
        """An IRP with as many locations as the stack has drivers, from the processor's lookaside lists (2.1.3)."""
        if stack_size > LARGE:
            return self._from_pool(stack_size, 0)
        own = self.of_one[processor] if stack_size == SMALL else self.of_more[processor]
        own.total_allocates += 1
        packet = own.entries.pop() if own.entries else own.take_shared()
        if packet is NO_PACKET:
            room = SMALL if stack_size == SMALL else LARGE
            return Irp(stack_size, own, self.costs.removal, room, IRP_ALLOCATED_FIXED_SIZE)
        irp: Irp = packet  # type: ignore[assignment]  # these lists hold nothing else
        irp.stack_count = stack_size
        irp.current = stack_size + 1
        return irp

    def allocate_charged(self, stack_size: int) -> Irp:
        """The same, charged to the quota of the process: straight from pool (2.1.3)."""
        return self._from_pool(stack_size, IRP_QUOTA_CHARGED)

    def _from_pool(self, stack_size: int, flags: int) -> Irp:
        own = self.pool[stack_size]
        packet = own.take()
        if packet is NO_PACKET:
            return Irp(stack_size, own, self.costs.removal, stack_size, flags)
        irp: Irp = packet  # type: ignore[assignment]
        irp.current = stack_size + 1
        irp.allocation_flags = flags
        return irp

    def make_associated(self, master: Irp, stack_size: int) -> Irp:
        """An IRP for a part of the master's work; the last of them to end completes the master (2.5.1, 2.11).

        Make them all before the first is sent down: it may end at once.
        """
        irp = self.allocate(stack_size, master.processor)
        location = master.locations[min(master.current, master.stack_count)]
        irp.prepare(master.request, master.file, location.major, location.offset, location.size)
        irp.processor = master.processor
        irp.master = master
        master.associated += 1
        master.plain = False
        return irp

    # ---- files -------------------------------------------------------------------------------------------------------

    def adopt(self, file: FileObject) -> None:
        """Say whether the file object's requests are plain; to be called whenever what that hangs on has changed."""
        plain = self.direct and file.port is not NO_PORT and file.device.method != BUFFERED and file.handles > 0
        file.plain = plain and not (file.synchronous or file.modes or file.waited or self.verifier)

    def associate(self, file: FileObject, port: CompletionPort, key: Any) -> int:
        """Bind the file object to a port for good (1.2.3, 1.2.4, 1.2.8, 1.2.10)."""
        if file.synchronous or file.port is not NO_PORT:
            return STATUS_INVALID_PARAMETER
        file.port = port
        file.key = key
        port.files += 1
        if not file.modes & SKIP_SET_EVENT:
            file.signal(0)
        self.adopt(file)
        return STATUS_SUCCESS

    def set_notification_modes(self, file: FileObject, modes: int, length: int = 4) -> int:
        """Add notification modes, which never go away again; `length`: bytes of the caller's buffer (1.15)."""
        if length < 4:
            return STATUS_INFO_LENGTH_MISMATCH
        if file.synchronous:
            return STATUS_INVALID_PARAMETER
        file.modes |= modes & 7
        self.adopt(file)
        return STATUS_SUCCESS

    def event_of(self, file: FileObject) -> Event:
        """The file object's own event, to be waited for."""
        if not file.waited:
            file.waited = True
            if file.plain:  # its requests did without
                file.signalled = file.irps.empty()
                self._end_plainness(file)
            file.event = Event(self.dispatcher, True, file.signalled)
        return file.event

    def _end_plainness(self, file: FileObject) -> None:
        """What its requests need has changed, of those under way too."""
        self.adopt(file)
        for irp in file.irps.all():
            irp.plain = False

    def duplicate(self, file: FileObject) -> None:
        """One handle more (1.2.5)."""
        file.handles += 1

    def close(self, file: FileObject) -> None:
        """One handle less. The last one ends what is pending and can be ended; the rest ends normally (0b.6, 1.16)."""
        file.handles -= 1
        if file.handles:
            return
        self._end_plainness(file)
        file.device.driver.cleanup(file.device, file)
        for irp in self.pending(file):
            if irp.canceller is not NO_CANCELLER and irp.under_way():
                self.cancel(irp)
        self.completion.let_file_go(file)

    # ---- down --------------------------------------------------------------------------------------------------------

    def issue_cost(self, file: FileObject, size: int, major: int = READ) -> int:
        """Time (ns) that an uncached call spends on its way down: system call, IRP, page locks, drivers, start."""
        costs = self.costs
        device = file.device
        pages = -(-size // PAGE)
        way = costs.call + costs.irp + pages * costs.page_lock + device.down_ns + device.bottom.start_cost()
        if device.sized:
            driver = device.driver
            way += driver.sized_cost(device, major, size)
        return way

    def copying_cost(self, file: FileObject, major: int, size: int) -> int:
        """The same where no page is locked: a write is copied now, a buffered read in the last stage (2.9)."""
        device = file.device
        copied = 0 if major == READ and device.method == BUFFERED else size
        return self.vain_cost() + self.copy_cost(copied) + device.down_ns + device.bottom.start_cost()

    def vain_cost(self) -> int:
        """The same where the buffer can't be probed or locked: no driver hears of the call (2.9)."""
        return self.costs.call + self.costs.irp

    def copy_cost(self, size: int) -> int:
        """Time (ns) to copy `size` bytes between cache and user buffer."""
        return size * self.costs.copy_ps // 1000

    def refuses(self, file: FileObject, notice: Notice) -> bool:
        """An APC routine on an associated file object: STATUS_INVALID_PARAMETER before there is an IRP (1.2.9)."""
        return file.port is not NO_PORT and notice.apc is not NO_APC

    def start(self, thread: KernelThread, irp: Irp, cause: int) -> int:
        """Send a prepared request down for the running thread; returns what its call returns.

        STAYS_IN_CALL: the thread has to do the IRP's work first (kernel_work.py), and then comes `ended_at_once`.
        STATUS_PENDING of a synchronous request means that the thread waits (its time has this cause), its program
        returns False next, and the status block tells.
        """
        file = irp.file
        if not irp.accessible:
            irp.free()
            return STATUS_ACCESS_VIOLATION  # probing or locking the buffer failed (2.9)
        if file.sector and self.misaligned(file, irp):
            irp.free()
            return STATUS_INVALID_PARAMETER
        irp.plain = False
        irp.processor = thread.processor
        irp.buffered = file.device.method == BUFFERED
        file.reset()
        if irp.notice.sets_event:
            irp.notice.event.reset()
        self.completion.list_request(thread, irp)
        synchronous = irp.synchronous
        status = self.call_driver(file.device, irp)
        if status == STAYS_IN_CALL:
            return status
        if status != STATUS_PENDING:
            self.ended_at_once(irp)
            return status
        if self.verifier:
            self._verify_pending(irp)
        if synchronous:
            return self._wait_in_call(thread, irp, cause)
        return status

    def misaligned(self, file: FileObject, irp: Irp) -> bool:
        """Whether an unbuffered read or write is refused: its offset and length are whole sectors (3.8, I21)."""
        first = irp.first()
        return first.major in (READ, WRITE) and (first.offset % file.sector != 0 or first.size % file.sector != 0)

    def ended_at_once(self, irp: Irp) -> None:
        """The dispatch routine did not pend: its caller's thread tells of the end before the call returns (2.5.5)."""
        if irp.ended:  # else a driver broke the rule: it had marked the IRP pending
            irp.ended = False
            self.completion.in_call(irp)
            if irp.ended:
                irp.free()
        elif self.verifier:
            raise BugCheck("DRIVER_VERIFIER: pended, but did not return STATUS_PENDING", self.clock.now, describe(irp))

    def _wait_in_call(self, thread: KernelThread, irp: Irp, cause: int) -> int:
        if irp.ended and irp.pending_returned:  # without the mark it is lost, and the thread waits for ever (2.3.1)
            irp.free()
            return irp.status
        self.wait_for(thread, irp, cause)
        return STATUS_PENDING

    def call_driver(self, device: DeviceObject, irp: Irp) -> int:
        """Pass the IRP to the device's driver, in the caller's context (IoCallDriver, semantics 2.2.1)."""
        irp.current -= 1
        if irp.current <= 0:
            raise BugCheck("NO_MORE_IRP_STACK_LOCATIONS", self.clock.now, describe(irp))
        location: StackLocation = irp.locations[irp.current]
        location.device = device
        return device.entry.dispatch(device, irp)

    def wait_for(self, thread: KernelThread, irp: Irp, cause: int) -> None:
        """The running thread waits for the IRP; its program returns False next."""
        irp.waiter = thread
        self.dispatcher.block(thread, cause)

    # ---- up ----------------------------------------------------------------------------------------------------------

    def complete(self, irp: Irp, boost: int = 0) -> None:
        """IoCompleteRequest: walk up, run the completion routines, then tell whoever waits (semantics 2.4, 2.5).

        `boost`: priority increment of a thread that this wakes.
        """
        top = irp.stack_count
        current = irp.current
        if current > top + 1:
            raise BugCheck("MULTIPLE_IRP_COMPLETE_REQUESTS", self.clock.now, describe(irp))
        if self.verifier:
            self._verify(irp)
        locations = irp.locations
        pended = False
        while current <= top:
            done: StackLocation = locations[current]
            pended = done.pending
            done.pending = False
            current += 1
            if done.routine:
                routine = done.routine
                irp.current = current
                irp.pending_returned = pended
                if invoked(routine, irp):
                    irp.clear_below()
                    location: StackLocation = locations[current]
                    above = location.device
                    answer = above.entry.completed(above, irp)
                    if answer == STATUS_MORE_PROCESSING_REQUIRED:
                        return
                    if irp.current != current:  # the routine completed the IRP itself, and lets the walk go on
                        raise BugCheck("MULTIPLE_IRP_COMPLETE_REQUESTS", self.clock.now, describe(irp))
                    continue
                done.routine = 0
            if pended and current <= top:
                location = locations[current]
                location.pending = True  # propagated for a level whose routine does not run (2.3.2)
        irp.current = top + 2
        irp.pending_returned = pended
        if irp.plain and pended and not irp.status:
            file = irp.file
            irp.request.bytes += irp.information
            waiter = irp.waiter
            irp.waiter = NO_THREAD  # before the packet is queued: whoever takes it may use the IRP again at once
            file.irps.remove(irp)
            file.port.insert(irp)
            if waiter is not NO_THREAD:
                self.dispatcher.wake(waiter, boost)
        else:
            self._end(irp, boost)

    def complete_with(self, irp: Irp, status: int, information: int, boost: int = 0) -> int:
        """Complete it with this status, which a dispatch routine that ends it at once returns, and so many bytes."""
        irp.status = status
        irp.information = information
        self.complete(irp, boost)
        return status

    def _end(self, irp: Irp, boost: int) -> None:
        if irp.returned and not irp.pending_returned:
            raise BugCheck(PENDING_LOST, self.clock.now, describe(irp))
        irp.boost = boost
        master = self.completion.end(irp)
        if master is not NO_IRP:
            self.complete(master, boost)

    def _verify_pending(self, irp: Irp) -> None:
        """A dispatch routine returned STATUS_PENDING: without the mark nobody will tell of the end (2.3.1, 2.3.2)."""
        if irp.ended and not irp.pending_returned:
            raise BugCheck(PENDING_LOST, self.clock.now, describe(irp))
        irp.returned = True

    def _verify(self, irp: Irp) -> None:
        """What is fatal only where drivers are verified (0b.4)."""
        if irp.status == STATUS_PENDING:
            raise BugCheck("DRIVER_VERIFIER: completed with STATUS_PENDING", self.clock.now, describe(irp))
        if irp.canceller is not NO_CANCELLER:
            raise BugCheck("DRIVER_VERIFIER: completed with a cancel routine", self.clock.now, describe(irp))

    # ---- cancel ------------------------------------------------------------------------------------------------------

    def cancel(self, irp: Irp) -> bool:
        """IoCancelIrp: mark the request, call its cancel routine if it has one (2.8.1).

        True says that a routine was called, not that the request is cancelled. No lock: nothing else happens meanwhile.
        A routine that is still set on a completed request is fatal (2.8.7).
        """
        irp.cancel = True
        canceller = irp.set_canceller(NO_CANCELLER)
        if canceller is NO_CANCELLER:
            return False
        if irp.current > irp.stack_count + 1:
            raise BugCheck("CANCEL_STATE_IN_COMPLETED_IRP", self.clock.now, describe(irp))
        canceller.cancelled(irp.location().device, irp)
        return True

    def pending(self, file: FileObject) -> list[Irp]:
        """All requests under way on the file object, whoever issued them."""
        return [*file.irps.all(), *self.completion.of_threads(file)]

    def cancel_io(
        self, file: FileObject, thread: KernelThread = NO_THREAD, context: StatusBlock = NO_STATUS_BLOCK
    ) -> int:
        """Cancel what is under way on the file object; returns how many there were (CancelIo, CancelIoEx; 1.16).

        `thread`: only what it has issued; `context`: only the requests with this one, which is looked for as their status
        block: what asks for no packet is found too (NtCancelIoFileEx [M]).
        """
        found = [
            irp
            for irp in self.pending(file)
            if irp.under_way()  # else it ended, and its thread has yet to tell of that (2.8.7)
            and (thread is NO_THREAD or irp.thread is thread)
            and (context is NO_STATUS_BLOCK or irp.notice.block is context)
        ]
        for irp in found:
            if irp.under_way() and irp.file is file:  # an earlier one may have ended it, and its IRP have begun anew
                self.cancel(irp)
        return len(found)

    def leave(self, thread: KernelThread) -> bool:
        """The thread is about to end. False: it must wait, and ask again in EXIT_STEP ns (2.8.6).

        In `direct` mode its requests that report to a port survive it (1.16, I19).
        """
        rounds = self.exits.pop(thread.number, 0)
        for irp in list(thread.irps):
            if irp not in thread.irps:
                continue  # an earlier one's end has ended it
            if self._survives(irp):
                del thread.irps[irp]
                irp.file.irps.append(irp)
            elif not rounds and irp.under_way():
                self.cancel(irp)
        if not thread.irps:
            return True
        if rounds < EXIT_ROUNDS:
            self.exits[thread.number] = rounds + 1
            return False
        for irp in list(thread.irps):
            irp.disowned = True
            del thread.irps[irp]
        return True

    def _survives(self, irp: Irp) -> bool:
        notice = irp.notice
        reports = self.direct and irp.reports and irp.file.port is not NO_PORT
        return (
            reports and not notice.sets_event and notice.apc is NO_APC
        )  # one with an APC routine queues nothing (1.2.8)

    # ---- without an IRP ----------------------------------------------------------------------------------------------

    def fast_io(self, file: FileObject, major: int, offset: int, size: int, block: StatusBlock) -> int:
        """A read or write straight from the cache, for a synchronous file object that has a cache map (2.10).

        The status, or NOT_FAST: build an IRP.
        """
        if not (file.synchronous and file.cache_map):
            return NOT_FAST
        status = file.device.entry.fast_io(file.device, file, major, offset, size, block)
        if status not in (STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW, STATUS_END_OF_FILE):
            return NOT_FAST
        file.final_status = block.status = status
        return status

    def fast_control(self, file: FileObject, code: int, size: int, notice: Notice, processor: int = 0) -> int:
        """A device control without an IRP, tried for any handle; its end is told here (1.3, 2.10.3). NOT_FAST as above."""
        status = file.device.entry.fast_control(file.device, file, code, size, notice.block)
        if status == NOT_FAST:
            return NOT_FAST
        notice.block.status = status
        if notice.sets_event and not file.modes & SKIP_USER_EVENT_ON_FAST_IO:
            notice.event.set(0)  # what ends at once boosts nobody (7.4)
        skipped = is_error(status) or (file.modes & SKIP_PORT_ON_SUCCESS and succeeded(status))
        if notice.context is not NO_STATUS_BLOCK and file.port is not NO_PORT and not skipped:
            file.port.insert(self._mini_packet(notice, file, status, processor))
        return status

    def _mini_packet(self, notice: Notice, file: FileObject, status: int, processor: int) -> MiniPacket:
        own = self.mini.private[processor]
        taken = own.take()
        packet = taken if isinstance(taken, MiniPacket) else MiniPacket(own)
        packet.notice = notice
        packet.file = file
        packet.status = status
        packet.information = notice.block.information
        return packet


def invoked(routine: int, irp: Irp) -> bool:
    """Whether a completion routine runs at this end (2.4.2); success is what is not negative, as in NT_SUCCESS."""
    if irp.cancel and routine & INVOKE_ON_CANCEL:
        return True
    return bool(routine & (INVOKE_ON_SUCCESS if succeeded(irp.status) else INVOKE_ON_ERROR))


def describe(irp: Irp) -> str:
    """The IRP in words, for a fatal error."""
    location = irp.locations[max(1, min(irp.current, irp.stack_count))]
    verb = {3: "read", 4: "write"}.get(location.major, "request")
    return f"{verb} of {location.size} bytes at {location.offset}, location {irp.current} of {irp.stack_count}"
