"""Rules between a disk's port driver, its faults and the load that goes to it."""

from collections.abc import Iterator

from iosim.drives.geometry import SECTOR
from iosim.drives.hdd import HddParams
from iosim.scenario.drive_params import drive_params
from iosim.scenario.faults import CardFault, Removal
from iosim.scenario.load import AnyReplay, Replay
from iosim.scenario.schema import ScenarioModel
from iosim.scenario.steps import CloseStep, FlushStep, OpenStep, ReadStep, WriteStep
from iosim.scenario.storage import Disk
from iosim.units import format_time, size_in_words

Found = Iterator[tuple[tuple[str | int, ...], str]]


def disk_mistakes(model: ScenarioModel) -> Found:
    """What can't be, of disks that can be built at all."""
    for name, disk in model.disks.items():
        try:
            params = drive_params(disk)
        except ValueError:
            continue  # told elsewhere
        yield from _pairs(name, disk, isinstance(params, HddParams) or params.interface == "sata")
        if disk.max_transfer is not None and disk.max_transfer % SECTOR:
            yield ("disks", name, "max_transfer"), f"not a multiple of {SECTOR} B"
        yield from _struck(model, name, disk, params.capacity)
    yield from _polled(model)


def _pairs(name: str, disk: Disk, one_vector: bool) -> Found:
    if one_vector:
        for pair_key in ("queue_pairs", "pair_depth"):
            if getattr(disk, pair_key) is not None:
                yield ("disks", name, pair_key), "only NVMe has queue pairs; this is a SATA disk"
    elif disk.redirect and disk.interrupt_processor is None and disk.queue_pairs != 1:
        message = (
            "each pair of this disk interrupts its own processor; only one vector ('queue_pairs: 1') is redirected"
        )
        yield ("disks", name, "redirect"), message


def _struck(model: ScenarioModel, disk_name: str, disk: Disk, capacity: int) -> Found:
    removed = False
    replays = any(isinstance(load, AnyReplay) for load in model.workload.values())
    for name, fault in model.faults.items():
        if isinstance(fault, CardFault) or fault.disk != disk_name:
            continue
        if disk.completion == "polling":
            yield ("faults", name, "disk"), f"disk '{disk_name}' is polled: nobody there deals with faults"
        if isinstance(fault, Removal):
            if removed:
                yield ("faults", name), f"disk '{disk_name}' is pulled out already"
            removed = True
            if fault.at >= model.run.horizon and not replays:
                end = format_time(model.run.horizon)
                yield ("faults", name, "at"), f"the run has ended by then: 'duration' and warm-up come to {end}"
        elif (fault.offset or 0) + (fault.size or 0) > capacity:
            yield ("faults", name, "size"), f"ends beyond disk '{disk_name}', which has {size_in_words(capacity)}"


def _polled(model: ScenarioModel) -> Found:
    """Who polls stays in its call: no overlapped transfers, nothing that NTFS waits for, no replayed rows."""
    polled = {name for name, disk in model.disks.items() if disk.completion == "polling"}
    volumes = {name for name, volume in model.volumes.items() if polled.intersection(volume.on)}
    for name in sorted(polled):
        for limit in ("max_transfer", "scatter_gather_pages"):
            if getattr(model.disks[name], limit) is not None:
                yield ("disks", name, limit), "a polled disk splits no requests: who polls looks for one end"
    for name in sorted(volumes):
        if model.volumes[name].layout != "simple":
            yield ("volumes", name, "layout"), "a polled disk has simple volumes only: who polls looks for one end"
        if model.volumes[name].filters:
            yield (
                ("volumes", name, "filters"),
                "a volume of a polled disk has no filters: who polls completes by itself",
            )
    files = {name for name, file in model.files.items() if file.volume in volumes}
    logged = {name for name in volumes if model.volumes[name].log != "none"}
    for name in sorted(files):
        if model.files[name].access == "cached":
            yield ("files", name, "access"), "a polled disk has unbuffered files only: nobody spins for the cache"
        if model.files[name].extents > 1:
            yield ("files", name, "extents"), "a polled disk has files in one piece: who polls looks for one end"
        if model.files[name].valid_data is not None:
            yield ("files", name, "valid_data"), "NTFS waits for such writes by itself, and does not poll; leave it out"
        if model.files[name].stored != "plain":
            yield ("files", name, "stored"), "NTFS waits for such transfers by itself, and does not poll; write 'plain'"
    for name, steps in model.handlers.items():
        for index, step in enumerate(steps):
            if isinstance(step, (ReadStep, WriteStep)):
                kind, transfer = ("read", step.read) if isinstance(step, ReadStep) else ("write", step.write)
                if transfer.file in files and transfer.mode != "blocking":
                    message = "the thread stays in a call to a polled disk; write 'mode: blocking'"
                    yield ("handlers", name, index, kind, "mode"), message
            elif isinstance(step, FlushStep) and step.flush.file in files:
                yield ("handlers", name, index, "flush", "file"), "nobody spins for the flush of a polled disk"
            elif isinstance(step, OpenStep) and step.open.volume in volumes:
                yield ("handlers", name, index, "open", "volume"), "nobody spins for the records of a polled disk"
            elif isinstance(step, CloseStep) and step.close.volume in logged:
                yield ("handlers", name, index, "close", "volume"), "nobody spins for the log of a polled disk"
    for name, load in model.workload.items():
        if isinstance(load, Replay):
            mapped = {load.map} if isinstance(load.map, str) else set(load.map.values())
            if mapped & files:
                yield (
                    ("workload", name, "map"),
                    "rows are transferred overlapped; a polled disk has blocking calls only",
                )
