"""One packet for every request that pended and reports, whatever races: never two, never none (1.3, 1.16, 2.8.3, 2.8.4).

A trial is a machine made at random (completion mode, filters over a driver that ends late and over a pipe, notification
modes, time of the association) and a random schedule for it. Every party moves one step at a time, so that a cancel comes
between any two of the driver's. What each request has to yield is said from what its call returned, not from the model.
"""

from dataclasses import dataclass
from enum import Enum
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_pipe import APC_MODE, LateDriver, TinyPipe

from iosim.attribution import NO_REQUEST, Request
from iosim.canceller import NO_CANCELLER
from iosim.completion import SKIP_PORT_ON_SUCCESS
from iosim.device_stack import BUFFERED, DIRECT, DeviceObject, Driver, FileObject
from iosim.io_manager import USUAL, IoManager, IoParams
from iosim.irp import INVOKE_ALWAYS, INVOKE_ON_ERROR, NO_APC, NO_ROUTINE, READ, WRITE, Irp, StatusBlock
from iosim.kernel_queue import NO_PACKET, KernelThread
from iosim.ntstatus import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_CANCELLED,
    STATUS_END_OF_FILE,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    STATUS_SUCCESS,
    is_error,
    succeeded,
)
from iosim.objects import Event
from iosim.outcomes import DONE
from iosim.services import CallCosts, Services
from iosim.thread import TERMINATED

STEPS = 40
ENDS = [STATUS_SUCCESS, STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW, STATUS_END_OF_FILE]


class Filter(Enum):
    """What a filter driver asks for; STOPS takes every request out of its way up, and sends it on later."""

    SKIPS, NO_ROUTINE, ON_ERROR, ALWAYS, STOPS = range(5)


class RaceFilter(Driver):
    """A filter that keeps the rules: its routine marks again what was pending (2.3.2)."""

    def __init__(self, io: IoManager, kind: Filter, held: list[Irp]) -> None:
        self.io = io
        self.kind = kind
        self.held = held

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        if self.kind is Filter.SKIPS:
            irp.skip()
            return self.io.call_driver(device.lower, irp)
        routines = {Filter.NO_ROUTINE: NO_ROUTINE, Filter.ON_ERROR: INVOKE_ON_ERROR}
        irp.copy_to_next(0, routines.get(self.kind, INVOKE_ALWAYS))
        if self.kind is not Filter.STOPS:
            return self.io.call_driver(device.lower, irp)
        irp.mark_pending()
        self.io.call_driver(device.lower, irp)
        return STATUS_PENDING

    def completed(self, device: DeviceObject, irp: Irp) -> int:
        if self.kind is Filter.STOPS:
            self.held.append(irp)
            return STATUS_MORE_PROCESSING_REQUIRED
        if irp.pending_returned:
            irp.mark_pending()
        return irp.status


class RaceDriver(LateDriver):
    """Some of its requests get a cancel routine at once, some later, some never."""

    def __init__(self, io: IoManager) -> None:
        super().__init__(io)
        self.bare: list[Irp] = []  # of the queue, those without a routine so far

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        status = super().dispatch(device, irp)
        if status == STATUS_PENDING and not self.routine:
            self.bare.append(irp)
        return status

    def set_routine(self, irp: Irp) -> None:
        """Late: it may have been cancelled in between (2.8.4)."""
        self.bare.remove(irp)
        if not irp.enqueued(self):
            self.cancelled(self.io_device, irp)

    io_device: DeviceObject

    def dequeue(self, irp: Irp) -> bool:
        if irp not in self.bare:
            return super().dequeue(irp)
        self.bare.remove(irp)
        self.queue.remove(irp)
        return True


@dataclass(eq=False)
class Asked:
    """A request as its issuer knows it."""

    file: FileObject
    thread: KernelThread
    block: StatusBlock
    status: int  # what the call returned
    wanted: bool  # not with a NULL context, not with an APC routine
    event: bool
    copies: bool  # a read through a system buffer
    associated: bool  # when it was issued
    told: bool  # there was a port to tell when it ended
    survived: bool = False  # its issuer
    packets: int = 0

    @property
    def due(self) -> int:
        """How many packets it must yield, by the table of 1.3."""
        if not (self.wanted and self.told):
            return 0  # rows 1 and 2
        if self.status == STATUS_PENDING:
            return 1  # rows 4 and 7
        skipped = self.file.modes & SKIP_PORT_ON_SUCCESS and succeeded(self.status)
        return int(not (is_error(self.status) or skipped))  # rows 3, 5, 6 and 8

    @property
    def linked(self) -> bool:
        """In direct mode: whether the remover writes the status block (2.7, 0b.3)."""
        return (
            self.status == STATUS_PENDING
            and not self.event
            and (self.survived or (self.associated and not self.copies))
        )


class Trial:
    """One machine and its schedule, both by `number`."""

    def __init__(self, number: int) -> None:
        self.random = random = Random(number)
        self.direct = random.random() < 0.5
        self.tiny = tiny = TinyPipe(
            IoParams(completion_mode="direct" if self.direct else "apc", verifier=True),
            quota=8,
            messages=random.random() < 0.5,
        )
        self.io = tiny.io
        self.driver = RaceDriver(self.io)
        self.held: list[Irp] = []
        self.driver.io_device = DeviceObject(self.driver, None, 0, 1 << 30)
        self.late = FileObject(2, self.filtered(self.driver.io_device), 0, 1 << 30, False)
        self.ends: list[FileObject] = [tiny.ours, tiny.theirs]
        for end in self.ends:
            end.device = self.filtered(end.device)
        self.files = [self.late, *self.ends]
        for file in self.files:
            if random.random() < 0.3:
                self.io.set_notification_modes(file, SKIP_PORT_ON_SUCCESS)
        self.associations = {file: random.choice([0, 0, 0, 10, STEPS]) for file in self.files}
        self.threads = [tiny.thread() for _ in range(3)]
        for thread in self.threads:
            thread.processor = 0
        self.leaving: list[KernelThread] = []
        self.working: list[Irp] = []
        self.asked: dict[StatusBlock, Asked] = {}
        self.plain: dict[Request, Asked] = {}  # of those, the ones that have no status block
        self.services = Services(tiny.dispatcher, self.io, tiny.caches, CallCosts(0, 0, 0))
        self.actions = (
            [self.issue] * 6 + [self.pipe_io] * 6 + [self.dequeue, self.end, self.cancel_one, self.routine] * 3
        )
        self.actions += [self.resume] * 2 + [self.take] * 2 + [self.set_routine] * 2
        self.actions += [self.cancel_all, self.cancel_mine, self.leave, self.close]

    def filtered(self, device: DeviceObject) -> DeviceObject:
        for _ in range(self.random.choice([0, 0, 1, 2])):
            kind = self.random.choice(list(Filter))
            method = self.random.choice([DIRECT, DIRECT, BUFFERED])
            device = DeviceObject(RaceFilter(self.io, kind, self.held), device, 0, 1 << 30, method)
        return device

    def run(self) -> None:
        for step in range(STEPS):
            for file, when in self.associations.items():
                if when == step and file.handles:
                    self.associate(file)
            self.random.choice(self.actions)()
            for irp in self.driver.queue:
                assert not irp.cancel or irp.canceller is NO_CANCELLER  # its routine has been called (2.8.4, 2.8.5)
        self.drain()

    # ---- issue -------------------------------------------------------------------------------------------------------

    def associate(self, file: FileObject) -> None:
        """From now on there is a port to tell; what has ended on this file before, had none."""
        self.tiny.associated(file, file.number)
        under_way = {irp.notice.block for irp in self.io.pending(file)}
        for asked in self.asked.values():
            if asked.file is file and asked.block in under_way:
                asked.told = True

    def issue(self) -> None:
        self.driver.routine = self.random.random() < 0.7
        self.driver.cancels_early = self.random.random() < 0.1
        self.driver.answer = self.random.choice([STATUS_PENDING] * 6 + [STATUS_CANCELLED, *ENDS])
        self.ask(self.late, self.random.choice([READ, WRITE]))

    def pipe_io(self) -> None:
        self.ask(self.random.choice(self.ends), self.random.choice([READ, WRITE]))

    def ask(self, file: FileObject, major: int) -> None:
        threads = [each for each in self.threads if each not in self.leaving]
        if not (file.handles and threads):
            return
        thread = self.random.choice(threads)
        kind = self.random.choice(["plain"] * 6 + ["event", "null context", "apc"])
        associated = self.of_port(file)
        if kind == "apc" and associated:
            kind = "plain"  # refused before there is an IRP (1.2.9)
        event = Event(self.tiny.dispatcher, True, False) if kind == "event" else None
        asked = Asked(
            file,
            thread,
            StatusBlock(),
            STATUS_PENDING,
            kind in ("plain", "event"),
            event is not None,
            file.device.method == BUFFERED and major == READ,
            associated,
            associated,
        )
        self.asked[asked.block] = asked
        size = self.random.randint(1, 6)
        if kind == "plain" and file.plain:
            self.issue_plain(asked, major, size)
            return
        asked.status, _ = self.tiny.issue(
            file,
            size,
            major,
            thread=thread,
            event=event,
            null_context=kind == "null context",
            apc=("routine", 0) if kind == "apc" else NO_APC,
            block=asked.block,
        )

    def issue_plain(self, asked: Asked, major: int, size: int) -> None:
        """As a server's thread does it: the port is to be told, nobody else, and there is no status block."""
        thread = asked.thread
        irp = self.io.allocate(asked.file.device.stack_size)
        thread.request = request = self.tiny.request()
        self.plain[request] = asked
        irp.prepare(request, asked.file, major, 0, size)
        thread.call = irp
        failed = self.services.issue(thread, False, False) == DONE
        asked.status = STATUS_END_OF_FILE if failed else STATUS_PENDING  # success at once has its packet too (row 5)
        thread.request = NO_REQUEST

    def of_port(self, file: FileObject) -> bool:
        return file.port is self.tiny.port

    # ---- the driver's steps ------------------------------------------------------------------------------------------

    def dequeue(self) -> None:
        if self.driver.queue:
            irp = self.random.choice(self.driver.queue)
            if self.driver.dequeue(irp):
                self.working.append(irp)

    def end(self) -> None:
        if self.working:
            self.driver.end(self.pop(self.working), self.random.choice(ENDS))

    def routine(self) -> None:
        """A cancel routine has got so far as to complete, as a rule as cancelled."""
        if self.driver.cancelling:
            irp = self.pop(self.driver.cancelling)
            if irp in self.driver.queue:
                self.driver.queue.remove(irp)
            assert irp.canceller is NO_CANCELLER
            self.driver.end(irp, self.random.choice([STATUS_CANCELLED, STATUS_CANCELLED, *ENDS]))

    def set_routine(self) -> None:
        if self.driver.bare:
            self.driver.set_routine(self.random.choice(self.driver.bare))

    def resume(self) -> None:
        """A filter sends on what it held."""
        if self.held:
            self.io.complete(self.pop(self.held))

    def pop(self, irps: list[Irp]) -> Irp:
        return irps.pop(self.random.randrange(len(irps)))

    # ---- whoever cancels ---------------------------------------------------------------------------------------------

    def cancel_one(self) -> None:
        if self.asked:
            asked = self.random.choice([*self.asked.values()][-12:])
            self.io.cancel_io(asked.file, context=asked.block)

    def cancel_all(self) -> None:
        self.io.cancel_io(self.random.choice(self.files))

    def cancel_mine(self) -> None:
        self.io.cancel_io(self.random.choice(self.files), self.random.choice(self.threads))

    def leave(self) -> None:
        thread = self.random.choice(self.threads)
        if thread.state == TERMINATED:
            return
        if thread not in self.leaving:
            self.leaving.append(thread)
        if self.direct:
            for asked in self.under_way(thread):
                asked.survived = asked.wanted and not asked.event and self.of_port(asked.file)
        if self.io.leave(thread):
            thread.state = TERMINATED

    def under_way(self, thread: KernelThread) -> list[Asked]:
        blocks = {irp.notice.block for file in self.files for irp in self.io.pending(file)}
        return [each for each in self.asked.values() if each.thread is thread and each.block in blocks]

    def close(self) -> None:
        file = self.random.choice(self.files)
        if file.handles and self.random.random() < 0.5:
            self.io.close(file)

    # ---- the port ----------------------------------------------------------------------------------------------------

    def take(self) -> None:
        """The oldest packet, if there is one; its status block is written by now, or else just now (2.7)."""
        packet = self.tiny.port.poll(self.tiny.two)
        if packet is NO_PACKET:
            return
        assert isinstance(packet, Irp)
        plain = packet.request in self.plain
        asked = self.plain[packet.request] if plain else self.asked[packet.notice.context]
        asked.packets += 1
        assert asked.packets == 1
        assert packet.file is asked.file
        if plain:
            packet.removed()
            return
        late = self.direct and asked.linked
        assert asked.block.status == (STATUS_PENDING if late else packet.status)
        status = packet.status
        packet.removed()
        assert asked.block.status == status
        if asked.status != STATUS_PENDING:
            assert status == asked.status

    # ---- the end -----------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Everything goes on to its end, and is counted."""
        if self.ends[0].handles:
            self.io.close(self.ends[0])  # which ends what pends on the other end too
        while self.driver.queue or self.working or self.driver.cancelling or self.held:
            for act in (self.dequeue, self.end, self.routine, self.resume):
                act()
        while self.tiny.depth:
            self.take()
        for asked in self.asked.values():
            assert asked.packets == asked.due, asked
            assert asked.block.status != STATUS_PENDING or asked.status != STATUS_PENDING, asked
        for thread in self.leaving:
            assert thread.state == TERMINATED or self.io.leave(thread)
        for file in self.files:
            assert (self.io.pending(file), file.gone) == ([], file.handles == 0)


def run(trials: range) -> None:
    """Every trial by itself: `Trial(n).run()` repeats number n."""
    pended = 0
    for number in trials:
        trial = Trial(number)
        try:
            trial.run()
        except Exception as error:
            raise AssertionError(f"trial {number}") from error
        pended += sum(asked.status == STATUS_PENDING and asked.due for asked in trial.asked.values())
    assert pended > 3 * len(trials)


def test_1_16_every_pended_request_yields_exactly_one_packet_whatever_races() -> None:
    run(range(2_000))


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_1_16_ten_thousand_races_leave_no_request_without_its_packet_and_none_with_two() -> None:
    run(range(10_000))


# ---- a pipe --------------------------------------------------------------------------------------------------------------

PIPE = st.lists(
    st.tuples(st.sampled_from(["read", "write", "cancel", "other"]), st.integers(0, 1), st.integers(1, 6)),
    min_size=20,
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(actions=PIPE, apc=st.booleans(), messages=st.booleans())
def test_1_16_every_request_on_a_pipe_yields_one_packet_and_no_byte_is_lost(
    actions: list[tuple[str, int, int]], apc: bool, messages: bool
) -> None:
    """Reads and writes on both ends, cancelled at random; in the end both are closed."""
    tiny = TinyPipe(APC_MODE if apc else USUAL, quota=8, messages=messages)
    ends = [tiny.associated(tiny.ours, 0), tiny.associated(tiny.theirs, 1)]
    due: list[StatusBlock] = []
    got: list[StatusBlock] = []
    for what, which, size in actions:
        end = ends[which]
        if what == "cancel" and due:
            tiny.io.cancel_io(end, context=due[size % len(due)])
        elif what == "other":
            tiny.io.cancel_io(end, tiny.one)
        else:
            thread = tiny.one if size % 2 else tiny.two
            _, block = tiny.issue(end, size, WRITE if what == "write" else 3, thread=thread)
            due.append(block)
        for pipe_end in (tiny.ours, tiny.theirs):
            assert not (pipe_end.readers and pipe_end.inbound)
            assert pipe_end.unread == sum(data.size for data in pipe_end.inbound)
    for end in ends:
        tiny.io.close(end)
    while tiny.depth:
        got.append(tiny.take()[1])
    assert sorted(map(id, got)) == sorted(map(id, due))
