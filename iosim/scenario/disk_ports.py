"""How the port driver over a disk is set up: queue pairs, interrupts held back, background requests, dealing with faults."""

from typing import Literal

from pydantic import model_validator

from iosim.scenario.quantities import Count, Flag, Index, PositiveTime, Time
from iosim.scenario.reading import Section, key, mistake_at


class Coalescing(Section):
    """Interrupts are held back until so many commands have ended, or for so long after the first of them."""

    count: Count = key(..., "completions that are told of together (NVMe: up to 256; AHCI: up to 255)")
    time: PositiveTime = key(..., "longest time that the first of them waits (NVMe: steps of 100 us; AHCI: of 1 ms)")


class Background(Section):
    """When requests of background priority get their turn: one at a time, and only if somebody has 'priority: background'."""

    idle_time: Time = key(
        "50 ms",
        "a background request goes on when no other has been under way for this long",
        source="idle interval of the published class driver, from memory",
        sure="assumed",
    )
    starvation: PositiveTime = key(
        "500 ms",
        "one goes on all the same this long after the one before it",
        source="starvation interval of the published class driver, from memory",
        sure="assumed",
    )


class Recovery(Section):
    """What the drivers do about faults (section 'faults')."""

    timeout: PositiveTime = key(
        "60 s",
        "a command that is not answered for so long has the disk reset",
        source="TimeOutValue of the disk class driver on servers, from memory; older ones: 10 s",
        sure="assumed",
    )
    reset: Time = key("1 s", "how long a reset of the disk takes", source="a choice", sure="assumed")
    retries: Index = key(
        4,
        "how often a request is issued anew after a reset before it ends with an error",
        source="MAXIMUM_RETRIES of the published class driver, from memory",
        sure="assumed",
    )
    error_log: Time = key(
        "1 ms",
        "reading the log after a queued command of a SATA disk failed, before the others are issued anew",
        source="a choice: a short command that touches no medium",
        sure="assumed",
    )


class PortDriven(Section):
    """What can be said of the port driver over any disk."""

    queue_pairs: Count | None = key(
        None,
        "NVMe: submission and completion queues, each with a vector; left out, one for each processor that the disk may"
        " interrupt. Fewer are shared: processor k uses pair k modulo their number",
    )
    pair_depth: Count | None = key(
        None, "NVMe: commands that one queue pair takes at once; left out, as many as the whole device"
    )
    coalescing: Coalescing | None = key(None, "interrupts held back; left out, every completion interrupts")
    redirect: Flag = key(
        False,
        "a disk with one vector: the interrupted processor hands each completion to the processor that issued the request,"
        " as a DPC there",
        source="off unless the miniport asks for it (PERF_CONFIGURATION_DATA)",
        sure="documented",
    )
    completion: Literal["interrupt", "polling"] = key(
        "interrupt",
        "interrupt: the disk tells of ends; polling: the thread that issued a request spins until its end, and no interrupt"
        " comes. Other systems' practice: Windows' own NVMe driver is interrupt-driven",
        source="Windows",
        sure="documented",
    )
    background: Background = key(Background(), "when requests of background priority get their turn")
    recovery: Recovery = key(Recovery(), "what is done about faults")

    @model_validator(mode="after")
    def _polls_alone(self) -> "PortDriven":
        if self.completion == "polling":
            for name, set_ in (("coalescing", self.coalescing is not None), ("redirect", self.redirect)):
                if set_:
                    raise mistake_at((name,), "means nothing where 'completion: polling' has no interrupts")
        return self
