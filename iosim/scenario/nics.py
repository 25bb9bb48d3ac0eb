"""Network cards, their drivers, and the machine's TCP/IP as a scenario describes them.

Keys are called as Windows calls them: Set-NetAdapterRss' parameters, NDIS' advanced properties.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from iosim import units
from iosim.moderation import ITR_RATES, ITR_UNIT
from iosim.scenario.quantities import Bandwidth, Count, Flag, Index, PositiveSize, PositiveTime, Ratio, Time, word_or
from iosim.scenario.quantities import Rate as Frequency
from iosim.scenario.reading import Json, Read, Section, also_bare, key, mistake_at, whole

ITR_TIMES = {name: rate * ITR_UNIT for name, rate in ITR_RATES.items() if rate}
_XL170 = "10-core Xeon, 25 Gbit/s card, Linux 5.4 (HomaModule's perf.txt, note 32)"

Interval: TypeAlias = Annotated[
    int, word_or({**ITR_TIMES}, lambda value: units.parse_time(value), units.format_time, "a time like '50 us'")
]


class InterruptModeration(Section):
    """When the card may interrupt for the frames that it holds; `50 us` alone is `{mode: static, interval: 50 us}`."""

    mode: Literal["off", "static", "delay", "adaptive"] = key(
        "adaptive",
        "off: every frame may interrupt at once; static: no interrupt earlier than the interval after the last one, so that"
        " a lone frame is not delayed; delay: a frame arms a timer, so that a lone frame is late by all of it; adaptive:"
        " static with an interval chosen anew by the traffic of each visit of the driver",
        source="Intel's Windows drivers: Interrupt Moderation Rate is Adaptive",
        sure="documented",
    )
    interval: Interval | None = key(
        None,
        "of mode static: a time, or Intel's minimal (51.2 us), low, medium (243.2 us), high or extreme (921.6 us); left"
        " out, medium",
    )
    delay: PositiveTime | None = key(None, "of mode delay: from the first frame to the interrupt; left out, 8 us")
    count: Count | None = key(None, "of mode delay: so many frames interrupt at once; left out, 256")
    rates: tuple[Frequency, Frequency, Frequency] | None = key(
        None,
        "of mode adaptive: interrupts a second for traffic of lowest latency, low latency and bulk; left out, Intel's"
        " 70,000, 20,000 and 4,000",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        if isinstance(value, str) and not value[:1].isdigit() and value not in ITR_TIMES:
            return {"mode": value}
        return {"mode": "static", "interval": value} if isinstance(value, (str, int, float)) else value

    @model_validator(mode="after")
    def _of_its_mode(self) -> "InterruptModeration":
        for name, mode in (("interval", "static"), ("delay", "delay"), ("count", "delay"), ("rates", "adaptive")):
            if getattr(self, name) is not None and self.mode != mode:
                raise mistake_at((name,), f"goes with 'mode: {mode}'")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return also_bare(handler.resolve_ref_schema(handler(schema)), str)


def _power(value: Any) -> int:
    size = whole(value)
    if size < 1 or size > 128 or size & (size - 1):
        raise ValueError(f"{size} is not a power of two from 1 to 128")
    return size


class ReceiveSideScaling(Section):
    """Which processors serve the card: names and meanings of Set-NetAdapterRss."""

    enabled: Flag = key(True, "false: one queue, on the base processor", source="Windows Server: on", sure="documented")
    profile: Literal["closest", "closest_static", "numa", "numa_static", "conservative"] = key(
        "numa_static",
        "closest: processors of 'numa_node' first; numa: nodes in turn; conservative: one; the static ones are never"
        " changed by load",
        source="NDIS: *RSSProfile's default is NUMAScalingStatic",
        sure="documented",
    )
    base_processor_group: Index = key(0, "processor group of the first processor", source="NDIS", sure="documented")
    base_processor_number: Index = key(
        0, "number of the first processor in its group", source="NDIS", sure="documented"
    )
    max_processor_group: Index | None = key(None, "processor group of the last processor; left out, the first one's")
    max_processor_number: Index | None = key(None, "number of the last processor; left out, the machine's last")
    max_processors: Count | None = key(
        None, "processors at most; left out, 4 for links up to 1 Gbit/s and 16 above (2 and 4 without MSI-X)"
    )
    number_of_receive_queues: Count | None = key(
        None, "queues that the card uses; left out, one for each of its processors"
    )
    numa_node: Index | None = key(None, "the preferred node; means nothing to the numa profiles")
    indirection_table: Annotated[int, Read(_power, int, {"enum": [1 << bits for bits in range(8)]})] = key(
        128, "entries of the indirection table: a power of two up to 128", source="NDIS' limit", sure="documented"
    )
    udp: Flag = key(
        False,
        "hash the ports of datagrams, too; without, those of a pair of hosts have one processor",
        source="NDIS_HASH_UDP_IPV4 is asked for by few",
        sure="assumed",
    )
    rebalance: PositiveTime = key(
        "100 ms",
        "profiles that are not static: how often the system looks whether an entry should move",
        source="a choice: Windows' own policy is not published",
        sure="assumed",
    )
    slack: Ratio = key(0.1, "differences between processors that it leaves alone", source="a choice", sure="assumed")

    @model_validator(mode="after")
    def _last_one(self) -> "ReceiveSideScaling":
        if self.max_processor_group is not None and self.max_processor_number is None:
            raise mistake_at(("max_processor_group",), "needs a 'max_processor_number'")
        return self


class NicCosts(Section):
    """Processor time of the card's driver."""

    isr: Time = key("560 ns", "from the interrupt to the driver's DPC", source=_XL170, sure="measured")
    dpc: Time = key(
        "210 ns",
        "a run of the DPC, beside its frames",
        source=f"a poll of one small frame takes 560 ns, less its frame's 350; {_XL170}",
        sure="derived",
    )
    receive: Time = key(
        "350 ns",
        "a frame: describe it (200 ns), look for segments to merge (150 ns)",
        source="the same machine (note 15)",
        sure="measured",
    )
    merge: Time = key("0 ns", "more for a segment that is merged", source="in 'receive'", sure="assumed")
    transmit: Time = key("495 ns", "a frame on its way down: IP and the driver", source=_XL170, sure="measured")
    sent: Time = key("0 ns", "a frame that has left", source="nobody published one alone: in 'dpc'", sure="assumed")


class Nic(Section):
    """A network card and its driver; at the far end of its wire are all clients of the loads that name it."""

    link: Bandwidth = key("10 Gbit/s", "speed of its wire, each way", source="a choice", sure="assumed")
    node: Index = key(0, "NUMA node that the card is attached to", source="a choice", sure="assumed")
    buffer_node: Index | None = key(
        None, "node of its rings and buffers; left out, each queue's are on its processor's"
    )
    receive_buffers: Count = key(
        512, "receive descriptors of each queue", source="Intel's drivers: *ReceiveBuffers 512", sure="documented"
    )
    transmit_buffers: Count = key(
        512, "transmit descriptors of each queue", source="Intel's drivers: *TransmitBuffers 512", sure="documented"
    )
    spare_buffers: Count | None = key(
        None,
        "buffers of each queue beside those in its ring: a frame that a protocol keeps occupies one, and without them it"
        " has to be copied; left out, enough",
    )
    rss: ReceiveSideScaling = key(ReceiveSideScaling(), "which processors serve the card")
    interrupt_moderation: InterruptModeration = key(
        InterruptModeration(), "when the card may interrupt: off, adaptive, a time or a map"
    )
    message_signalled: Flag = key(
        True,
        "a vector for each queue (MSI-X); false: one for all, on the first queue's processor, which asks the others for their"
        " DPC",
        source="cards since 2005",
        sure="documented",
    )
    rsc: Flag = key(
        True, "merge segments of one flow that a run of the DPC finds", source="*RscIPv4: on", sure="documented"
    )
    lso: Flag = key(
        False,
        "the card cuts large sends: up to 64 KiB go down at the cost of one segment",
        source="*LsoV2IPv4 is on as a rule; off, so that every segment shows what it costs",
        sure="assumed",
    )
    dpc_budget: Index = key(
        0,
        "frames that a run of the DPC takes at most; what is left waits for the next one. 0: all",
        source="NDIS_INDICATE_ALL_NBLS: the limit is the driver's own",
        sure="assumed",
    )
    transmit_by: Literal["processor", "hash"] = key(
        "processor",
        "which queue a frame leaves by: that of the processor that sends it, or that of its flow's hash",
        source="common in drivers",
        sure="assumed",
    )
    dma: Time = key(
        "300 ns",
        "from the card into memory of its node; another node's is longer by what its distance adds",
        source="a posted write over PCI Express: 200 to 500 ns",
        sure="assumed",
    )
    bus: Bandwidth = key("63 Gbit/s", "speed of its bus", source="PCI Express 3.0, 8 lanes", sure="documented")
    costs: NicCosts = key(NicCosts(), "processor time of its driver")


class Tcp(Section):
    """The machine's TCP/IP and sockets; its clients' have the same settings and no processors."""

    segment: Time = key(
        "620 ns", "processor time of a segment on its way down", source=f"protocol: {_XL170}", sure="derived"
    )
    receive: Time = key(
        "760 ns",
        "processor time of a segment or datagram on its way up",
        source=f"IP 305 ns, protocol 455 ns: {_XL170}",
        sure="derived",
    )
    afd: Time = key(
        "0.3 us",
        "AFD's dispatch of a receive, send or other request that needs an IRP",
        source="a choice: as a layer of the storage stack",
        sure="assumed",
    )
    socket: Time = key(
        "10 us",
        "making a socket, for a connection to come",
        source="a choice: dearer than a file handle",
        sure="assumed",
    )
    maximum_segment: Count = key(1460, "bytes of a segment", source="Ethernet's 1500 bytes, IPv4", sure="documented")
    receive_buffer: PositiveSize = key(
        "64 KiB", "bytes that may lie unread at a connection's end: its window", source="SO_RCVBUF", sure="assumed"
    )
    initial_window: Count = key(10, "segments", source="RFC 6928; Windows' Internet template", sure="documented")
    delayed_ack: Time = key(
        "40 ms", "an acknowledgement waits so long for company", source="Windows' Internet template", sure="assumed"
    )
    ack_frequency: Count = key(
        2, "every so many-th segment is acknowledged at once", source="RFC 1122 4.2.3.2", sure="documented"
    )
    initial_rto: PositiveTime = key(
        "1 s", "retransmission timeout before a round trip is known", source="RFC 6298", sure="documented"
    )
    minimum_rto: PositiveTime = key(
        "300 ms", "and its least value", source="Windows' Internet template", sure="documented"
    )
    receive_hold: Time = key(
        "0 s",
        "a receive that data fill in part waits so long for more, unless they end a send (PSH); 0: it does not",
        source="a choice: Windows is believed to wait 500 ms (85 %)",
        sure="assumed",
    )
    locked_pages: Count | None = key(
        None, "pages that receives and sends which pend may lock in all; left out, no limit"
    )
