"""Device queues: one request in the device, the others in order. Cases D..: semantics 9.8."""

from tiny_pipe import TinyPipe

from iosim.device_queue import DeviceQueue, StartIoDriver
from iosim.device_stack import DeviceObject, FileObject
from iosim.irp import NO_IRP, Irp
from iosim.ntstatus import STATUS_CANCELLED, STATUS_SUCCESS


def test_D09_an_idle_queue_refuses_an_entry_and_becomes_busy() -> None:
    """The caller starts the request itself."""
    queue = DeviceQueue()
    assert not queue.insert(Irp(1))
    assert (queue.busy, len(queue.entries)) == (True, 0)


def test_D10_a_busy_queue_is_first_in_first_out_and_idle_after_a_look_in_vain() -> None:
    queue = DeviceQueue()
    queue.insert(Irp(1))
    irps = [Irp(1) for _ in range(5)]
    assert [queue.insert(irp) for irp in irps] == [True] * 5
    assert [queue.remove() for _ in range(5)] == irps
    assert queue.busy
    assert queue.remove() is NO_IRP
    assert not queue.busy


def test_an_entry_can_be_taken_out_of_the_middle_once() -> None:
    queue = DeviceQueue()
    queue.insert(Irp(1))
    irps = [Irp(1) for _ in range(3)]
    for irp in irps:
        queue.insert(irp)
    assert [queue.remove_entry(irps[1]) for _ in range(2)] == [True, False]
    assert [queue.remove(), queue.remove()] == [irps[0], irps[2]]


class Tape(StartIoDriver):
    """One request at a time."""

    started: list[Irp]

    def start(self, device: DeviceObject, irp: Irp) -> None:
        self.started.append(irp)

    def done(self, device: DeviceObject) -> None:
        irp = self.started[-1]
        irp.status = STATUS_SUCCESS
        self.io.complete(irp)
        self.start_next(device)


def test_a_start_io_driver_works_on_one_request_at_a_time_and_leaves_cancelled_ones_out() -> None:
    tiny = TinyPipe()
    tape = Tape(tiny.io)
    tape.started = []
    device = DeviceObject(tape, None, 0, 1 << 30)
    file = FileObject(3, device, 0, 1 << 30, False)
    tiny.associated(file)
    blocks = [tiny.issue(file, 100 + number)[1] for number in range(4)]
    assert [irp.location().size for irp in tape.started] == [100]
    assert tiny.io.cancel_io(file, context=blocks[0]) == 1  # found, but in the device: not cancellable (2.8.5)
    assert tiny.io.cancel_io(file, context=blocks[2]) == 1
    assert tiny.take()[1:] == (blocks[2], STATUS_CANCELLED, 0)
    for _ in range(3):
        tape.done(device)
    assert [tiny.take()[1] for _ in range(3)] == [blocks[0], blocks[1], blocks[3]]
    assert [block.status for block in blocks] == [STATUS_SUCCESS, STATUS_SUCCESS, STATUS_CANCELLED, STATUS_SUCCESS]
    assert not tape.queue.busy
