"""The dispatcher with everything that can be set: what holds whatever is set, and that each key of a scenario matters."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_machine import EVERYTHING, Tree, build, everything_but, run, scenario
from tiny import Scheduled, Step, Tiny, block, compute

import iosim.machine
from iosim.actor import Clock
from iosim.clock import CLOCKS
from iosim.dispatcher import Dispatcher
from iosim.errors import WrongInput
from iosim.kernel_queue import KernelThread
from iosim.modes import DEVICE_LEVEL, DISPATCH, HALTED, WAKING
from iosim.rows import groups
from iosim.scheduling import FullDispatcher, SchedulerParams
from iosim.summary import fingerprint
from iosim.thread import READY, TERMINATED
from iosim.units import MS, S

# ---- scenarios -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"machine__smt__threads": 2, "machine__numa_nodes": 2}])
def test_with_nothing_set_the_full_dispatcher_is_the_plain_one(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(EVERYTHING, **changes)
    assert type(build(EVERYTHING, **changes).dispatcher) is Dispatcher
    monkeypatch.setattr(iosim.machine, "Dispatcher", FullDispatcher)
    full = run(EVERYTHING, **changes)
    assert fingerprint([plain]) == fingerprint([full])
    assert plain.samples == full.samples


KEYS: Tree = {
    "idle_exit": "2 us",
    "placement": "ideal",
    "ready_queues": "per_processor",
    "quantum_mode": "ticks",
}


@pytest.mark.parametrize("key", KEYS)
def test_each_key_of_the_dispatcher_changes_something(key: str) -> None:
    tree = everything_but()
    tree["machine"]["dispatcher"] = {"quantum": "50 us", "timer_tick": "50 us"}
    changes: Tree = {f"machine__dispatcher__{key}": KEYS[key]}
    assert fingerprint([run(tree)]) != fingerprint([run(tree, **changes)])


@pytest.mark.parametrize(
    ("completion", "asked", "by_ticks"),
    [
        (None, None, False),
        ("direct", None, False),
        ("apc", None, True),
        ("apc", "cycles", False),
        ("direct", "ticks", True),
        (None, "ticks", True),
    ],
)
def test_0b12_the_quantum_mode_follows_the_completion_mode_unless_it_is_given(
    completion: str | None, asked: str | None, by_ticks: bool
) -> None:
    tree = everything_but()
    tree["machine"]["kernel"] = {"completion_mode": completion} if completion else {}
    tree["machine"]["dispatcher"] = {"quantum_mode": asked} if asked else {}
    dispatcher = build(tree).dispatcher
    assert isinstance(dispatcher, FullDispatcher) == by_ticks
    assert getattr(dispatcher, "by_ticks", False) == by_ticks


def test_0b12_a_mode_that_is_given_is_as_good_as_one_that_follows() -> None:
    """The whole run is the same, and not that of the other mode."""
    tree = everything_but()
    tree["machine"]["dispatcher"] = {"quantum": "50 us", "timer_tick": "50 us"}
    apc: Tree = {"machine__kernel__completion_mode": "apc"}
    changes: list[Tree] = [{}, *({"machine__dispatcher__quantum_mode": mode} for mode in ("ticks", "cycles"))]
    follows, ticks, cycles = (fingerprint([run(tree, **apc, **change)]) for change in changes)
    assert follows == ticks != cycles


HOGS: Tree = {
    "version": 1,
    "machine": {"cores_per_node": 1, "dispatcher": {"quantum": "client"}},
    "ports": {"main": {"concurrency": "none"}, "aside": {"concurrency": "none"}},
    "pools": {
        "hogs": {"port": "main", "threads": 1, "priority": 9},
        "starved": {"port": "aside", "threads": 1},
    },
    "handlers": {"long": [{"compute": "1 s"}], "short": [{"compute": "1 ms"}]},
    "workload": {
        "hog": {"kind": "closed", "port": "main", "handler": "long", "clients": 2},
        "starved": {"kind": "closed", "port": "aside", "handler": "short", "clients": 1},
    },
    "run": {"duration": "9 s", "warm_up": "0 s"},
}


@pytest.mark.parametrize(("relief", "served"), [(False, 0), (True, 62)])
def test_0b15_relief_lets_a_starved_pool_work_for_a_doubled_quantum(relief: bool, served: int) -> None:
    """Ready from 0 on, its worker is lifted at 5 s, for 62.5 ms of 1 ms each."""
    raw = run(HOGS, machine__dispatcher__starvation_relief=relief)
    rows = zip(raw.columns["ended"], map(groups, raw.columns["outcome"]), strict=True)
    ended = [end for end, group in rows if group and end < 9 * S]
    assert len(ended) == served
    assert not ended or 5 * S + MS < ended[0] < ended[-1] < 5 * S + 63 * MS


@pytest.mark.parametrize(("quantum", "differs"), [("client", True), ("server", False)])
def test_7_2_a_pool_in_the_foreground_has_a_longer_quantum_where_quanta_are_variable(
    quantum: str, differs: bool
) -> None:
    """Server's are fixed; and nothing here is boosted."""
    tree: Tree = {**HOGS, "pools": {name: {**pool, "priority": 8} for name, pool in HOGS["pools"].items()}}
    tree["run"] = {"duration": "2 s", "warm_up": "0 s"}
    changes: Tree = {"machine__dispatcher__quantum": quantum}
    behind = run(tree, **changes)
    front = run(tree, pools__hogs__foreground=2, **changes)
    assert (fingerprint([behind]) != fingerprint([front])) is differs


def test_a_machine_of_two_groups_confines_a_pool_to_one_of_them() -> None:
    tree = everything_but()
    tree["machine"] |= {"cores_per_node": 33, "numa_nodes": 2}
    tree["pools"]["helpers"]["group"] = 1
    machine = build(tree)
    machine.run()
    workers, helpers = ([thread.processor // 33 for thread in machine.pools[name]] for name in ("workers", "helpers"))
    assert set(workers) == {0} and set(helpers) == {1}


@pytest.mark.parametrize(
    ("nodes", "cores", "said"), [(1, 64, "groups 0 to 0, not 2"), (2, 33, "groups 0 to 1, not 2"), (3, 33, "")]
)
def test_a_pool_is_of_a_group_that_the_machine_has(nodes: int, cores: int, said: str) -> None:
    tree = everything_but()
    tree["machine"] |= {"cores_per_node": cores, "numa_nodes": nodes}
    tree["pools"]["helpers"]["group"] = 2
    if not said:
        assert scenario(tree).model.pools["helpers"].group == 2
        return
    with pytest.raises(WrongInput, match=rf"pools.helpers.group: the machine has processor {said}"):
        scenario(tree)


def test_threads_of_every_processor_are_of_no_one_group() -> None:
    tree = everything_but()
    tree["machine"] |= {"cores_per_node": 33, "numa_nodes": 2}
    tree["pools"]["helpers"] |= {"group": 1, "affinity": "processor"}
    with pytest.raises(WrongInput, match=r"pools.helpers.group: threads with 'affinity: processor' are spread over"):
        scenario(tree)


CHOICES = st.fixed_dictionaries(
    {
        "placement": st.sampled_from(["last", "ideal"]),
        "ready_queues": st.sampled_from(["shared", "per_processor"]),
        "quantum_mode": st.sampled_from(["cycles", "ticks"]),
        "starvation_relief": st.booleans(),
        "idle_exit": st.sampled_from(["0 ns", "300 ns", "5 us"]),
        "quantum": st.sampled_from(["50 us", "150 us", "server"]),
        "timer_tick": st.sampled_from(["50 us", "70 us"]),
    }
)
SETTINGS = settings(
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SETTINGS
@given(dispatcher=CHOICES, cores=st.integers(1, 4), nodes=st.integers(1, 2), smt=st.sampled_from([1, 2]))
def test_any_scheduler_keeps_the_laws_and_is_the_same_on_both_clocks(
    dispatcher: Tree, cores: int, nodes: int, smt: int
) -> None:
    """Every nanosecond of every processor has a kind, every one of a request a cause: `run` checks it."""
    tree = everything_but()
    tree["machine"] |= {"cores_per_node": cores, "numa_nodes": nodes, "smt": {"threads": smt}}
    tree["machine"]["dispatcher"] = dispatcher
    tree["run"]["duration"] = "8 ms"
    bare, watched = run(tree), run(tree, "simpy", record=("causes", "waits", "timeline"))
    assert fingerprint([bare]) == fingerprint([watched])
    assert bare.samples == watched.samples


# ---- tiny machines of threads that go anywhere -----------------------------------------------------------------------


def sets(affinity: int, priority: int, ideal: int) -> Step:
    """The running thread changes what it may, then yields."""

    def act(tiny: Tiny, thread: KernelThread) -> int:
        assert isinstance(tiny, Scheduled)
        tiny.dispatcher.set_affinity(thread, affinity)
        tiny.dispatcher.set_ideal_processor(thread, ideal)
        tiny.dispatcher.set_priority(thread, priority)
        return 1 if tiny.dispatcher.yield_processor(thread) else 2

    return Step(act)


TIMES = st.sampled_from([1, 10, 50, 100])
MASKS = st.integers(1, 15)
LEVELS = st.integers(7, 10)
ABOVE_THREADS = (DISPATCH, DEVICE_LEVEL, WAKING)  # the thread is asked to leave when it would run
STEPS = st.one_of(TIMES.map(compute), TIMES.map(block), st.builds(sets, MASKS, LEVELS, st.integers(0, 3)))
THREADS = st.lists(st.tuples(TIMES, LEVELS, st.lists(STEPS, min_size=1, max_size=5)), min_size=1, max_size=9)
CHANGES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 8), MASKS, LEVELS), max_size=8)
PARAMS = st.builds(
    SchedulerParams,
    st.sampled_from(["last", "ideal"]),
    st.sampled_from(["shared", "per_processor"]),
    st.sampled_from(["cycles", "ticks"]),
)


@settings(SETTINGS, max_examples=300)
@given(
    clock=st.sampled_from(list(CLOCKS.values())),
    params=PARAMS,
    idle_exit=st.sampled_from([0, 7]),
    nodes=st.sampled_from([1, 2]),
    smt=st.sampled_from([0.0, 1.25]),
    threads=THREADS,
    changes=CHANGES,
)
def test_no_thread_is_lost_and_none_waits_while_a_processor_that_it_may_use_is_idle(
    clock: type[Clock],
    params: SchedulerParams,
    idle_exit: int,
    nodes: int,
    smt: float,
    threads: list[tuple[int, int, list[Step]]],
    changes: list[tuple[int, int, int, int]],
) -> None:
    """Masks, ideal processors and priorities change at any time, by the thread itself and from outside."""
    tiny = Scheduled(4, params, nodes=nodes, smt=smt, idle_exit=idle_exit, quantum=60, tick=20, switch=3, clock=clock)
    dispatcher = tiny.dispatcher
    made = [tiny.start(*steps, priority=priority, at=at) for at, priority, steps in threads]

    def change(number: int, mask: int, priority: int) -> None:
        thread = made[number % len(made)]
        if thread.state != TERMINATED:
            dispatcher.set_affinity(thread, mask)
            dispatcher.set_priority(thread, priority)

    for time, number, mask, priority in changes:
        tiny.at(time, lambda it=(number, mask, priority): change(*it))  # type: ignore[misc]

    def look() -> None:
        idle = sum(1 << processor.number for processor in tiny.processors if processor.mode == HALTED)
        for thread in made:
            assert thread.state != READY or not (thread.affinity or 15) & idle
        for processor in tiny.processors:
            running = processor.thread
            assert (
                running.number < 0
                or (running.affinity or 15) >> processor.number & 1
                or processor.mode in ABOVE_THREADS
            )
            assert (dispatcher.idle[processor.word] & processor.place != 0) == (processor.mode == HALTED)
        ready = sum(thread.state == READY for thread in made)
        assert dispatcher.ready_count == ready == sum(len(level) for it in dispatcher.queues() for level in it.levels)

    for time in range(0, 1500, 13):
        tiny.at(time, look, rank=80)
    tiny.run()
    assert [thread.state for thread in made] == [TERMINATED] * len(made)
    assert dispatcher.own_count == dispatcher.ready_count == 0
    for processor in tiny.processors:
        assert sum(processor.account) == tiny.clock.now
