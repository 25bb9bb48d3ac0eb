"""NTFS's metadata: the records of the master file table that opening a file reads, and the log of its changes.

Both are files of the volume in its page cache: an open whose record is not there waits for a paging read; a log record makes
a page dirty, which the lazy writer writes, or the thread itself where the log is written through.
Source: semantics 3.9 (metadata is cached unless written through); records of 1 KiB and a log of its own: public documentation
of NTFS. Simplified: opening reads one record, no directories; the log never fills.
"""

from iosim.attribution import Request
from iosim.cache_manager import CacheManager
from iosim.device_stack import FileObject
from iosim.kernel_work import NO_WORK, KernelWork
from iosim.paging import PageFaults, WriteOut, keys_of
from iosim.units import PAGE

LOG_NONE, LOG_LAZY, LOG_WRITE_THROUGH = range(3)
MFT_RECORD = 1024  # bytes
LOG_RECORD = 256  # bytes that a change takes in the log: an update with its undo [M]


class Log:
    """The log of a volume, one record after the other, round and round; without a file there is none."""

    def __init__(self) -> None:
        self.mode = LOG_NONE
        self.file: FileObject
        self.next = 0  # bytes
        self.records = 0

    def open(self, file: FileObject, mode: int) -> None:
        """Log here."""
        self.file = file
        self.mode = mode

    def record(self, cache: CacheManager, request: Request) -> KernelWork:
        """A change is logged: what is to be waited for, which is nothing unless the log is written through."""
        file = self.file
        place = self.next
        self.next = (place + LOG_RECORD) % file.size
        self.records += 1
        cache.soil(file, place, LOG_RECORD)
        if self.mode == LOG_LAZY:
            return NO_WORK
        return WriteOut(cache, file, request, keys_of(file.number, place // PAGE, 1), True)


class Metadata:
    """What handlers' `open` and `close` find on a volume."""

    def __init__(self, cache: CacheManager, table: FileObject, log: Log) -> None:
        self.cache = cache
        self.table = table
        self.log = log

    def look_up(self, request: Request, record: int) -> KernelWork:
        """IRP_MJ_CREATE needs this record of the master file table."""
        page = record * MFT_RECORD % self.table.size // PAGE
        return PageFaults(self.cache, self.table, request, page, page)

    def change(self, request: Request) -> KernelWork:
        """IRP_MJ_CLEANUP writes down what has changed: times and sizes."""
        log = self.log
        return log.record(self.cache, request) if log.mode else NO_WORK
