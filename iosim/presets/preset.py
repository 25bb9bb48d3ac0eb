"""What a preset is."""

from dataclasses import dataclass

from iosim.drives.hdd import HddParams
from iosim.drives.nvme import NvmeParams


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of parameters with its origin."""

    params: HddParams | NvmeParams
    source: str
    sure: str
