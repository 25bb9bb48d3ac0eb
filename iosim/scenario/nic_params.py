"""What a described network card and TCP/IP are, as their parts take it."""

from iosim.devices.ndis import ENDLESS, NdisCosts, NdisParams
from iosim.moderation import DIM_RECEIVE, INTEL_RATES, Adaptive, DelayTimer, Moderation, ThrottleGap
from iosim.numa import Topology
from iosim.rss_processors import ANY_NODE, RssParams, RssProfile
from iosim.scenario.hardware import Machine
from iosim.scenario.nics import ITR_TIMES, InterruptModeration, Nic, NicCosts, ReceiveSideScaling, Tcp
from iosim.tcp import TcpParams
from iosim.units import KIB

LARGE_SEND = 64 * KIB  # bytes: what an IP packet can say of its length
DIM_DELAY, DIM_COUNT = DIM_RECEIVE[1]  # the step that Linux begins with


def topology_of(machine: Machine) -> Topology:
    """Its processors, nodes and groups."""
    return Topology(machine.numa_nodes, machine.cores_per_node * machine.smt.threads, machine.distances or ())


def base_processor(it: ReceiveSideScaling, topology: Topology) -> int:
    """The number in the machine of the first processor; ValueError where there is none."""
    if it.base_processor_group >= topology.groups:
        raise ValueError(f"the machine has processor groups 0 to {topology.groups - 1}, not {it.base_processor_group}")
    first = topology.group_of_node.index(it.base_processor_group) * topology.processors_per_node
    found = first + it.base_processor_number
    if found >= topology.processors or topology.group_of_node[topology.node_of(found)] != it.base_processor_group:
        raise ValueError(f"group {it.base_processor_group} has no processor {it.base_processor_number}")
    return found


def driver_params(nic: Nic) -> NdisParams:
    """How the driver works."""
    spare = ENDLESS if nic.spare_buffers is None else nic.spare_buffers
    return NdisParams(nic.dpc_budget, spare, nic.rsc, nic.message_signalled, LARGE_SEND if nic.lso else 0)


def driver_costs(it: NicCosts, footprint: int) -> NdisCosts:
    """Its processor times; `footprint` is what a run brings into the caches."""
    return NdisCosts(it.isr, it.dpc, it.receive, it.merge, it.transmit, it.sent, footprint=footprint)


def moderation(it: InterruptModeration) -> Moderation:
    """When the card may interrupt; what is left out as the schema says."""
    if it.mode == "off":
        return Moderation()
    if it.mode == "static":
        return ThrottleGap(it.interval or ITR_TIMES["medium"])
    if it.mode == "delay":
        return DelayTimer(it.delay or DIM_DELAY, it.count or DIM_COUNT)
    if it.rates is None:
        return Adaptive(INTEL_RATES)
    lowest, low, bulk = it.rates
    return Adaptive((round(lowest), round(low), round(bulk)))


def rss_params(it: ReceiveSideScaling) -> RssParams:
    """Which processors the table may name."""
    last = (-1, -1)
    if it.max_processor_number is not None:
        group = it.base_processor_group if it.max_processor_group is None else it.max_processor_group
        last = group, it.max_processor_number
    return RssParams(
        RssProfile[it.profile.upper()],
        (it.base_processor_group, it.base_processor_number),
        last,
        it.max_processors or 0,
        it.number_of_receive_queues or 0,
        ANY_NODE if it.numa_node is None else it.numa_node,
    )


def tcp_params(it: Tcp) -> TcpParams:
    """A host's TCP."""
    return TcpParams(
        segment=it.maximum_segment,
        receive_buffer=it.receive_buffer,
        initial_window=it.initial_window,
        delayed_ack=it.delayed_ack,
        ack_frequency=it.ack_frequency,
        initial_rto=it.initial_rto,
        minimum_rto=it.minimum_rto,
        segment_cost=it.segment,
        receive_cost=it.receive,
    )
