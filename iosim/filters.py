"""The filter drivers of a described machine: one device each, by altitude, over its file system or over its volume.

Nothing is decided here: every number comes from the scenario, whose schema has its source.
"""

from iosim.device_stack import DeviceObject
from iosim.devices.filter import Filter
from iosim.io_manager import IoManager
from iosim.kernel_queue import KernelQueue
from iosim.scenario.schema import ScenarioModel
from iosim.units import ps_per_byte


class Filters:
    """Puts filters on devices; `drivers` by volume and name. `workers`: the queue of the system's worker threads."""

    def __init__(self, model: ScenarioModel, io: IoManager, workers: KernelQueue) -> None:
        self.model = model
        self.io = io
        self.workers = workers
        self.drivers: dict[str, Filter] = {}

    def attach(self, name: str, over: str, device: DeviceObject) -> DeviceObject:
        """The top of the volume's stack after its filters of this place have been put on it."""
        chosen = [it for it in self.model.volumes[name].filters if it.over == over]
        for it in sorted(chosen, key=lambda one: one.altitude):
            scan = ps_per_byte(it.scan) if it.scan else 0
            driver = Filter(self.io, self.workers, it.pre, it.post, scan, it.delay, it.synchronous)
            self.drivers[f"volumes.{name}.filters.{it.name}"] = driver
            below = device
            device = DeviceObject(driver, below, 0, below.size)
            if over == "file_system":  # what answers a cached request: these filters, both ways, and the file system
                device.dispatch_ns = it.pre + driver.completion_ns + below.dispatch_ns
                device.scan_ps = scan + below.scan_ps
        return device

    def opening(self, name: str) -> int:
        """Processor time (ns) that a volume's filters add to the opening of a file."""
        return sum(it.create for it in self.model.volumes[name].filters)

    def closing(self, name: str) -> int:
        """The same of closing."""
        return sum(it.cleanup for it in self.model.volumes[name].filters)


def needs_workers(model: ScenarioModel) -> bool:
    """Whether a filter has anything for a system worker to do."""
    return any(it.synchronous or it.delay for volume in model.volumes.values() for it in volume.filters)
