"""Drives of known make: their parameters, where each figure comes from, and how sure it is. Data only.

`sure` ends with what the model makes of the preset, beside what was measured on the real drive (`iosim verify storage`
and tests/test_drives.py hold it to that). Device times are without the host: a scenario's own Windows path comes on top.
"""

from iosim.presets import hard_disks, solid_state
from iosim.presets.preset import Preset

DRIVES: dict[str, Preset] = {**hard_disks.DRIVES, **solid_state.DRIVES}
