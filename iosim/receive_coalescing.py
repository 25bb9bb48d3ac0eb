"""Receive segment coalescing: data segments of one flow that follow each other go up as one.

Source: semantics 6.4 (Microsoft's "Rules for coalescing TCP/IP packets"). Segments of flows may alternate. A unit
belongs to the request of its first segment, and stands where that stood.
"""

from iosim.frames import DATA, ETHERNET, Frame, copy_of

LONGEST = 65_535  # bytes of an IP packet, a unit's too


def coalesce(frames: list[Frame]) -> list[Frame]:
    """The frames of one visit, merged where that may be done; those that were not are the very same ones."""
    if len(frames) < 2:
        return frames
    units: list[Frame] = []
    places: dict[int, int] = {}  # of the unit of a flow that may grow
    for frame in frames:
        place = places.get(frame.flow, -1)
        if place >= 0 and follows(frame, units[place]):
            units[place] = merged(units[place], frame)
            continue
        if frame.kind == DATA and frame.mergeable and frame.payload:
            places[frame.flow] = len(units)
        elif place >= 0:
            del places[frame.flow]  # what comes between two segments keeps its place: the unit is closed
        units.append(frame)
    return units


def follows(frame: Frame, unit: Frame) -> bool:
    """Whether a segment may become a part of the unit: the expected sequence number, and nothing but data.

    A pure acknowledgement never may, duplicate or not.
    """
    if frame.kind != DATA or not frame.mergeable or not frame.payload:
        return False
    if frame.sequence != unit.sequence + unit.payload or frame.acknowledged < unit.acknowledged:
        return False
    return unit.size + frame.payload - ETHERNET <= LONGEST


def merged(unit: Frame, frame: Frame) -> Frame:
    """The unit with one more segment: its newest acknowledgement and window, PSH if any part has it."""
    if unit.count == 0:
        unit = copy_of(unit)
        unit.count = 1
    unit.count += 1
    unit.payload += frame.payload
    unit.size += frame.payload
    unit.acknowledged = frame.acknowledged
    unit.window = frame.window
    unit.pushed |= frame.pushed
    unit.arrived = frame.arrived
    unit.ready = frame.ready
    return unit
