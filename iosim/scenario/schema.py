"""Every key of a scenario file: what it means, its unit, its default and where that number comes from.

The descriptions here are the user's reference: `iosim schema`, `iosim explain` and editors show them.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, field_validator, model_validator

from iosim.scenario.expectations import Expected, Figure, Precise
from iosim.scenario.faults import Fault
from iosim.scenario.hardware import Machine
from iosim.scenario.nics import Nic
from iosim.scenario.quantities import (
    Concurrency,
    Count,
    Flag,
    Index,
    PositiveTime,
    Priority,
    Threads,
    Time,
    TimeOrAuto,
    whole_between,
)
from iosim.scenario.ranges import expand
from iosim.scenario.reading import Section, at, key, whole_list
from iosim.scenario.steps import Step
from iosim.scenario.storage import Disk, File, Volume
from iosim.scenario.workload import Load

VERSION = 1

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=64)]


class Lock(Section):
    """A critical section or a slim reader/writer lock."""

    kind: Literal["critical_section", "slim"] = key(
        "critical_section",
        "critical_section: one thread inside; slim: a reader/writer lock, held by one thread or shared by many",
        source="a choice",
        sure="assumed",
    )
    spin: Time = key(
        "20 us",
        "how long a thread spins before it blocks",
        source="spin counts of 4000: 13 to 190 us at 3 GHz",
        sure="derived",
    )
    handoff: Literal["unfair", "fair"] = key(
        "unfair",
        "unfair: whoever comes first after a release takes it (since Vista); fair: handed to the longest waiter",
        source="critical sections since Server 2003 SP1",
        sure="documented",
    )


class Port(Section):
    """An I/O completion port."""

    concurrency: Concurrency = key(
        0,
        "how many of its threads run at once: a number, 'N/processor', 0 for one a processor, or none",
        source="NumberOfConcurrentThreads = 0",
        sure="documented",
    )
    per: Literal["machine", "processor"] = key(
        "machine",
        "machine: one port; processor: as many ports as processors, each with this concurrency: thread k of a pool waits"
        " on port k, and requests go by their number (a closed load's by their client's), all modulo the processors",
        source="CreateIoCompletionPort makes one",
        sure="documented",
    )


class Growth(Section):
    """A pool that gets more threads when all it has are blocked, and loses those that have nothing to do."""

    max: Threads = key(
        500,
        "most threads: a number or 'N/processor'",
        source="default maximum of the Windows thread pool",
        sure="assumed",
    )
    after: Time = key(
        "0 s",
        "a thread is added when the oldest packet has waited this long, the limit has room and no thread is free",
        source="the Windows thread pool grows when all its threads are blocked and work waits",
        sure="assumed",
    )
    idle_timeout: PositiveTime = key(
        "20 s", "a thread that found no packet for so long ends", source="a choice: as in .NET's pool", sure="assumed"
    )
    creation: Time = key(
        "30 us",
        "processor time of making a thread, before it asks for its first packet",
        source="common order of magnitude: 10 to 50 us",
        sure="assumed",
    )


class Pool(Section):
    """Threads of the program that take packets from one port."""

    port: str = key(..., "name of the port that its threads wait on")
    threads: Threads = key(..., "how many threads: a number or 'N/processor'; of a pool that grows, the fewest")
    batch: Count = key(
        1,
        "packets that a thread takes in one call at most; beyond 1 it calls GetQueuedCompletionStatusEx, and what it"
        " took waits inside the thread",
        source="GetQueuedCompletionStatus takes one",
        sure="documented",
    )
    affinity: Literal["any", "processor"] = key(
        "any",
        "any: its threads run on any processor; processor: thread k on processor k alone (beyond the last, from 0 again)",
        source="a thread inherits the affinity of its process: all processors",
        sure="documented",
    )
    grows: Growth | None = key(None, "the pool begins with 'threads' and grows; left out, it is fixed")
    priority: Priority = key(
        8, "base priority of its threads (1 to 15)", source="normal class, normal thread", sure="documented"
    )
    group: Index = key(
        0,
        "processor group that its threads are confined to: whole nodes, at most 64 processors",
        source="a process runs in one group unless it asks for more",
        sure="documented",
    )
    node: Index | None = key(None, "NUMA node that its threads are confined to; left out, they run on any")
    foreground: Annotated[int, whole_between(0, 2)] = key(
        0,
        "how far its process is in the foreground (0 to 2): added to its priority when a wait, but a port's, ends; and a"
        " longer quantum with 'client'",
        source="a server's process is in the background",
        sure="assumed",
    )


STEPS = 200  # that a run is judged in


class Run(Section):
    """How long and how often."""

    duration: PositiveTime = key(
        "2 s", "simulated time that is measured, after the warm-up", source="a choice", sure="assumed"
    )
    warm_up: TimeOrAuto = key(
        "auto", "simulated time before measuring; auto finds it", source="MSER-5", sure="documented"
    )
    seed: Index = key(1, "start of all random streams; the same seed gives the same bytes")
    replications: Count = key(10, "independent runs that the intervals come from", source="a choice", sure="assumed")
    precision: Precise | None = key(
        None,
        "replicate until the half width of this figure's interval is so small: '2% of latency_ns.p99'; 'replications', but"
        " 10 at least, are then the first look. Cells of a study have the number that is given",
    )
    max_replications: Count = key(
        200, "with 'precision': give up beyond so many replications", source="a choice", sure="assumed"
    )
    max_events: Count = key(
        50_000_000, "stop a run that goes beyond this many events", source="a choice", sure="assumed"
    )
    rows: Flag = key(
        True,
        "keep one row (48 bytes) a request; false keeps histograms only, in memory that does not grow: quantiles are"
        " then at most 1/1024 high, and warm_up must be a time",
        source="a choice",
        sure="assumed",
    )
    record: tuple[Literal["causes", "waits", "timeline"], ...] = key(
        (), "details kept for each request: causes, waits, timeline"
    )

    @property
    def horizon(self) -> int:
        """How long (ns) the load stays on at least: measured time and warm-up, a quarter of it where that is to be found."""
        return self.duration + (self.duration // 4 if self.warm_up is None else self.warm_up)

    @property
    def step(self) -> int:
        """How long (ns) one of its steps is; a warm-up is a whole number of them, rounded up."""
        return -(-self.horizon // STEPS)


class Plot(Section):
    """The study's figure."""

    x: str = key(..., "the varied path along the x axis")
    lines: str | None = key(None, "the varied path that gives one line a value")
    figure: Figure = key("throughput_per_s", "the figure of the summary on the y axis")


def _expanded(values: list[Any]) -> list[Any]:
    return [each for value in values for each in expand(value)]


class Study(Section):
    """A grid of runs: every combination of the varied values."""

    vary: Annotated[dict[str, tuple[Any, ...]], Field(min_length=1)] = key(
        ..., "paths of this file and the values that each takes; '1..64*2' and '0..100+25' are several values"
    )
    replications: Count | None = key(None, "replications of each cell; left out, those of 'run'")
    plot: Plot | None = key(None, "what to draw")

    @field_validator("vary", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {path: at(path, _expanded, at(path, whole_list, values)) for path, values in value.items()}


class ScenarioModel(Section):
    """A whole scenario, validated."""

    version: Literal[1] = key(..., "version of this format; 1")
    scenario: Name = key(..., "name of the scenario; left out, the file's name")
    description: str = key("", "what it shows, for people")
    extends: str | None = key(
        None, "another scenario whose keys these are laid over: a file beside this one, or a bundled name"
    )
    overloads: Flag = key(False, "says that this scenario overloads its machine on purpose")
    machine: Machine = key(Machine(), "the computer")
    locks: dict[Name, Lock] = key({}, "critical sections and slim locks, by name")
    disks: dict[Name, Disk] = key({}, "disks, by name")
    volumes: dict[Name, Volume] = key({}, "volumes, by name")
    files: dict[Name, File] = key({}, "files, by name")
    faults: dict[Name, Fault] = key({}, "what goes wrong with disks and network cards, by name")
    nics: dict[Name, Nic] = key({}, "network cards, by name")
    ports: dict[Name, Port] = key(..., "completion ports, by name", min_length=1)
    pools: dict[Name, Pool] = key(..., "pools of worker threads, by name", min_length=1)
    handlers: dict[Name, tuple[Step, ...]] = key({}, "what is done with a request, step by step, by name")
    workload: dict[Name, Load] = key(..., "who asks for what and when; each name is a request class", min_length=1)
    run: Run = key(Run(), "how long and how often")
    study: Study | None = key(None, "a grid of runs")
    expect: tuple[Expected, ...] = key((), "what the figures must be, like 'latency_ns.p99 < 5 ms'")

    @model_validator(mode="before")
    @classmethod
    def _only_port(cls, plain: Any) -> Any:
        """Load over a card that names no port has the only one."""
        ports = plain.get("ports") if isinstance(plain, dict) else None
        loads = plain.get("workload") if isinstance(plain, dict) else None
        if not isinstance(ports, dict) or len(ports) != 1 or not isinstance(loads, dict):
            return plain
        only = {"port": next(iter(ports))}
        over = {name: only | it for name, it in loads.items() if isinstance(it, dict) and "nic" in it}
        return {**plain, "workload": loads | over}
