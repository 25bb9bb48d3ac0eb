"""The exact moderation of a card's interrupts where the scenario satisfies its assumptions, else the first one that fails."""

from fractions import Fraction

from iosim.moderation import DelayTimer, ThrottleGap
from iosim.scenario.load import OpenLoad
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import NetLoad
from iosim.scenario.nic_params import moderation
from iosim.scenario.nics import Nic
from iosim.theory import delay_timer, throttle_gap
from iosim.twins.formulas import Twin, found, nothing
from iosim.twins.stations import Untrue

SENDING = ("send", "transmit_file", "disconnect")


def card_twin(scenario: Scenario, name: str) -> Twin:
    """Interrupts a second, and frames an interrupt."""
    nic = scenario.model.nics[name]
    try:
        rate = _frames(scenario, name)
        _one_free_queue(scenario, nic)
        kind = moderation(nic.interrupt_moderation)
        if isinstance(kind, DelayTimer):
            if kind.count and rate * kind.delay > kind.count / 4:
                raise Untrue(f"the timer of {kind.delay} ns is cut short by its count of {kind.count} frames")
            interrupts, batch, _ = delay_timer(rate, kind.delay)
        elif type(kind) is ThrottleGap:
            interrupts, batch, _ = throttle_gap(rate, kind.gap)
        else:
            raise Untrue(
                f"interrupts are not held back for a fixed time (interrupt_moderation: {nic.interrupt_moderation.mode})"
            )
    except Untrue as why:
        return nothing(str(why))
    return found("moderated interrupts", {"interrupts_per_s": interrupts * 1e9, "frames_per_interrupt": batch})


def _frames(scenario: Scenario, name: str) -> float:
    """Frames a ns, all Poisson; raises Untrue where they are not, or are not all that interrupts."""
    rate = Fraction(0)
    for own, load in scenario.model.workload.items():
        if not isinstance(load, NetLoad) or load.nic != name:
            continue
        if not isinstance(load, OpenLoad) or load.arrivals != "poisson":
            raise Untrue(f"arrivals are not Poisson: class '{own}' is of kind '{load.kind}'")
        if load.protocol != "udp":
            raise Untrue(f"acknowledgements come between: class '{own}' uses TCP")
        if any(next(iter(step))[0] in SENDING for step in scenario.model.handlers[load.handler]):
            raise Untrue(f"what has been sent interrupts, too: handler '{load.handler}' sends")
        rate += Fraction(load.rate)
    if not rate:
        raise Untrue("nobody sends to it")
    return float(rate / 10**9)


def _one_free_queue(scenario: Scenario, nic: Nic) -> None:
    queues = nic.rss.number_of_receive_queues
    if nic.rss.enabled and queues != 1 and scenario.model.machine.processors > 1:
        raise Untrue("several queues interrupt, each with what the hash gives it (rss)")
    costs = nic.costs
    if costs.isr or costs.dpc or costs.receive or scenario.model.machine.tcp.receive:
        raise Untrue("serving an interrupt takes time, in which frames come (nics.costs, machine.tcp.receive)")
