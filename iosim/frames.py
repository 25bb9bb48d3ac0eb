"""What travels on a wire: one Ethernet frame, with what cards, drivers and transports need to know of it.

A frame is sent once: what is sent again (a lost segment) is a new one, as the far end writes into those that arrive.
Source of the sizes: IEEE 802.3 (header 14, shortest frame 60 without its check sequence), RFC 791, 8200, 9293, 768.
"""

from iosim.attribution import NO_REQUEST, Request

DATA, ACK, SYN, SYN_ACK, FIN, RST, DATAGRAM = range(7)  # kinds

NO_HASH = -1
ETHERNET = 14  # bytes of its header
WIRE_OVERHEAD = 8 + 4 + 12  # bytes on a wire beside those that count as a frame's size (link.py)
SHORTEST = 60  # a frame is filled up to it; its check sequence is the wire's (link.py)
TCP_IPV4 = ETHERNET + 20 + 20  # bytes before the payload
TCP_IPV6 = ETHERNET + 40 + 20
UDP_IPV4 = ETHERNET + 20 + 8
UDP_IPV6 = ETHERNET + 40 + 8
MTU = 1500  # bytes of an IP packet in one frame
MSS_IPV4 = MTU - 40  # payload of a TCP segment


class Frame:
    """One frame; `size` is all of its bytes but the check sequence, `payload` those that a socket will see.

    `flow` is the number of its connection, `hash` the card's (computed once a flow, by whoever makes the flow). `sequence`,
    `acknowledged` and `window` are TCP's, in bytes. `mergeable` 0: its headers forbid coalescing (options beside the time
    stamp, IPsec, a fragment). `segment`: payload (bytes) at which the card cuts it when it is sent (0: one frame).
    `left` is when its last bit has left the card that sent it, `arrived` when it is here, `ready` when it lies in
    memory (ns). `count`: segments merged into it, 0 if none
    were. `resources` 1: the receiver has to copy it at once, as the driver lacks buffers.
    """

    __slots__ = (
        "acknowledged",
        "arrived",
        "count",
        "flow",
        "hash",
        "kind",
        "left",
        "mergeable",
        "payload",
        "pushed",
        "ready",
        "request",
        "resources",
        "segment",
        "sequence",
        "size",
        "window",
    )

    acknowledged: int
    arrived: int
    count: int
    flow: int
    hash: int
    kind: int
    left: int
    mergeable: int
    payload: int
    pushed: int
    ready: int
    request: Request
    resources: int
    segment: int
    sequence: int
    size: int
    window: int


def new_frame(kind: int, flow: int, payload: int, headers: int) -> Frame:
    """A frame with so many bytes of headers before its payload."""
    frame = Frame.__new__(Frame)
    size = headers + payload
    frame.size = size if size > SHORTEST else SHORTEST
    frame.payload = payload
    frame.flow = flow
    frame.kind = kind
    frame.hash = NO_HASH
    frame.mergeable = 1
    frame.sequence = 0
    frame.acknowledged = 0
    frame.window = 0
    frame.pushed = 0
    frame.segment = 0
    frame.left = 0
    frame.arrived = 0
    frame.ready = 0
    frame.count = 0
    frame.resources = 0
    frame.request = NO_REQUEST
    return frame


def copy_of(frame: Frame) -> Frame:
    """The same frame once more, as it is now."""
    copy = new_frame(frame.kind, frame.flow, frame.payload, 0)
    copy.size = frame.size
    copy.hash = frame.hash
    copy.mergeable = frame.mergeable
    copy.sequence = frame.sequence
    copy.acknowledged = frame.acknowledged
    copy.window = frame.window
    copy.pushed = frame.pushed
    copy.segment = frame.segment
    copy.left = frame.left
    copy.arrived = frame.arrived
    copy.ready = frame.ready
    copy.count = frame.count
    copy.resources = frame.resources
    copy.request = frame.request
    return copy
