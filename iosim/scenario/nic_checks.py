"""Rules of network cards: processors, nodes and speeds that exist."""

from collections.abc import Iterator

from iosim.rss_processors import default_processors, rss_processors
from iosim.scenario.faults import CardFault, LinkDown, NicReset
from iosim.scenario.load import AnyReplay
from iosim.scenario.nic_params import base_processor, rss_params, topology_of
from iosim.scenario.schema import ScenarioModel
from iosim.units import format_time

FASTEST = 8 * 10**12  # bit/s: a byte takes 1 ps (link.py)

Found = Iterator[tuple[tuple[str | int, ...], str]]


def nic_mistakes(model: ScenarioModel) -> Found:
    """What can't be, on a machine that can be built."""
    machine = model.machine
    topology = topology_of(machine)
    for name, nic in model.nics.items():
        if nic.link > FASTEST:
            yield ("nics", name, "link"), "faster than 8 Tbit/s"
        for key, node in (("node", nic.node), ("buffer_node", nic.buffer_node or 0)):
            if node >= machine.numa_nodes:
                yield ("nics", name, key), f"the machine has NUMA nodes 0 to {machine.numa_nodes - 1}, not {node}"
        if (nic.rss.numa_node or 0) >= machine.numa_nodes:
            message = f"the machine has NUMA nodes 0 to {machine.numa_nodes - 1}, not {nic.rss.numa_node}"
            yield ("nics", name, "rss", "numa_node"), message
            continue
        try:
            base_processor(nic.rss, topology)
        except ValueError as error:
            yield ("nics", name, "rss", "base_processor_number"), str(error)
            continue
        try:
            most = default_processors(nic.link, nic.message_signalled)
            rss_processors(rss_params(nic.rss), topology, machine.smt.threads, most)
        except ValueError as error:
            yield ("nics", name, "rss", "max_processor_number"), str(error)
    yield from _faults(model)


def _faults(model: ScenarioModel) -> Found:
    """Each begins within the run, and when the one before it is over."""
    replays = any(isinstance(load, AnyReplay) for load in model.workload.values())
    over: dict[str, tuple[int | None, str]] = {}  # by card: when its link is up again
    cards = [(name, fault) for name, fault in model.faults.items() if isinstance(fault, CardFault)]
    for name, fault in sorted(cards, key=lambda it: it[1].at):
        assert isinstance(fault, LinkDown | NicReset)
        if fault.at >= model.run.horizon and not replays:
            end = format_time(model.run.horizon)
            yield ("faults", name, "at"), f"the run has ended by then: 'duration' and warm-up come to {end}"
        before, other = over.get(fault.nic, (0, ""))
        if before is None or (fault.at <= before and other):
            yield ("faults", name, "at"), f"the link of '{fault.nic}' is down then: see '{other}'"
        over[fault.nic] = (None if fault.duration is None else fault.at + fault.duration, name)
