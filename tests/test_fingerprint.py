"""Fingerprints: one run has one, whatever the clock, the mode, the listeners and what is kept; another run has another.

The pins in data/fingerprints.json are what the bundled scenarios gave when they were last looked at. They may be written
anew (`python tests/fingerprints.py --pin`) only together with a line of the changelog which says that results change.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import fingerprints
import pytest
from fingerprints import BUNDLED, PINS, digests, scenario_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_clock import Scribe
from test_machine import EVERYTHING, everything_but, run

from iosim import experiment
from iosim.actor import ARRIVAL, DPC, THREAD, TIMER, Clock
from iosim.clock import CLOCKS, make_clock
from iosim.compiled import MODE
from iosim.scenario.loader import load
from iosim.summary import fingerprint

Tree = dict[str, Any]
MANY = 10**6

# ---- the digest of a clock -------------------------------------------------------------------------------------------


def digest_of(make: Any, calls: list[tuple[int, int, int]], pieces: int = 1) -> str:
    """Of a clock that made these calls (delay, rank, code), in so many runs."""
    clock: Clock = make()
    scribe = Scribe(clock, [])
    for delay, rank, what in calls:
        clock.at(delay, rank, scribe, what)
    for _ in range(pieces - 1):
        clock.run(1)
    clock.run(MANY)
    return clock.digest()


CALLS = [(10, THREAD, 1), (10, THREAD, 2), (10, DPC, 3), (25, TIMER, 4)]


@pytest.mark.parametrize("make", CLOCKS.values(), ids=CLOCKS)
@pytest.mark.parametrize(
    "others",
    [
        [(10, THREAD, 2), (10, THREAD, 1), (10, DPC, 3), (25, TIMER, 4)],
        [(10, THREAD, 1), (10, THREAD, 2), (11, DPC, 3), (25, TIMER, 4)],
        [(10, THREAD, 1), (10, THREAD, 2), (10, DPC, 3), (26, TIMER, 4)],
        [(10, THREAD, 1), (10, THREAD, 2), (10, DPC, 3), (25, ARRIVAL, 4)],
        [(10, THREAD, 1), (10, THREAD, 2), (10, DPC, 3), (25, TIMER, 5)],
        [(10, THREAD, 1), (10, THREAD, 2), (10, DPC, 3)],
        [(10, THREAD, 1), (10, THREAD, 2), (10, DPC, 3), (25, TIMER, 4), (25, TIMER, 4)],
    ],
    ids=["order", "time", "last time", "rank", "code", "one less", "one more"],
)
def test_a_clocks_digest_tells_orders_times_ranks_and_codes_apart(make: Any, others: Any) -> None:
    assert digest_of(make, CALLS) != digest_of(make, others)


@pytest.mark.parametrize("pieces", [1, 2, 5])
@pytest.mark.parametrize("make", CLOCKS.values(), ids=CLOCKS)
def test_a_clocks_digest_is_the_same_on_all_in_any_number_of_runs_and_beyond_64_bits(make: Any, pieces: int) -> None:
    """2^62 a few times: the sums begin again at 2^64 on the compiled clock, and grow on the others."""
    calls = [(2**62 + number, THREAD, -number) for number in range(6)]
    assert digest_of(make, calls, pieces) == digest_of(CLOCKS["heap"], calls)
    assert digest_of(make, [], pieces) == "0" * 32


@pytest.mark.parametrize("make", CLOCKS.values(), ids=CLOCKS)
def test_dead_entries_leave_the_digest_alone(make: Any) -> None:
    clock: Clock = make()
    scribe = Scribe(clock, [])
    clock.at(5, THREAD, scribe, 9)
    scribe.generation += 1
    for delay, rank, what in CALLS:
        clock.at(delay, rank, scribe, what)
    clock.run(MANY)
    assert (clock.digest(), clock.events) == (digest_of(make, CALLS), 4)


def test_a_users_own_simpy_process_leaves_the_digest_alone() -> None:
    clock: Any = make_clock("simpy")

    def process() -> Iterator[Any]:
        for _ in range(5):
            yield clock.env.timeout(10)

    clock.env.process(process())
    scribe = Scribe(clock, [])
    for delay, rank, what in CALLS:
        clock.at(delay, rank, scribe, what)
    clock.run(MANY)
    assert clock.digest() == digest_of(CLOCKS["simpy"], CALLS)


# ---- the fingerprint of a run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("record", [(), ("causes",), ("waits", "timeline"), ("causes", "waits", "timeline")])
def test_a_fingerprint_does_not_depend_on_the_clock_or_on_who_listens(clock: str, record: tuple[str, ...]) -> None:
    assert fingerprint([run(EVERYTHING, clock, record=record)]) == fingerprint([run(EVERYTHING)])


def test_a_fingerprint_does_not_depend_on_what_is_kept_of_requests() -> None:
    kept, counted = run(EVERYTHING), run(EVERYTHING, run__rows=False)
    assert len(kept.columns["ended"]) > 100 and not kept.tallies
    assert len(counted.columns["ended"]) == 0 and counted.tallies
    assert fingerprint([kept]) == fingerprint([counted])


@pytest.mark.parametrize(
    "changes",
    [
        {"disks__flash__read": "50001 ns"},
        {"machine__kernel__post": "301 ns"},
        {"machine__dispatcher__context_switch": "1201 ns"},
        {"workload__closed__clients": 4},
        {"run__duration": "41 ms"},
    ],
    ids=str,
)
def test_one_nanosecond_or_one_request_more_is_another_fingerprint(changes: Tree) -> None:
    assert fingerprint([run(EVERYTHING)]) != fingerprint([run(EVERYTHING, **changes)])


def test_another_seed_and_another_replication_are_other_fingerprints() -> None:
    scenario = load("head-of-line", {"run.duration": "50 ms", "run.warm_up": "0 s", "run.replications": 2})
    found = [experiment.run(scenario, study=False, jobs=1, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (result.summary["fingerprint"] for result in found)
    assert first == again != other
    raws = found[0].raws
    assert len({raw.digest for raw in raws}) == 2


def test_a_fingerprint_does_not_depend_on_the_number_of_processes() -> None:
    scenario = load("head-of-line", {"run.duration": "50 ms", "run.warm_up": "0 s", "run.replications": 3})
    one, two = (experiment.run(scenario, study=False, jobs=jobs).summary["fingerprint"] for jobs in (1, 2))
    assert one == two


# ---- pins ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_scenario_gives_what_it_gave(name: str) -> None:
    found = digests(load(name, BUNDLED[name]), next(reversed(CLOCKS)))
    assert found["fingerprint"] == json.loads(PINS.read_text(encoding="utf-8"))[name]


# ---- compiled and plain ----------------------------------------------------------------------------------------------


class Plain:
    """A process in plain Python that answers with digests; started once, at the first question."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, tree: Tree) -> dict[str, dict[str, str]]:
        """What the scenario gives on each clock there."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, fingerprints.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "IOSIM_PURE": "1", "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(tree) + "\n")
        self.process.stdin.flush()
        answer: dict[str, dict[str, str]] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        if self.process:
            self.process.communicate()


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    worker = Plain()
    yield worker
    worker.close()


def test_a_machine_of_all_parts_is_the_same_compiled_and_plain(plain: Plain) -> None:
    if not MODE.compiled:
        pytest.skip(f"there is nothing to compare with: this is {MODE}")
    same_everywhere(EVERYTHING, plain)


def same_everywhere(tree: Tree, plain: Plain) -> None:
    """On all clocks here, and in plain Python if this is not."""
    scenario = scenario_of(tree)
    found = {clock: digests(scenario, clock) for clock in CLOCKS}
    if MODE.compiled:
        found |= {f"{clock}, plain": answer for clock, answer in plain.ask(tree).items()}
    expected = found["heap"]
    assert found == dict.fromkeys(found, expected)


# ---- random scenarios ------------------------------------------------------------------------------------------------

TIMES = st.sampled_from(["0 s", "1 ns", "700 ns", "3 us", {"exponential": "20 us"}, {"uniform": ["1 us", "50 us"]}])
SIZES = st.sampled_from(["512 B", "4 KiB", "10 KiB", {"uniform": ["1 KiB", "16 KiB"]}])
MODES = st.sampled_from(["overlapped", "blocking"])
HINTS = st.sampled_from(["normal", "normal", "background"])


def one_key(key: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """A step of a handler."""
    return st.fixed_dictionaries({key: st.fixed_dictionaries(parts)})


TOUCHING = st.sampled_from([{}, {"private": "40 KiB"}, {"private": "8 KiB", "request": "4 KiB"}])
FILES = ["raw", "kept", "drawn", "spun", "grown"]
OFFSETS = st.sampled_from(["random", "sequential"])
STEPS = st.one_of(
    one_key("compute", time=TIMES, touching=TOUCHING),
    one_key("read", file=st.sampled_from(FILES), size=SIZES, offset=OFFSETS, mode=MODES, priority=HINTS),
    one_key("write", file=st.sampled_from(FILES), size=SIZES, offset=OFFSETS, mode=MODES, priority=HINTS),
    one_key("flush", file=st.sampled_from(["kept", "grown"])),
    one_key("open", volume=st.just("data"), files=st.sampled_from([1, 10_000])),
    one_key("close", volume=st.just("data")),
    one_key("lock", name=st.sampled_from(["first", "second"]), hold=TIMES),
    one_key("lock", name=st.just("slim"), hold=TIMES, shared=st.booleans()),
    one_key("block", time=TIMES),
    one_key("sleep", time=TIMES),
    one_key("post", port=st.sampled_from(["main", "aside"])),
)
LOCKS = st.fixed_dictionaries(
    {"spin": st.sampled_from(["0 s", "2 us", "20 us"]), "handoff": st.sampled_from(["fair", "unfair"])}
)
COSTS = st.sampled_from(["0 s", "300 ns", "2 us"])
NO_COSTS = dict.fromkeys(("call", "remove", "post", "isr", "dpc", "irp", "page_lock", "apc", "ipi"), "0 s")
KERNEL: st.SearchStrategy[Tree] = st.one_of(
    st.just(NO_COSTS), st.just({}), st.fixed_dictionaries(dict.fromkeys(("call", "post", "isr", "dpc", "apc"), COSTS))
)
DISPATCHER = st.fixed_dictionaries(
    {"timer_tick": st.sampled_from(["50 us", "1 ms"]), "quantum": st.sampled_from(["50 us", "1 ms", "client"])},
    optional={
        "context_switch": COSTS,
        "idle_exit": COSTS,
        "placement": st.sampled_from(["last", "ideal"]),
        "ready_queues": st.sampled_from(["shared", "per_processor"]),
        "quantum_mode": st.sampled_from(["cycles", "ticks"]),
        "starvation_relief": st.booleans(),
    },
)
POLICIES = st.sampled_from(
    [{}, {"interrupt_policy": "spread"}, {"interrupt_policy": "one_close"}, {"interrupt_processor": 0}]
)
FLASH = st.fixed_dictionaries(
    {
        "kind": st.just("nvme"),
        "units": st.integers(1, 4),
        "read": st.sampled_from(["10 us", "50 us"]),
        "program": st.just("100 us"),
        "capacity": st.just("1 GB"),
        "queue_depth": st.integers(1, 6),
    },
    optional={
        "queue_pairs": st.integers(1, 4),
        "pair_depth": st.integers(1, 4),
        "coalescing": st.just({"count": 3, "time": "100 us"}),
    },
)
# What is done about faults in short, and idle time for background requests.
QUICK = {
    "recovery": {"timeout": "300 us", "reset": "50 us", "error_log": "20 us", "retries": 1},
    "background": {"idle_time": "20 us", "starvation": "500 us"},
}
STRIKING = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["media_error", "no_answer"]),
        "disk": st.sampled_from(["flash", "spinning"]),
        "rate": st.sampled_from([0.01, 0.3]),
        "commands": st.sampled_from(["reads", "writes", "both"]),
    }
)
REMOVALS = st.fixed_dictionaries(
    {"kind": st.just("removal"), "disk": st.sampled_from(["flash", "spinning"]), "at": st.just("3 ms")}
)
FAULTS: st.SearchStrategy[Tree] = st.one_of(
    st.just({}), st.fixed_dictionaries({}, optional={"first": STRIKING, "second": STRIKING, "end": REMOVALS})
)
SPINNING = st.fixed_dictionaries(
    {
        "preset": st.just("barracuda-7200"),
        "order": st.sampled_from(["fcfs", "sptf"]),
        "queue_depth": st.sampled_from([1, 4, 32]),
    },
    optional={"age_limit": st.just("5 ms"), "redirect": st.booleans()},
)
CACHING = st.fixed_dictionaries(
    {
        "lazy_write_interval": st.sampled_from(["300 us", "1 s"]),
        "log": st.sampled_from(["none", "lazy", "write_through"]),
        "file_system": st.sampled_from(["ntfs", "refs"]),
        "dirty_page_threshold": st.sampled_from(["16 KiB", "512 KiB"]),
    }
)
FILTERS = st.lists(
    st.fixed_dictionaries(
        {"pre": COSTS, "post": COSTS, "delay": st.sampled_from(["0 s", "0 s", "20 us"])},
        optional={"scan": st.just("1 GB/s"), "synchronous": st.booleans(), "create": st.just("5 us")},
    ),
    max_size=3,
)
LAID = st.sampled_from(
    [
        {"disk": "spinning"},
        {"disks": ["spinning", "second"], "layout": "stripe", "stripe_unit": "4 KiB"},
        {"disks": ["spinning", "second"], "layout": "mirror", "mirror_reads": "nearest"},
        {"disks": ["spinning", "second"], "layout": "span"},
    ]
)
KEPT = st.fixed_dictionaries(
    {
        "read_ahead": st.sampled_from(["0 B", "16 KiB"]),
        "write_through": st.booleans(),
        "temporary": st.booleans(),
        "stored": st.sampled_from(["plain", "plain", "compressed"]),
    },
    optional={"valid_data": st.just("100 KiB"), "dirty_page_threshold": st.just("8 KiB")},
)
GROWN = st.fixed_dictionaries(
    {
        "valid_data": st.sampled_from(["0 B", "1 MiB"]),
        "stored": st.sampled_from(["plain", "encrypted"]),
        "reports_pending": st.booleans(),
    }
)
GROWS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"max": st.integers(12, 20), "idle_timeout": st.sampled_from(["200 us", "1 s"])},
        optional={"after": TIMES.filter(lambda it: isinstance(it, str))},
    ),
)
MACHINES = st.fixed_dictionaries(
    {
        "nodes": st.sampled_from([1, 2]),
        "cores": st.integers(1, 6),
        "smt": st.sampled_from([1, 2]),
        "kernel": KERNEL,
        "completion": st.sampled_from(["direct", "apc"]),
        "port_lock": st.sampled_from(["0 s", "0 s", "200 ns", "10 us"]),
        "cached_miss_workers": st.integers(1, 3),
        "refill": st.booleans(),
        "dispatcher": DISPATCHER,
        "locks": st.tuples(LOCKS, LOCKS, LOCKS),
        "flash": st.tuples(FLASH, POLICIES),
        "spinning": st.tuples(SPINNING, POLICIES),
        "caching": CACHING,
        "filters": FILTERS,
        "laid": LAID,
        "limit": st.sampled_from([{}, {"max_transfer": "6 KiB"}, {"scatter_gather_pages": 1}]),
        "kept": KEPT,
        "grown": GROWN,
        "faults": FAULTS,
        "skips": st.booleans(),
        "hits": st.sampled_from([0.0, 0.5, 1.0]),
        "limits": st.tuples(st.sampled_from([0, 1, 2, "none"]), st.sampled_from([0, 1])),
        "per": st.sampled_from(["machine", "machine", "processor"]),
        "threads": st.integers(1, 12),
        "batch": st.sampled_from([1, 1, 2, 8]),
        "affinity": st.sampled_from(["any", "any", "processor"]),
        "grows": GROWS,
        "foreground": st.integers(0, 2),
        "handlers": st.tuples(st.lists(STEPS, min_size=1, max_size=5), st.lists(STEPS, min_size=1, max_size=3)),
        "rate": st.sampled_from([500, 3000, 20000]),
        "arrivals": st.sampled_from(["poisson", "constant"]),
        "clients": st.integers(1, 8),
        "outstanding": st.sampled_from([1, 1, 3]),
        "think": TIMES,
        "rows": st.booleans(),
        "seed": st.integers(0, 10**6),
    }
)


def drawn(it: Tree) -> Tree:
    """The scenario of what was drawn: growing pools stay off where the rules of a scenario forbid them."""
    tree = everything_but()
    processors = it["nodes"] * it["cores"] * it["smt"]
    kernel = {
        **it["kernel"],
        "completion_mode": it["completion"],
        "port_lock": it["port_lock"],
        "cached_miss_workers": it["cached_miss_workers"],
    }
    tree["machine"] |= {"numa_nodes": it["nodes"], "cores_per_node": it["cores"], "smt": {"threads": it["smt"]}}
    tree["machine"] |= {"kernel": kernel, "dispatcher": it["dispatcher"]}
    if not it["refill"]:
        tree["machine"]["memory"] = {"l3": "0 s", "local": "0 s"}
    names = ("first", "second", "slim")
    tree["locks"] = dict(zip(names, it["locks"], strict=True))
    tree["locks"]["slim"] = {**tree["locks"]["slim"], "kind": "slim"}
    tree["disks"] = {name: {**it[name][0], **it[name][1], **QUICK} for name in ("flash", "spinning")}
    tree["disks"]["second"] = {**it["spinning"][0], **QUICK}
    tree["disks"]["flash"] |= it["limit"]
    tree["faults"] = it["faults"]
    tree["volumes"]["data"] |= it["caching"]
    filters = [{"name": f"f{number}", "altitude": number, **one} for number, one in enumerate(it["filters"])]
    tree["volumes"]["data"]["filters"] = filters
    tree["volumes"]["slow"] = it["laid"]
    tree["files"]["kept"] |= it["kept"]
    tree["files"] |= {
        "drawn": {"volume": "data", "size": "4 MiB", "access": "cached", "hit_ratio": it["hits"]},
        "spun": {"volume": "slow", "size": "64 MiB"},
        "grown": {"volume": "data", "size": "16 MiB", **it["grown"]},
    }
    for name in ("kept", "drawn", "grown"):
        tree["files"][name]["skip_on_success"] = it["skips"]
    main, aside = it["limits"]
    tree["ports"] = {"main": {"concurrency": main, "per": it["per"]}, "aside": {"concurrency": aside}}
    pool = {"port": "main", "threads": it["threads"], "batch": it["batch"], "affinity": it["affinity"]}
    pool["foreground"] = it["foreground"]
    if it["per"] == "processor":
        pool["threads"] = max(it["threads"], processors)
    elif it["grows"] and it["port_lock"] == "0 s":
        pool["grows"] = it["grows"]
    tree["pools"] = {"workers": pool, "helpers": {"port": "aside", "threads": 2, "priority": 9}}
    tree["handlers"] = dict(zip(("mixed", "short"), it["handlers"], strict=True))
    tree["workload"]["open"] |= {"rate": f"{it['rate']}/s", "arrivals": it["arrivals"]}
    tree["workload"]["closed"] |= {"clients": it["clients"], "outstanding": it["outstanding"], "think": it["think"]}
    tree["run"] = {"duration": "4 ms", "warm_up": "1 ms", "seed": it["seed"], "rows": it["rows"], "max_events": 60_000}
    return tree


QUIET = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a whole scenario is not worth the time to make it smaller
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(QUIET, max_examples=30)
@given(it=MACHINES)
def test_any_scenario_gives_the_same_on_all_clocks_compiled_and_plain(plain: Plain, it: Tree) -> None:
    """Fingerprint, summary and requests."""
    same_everywhere(drawn(it), plain)


@pytest.mark.heavy
@pytest.mark.timeout(1800)
@settings(QUIET, max_examples=100)
@given(it=MACHINES)
def test_a_hundred_scenarios_give_the_same_on_all_clocks_compiled_and_plain(plain: Plain, it: Tree) -> None:
    same_everywhere(drawn(it), plain)
