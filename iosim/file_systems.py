"""The file systems of a described machine: NTFS or ReFS on each volume, its page cache, lazy writer and metadata.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from array import array

from iosim.cache_manager import CacheManager
from iosim.device_stack import DeviceObject, FileObject
from iosim.devices.ntfs import Ntfs
from iosim.file_control import FileControl
from iosim.filters import Filters
from iosim.io_manager import IoManager
from iosim.kernel_queue import KernelQueue
from iosim.lazy_writer import LazyWriter
from iosim.ntfs_metadata import LOG_LAZY, LOG_NONE, LOG_WRITE_THROUGH, MFT_RECORD, Metadata
from iosim.page_cache import PageCache
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import CloseStep, OpenStep, WriteStep
from iosim.scenario.storage import File
from iosim.streams import Streams, whole
from iosim.units import KIB, MIB, PAGE, ps_per_byte

LOGS = {"none": LOG_NONE, "lazy": LOG_LAZY, "write_through": LOG_WRITE_THROUGH}
READ_AHEAD = 64 * KIB
LOG_SIZE = 64 * MIB  # of $LogFile: NTFS's usual one
TABLE_PLACE = 3 << 30  # bytes: where NTFS puts its master file table on a large volume (cluster 786,432)


class FileSystems:
    """By volume, what lies on the volume manager; by file, what its file objects share.

    `background`: the queue of the cache manager's own workers.
    """

    def __init__(
        self,
        model: ScenarioModel,
        io: IoManager,
        misses: KernelQueue,
        background: KernelQueue,
        filters: Filters,
        streams: Streams,
    ) -> None:
        self.model = model
        self.io = io
        self.misses = misses
        self.background = background
        self.filters = filters
        self.caches: dict[str, CacheManager] = {}
        self.metadata: dict[str, Metadata] = {}
        self.streams = streams
        self.controls = {name: self._control(number, name) for number, name in enumerate(model.files)}

    def mount(self, name: str, below: DeviceObject, size: int) -> DeviceObject:
        """The top of the volume's stack."""
        volume = self.model.volumes[name]
        stack = self.model.machine.stack
        cache = self.caches[name] = CacheManager(self.io, PageCache(volume.cache // PAGE), self.misses)
        cache.background = self.background
        if volume.dirty_page_threshold:
            cache.throttle.threshold = volume.dirty_page_threshold // PAGE
        cache.writer = LazyWriter(cache, volume.lazy_write_interval)
        ntfs = Ntfs(self.io, cache, stack.ntfs_down, stack.ntfs_up)
        cache.device = DeviceObject(ntfs, below, 0, size)
        top = self.filters.attach(name, "file_system", cache.device)
        self._add_metadata(name, ntfs, top)
        return top

    def _add_metadata(self, name: str, ntfs: Ntfs, top: DeviceObject) -> None:
        """The table and the log are files of the volume: the table at its usual place, the log in the middle.

        Simplified: they take no room from the files.
        """
        log = LOGS[self.model.volumes[name].log]
        opened = [
            step.open.files
            for steps in self.model.handlers.values()
            for step in steps
            if isinstance(step, OpenStep) and step.open.volume == name
        ]
        closed = any(
            isinstance(step, CloseStep) and step.close.volume == name
            for steps in self.model.handlers.values()
            for step in steps
        )
        number = len(self.model.files) + 2 * len(self.metadata)
        if log:
            ntfs.log.open(self._own_file(number, top, top.size // 2, LOG_SIZE), log)
        if opened or closed:
            size = max(opened, default=1) * MFT_RECORD
            table = self._own_file(number + 1, top, min(TABLE_PLACE, top.size // 8), -(-size // PAGE) * PAGE)
            self.metadata[name] = Metadata(ntfs.cache, table, ntfs.log)

    def _own_file(self, number: int, top: DeviceObject, place: int, size: int) -> FileObject:
        return FileObject(number, top, min(place, max(0, top.size - size)), min(size, top.size), True)

    def _control(self, number: int, name: str) -> FileControl:
        it = self.model.files[name]
        kernel = self.model.machine.kernel
        control = FileControl(number, it.size)
        if it.valid_data is not None:
            control.valid = it.valid_data
        control.extends_synchronously = self.model.volumes[it.volume].file_system == "ntfs"
        if it.stored != "plain":
            control.transformed = True
            control.transform_ps = ps_per_byte(kernel.compression if it.stored == "compressed" else kernel.encryption)
        control.reports_pending = it.reports_pending
        control.temporary = it.temporary
        control.drawn = it.hit_ratio is not None
        if it.dirty_page_threshold:
            control.dirty_limit = max(1, it.dirty_page_threshold // PAGE)
        if it.extents > 1:
            control.extent = -(-it.size // (it.extents * PAGE)) * PAGE
            control.places = self._places(name, it.size, control.extent)
        control.settle()
        return control

    def _places(self, name: str, size: int, extent: int) -> "array[int]":
        """The file's own stretch of the volume, its pieces in a drawn order; one that is cut short stays the last."""
        whole_ones = size // extent
        drawn = self.streams.open(f"files.{name}.extents", whole(1 << 40, 1))
        order = sorted(range(whole_ones), key=lambda number: (drawn.value(number), number))
        return array("q", [place * extent for place in (*order, whole_ones)])

    def opened(self, file: FileObject, name: str) -> None:
        """A new file object of this file."""
        it = self.model.files[name]
        file.control = self.controls[name]
        file.write_through = it.write_through
        file.read_ahead = read_ahead(it)


def read_ahead(file: File) -> int:
    """Bytes at a time (semantics 3.4)."""
    if file.access != "cached" or file.hit_ratio is not None or file.hint == "random_access":
        return 0
    size = READ_AHEAD if file.read_ahead is None else file.read_ahead
    return 2 * size if file.hint == "sequential_scan" else size


def needs_cache_workers(model: ScenarioModel) -> bool:
    """Whether anything is read ahead or written lazily."""
    if any(read_ahead(file) for file in model.files.values()) or any(
        volume.log != "none" for volume in model.volumes.values()
    ):
        return True
    cached = {name for name, file in model.files.items() if file.access == "cached"}
    steps = [step for steps in model.handlers.values() for step in steps]
    return any(isinstance(step, WriteStep) and step.write.file in cached for step in steps)
