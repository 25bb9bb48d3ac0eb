"""What a drive of known make is: parameters with their origin."""

from dataclasses import dataclass

from iosim.drives.hdd import HddParams
from iosim.drives.ssd import SsdParams


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of parameters with its origin; `title` is the real drive."""

    params: HddParams | SsdParams
    source: str
    sure: str
    title: str = ""
