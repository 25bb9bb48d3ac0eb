"""The balance-set manager: threads that nobody lets run are lifted for one quantum. Semantics 0b.15."""

from tiny import Scheduled, compute, note

from iosim.ready_queues import LIFTED, SCANNED
from iosim.scheduling import SchedulerParams
from iosim.units import MS, S

RELIEF = SchedulerParams(starvation_relief=True)


def test_0b15_a_thread_that_is_ready_for_more_than_4_s_runs_for_a_doubled_quantum() -> None:
    """Ready from 0.5 s on, it is looked at every second: at 5 s it has starved. Two quanta of 20 ms later it is back."""
    tiny = Scheduled(1, RELIEF, quantum=20 * MS)
    tiny.start(compute(7 * S), note("hog"), priority=9)
    starved = tiny.start(compute(30 * MS), note("30 ms"), compute(20 * MS), note("done"), at=S // 2)
    seen: list[tuple[int, int]] = []
    for time in (4 * S + 1, 5 * S + 1, 5 * S + 40 * MS + 1):
        tiny.at(time, lambda: seen.append((starved.priority, starved.state)))
    tiny.run()
    assert tiny.log == [(5 * S + 30 * MS, "30 ms"), (7 * S + 40 * MS, "hog"), (7 * S + 50 * MS, "done")]
    assert seen == [(8, 0), (15, 1), (8, 0)]


def test_0b15_without_relief_it_waits_to_the_end() -> None:
    tiny = Scheduled(quantum=20 * MS)
    tiny.start(compute(7 * S), note("hog"), priority=9)
    tiny.start(compute(30 * MS), note("starved"))
    tiny.run()
    assert tiny.log == [(7 * S, "hog"), (7 * S + 30 * MS, "starved")]


def test_0b15_with_quanta_by_ticks_the_lifted_thread_has_twice_the_units() -> None:
    """A tick is 15 ms, the quantum one tick: lifted at 5 s, after 2 ticks (the first at 5.010 s) it is back."""
    tiny = Scheduled(1, SchedulerParams(quantum_mode="ticks", starvation_relief=True), quantum=15 * MS, tick=15 * MS)
    tiny.start(compute(7 * S), note("hog"), priority=9)
    starved = tiny.start(compute(100 * MS), at=S // 2)
    seen: list[int] = []
    for time in (5 * S + 24 * MS, 5 * S + 26 * MS):
        tiny.at(time, lambda: seen.append(starved.priority))
    tiny.run()
    assert seen == [15, 8]
    assert tiny.log == [(7 * S + 25 * MS, "hog")]


def test_0b15_a_pass_lifts_ten_threads_and_looks_at_sixteen() -> None:
    """Two at 5 and twenty at 8 have starved: at 5 s the two and eight of the others, at 6 s the next pass goes on."""
    tiny = Scheduled(1, RELIEF)
    tiny.start(compute(9 * S), priority=15)  # even lifted ones don't run
    threads = [tiny.start(compute(1), priority=5 if number < 2 else 8) for number in range(22)]
    lifted: list[int] = []
    for time in (5, 6, 7):
        tiny.at(time * S + 1, lambda: lifted.append(sum(thread.priority == 15 for thread in threads)))
    tiny.run()
    assert (lifted, LIFTED, SCANNED) == ([10, 20, 22], 10, 16)


def test_0b15_threads_that_have_not_starved_use_the_scan_up_and_the_next_pass_begins_there() -> None:
    """Sixteen at 5 are ready since 4 s; the starved one at 8 is not looked at by the pass of 5 s, but by that of 6 s."""
    tiny = Scheduled(1, RELIEF)
    tiny.start(compute(7 * S), priority=15)
    starved = tiny.start(compute(1), priority=8)
    for _ in range(16):
        tiny.start(compute(1), priority=5, at=4 * S)
    seen: list[int] = []
    for time in (5, 6):
        tiny.at(time * S + 1, lambda: seen.append(starved.priority))
    tiny.run()
    assert seen == [8, 15]


def test_0b15_an_affine_thread_is_relieved_on_its_processor() -> None:
    tiny = Scheduled(2, RELIEF, quantum=20 * MS)
    tiny.start(compute(6 * S), note("hog"), priority=9, last=1)
    starved = tiny.start(compute(10 * MS), note("starved"))
    tiny.dispatcher.set_affinity(starved, 0b10)
    tiny.run()
    assert tiny.log == [(5 * S + 10 * MS, "starved"), (6 * S, "hog")]  # which goes on on the idle processor


def test_the_relief_comes_to_rest_with_the_machine() -> None:
    """It is booked only while somebody is ready: a run ends by itself, and an idle hour has no events."""
    tiny = Scheduled(1, RELIEF, quantum=S)
    for start in (0, 3600 * S):
        tiny.start(compute(S // 2), at=start)
        tiny.start(compute(S // 2), note("second"), at=start)
    tiny.run()
    assert tiny.log == [(S, "second"), (3601 * S, "second")]
    assert tiny.clock.events < 20
