"""One suite for every clock: the order of events, dead entries, limits, stop. And a user's own process on SimPy's."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Event

from iosim.actor import ARRIVAL, DEVICE, DPC, INTERRUPT, SAMPLE, STOP, THREAD, TIMER, USER, Actor, Clock, Rank
from iosim.clock import CLOCKS, HeapClock, SimpyClock

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


@pytest.fixture(params=sorted(CLOCKS))
def clock(request: pytest.FixtureRequest) -> Clock:
    return CLOCKS[request.param]()


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
    for kind in (HeapClock, SimpyClock):
        clock = kind()
        log: Log = []
        scribes = [Scribe(clock, log), Scribe(clock, log)]
        scribes[0].then = then
        scribes[1].kills_at = 3
        for delay, rank, what, second in plan:
            clock.at(delay, rank, scribes[second], what)
        clock.run(MANY)
        found.append((log, clock.events, clock.now))
    assert found[0] == found[1]


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
