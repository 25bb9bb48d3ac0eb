"""A tiny machine whose file is read and written through the cache: the cache manager's own workers, and a lazy writer."""

from typing import Any

from tiny_io import TinyIo

from iosim.application import DrawnTransfer
from iosim.device_stack import DeviceObject, Driver
from iosim.heap_clock import HeapClock
from iosim.irp import NO_ROUTINE, READ, Irp
from iosim.kernel_queue import NO_LIMIT, KernelQueue
from iosim.lazy_writer import LazyWriter
from iosim.system_workers import SystemWorker
from iosim.units import PAGE
from iosim.variates import Constant, Variate

# Way down of a paging IRP of n pages: call 10, IRP 20, 3 a page, drivers 190, start 200; its DPC: 500 + 114 + 2 a page.
ISSUE, DPC = 420, 614
CACHED = 10 + 20 + 100  # a cached call: system call, IRP, NTFS


def issue(pages: int) -> int:
    return ISSUE + 3 * pages


def dpc(pages: int) -> int:
    return DPC + 2 * pages


class TinyCache(TinyIo):
    """Free switches; `cache_workers` of the cache manager's; pages are written every `period` ns."""

    def __init__(self, processors: int = 2, *, cache_workers: int = 1, period: int = 10**9, **options: Any) -> None:
        usual = {"clock": HeapClock, "cached": True, "cache_pages": 100, "switch": 0, "system_workers": 1, "size": PAGE}
        super().__init__(processors, **{**usual, **options})
        self.cache.background = KernelQueue(self.clock, self.dispatcher, 0, NO_LIMIT)
        self.writer = self.cache.writer = LazyWriter(self.cache, period)
        for _ in range(cache_workers):
            thread = self.dispatcher.create_thread(SystemWorker(self.cache.background), 12)
            self.dispatcher.make_ready(thread)
        self.control = self.file.control

    def transfer(
        self, major: int = READ, size: int = PAGE, offset: Variate | int = 0, blocking: bool = False
    ) -> DrawnTransfer:
        """A handler's step."""
        place = Constant(offset) if isinstance(offset, int) else offset
        return DrawnTransfer(self.services, self.file, self.cache, major, blocking, Constant(size), place, [])

    def does(self, *steps: Any) -> None:
        """Requests that arrive from now on do this."""
        self.handler(*[lambda _, step=step: step for step in steps])

    def commands(self) -> list[tuple[int, int]]:
        """First page in the file and pages of what the drive was given."""
        place = (1 << 20) + (1 << 24)
        return [((offset - place) // PAGE, size // PAGE) for _, offset, size in self.drive.seen]


class Watcher(Driver):
    """A file-system filter that writes down what passes."""

    def __init__(self, tiny: TinyIo) -> None:
        self.tiny = tiny
        self.passed: list[tuple[bool, int]] = []  # whether it is a paging IRP, and its size

    def dispatch(self, device: DeviceObject, irp: Irp) -> int:
        self.passed.append((irp.paging, irp.location().size))
        irp.copy_to_next(0, NO_ROUTINE)
        return self.tiny.io.call_driver(device.lower, irp)
