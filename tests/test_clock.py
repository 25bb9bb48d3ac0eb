"""One suite for every clock: the order of events, dead entries, limits, stop. And a user's own process on SimPy's."""

import gc
import tracemalloc
import weakref
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Event

from iosim.actor import ARRIVAL, DEVICE, DPC, INTERRUPT, SAMPLE, STOP, THREAD, TIMER, USER, Actor, Clock, Rank
from iosim.clock import CLOCKS, NAMES, choose_clock, make_clock
from iosim.compiled import MODE
from iosim.errors import WrongInput
from iosim.heap_clock import HeapClock
from iosim.simpy_clock import SimpyClock

MANY = 10**6
Log = list[tuple[int, int]]


class Scribe(Actor):
    """Writes down when it was called and with what; `then` may ask for more."""

    def __init__(self, clock: Clock, log: Log) -> None:
        super().__init__()
        self.clock = clock
        self.log = log
        self.then: dict[int, list[tuple[int, int, int]]] = {}
        self.stops_at = -1
        self.kills_at = -1

    def fire(self, what: int) -> None:
        self.log.append((self.clock.now, what))
        for delay, rank, code in self.then.get(what, ()):
            self.clock.at(delay, rank, self, code)
        if what == self.kills_at:
            self.generation += 1
        if what == self.stops_at:
            self.clock.stop()


def demand(name: str) -> None:
    """Skip what needs a clock that can't be had here."""
    if name not in CLOCKS:
        pytest.skip(f"the {name} clock needs compiled code, and this is {MODE}")


@pytest.fixture(params=NAMES)
def clock(request: pytest.FixtureRequest) -> Clock:
    demand(request.param)
    return make_clock(request.param)


@pytest.fixture
def scribe(clock: Clock) -> Scribe:
    return Scribe(clock, [])


def test_earlier_goes_first_whatever_was_asked_first(clock: Clock, scribe: Scribe) -> None:
    for delay in (30, 10, 20):
        clock.at(delay, THREAD, scribe, delay)
    clock.run(MANY)
    assert scribe.log == [(10, 10), (20, 20), (30, 30)]
    assert (clock.now, clock.events) == (30, 3)


def test_at_one_instant_the_lower_rank_goes_first_and_of_equals_the_older(clock: Clock, scribe: Scribe) -> None:
    for what, rank in enumerate((STOP, SAMPLE, USER, ARRIVAL, TIMER, THREAD, DPC, INTERRUPT, DEVICE, THREAD, DEVICE)):
        clock.at(5, rank, scribe, what)
    clock.run(MANY)
    assert [what for _, what in scribe.log] == [8, 10, 7, 6, 5, 9, 4, 3, 2, 1, 0]


def test_the_ranks_are_written_down_and_differ() -> None:
    assert sorted(Rank) == list(Rank)
    assert len({int(rank) for rank in Rank}) == 9


def test_what_is_asked_for_now_comes_in_the_same_instant_by_its_rank(clock: Clock, scribe: Scribe) -> None:
    """A device event asked for from a thread's end still goes before the sample, and after what is under way."""
    scribe.then = {1: [(0, SAMPLE, 4), (0, DEVICE, 3)]}
    clock.at(5, THREAD, scribe, 1)
    clock.at(5, THREAD, scribe, 2)
    clock.run(MANY)
    assert scribe.log == [(5, 1), (5, 3), (5, 2), (5, 4)]


def test_raising_the_generation_voids_what_is_pending_and_the_dead_do_not_count(clock: Clock, scribe: Scribe) -> None:
    other = Scribe(clock, scribe.log)
    scribe.kills_at = 1
    clock.at(10, THREAD, scribe, 1)
    clock.at(10, TIMER, scribe, 2)
    clock.at(20, THREAD, scribe, 3)
    clock.at(20, TIMER, other, 4)
    clock.run(MANY)
    assert scribe.log == [(10, 1), (20, 4)]
    assert clock.events == 2


def test_after_a_void_new_entries_live(clock: Clock, scribe: Scribe) -> None:
    clock.at(10, THREAD, scribe, 1)
    scribe.generation += 1
    clock.at(11, THREAD, scribe, 2)
    clock.run(MANY)
    assert scribe.log == [(11, 2)]


def test_a_limit_stops_after_so_many_live_events_and_the_run_can_go_on(clock: Clock, scribe: Scribe) -> None:
    for delay in range(1, 6):
        clock.at(delay, THREAD, scribe, delay)
    clock.run(2)
    assert [what for _, what in scribe.log] == [1, 2]
    assert clock.running  # told apart from a run that was stopped, or has nothing left to do before the limit
    clock.run(MANY)
    assert [what for _, what in scribe.log] == [1, 2, 3, 4, 5]


def test_stop_ends_the_run_after_the_present_actor_and_keeps_the_rest(clock: Clock, scribe: Scribe) -> None:
    scribe.stops_at = 2
    for delay in (1, 2, 3):
        clock.at(delay, THREAD, scribe, delay)
    clock.run(MANY)
    assert scribe.log == [(1, 1), (2, 2)]
    assert (clock.running, clock.now) == (False, 2)
    clock.run(MANY)
    assert scribe.log[2:] == [(3, 3)]


def test_a_clock_with_nothing_to_do_returns_at_once(clock: Clock) -> None:
    clock.run(MANY)
    assert (clock.now, clock.events) == (0, 0)


def test_times_far_beyond_a_float_stay_exact(clock: Clock, scribe: Scribe) -> None:
    """2^53 ns are 104 days; a float would round the next nanosecond away."""
    clock.at(2**53, THREAD, scribe, 1)
    scribe.then = {1: [(1, THREAD, 2)]}
    clock.run(MANY)
    assert scribe.log == [(2**53, 1), (2**53 + 1, 2)]


def test_a_call_in_the_past_is_refused(clock: Clock, scribe: Scribe) -> None:
    with pytest.raises(ValueError, match="a call can't be 1 ns ago"):
        clock.at(-1, THREAD, scribe, 1)
    clock.run(MANY)
    assert scribe.log == []


class Broken(Scribe):
    def fire(self, what: int) -> None:
        super().fire(what)
        if what == 2:
            raise RuntimeError("in the second call")


def test_an_exception_comes_through_and_the_run_can_go_on_after_it(clock: Clock) -> None:
    broken = Broken(clock, [])
    for delay in (1, 2, 3):
        clock.at(delay, THREAD, broken, delay)
    with pytest.raises(RuntimeError, match="in the second call"):
        clock.run(MANY)
    assert (clock.now, clock.events) == (2, 2)
    clock.run(MANY)
    assert [what for _, what in broken.log] == [1, 2, 3]


def test_calls_asked_for_after_a_stop_take_their_places(clock: Clock, scribe: Scribe) -> None:
    """The compiled clock keeps the place of the last call open for the next one."""
    scribe.stops_at = 2
    for delay in (1, 2, 4, 6):
        clock.at(delay, THREAD, scribe, delay)
    clock.run(MANY)
    clock.at(3, THREAD, scribe, 5)
    clock.at(1, THREAD, scribe, 3)
    clock.run(MANY)
    assert scribe.log == [(time, time) for time in range(1, 7)]


def test_a_run_within_a_run_goes_on_from_the_same_instant(clock: Clock, scribe: Scribe) -> None:
    class Nested(Actor):
        def fire(self, what: int) -> None:
            clock.run(1)

    clock.at(1, THREAD, Nested(), 0)
    clock.at(2, THREAD, scribe, 2)
    clock.at(3, THREAD, scribe, 3)
    clock.run(MANY)
    assert scribe.log == [(2, 2), (3, 3)]


def test_thousands_of_calls_come_in_order(clock: Clock, scribe: Scribe) -> None:
    delays = [(number * 7919) % 4001 for number in range(5000)]
    for number, delay in enumerate(delays):
        clock.at(delay, THREAD, scribe, number)
    clock.run(MANY)
    assert scribe.log == sorted((delay, number) for number, delay in enumerate(delays))


# ---- memory ----------------------------------------------------------------------------------------------------------


def run_and_leave(name: str) -> None:
    """A run that is stopped with calls pending, of actors that know their clock: a circle."""
    clock = make_clock(name)
    scribe = Scribe(clock, [])
    scribe.stops_at = 50
    scribe.then = {what: [(1, THREAD, what + 1), (7, TIMER, 1000)] for what in range(100)}
    clock.at(0, THREAD, scribe, 0)
    clock.run(MANY)
    assert clock.events > 50


@pytest.mark.parametrize("name", NAMES)
def test_clocks_and_actors_that_know_each_other_are_collected(name: str) -> None:
    demand(name)
    clock = make_clock(name)
    scribe = Scribe(clock, [])
    clock.at(5, THREAD, scribe, 1)
    gone = weakref.ref(scribe)
    del clock, scribe
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("name", NAMES)
def test_an_actor_whose_calls_have_come_is_not_kept(name: str) -> None:
    """A machine may make an actor an event: a clock that held on to them would grow without end."""
    demand(name)
    clock = make_clock(name)
    scribe = Scribe(clock, [])
    clock.at(5, THREAD, scribe, 1)
    clock.run(MANY)
    gone = weakref.ref(scribe)
    del scribe
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("name", NAMES)
def test_a_thousand_runs_leave_no_memory_behind(name: str) -> None:
    """Measured by Python's own allocator, which the compiled clock uses too."""
    demand(name)
    for _ in range(100):
        run_and_leave(name)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            run_and_leave(name)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000  # bytes: 20 a run; one heap of one clock alone is 10,000


# ---- the compiled clock ----------------------------------------------------------------------------------------------


@pytest.fixture
def fast() -> Any:
    demand("fast")
    return make_clock("fast")


def test_what_an_integer_of_64_bits_can_not_hold_is_refused(fast: Any) -> None:
    """A C integer would begin again at the other end."""
    scribe = Scribe(fast, [])
    fast.at(1, THREAD, scribe, 1)
    fast.run(1)
    with pytest.raises(OverflowError, match="beyond the last instant"):
        fast.at(2**63 - 1, THREAD, scribe, 1)
    with pytest.raises(OverflowError, match="rank 40000"):
        fast.at(1, 40_000, scribe, 1)
    with pytest.raises(OverflowError):
        fast.at(2**63, THREAD, scribe, 1)
    with pytest.raises(TypeError, match="None can't be called"):
        fast.at(1, THREAD, None, 1)
    fast.at(2**63 - 2, THREAD, scribe, 2)
    fast.run(MANY)
    assert fast.now == 2**63 - 1


def test_heap_moves_are_counted_and_grow_with_the_logarithm_of_what_is_pending(fast: Any) -> None:
    class Again(Actor):
        def __init__(self, period: int) -> None:
            super().__init__()
            self.period = period

        def fire(self, what: int) -> None:
            fast.at(self.period, THREAD, self, 0)

    per_event: list[float] = []
    present = 0
    for pending in (1, 16, 256):
        for number in range(present, pending):
            fast.at(1, THREAD, Again(1000 + number), 0)
        present = pending
        before = fast.moves
        fast.run(10_000)
        per_event.append((fast.moves - before) / 10_000)
    assert 1 <= per_event[0] < per_event[1] < per_event[2] < 7


# ---- names -----------------------------------------------------------------------------------------------------------


def test_the_default_is_the_fastest_clock_here() -> None:
    assert choose_clock() == ("fast" if MODE.compiled else "heap")
    assert isinstance(make_clock("heap"), HeapClock)


def test_a_clock_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"clock is 'simpy', 'heap' or 'fast', not 'sundial'"):
        choose_clock("sundial")


def test_the_fast_clock_is_never_replaced_by_another_in_silence() -> None:
    if MODE.compiled:
        pytest.skip("compiled: the fast clock can be had")
    with pytest.raises(WrongInput, match="clock fast: needs compiled code, and this is plain Python: "):
        choose_clock("fast")


PLANS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([DEVICE, DPC, THREAD, SAMPLE]), st.integers(0, 5), st.booleans()),
    max_size=30,
)


@given(
    PLANS,
    st.dictionaries(st.integers(0, 5), st.lists(st.tuples(st.integers(1, 3), st.just(THREAD), st.integers(6, 9)))),
)
def test_all_clocks_fire_the_same_in_the_same_order(
    plan: list[tuple[int, int, int, bool]], then: dict[int, list[tuple[int, int, int]]]
) -> None:
    found = []
    for make in CLOCKS.values():
        clock = make()
        log: Log = []
        scribes = [Scribe(clock, log), Scribe(clock, log)]
        scribes[0].then = then
        scribes[1].kills_at = 3
        for delay, rank, what, second in plan:
            clock.at(delay, rank, scribes[second], what)
        clock.run(MANY)
        found.append((log, clock.events, clock.now))
    assert found == found[:1] * len(CLOCKS)


# ---- SimPy -----------------------------------------------------------------------------------------------------------


def test_a_users_own_process_lives_on_simpys_clock_and_moves_after_the_model() -> None:
    clock = SimpyClock()
    scribe = Scribe(clock, [])

    def process() -> Generator[Event, Any, Any]:
        for what in (100, 200):
            yield clock.env.timeout(10)
            scribe.fire(what)

    clock.env.process(process())
    for delay, rank, what in ((10, ARRIVAL, 1), (10, SAMPLE, 2), (20, DEVICE, 3), (25, DEVICE, 4)):
        clock.at(delay, rank, scribe, what)
    clock.run(MANY)
    assert scribe.log == [(10, 1), (10, 100), (10, 2), (20, 3), (20, 200), (25, 4)]
    assert clock.events == 4  # the model's own: results do not depend on who watches


def test_the_model_knows_the_time_while_a_users_process_runs() -> None:
    """A process that posts a packet between two events of the model must find the clock at its own time."""
    clock = SimpyClock()
    seen: list[int] = []

    def process() -> Generator[Event, Any, Any]:
        yield clock.env.timeout(7)
        seen.append(clock.now)

    clock.env.process(process())
    clock.at(5, THREAD, Scribe(clock, []), 1)
    clock.run(MANY)
    assert seen == [7]


@pytest.mark.parametrize("delay", [0.5, 10.0, float("inf")])
def test_a_delay_that_is_no_whole_number_is_refused_by_name(delay: float) -> None:
    """A float would be rounded somewhere, and results would depend on where."""
    clock = SimpyClock()

    def process() -> Generator[Event, Any, Any]:
        yield clock.env.timeout(delay)

    clock.env.process(process())
    with pytest.raises(ValueError, match=rf"waits whole nanoseconds; {delay} is no int"):
        clock.run(MANY)
