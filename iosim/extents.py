"""A request on a file of several extents: one IRP where its bytes lie together, else one associated IRP for each piece.

The last piece to end completes the master (semantics 2.5.1, 2.11, 0b.18), and its way is the critical one (design 3.9).
Simplified: pieces beyond the first cost nothing on their way down.
"""

from iosim.attribution import part_of
from iosim.device_stack import DeviceObject, FileObject
from iosim.io_manager import IoManager
from iosim.irp import NO_ROUTINE, Irp, IrpPart
from iosim.ntstatus import STATUS_PENDING


def send_to_extents(io: IoManager, device: DeviceObject, irp: Irp, file: FileObject) -> int:
    """Down from the file system's device to where the file's bytes are."""
    location = irp.location()
    control = file.control
    offset = location.offset
    size = location.size
    if not size or control.within(offset, size) == size:
        irp.copy_to_next(file.base + control.place(offset) - offset if size else 0, NO_ROUTINE)
        return io.call_driver(device.lower, irp)
    irp.mark_pending()
    irp.information = size
    parts: list[Irp] = []
    lower = device.lower
    driver = device.driver
    while size:
        here = control.within(offset, size)
        part = io.make_associated(irp, lower.stack_size)
        part.request = part_of(irp.request)
        part.paging = irp.paging
        part.part = IrpPart(irp.pays_up() if not parts else lower.up_ns + driver.completion_ns)
        first = part.locations[part.current - 1]
        first.offset = file.base + control.place(offset)
        first.size = here
        parts.append(part)
        offset += here
        size -= here
    for part in parts:
        io.call_driver(lower, part)
    return STATUS_PENDING
