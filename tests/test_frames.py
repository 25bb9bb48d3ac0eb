"""Frames: their sizes are Ethernet's, and a copy is one of its own."""

import ast
import re
from pathlib import Path

import iosim
from iosim.frames import ACK, DATA, MSS_IPV4, NO_HASH, TCP_IPV4, TCP_IPV6, UDP_IPV4, copy_of, new_frame


def test_a_full_tcp_segment_has_1514_bytes_before_its_check_sequence() -> None:
    frame = new_frame(DATA, 1, MSS_IPV4, TCP_IPV4)
    assert (frame.size, frame.payload) == (1514, 1460)


def test_a_short_frame_is_filled_up_to_60_bytes() -> None:
    assert new_frame(ACK, 1, 0, TCP_IPV4).size == 60
    assert new_frame(ACK, 1, 1, UDP_IPV4).size == 60
    assert new_frame(ACK, 1, 0, TCP_IPV6).size == 74


def test_a_new_frame_belongs_to_no_request_and_has_no_hash() -> None:
    frame = new_frame(DATA, 7, 100, TCP_IPV4)
    assert (frame.flow, frame.hash, frame.count, frame.mergeable) == (7, NO_HASH, 0, 1)
    assert frame.request.index == 0


def test_a_copy_has_everything_that_the_frame_has_and_is_another_one() -> None:
    """Every field, so that one that is added later can't be forgotten."""
    source = (Path(iosim.__file__).parent / "frames.py").read_text(encoding="utf-8")  # compiled, a class has no slots
    (slots,) = re.findall(r"__slots__ = (\(.*?\))", source, re.DOTALL)
    names = ast.literal_eval(slots)
    assert {"size", "request", "hash"} <= set(names)
    numbers = sorted(set(names) - {"request"})
    frame = new_frame(DATA, 7, 100, TCP_IPV4)
    for value, name in enumerate(numbers, 1000):
        setattr(frame, name, value)
    copy = copy_of(frame)
    assert {name: getattr(copy, name) for name in names} == {name: getattr(frame, name) for name in names}
    assert copy is not frame
