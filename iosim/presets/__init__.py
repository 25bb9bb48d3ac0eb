"""Drives of known make: their parameters, where each figure comes from, and how sure it is. Data only.

`sure` ends with what the model makes of the preset, beside what was measured on the real drive (tests/test_drives.py
holds it to that). Device times are without the host: a scenario's own Windows path comes on top.
"""

from iosim.presets.hard_disks import HARD_DISKS
from iosim.presets.preset import Preset
from iosim.presets.solid_state import SOLID_STATE

__all__ = ["DRIVES", "HARD_DISKS", "SOLID_STATE", "Preset"]

DRIVES: dict[str, Preset] = {**HARD_DISKS, **SOLID_STATE}
