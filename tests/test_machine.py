"""Laws that hold in every run of every machine, and determinism: same scenario and seed, same bytes, on any clock."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iosim.attribution import CAUSE_COUNT, SLEEP
from iosim.clock import CLOCKS
from iosim.completion_port import CompletionPort
from iosim.dispatcher import Dispatcher
from iosim.drives.drive import Command
from iosim.drives.ssd import Ssd
from iosim.errors import IosimError, LawBroken
from iosim.kernel_queue import KernelThread
from iosim.machine import Machine
from iosim.probes import NO_PROBES, Probes
from iosim.recorders import Behind, Fanout, Timeline, WaitRecords
from iosim.records import Raw
from iosim.rows import groups
from iosim.scenario.loader import Scenario, load
from iosim.summary import fingerprint
from iosim.thread import DPC, IDLE, ISR, KINDS

Tree = dict[str, Any]

EVERYTHING: Tree = {
    "version": 1,
    "machine": {"cores_per_node": 2, "l2": "64 KiB", "l3": "128 KiB", "dispatcher": {"quantum": "1 ms"}},
    "locks": {"fair": {"handoff": "fair", "spin": "2 us"}, "unfair": {}},
    "disks": {
        "flash": {
            "kind": "nvme",
            "units": 4,
            "read": "50 us",
            "program": "100 us",
            "capacity": "1 GB",
            "queue_depth": 4,
        }
    },
    "volumes": {"data": {"disk": "flash", "cache": "1 MiB"}},
    "files": {
        "raw": {"volume": "data", "size": "16 MiB"},
        "kept": {"volume": "data", "size": "4 MiB", "access": "cached"},
    },
    "ports": {"main": {"concurrency": "1/processor"}, "aside": {"concurrency": 1}},
    "pools": {"workers": {"port": "main", "threads": 6}, "helpers": {"port": "aside", "threads": 2, "priority": 9}},
    "handlers": {
        "mixed": [
            {"compute": {"time": {"exponential": "20 us"}, "touching": {"private": "40 KiB", "request": "4 KiB"}}},
            {"lock": {"name": "fair", "hold": {"exponential": "30 us"}}},
            {"read": {"file": "raw", "size": {"uniform": ["1 KiB", "16 KiB"]}}},
            {"lock": {"name": "unfair", "hold": "3 us"}},
            {"block": {"exponential": "30 us"}},
            {"read": {"file": "kept", "size": "4 KiB"}},
            {"write": {"file": "raw", "size": "4 KiB", "mode": "blocking"}},
            {"post": {"port": "aside"}},
            {"compute": "5 us"},
        ],
        "short": [{"compute": {"exponential": "10 us"}}, {"sleep": "100 us"}],
    },
    "workload": {
        "open": {"kind": "open", "port": "main", "handler": "mixed", "rate": "3000/s"},
        "closed": {
            "kind": "closed",
            "port": "main",
            "handler": "short",
            "clients": 3,
            "think": {"exponential": "1 ms"},
        },
    },
    "run": {"duration": "40 ms", "warm_up": "0 s", "seed": 5},
}


def scenario(tree: Tree, **changes: Any) -> Scenario:
    """Through the front door: the text of a file (JSON is YAML), validated. `a__b=value` is --set a.b=value."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "tiny.yaml"
        path.write_text(json.dumps(tree))
        return load(path, {key.replace("__", "."): value for key, value in changes.items()})


def build(tree: Tree, clock: str = "heap", seed: int = 5, record: tuple[str, ...] = (), **changes: Any) -> Machine:
    return Machine(scenario(tree, **changes), CLOCKS[clock](), seed, 0, {}, record)


def run(tree: Tree, clock: str = "heap", seed: int = 5, record: tuple[str, ...] = (), **changes: Any) -> Raw:
    return build(tree, clock, seed, record, **changes).run()


def everything_but(*paths: str) -> Tree:
    """The machine of all parts without some of them."""
    tree: Tree = json.loads(json.dumps(EVERYTHING))
    for path in paths:
        *way, last = path.split(".")
        place = tree
        for part in way:
            place = place[part]
        del place[last]
    return tree


# ---- laws ------------------------------------------------------------------------------------------------------------


def test_H09_a_machine_of_all_parts_keeps_the_laws() -> None:
    """`run` itself checks them and raises; here it is seen that all parts did something, and the sums are done again."""
    raw = run(EVERYTHING, record=("causes",))
    spent = sum(sum(sums) for bins in raw.ledgers for sums in bins)
    ended, intended = raw.columns["ended"], raw.columns["intended"]
    latency = [end - begin for end, begin in zip(ended, intended, strict=True)]
    assert spent == sum(latency) > 0
    rows = [sum(raw.causes[row : row + CAUSE_COUNT]) for row in range(0, len(raw.causes), CAUSE_COUNT)]
    assert rows == latency
    end = raw.samples["time"][-1]
    assert sum(raw.samples[f"processors.{kind}"][-1] for kind in KINDS) == 2 * end == 2 * raw.end_ns
    assert all(raw.samples[f"processors.{kind}"][-1] > 0 for kind in KINDS)
    assert raw.offered == len(ended) + raw.in_flight
    assert raw.samples["disks.flash.commands"][-1] > 50
    assert raw.samples["locks.unfair.acquisitions"][-1] > 50


def test_2_7_apc_mode_keeps_the_laws_and_costs_interrupts_and_switches() -> None:
    """Requests that one thread issues and another one goes on with: the issuer must be woken or interrupted for each."""
    tree = everything_but("workload.closed", "locks", "ports.aside", "pools.helpers")
    tree["handlers"]["mixed"] = [{"read": {"file": "raw", "size": "4 KiB"}}, {"block": "200 us"}]
    tree["handlers"].pop("short")
    direct = run(tree)
    apc = run(tree, machine__kernel__completion_mode="apc")
    for raw in (direct, apc):
        assert (raw.in_flight, raw.offered) == (0, direct.offered)
    work = [raw.samples["processors.kernel"][-1] for raw in (direct, apc)]
    reads = direct.samples["disks.flash.commands"][-1]
    assert apc.samples["disks.flash.commands"][-1] == reads > 100
    assert work[1] - work[0] == 500 * direct.offered  # the delivery; what the remover paid is the issuer's now
    assert apc.samples["switches"][-1] > direct.samples["switches"][-1]


FOUR: Tree = {"machine__numa_nodes": 2, "ports__main__concurrency": 4}


@pytest.mark.parametrize(
    ("changes", "interrupted"),
    [
        ({}, {0, 1, 2, 3}),
        ({"interrupt_processor": 2}, {2}),
        ({"interrupt_policy": "spread"}, {0, 1, 2, 3}),
        ({"interrupt_policy": "specified", "interrupt_processors": [1, 3]}, {1, 3}),
        ({"interrupt_policy": "all_close", "numa_node": 1}, {2, 3}),
        ({"interrupt_policy": "one_close", "numa_node": 1}, {2}),
        ({"interrupt_policy": "one_close"}, {0}),
    ],
)
def test_the_interrupt_policy_says_which_processors_pay_for_a_disks_interrupts(
    changes: Tree, interrupted: set[int]
) -> None:
    """Two nodes of two. The service routines' time moves, and so does that of the DPCs they queue."""
    machine = build(EVERYTHING, **FOUR, **{f"disks__flash__{key}": value for key, value in changes.items()})
    machine.run()
    for kind in (ISR, DPC):
        busy = {each.number for each in machine.dispatcher.processors if each.account[kind]}
        assert busy == interrupted


def test_a_hard_disk_has_one_vector_and_takes_the_first_processor_of_its_policy() -> None:
    tree = everything_but()
    tree["disks"]["flash"] = {
        "preset": "barracuda-7200",
        "interrupt_policy": "specified",
        "interrupt_processors": [1, 0],
    }
    machine = build(tree)
    machine.run()
    assert [each.account[ISR] > 0 for each in machine.dispatcher.processors] == [False, True]


def test_0b21_processors_without_a_vector_share_those_of_others_in_turn() -> None:
    keys: Tree = {"disks__flash__interrupt_policy": "specified", "disks__flash__interrupt_processors": [1, 3]}
    driver = build(EVERYTHING, **FOUR, **keys).disks["flash"]
    assert [vector.processor.number for vector in driver.routes] == [1, 1, 3, 3]


FILE_STEPS: list[Tree] = [
    {"write": {"file": "kept", "size": {"uniform": ["1 KiB", "16 KiB"]}}},
    {"write": {"file": "kept", "size": "8 KiB", "mode": "blocking"}},
    {"read": {"file": "kept", "size": "4 KiB", "offset": "sequential", "mode": "blocking"}},
    {"write": {"file": "grown", "size": "4 KiB", "offset": "sequential"}},
    {"flush": {"file": "kept"}},
    {"open": {"volume": "data", "files": 5000}},
    {"close": {"volume": "data"}},
]
WORK = st.fixed_dictionaries(
    {
        "processors": st.integers(1, 4),
        "smt": st.sampled_from([1, 2]),
        "nodes": st.sampled_from([1, 2]),
        "threads": st.integers(1, 12),
        "limit": st.sampled_from([0, 1, 2, "none"]),
        "rate": st.sampled_from([500, 3000, 9000]),
        "clients": st.integers(1, 12),
        "switch": st.sampled_from(["0 ns", "1.2 us", "20 us"]),
        "quantum": st.sampled_from(["50 us", "1 ms", "server"]),
        "depth": st.integers(1, 6),
        "port_lock": st.sampled_from(["0 ns", "200 ns", "10 us"]),
        "lock": st.sampled_from([("critical_section", False), ("slim", False), ("slim", True)]),
        "cached_miss_workers": st.integers(1, 3),
        "completion": st.sampled_from(["direct", "apc"]),
        "steps": st.lists(st.integers(0, 8 + len(FILE_STEPS)), min_size=1, max_size=5),
        "log": st.sampled_from(["none", "lazy", "write_through"]),
        "threshold": st.sampled_from(["8 KiB", "512 KiB"]),
        "seed": st.integers(0, 10**6),
    }
)


def drawn(work: Tree) -> Tree:
    tree = everything_but()
    tree["machine"] |= {"cores_per_node": work["processors"], "numa_nodes": work["nodes"]}
    tree["machine"] |= {"smt": {"threads": work["smt"]}, "kernel": {"cached_miss_workers": work["cached_miss_workers"]}}
    tree["machine"]["kernel"]["port_lock"] = work["port_lock"]
    tree["machine"]["kernel"]["completion_mode"] = work["completion"]
    tree["machine"]["dispatcher"] = {
        "context_switch": work["switch"],
        "quantum": work["quantum"],
        "timer_tick": "50 us",
    }
    tree["disks"]["flash"]["queue_depth"] = work["depth"]
    tree["ports"]["main"]["concurrency"] = work["limit"]
    tree["pools"]["workers"]["threads"] = work["threads"]
    tree["workload"]["open"]["rate"] = f"{work['rate']}/s"
    tree["workload"]["closed"]["clients"] = work["clients"]
    mixed = tree["handlers"]["mixed"]
    tree["locks"]["unfair"]["kind"], mixed[3]["lock"]["shared"] = work["lock"]
    tree["handlers"]["mixed"] = [[*mixed, *FILE_STEPS][place] for place in work["steps"]]
    tree["files"]["grown"] = {"volume": "data", "size": "1 MiB", "valid_data": "64 KiB"}
    tree["volumes"]["data"] |= {"log": work["log"], "dirty_page_threshold": work["threshold"]}
    tree["volumes"]["data"]["lazy_write_interval"] = "1 ms"
    tree["run"]["duration"] = "12 ms"
    return tree


@settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(work=WORK)
def test_any_machine_keeps_the_laws_and_is_the_same_on_both_clocks_watched_or_not(work: Tree) -> None:
    """Every run checks the conservation laws at its end; listeners and clocks change nothing but the speed."""
    tree, seed = drawn(work), work["seed"]
    bare = run(tree, "heap", seed)
    watched = run(tree, "simpy", seed, ("causes", "waits", "timeline"))
    assert fingerprint([bare]) == fingerprint([watched])
    assert bare.samples == watched.samples
    if not bare.in_flight:  # with `causes`, the sums leave out what never ended
        assert bare.ledgers == watched.ledgers
    assert len(watched.waits.get("began", ())) == len(watched.waits.get("ended", ()))


# A machine that breaks a law has a part that is a subclass of ours: it is called for ours, compiled or not.


def test_a_request_whose_time_is_not_explained_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cause left out: what a sleep has booked is taken back, as if it had not been."""

    class Forgetful(Dispatcher):
        def wake(self, thread: KernelThread, increment: int = 0) -> None:
            request = thread.request
            mark, slept = request.mark, request.ledger[SLEEP]
            super().wake(thread, increment)
            if thread.wait_cause == SLEEP:
                request.mark, request.ledger[SLEEP] = mark, slept

    monkeypatch.setattr("iosim.machine.Dispatcher", Forgetful)
    with pytest.raises(LawBroken, match=r"request \d+ of class \d+: \d+ ns are explained, its latency is \d+ ns"):
        run(EVERYTHING)


def test_a_cause_that_gets_less_than_its_time_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark moves on, the cause does not get all of it: found when the sums are compared at the end."""

    class Careless(Dispatcher):
        def wake(self, thread: KernelThread, increment: int = 0) -> None:
            super().wake(thread, increment)
            if thread.wait_cause == SLEEP:
                thread.request.ledger[SLEEP] -= 1

    monkeypatch.setattr("iosim.machine.Dispatcher", Careless)
    with pytest.raises(LawBroken, match=r"class \d+: causes sum to \d+ ns, latencies to \d+ ns"):
        run(EVERYTHING)


def test_a_processor_that_loses_a_nanosecond_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """One, once, in mid-run."""

    class Careless(Dispatcher):
        def settle(self) -> None:
            super().settle()
            if self.clock.now == 5_000_000:
                self.processors[1].account[IDLE] -= 1

    monkeypatch.setattr("iosim.machine.Dispatcher", Careless)
    with pytest.raises(LawBroken, match=r"processor 1 accounts for \d+ of \d+ ns"):
        run(everything_but("workload.open"))


def test_a_queue_whose_sojourns_do_not_sum_to_its_integral_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(CompletionPort):
        def settle(self) -> None:
            super().settle()
            self.depth_area += 1

    monkeypatch.setattr("iosim.machine.CompletionPort", Careless)
    with pytest.raises(LawBroken, match="Little's law at port main"):
        run(EVERYTHING)


def test_too_many_events_are_the_scenarios_fault_and_say_so() -> None:
    with pytest.raises(IosimError, match=r"max_events = 100 events at .* requests in the system"):
        run(EVERYTHING, run__max_events=100)


# ---- determinism -----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (fingerprint([run(EVERYTHING, seed=seed)]) for seed in (5, 5, 6))
    assert first == again != other


def test_hash_randomization_plays_no_part() -> None:
    """Sets and dicts of strings change their order from process to process; results may not."""
    program = (
        "import json, sys; from test_machine import EVERYTHING, run; from iosim.summary import fingerprint; "
        "print(fingerprint([run(EVERYTHING)]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([*sys.path])},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {fingerprint([run(EVERYTHING)])}


class Offered:
    """What the drive is asked for: the sizes and offsets of every command, and the requests' intended times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[tuple[int, int]] = []
        commands = self.commands

        class Watched(Ssd):
            def submit(self, command: Command) -> None:
                commands.append((command.offset, command.size))
                super().submit(command)

        monkeypatch.setattr("iosim.storage.Ssd", Watched)


def test_another_disk_and_another_class_leave_every_other_draw_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two designs are offered the very same requests: same gaps, sizes, offsets (design 1.3)."""
    offered = Offered(monkeypatch)
    tree = everything_but("workload.closed")
    before = run(tree)
    commands = sorted(offered.commands)
    offered.commands.clear()
    tree["disks"] = {"added": {"kind": "nvme", "units": 1, "read": "1 ms", "program": "1 ms"}, **tree["disks"]}
    tree["workload"] = {**tree["workload"], "idle": EVERYTHING["workload"]["closed"]}
    tree["handlers"]["short"] = [{"compute": "1 ns"}]
    after = run(tree)
    ours = [row for row, group in enumerate(map(groups, after.columns["outcome"])) if group == 0]
    intended = sorted(after.columns["intended"][row] for row in ours)
    assert intended == sorted(before.columns["intended"])
    assert sorted(offered.commands) == commands
    assert len(commands) > 100


def test_a_slower_machine_is_offered_the_same_requests() -> None:
    fast, slow = run(EVERYTHING), run(EVERYTHING, machine__cores_per_node=1, disks__flash__read="200 us")
    fast_asked, slow_asked = (
        sorted(
            asked
            for asked, group in zip(raw.columns["intended"], map(groups, raw.columns["outcome"]), strict=True)
            if not group
        )
        for raw in (fast, slow)
    )
    assert fast_asked == slow_asked
    assert fast.end_ns != slow.end_ns


# ---- what an event is spent on ---------------------------------------------------------------------------------------


def test_an_unbuffered_read_costs_eight_clock_events_at_most() -> None:
    """Style 6. One client: arrival, way down, media, link, ISR, DPC, last stage: seven; threads that start, and the end."""
    tree = everything_but("workload.open", "locks", "files.kept")
    tree["handlers"] = {"short": [{"read": {"file": "raw", "size": "4 KiB"}}]}
    tree["workload"]["closed"] |= {"clients": 1, "think": "0 s"}
    raw = run(tree)
    requests = len(raw.columns["ended"])
    threads, samples = 8, len(raw.samples["time"])
    assert requests > 200
    assert 7 * requests <= raw.events <= 7 * requests + threads + samples + 10


# ---- cost of what nobody asked for -----------------------------------------------------------------------------------


def counting(listener: type, calls: Counter[str]) -> Any:
    """A subclass that counts the facts it is told."""

    def counted(name: str) -> Any:
        def method(self: Any, *arguments: Any) -> Any:
            calls[f"{listener.__name__}.{name}"] += 1
            return getattr(super(counting_class, self), name)(*arguments)

        return method

    facts = [name for name in dir(Probes) if not name.startswith("_")]
    counting_class = type(f"Counting{listener.__name__}", (listener,), {name: counted(name) for name in facts})
    return counting_class


def calls_to_listeners(monkeypatch: pytest.MonkeyPatch, tree: Tree, watched: bool, *record: str) -> Counter[str]:
    """Counted in a run by those that the machine makes, and by one that stands wherever it hangs none."""
    calls: Counter[str] = Counter()
    for listener in (Fanout, WaitRecords, Timeline, Behind):
        monkeypatch.setattr(f"iosim.machine.{listener.__name__}", counting(listener, calls))
    machine = build(tree, record=record)
    doors = [door for them in machine.batches.values() for door in them]
    parts: list[Any] = [*machine.ports.values(), *machine.disks.values(), *machine.locks.values(), *doors]
    for part in parts:
        assert (part.probes is not NO_PROBES) == part.watched == watched
        if part.probes is NO_PROBES:
            part.probes = counting(Probes, calls)()
    machine.run()
    return calls


def test_with_no_listener_not_one_call_is_made_to_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Style 5. One class, nothing recorded: nobody hangs on the probes."""
    calls = calls_to_listeners(monkeypatch, everything_but("workload.closed"), False)
    assert calls == Counter()


def test_with_listeners_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the count above can be anything but zero."""
    calls = calls_to_listeners(monkeypatch, EVERYTHING, True, "waits")
    assert calls["WaitRecords.wait_ended"] > 20
    assert calls["Behind.wait_began"] > 10


# ---- effects that must not be drawn in -------------------------------------------------------------------------------


def compute_only(threads: int, private: str) -> float:
    """Requests that ended in 60 ms of saturated processors."""
    tree: Tree = {
        "version": 1,
        "machine": {"cores_per_node": 2, "l2": "64 KiB", "l3": "128 KiB", "dispatcher": {"context_switch": "50 us"}},
        "ports": {"main": {"concurrency": "none"}},
        "pools": {"workers": {"port": "main", "threads": threads}},
        "handlers": {"request": [{"compute": {"time": {"exponential": "50 us"}, "touching": {"private": private}}}]},
        "workload": {"all": {"kind": "closed", "port": "main", "handler": "request", "clients": 200}},
        "run": {"duration": "60 ms", "warm_up": "0 s"},
    }
    return len(run(tree).columns["ended"])


def test_handlers_that_only_compute_do_not_thrash_whatever_a_switch_or_a_refill_costs() -> None:
    """Semantics 0b: a worker takes its next packet without a switch, and a quantum is a thousand handlers long."""
    few = compute_only(2, "256 KiB")
    assert compute_only(64, "256 KiB") > 0.95 * few
    assert compute_only(64, "0 B") > 0.97 * compute_only(2, "0 B")


def test_with_all_costs_at_zero_even_blocking_handlers_do_not_thrash() -> None:
    """The effect vanishes with its cause (design 1.1): as many requests with 100 threads as with 12."""
    tree = everything_but("workload.open")
    tree["machine"] |= {"memory": {"l3": "0 ns", "local": "0 ns"}, "dispatcher": {"context_switch": "0 ns"}}
    tree["machine"]["kernel"] = {"remove": "0 ns", "post": "0 ns"}
    tree["ports"]["main"]["concurrency"] = "none"
    tree["handlers"]["short"] = [EVERYTHING["handlers"]["mixed"][0], {"block": "30 us"}, {"compute": "20 us"}]
    tree["workload"]["closed"] |= {"clients": 200, "think": "0 s"}
    found = [len(run(tree, pools__workers__threads=threads).columns["ended"]) for threads in (12, 100)]
    assert found[1] >= 0.95 * found[0]


def test_a_replay_that_takes_longer_than_foreseen_still_has_a_bin_for_every_request(tmp_path: Path) -> None:
    """At a fixed depth nobody knows beforehand how long the rows will take; 5 ms each here, where 1 ms was foreseen."""
    from iosim.traces import read_traces

    trace = tmp_path / "rows.trace"
    trace.write_text("".join(f"{row * 1000} 0 {row * 8} 8 1\n" for row in range(300)))
    tree = everything_but("workload.open", "workload.closed", "handlers")
    tree["disks"]["flash"] |= {"read": "5 ms", "units": 1, "queue_depth": 1}
    tree["workload"]["rows"] = {
        "kind": "replay", "port": "main", "trace": str(trace), "format": "ssdsim", "timing": {"depth": 1}, "map": "raw"
    }  # fmt: skip
    described = scenario(tree)
    raw = Machine(described, CLOCKS["heap"](), 1, 0, read_traces(described)).run()
    assert len(raw.columns["ended"]) == 300
    assert raw.end_ns > 300 * 5_000_000
    assert sum(sum(sums) for bins in raw.ledgers for sums in bins) > 300 * 5_000_000
