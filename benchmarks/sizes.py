"""Cost against size: counts of a run, not its time, as the size of one thing grows and the requests with it.

In every sweep there are as many requests a processor, client or thread at each size, and the load on each stays the same. So a
cost that does not depend on the size shows as a slope of 1 in log-log, and one that is looked through from end to end as 2.
An entry's way through any heap is as long as the heap has levels: where entries pending grow with the size, moves grow by
size x log(size), a slope near 1.2 here. So moves are judged divided by the levels, and shown undivided beside.
"""

import cProfile
import gc
import json
import pstats
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from math import log, log2

from benchmarks.install import CHECKOUT
from benchmarks.systems import HERE
from iosim.actor import Actor, Clock
from iosim.clock import make_clock
from iosim.compiled import MODE
from iosim.machine import Machine
from iosim.scenario.loader import Scenario, load
from iosim.units import S

STEEPEST = 1.1
FEWEST = 1000  # requests of a run that counts for the fit: below, what a run costs without any request shows
LEVELLED = "heap moves by levels of the heap"
MOST_PROFILED = 120_000  # requests of the largest run whose Python calls are counted

Entry = tuple[int, int, int, Actor, int, int]


class CountingClock(Clock):
    """The plain heap with its moves counted: entries that change their place as one comes in or goes out."""

    def __init__(self) -> None:
        super().__init__()
        self.heap: list[Entry] = []
        self.moves = 0
        self.most = 0  # entries at once

    def at(self, delay: int, rank: int, actor: Actor, what: int) -> None:
        """As HeapClock."""
        heap = self.heap
        entry = (self.now + delay, rank, self.sequence, actor, what, actor.generation)
        self.sequence += 1
        place = len(heap)
        heap.append(entry)
        self.most = max(self.most, place + 1)
        while place and entry[:3] < heap[(place - 1) >> 1][:3]:
            heap[place] = heap[(place - 1) >> 1]
            place = (place - 1) >> 1
            self.moves += 1
        heap[place] = entry

    def _pop(self) -> Entry:
        heap = self.heap
        first, last = heap[0], heap.pop()
        if heap:
            place, child = 0, 1
            while child < len(heap):
                if child + 1 < len(heap) and heap[child + 1][:3] < heap[child][:3]:
                    child += 1
                if last[:3] < heap[child][:3]:
                    break
                heap[place] = heap[child]
                place, child = child, 2 * child + 1
                self.moves += 1
            heap[place] = last
        return first

    def run(self, limit: int) -> None:
        """As HeapClock."""
        left = limit
        self.running = True
        while left and self.heap:
            self.now, _rank, _sequence, actor, what, generation = self._pop()
            if generation == actor.generation:
                self.events += 1
                actor.fire(what)
                if not self.running:
                    return
                left -= 1

    def digest(self) -> str:
        """None: it only counts."""
        return ""


# ---- what grows ------------------------------------------------------------------------------------------------------


def by_requests(size: int) -> Scenario:
    """So many requests on the full file path."""
    return load(HERE / "file.yaml", set={"run.duration": f"{size * 11_111} ns"})


def by_processors(size: int) -> Scenario:
    """1,000 requests a processor on the full file path, with two threads and eight flash units a processor.

    Beyond 64 a machine has two groups, and the program confines a pool of threads to each.
    """
    groups = max(1, size // 64)
    pools = {
        f"pools.workers{group}": {"port": "main", "threads": 2 * size // groups, "group": group}
        for group in range(1, groups)
    }
    return load(
        HERE / "file.yaml",
        set={
            "machine.numa_nodes": groups,
            "machine.cores_per_node": size // groups,
            "ports.main.concurrency": size,
            "pools.workers.threads": 2 * size // groups,
            **pools,
            "disks.disk.units": 8 * size,
            "disks.disk.bandwidth": f"{6_400 * size} Mbit/s",
            "workload.clients.rate": f"{22_500 * size}/s",
            "run.duration": f"{1000 * S // 22_500} ns",
        },
    )


def by_clients(size: int) -> Scenario:
    """30 requests a closed client, who thinks the longer the more there are."""
    think = size * 12_500
    closed = {
        "kind": "closed",
        "port": "main",
        "handler": "request",
        "clients": size,
        "think": {"exponential": f"{think} ns"},
    }
    return load(HERE / "port.yaml", set={"workload.clients": closed, "run.duration": f"{30 * (think + 70_000)} ns"})


def by_threads(size: int) -> Scenario:
    """300 requests a thread; they block the longer the more threads there are, so that half of them are taken."""
    block = size * 20_000
    gap = 2 * (36_000 + block) // size
    steps = [{"compute": {"exponential": "36 us"}}, {"block": {"exponential": f"{block} ns"}}]
    return load(
        HERE / "port.yaml",
        set={
            "ports.main.concurrency": "none",
            "pools.workers.threads": size,
            "handlers.request": steps,
            "workload.clients.rate": f"{S // gap}/s",
            "run.duration": f"{300 * size * gap} ns",
        },
    )


SWEEPS: dict[str, tuple[Callable[[int], Scenario], Sequence[int]]] = {
    "requests": (by_requests, (10_000, 100_000, 1_000_000, 10_000_000)),
    "processors": (by_processors, (1, 2, 4, 8, 16, 32, 64, 128)),
    "clients": (by_clients, (1, 10, 100, 1000, 10_000)),
    "threads": (by_threads, (1, 10, 100, 1000)),
}


# ---- counts ----------------------------------------------------------------------------------------------------------


def counts(scenario: Scenario) -> dict[str, int]:
    """Of one run: requests, clock events, moves in the heap, blocks of memory more than before, Python calls.

    Memory is counted with the fastest clock; calls in plain mode only, and not for the largest runs.
    """
    clock = CountingClock()
    rows = len(Machine(scenario, clock, 1, 0, {}).run().columns["intended"])
    found = {"requests": rows, "events": clock.events, "heap moves": clock.moves}
    found[LEVELLED] = round(clock.moves / log2(clock.most + 1))
    gc.collect()
    before = sys.getallocatedblocks()
    machine = Machine(scenario, make_clock(), 1, 0, {})
    raw = machine.run()
    found["blocks kept"] = sys.getallocatedblocks() - before
    del machine, raw
    if not MODE.compiled and rows <= MOST_PROFILED:
        found["Python calls"] = calls(scenario)
    return found


def calls(scenario: Scenario) -> int:
    """Python calls of the run, those into built-in functions too."""
    machine = Machine(scenario, make_clock(), 1, 0, {})
    profile = cProfile.Profile()
    profile.enable()
    machine.run()
    profile.disable()
    statistics = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return sum(figures[1] for figures in statistics.values())


def instructions(sweep: str, size: int) -> int:
    """Of a process that runs it, as far as one that runs nothing does not need them; 0 where nothing counts them."""
    return max(0, _instructions([sweep, str(size)]) - _instructions([]))


def _instructions(words: list[str]) -> int:
    command = [sys.executable, "-m", "benchmarks.sizes", *words]
    for tool in (
        ["perf", "stat", "-x", ",", "-e", "instructions:u"],
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"],
    ):
        if shutil.which(tool[0]):
            said = subprocess.run([*tool, *command], cwd=CHECKOUT, check=True, capture_output=True, text=True).stderr
            found = re.search(r"^(\d+),,instructions|I\s+refs:\s+([\d,]+)", said, re.MULTILINE)
            if found:
                return int((found[1] or found[2]).replace(",", ""))
    return 0


def slope(sizes: Sequence[float], figures: Sequence[float]) -> float:
    """Of the straight line through the logarithms, by least squares."""
    xs, ys = [log(it) for it in sizes], [log(max(1, it)) for it in figures]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


# ---- report ----------------------------------------------------------------------------------------------------------


def report(sweeps: Sequence[str], largest: int, with_instructions: bool) -> int:
    """A table a sweep; 1 when a slope is steeper than it may be."""
    steep = 0
    print(f"iosim runs {MODE}; slopes of counts, at most {STEEPEST} (beside each that of the last step)")
    for sweep in sweeps:
        build, sizes = SWEEPS[sweep]
        rows: list[tuple[int, dict[str, int]]] = []
        print(f"\n{sweep}: {' '.join((build.__doc__ or '').split())}")
        for size in sizes:
            if sweep == "requests" and size > largest:
                continue
            found = counts(build(size))
            if with_instructions and found["requests"] <= MOST_PROFILED:
                found["instructions"] = instructions(sweep, size)
            rows.append((size, found))
            print(f"  {size:>10,}  " + ", ".join(f"{figure:,} {name}" for name, figure in found.items()), flush=True)
        for name in [it for it in rows[0][1] if it != "requests"]:
            points = [(size, found[name]) for size, found in rows if found["requests"] >= FEWEST and found.get(name)]
            if len(points) < 2:
                print(f"  {name}: too few counts for a slope")
                continue
            fitted, last = slope(*zip(*points, strict=True)), slope(*zip(*points[-2:], strict=True))
            verdict = "met" if fitted <= STEEPEST else "MISSED"
            if name == "heap moves":
                verdict = "judged by levels"
            steep += verdict == "MISSED"
            print(f"  {name}: slope {fitted:.3f} ({last:.3f}): {verdict}", flush=True)
    return 1 if steep else 0


def main(words: list[str]) -> None:
    """One run for whoever counts its instructions, or none; prints how many requests ended."""
    if words:
        build, _ = SWEEPS[words[0]]
        raw = Machine(build(int(words[1])), make_clock(), 1, 0, {}).run()
        print(json.dumps({"requests": len(raw.columns["intended"])}))


if __name__ == "__main__":
    main(sys.argv[1:])
