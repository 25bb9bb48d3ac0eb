"""The end of a request that asks for more than a packet: who is told, where, and in which order.

Stage 1 runs wherever the driver completed, stage 2 in the issuing thread: at the end of its own call when the request
never pended (2.5.5), else as a special kernel APC (NT 4 to 2003, `completion_mode` apc). In `direct` mode (Vista and later)
a request that reports to a port is linked to it right in stage 1, and the thread that removes it does the rest (2.7).
Source: semantics 1.3, 2.5 to 2.7, 0b.1, 0b.3. Left out: asynchronous paging writes (they come with the lazy writer).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from iosim.apc import KernelApc, interrupted_in, kernel_apcs, queue_user_apc
from iosim.attribution import hand_back
from iosim.completion_port import NO_PORT
from iosim.dispatcher import Dispatcher
from iosim.irp import NO_APC, NO_IRP, NO_STATUS_BLOCK, NO_THREAD, READ, Irp
from iosim.kernel_queue import KernelThread, Packet
from iosim.ntstatus import is_error, succeeded
from iosim.thread import TERMINATED

if TYPE_CHECKING:
    from iosim.device_stack import FileObject

CompletionMode = Literal["direct", "apc"]

# Notification modes of a file object (1.15).
SKIP_PORT_ON_SUCCESS, SKIP_SET_EVENT, SKIP_USER_EVENT_ON_FAST_IO = 1, 2, 4


@dataclass(frozen=True, slots=True)
class DirectRules:
    """Which requests, beside the sure ones, are linked to the port without an APC in `direct` mode (0b.3: 60 % sure).

    With an event the status block must be valid before the event is set; the copy of a buffered read needs the issuing
    process; a request that pended before the association was made sits in its thread's list.
    """

    with_event: bool = False
    buffered_reads: bool = False
    pended_before_association: bool = False


USUAL_RULES = DirectRules()


class LastStage(KernelApc):
    """The special kernel APC that brings the end of a request into the issuing thread (2.6)."""

    def __init__(self, completion: "Completion", irp: Irp) -> None:
        super().__init__(request=irp.request)
        self.completion = completion
        self.irp = irp

    def cost(self, thread: KernelThread) -> int:
        """What the thread pays beside the delivery."""
        return self.completion.last_cost(self.irp)

    def run(self, thread: KernelThread) -> bool:
        """Tell of the end."""
        self.completion.last_stage(self.irp)
        return True

    def run_down(self, thread: KernelThread) -> None:
        """The thread has ended."""
        self.completion.end_without_thread(self.irp)


class Completion:
    """The two stages. One a machine."""

    def __init__(self, dispatcher: Dispatcher, copy_ps: int, mode: CompletionMode, rules: DirectRules) -> None:
        self.dispatcher = dispatcher
        self.apcs = kernel_apcs(dispatcher)
        self.copy_ps = copy_ps
        self.direct = mode == "direct"
        self.with_event = rules.with_event
        self.buffered_reads = rules.buffered_reads
        self.pended_before = rules.pended_before_association

    # ---- issue -------------------------------------------------------------------------------------------------------

    def list_request(self, thread: KernelThread, irp: Irp) -> None:
        """Who can cancel it, and how it ends: in its file object's list if it is to be linked to the port, else thread's."""
        irp.thread = thread
        if self._links(irp) and not irp.notice.sets_event:  # one with an event never survives its thread (1.16)
            file = irp.file
            file.irps.append(irp)
        else:
            thread.irps[irp] = True

    def _links(self, irp: Irp) -> bool:
        """Whether it will be linked directly, as far as can be said at issue (0b.3)."""
        file = irp.file
        notice = irp.notice
        return (
            self.direct
            and irp.reports
            and file.port is not NO_PORT
            and notice.apc is NO_APC
            and (self.with_event or not notice.sets_event)
            and (self.buffered_reads or not (irp.buffered and irp.first().major == READ))
        )

    def unlist(self, irp: Irp) -> None:
        """It can be cancelled no longer."""
        file = irp.file
        file.irps.remove(irp)
        irp.thread.irps.pop(irp, False)

    # ---- stage 1 -----------------------------------------------------------------------------------------------------

    def end(self, irp: Irp) -> Irp:
        """The walk is over (2.5). Returns the master to be completed next, if this was the last of its IRPs, or NO_IRP."""
        if irp.master is not irp:
            return self._end_associated(irp)
        if irp.paging:  # no port, no APC, no status block; whoever waits frees it
            waiter = no_longer_awaited(irp)
            if irp.notice.sets_event:
                event = irp.notice.event
                event.set(irp.boost)
            self._wake(waiter, irp.boost)
            return NO_IRP
        thread = irp.thread
        irp.due = irp.removal_cost
        if irp.disowned:
            irp.free()
        elif thread is NO_THREAD:
            self.last_stage(irp)  # issued in nobody's name
        elif not irp.pending_returned:
            irp.ended = True  # the issuing call does the rest; if a filter lost the pending mark, nobody does (2.3.2)
        elif irp.listed or ((self.pended_before or irp.notice.sets_event) and self._links(irp)):
            self._link(irp)
        elif thread.state == TERMINATED:
            self.end_without_thread(irp)
        else:
            self._to_thread(thread, irp)
        return NO_IRP

    def _end_associated(self, irp: Irp) -> Irp:
        """One IRP less of a master (2.5.1)."""
        master = irp.master
        master.associated -= 1
        if is_error(irp.status):
            master.status = irp.status
            master.information = 0
        if irp.request is not master.request and not master.associated:
            hand_back(irp.request, master.request)
        irp.free()
        return NO_IRP if master.associated else master

    def _link(self, irp: Irp) -> None:
        """Direct mode: the packet is queued right here; the removing thread writes the status block (2.7)."""
        file = irp.file
        irp.block_due = irp.notice.block is not NO_STATUS_BLOCK
        self._count(irp)
        if irp.buffered:
            irp.due += self._copy_out(irp)
        self._signal(irp)
        self.unlist(irp)
        waiter = no_longer_awaited(irp)
        boost = irp.boost
        file.port.insert(irp)
        self._wake(waiter, boost)
        self._let_file_go(file)

    def end_without_thread(self, irp: Irp) -> None:
        """Its thread is gone: an uncancelled one that reports is linked, a cancelled one cleaned up silently (2.5.6)."""
        if self.direct and irp.reports and irp.file.port is not NO_PORT and irp.notice.apc is NO_APC:
            self._link(irp)
            return
        self.unlist(irp)
        irp.free()
        self._let_file_go(irp.file)

    # ---- stage 2 -----------------------------------------------------------------------------------------------------

    def _to_thread(self, thread: KernelThread, irp: Irp) -> None:
        """By a special kernel APC, with the driver's boost.

        A thread that waits in its call for this very request goes on at the APC's end, whatever happens: it pays then, and
        the delivery is part of the call's own time (0.3 us by default).
        """
        if irp.waiter is thread and irp.synchronous and not thread.apc_frames:
            self._pay(irp)
            self.last_stage(irp)
            return
        self.apcs.insert(thread, LastStage(self, irp), irp.boost)

    def in_call(self, irp: Irp) -> None:
        """The issuing call, after a dispatch that did not pend (2.5.5): no APC, and all is told when it returns."""
        self._pay(irp)
        self.last_stage(irp)

    def _pay(self, irp: Irp) -> None:
        time = self.last_cost(irp)
        if time:
            irp.thread.owe_kernel(time)

    def last_cost(self, irp: Irp) -> int:
        """Time (ns) of the last stage in the issuing thread: the copy of a buffered read, and in `apc` mode also what the
        removing thread would pay (0b.1).
        """
        time = self._copy_out(irp) if irp.buffered else 0
        if not self.direct:
            time += irp.due
            irp.due = 0
        return time

    def _copy_out(self, irp: Irp) -> int:
        if irp.first().major != READ or is_error(irp.status):
            return 0
        return irp.information * self.copy_ps // 1000

    def last_stage(self, irp: Irp) -> None:
        """Status block, event, then exactly one of user APC, packet, nothing (2.6). An event is set before the packet.

        The request holds its file object until then: whom the event wakes may run at once, and close the last handle.
        """
        file = irp.file
        if is_error(irp.status) and (irp.synchronous or not irp.pending_returned):
            if irp.pending_returned:
                self._write_block(irp)
                self._signal(irp)
            self._count(irp)
            self.unlist(irp)
            self._free(irp)
        else:
            self._write_block(irp)
            self._count(irp)
            self._signal(irp)
            self.unlist(irp)
            if irp.notice.apc is not NO_APC:
                queue_user_apc(irp.thread, irp.notice.apc)
                self._free(irp)
            elif queues_packet(irp):
                self._queue(irp)
            else:
                self._free(irp)
        self._let_file_go(file)

    def _queue(self, irp: Irp) -> None:
        """The packet, from the issuing thread."""
        port = irp.file.port
        waiter = no_longer_awaited(irp)
        boost = irp.boost
        if interrupted_in(irp.thread, port):
            port.insert_in_apc(irp)
        else:
            port.insert(irp)
        self._wake(waiter, boost)

    def _write_block(self, irp: Irp) -> None:
        irp.block_due = irp.notice.block is not NO_STATUS_BLOCK
        irp.write_block()

    def _free(self, irp: Irp) -> None:
        """Nobody removes it. One whose issuer is still in its call is freed there."""
        if irp.synchronous and irp.waiter is NO_THREAD:
            irp.ended = True
            return
        waiter = no_longer_awaited(irp)
        boost = irp.boost
        irp.free()
        self._wake(waiter, boost)

    def _count(self, irp: Irp) -> None:
        request = irp.request
        if is_error(irp.status):
            request.fail()
        else:
            request.bytes += irp.information

    def _signal(self, irp: Irp) -> None:
        """The user's event, or else the file object's; a synchronous file object's in any case (2.6.3, 1.15)."""
        file = irp.file
        if irp.notice.sets_event:
            event = irp.notice.event
            event.set(irp.boost)
        elif not file.modes & SKIP_SET_EVENT:
            file.signal(irp.boost)
        if file.synchronous:
            file.final_status = irp.status
            file.signal(irp.boost)

    def _wake(self, waiter: KernelThread, boost: int) -> None:
        if waiter is not NO_THREAD:
            self.dispatcher.wake(waiter, boost)

    # ---- files that were closed ----------------------------------------------------------------------------------------

    def _let_file_go(self, file: "FileObject") -> None:
        if not file.handles:
            self.let_file_go(file)

    def let_file_go(self, file: "FileObject") -> None:
        """A closed file object goes away with its last request, and so does its association (1.2.6, 1.2.7)."""
        if file.gone or not file.irps.empty() or self.of_threads(file):
            return
        file.gone = True
        if file.port is not NO_PORT:
            discard(file.port.file_gone())

    def of_threads(self, file: "FileObject") -> list[Irp]:
        """The file object's requests that are in lists of threads."""
        return [irp for thread in self.dispatcher.threads for irp in thread.irps if irp.file is file]


def no_longer_awaited(irp: Irp) -> KernelThread:
    """Who waited for this request: to be asked before others hear of its end, who may use the IRP again at once."""
    waiter = irp.waiter
    irp.waiter = NO_THREAD
    return waiter


def queues_packet(irp: Irp) -> bool:
    """The table of 1.3, for a request that did not fail at once."""
    file = irp.file
    if not irp.reports or file.port is NO_PORT:
        return False  # rows 1 and 2
    return irp.pending_returned or not (file.modes & SKIP_PORT_ON_SUCCESS and succeeded(irp.status))  # rows 4 to 8


def discard(packets: list[Packet]) -> None:
    """Packets of a port that is gone are freed; a status block that was left to the remover stays pending (0b.5)."""
    for packet in packets:
        packet.free()
