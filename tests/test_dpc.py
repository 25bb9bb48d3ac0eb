"""DPCs: importance, targets, when the drain comes, IRQL. D..: semantics 9.8. Times are ns."""

import pytest
from tiny import (
    CountingDpc,
    Device,
    QueuingInterrupt,
    Scheduled,
    Tiny,
    block,
    call,
    causes,
    compute,
    lower_irql,
    note,
    queue,
    raise_irql,
    remove,
    wait,
)

from iosim.actor import DEVICE, Clock
from iosim.dpc import HIGH, LOW, MEDIUM, MEDIUM_HIGH, Dpc, DpcQueue
from iosim.errors import BugCheck
from iosim.heap_clock import HeapClock
from iosim.interrupts import Interrupt
from iosim.processor import Processor
from iosim.simpy_clock import SimpyClock
from iosim.thread import APC_LEVEL, DEVICE_IRQL, DISPATCH_LEVEL, PASSIVE_LEVEL
from iosim.threaded_dpcs import DpcThreads, ThreadedDpc


@pytest.fixture(params=[HeapClock, SimpyClock])
def clock(request: pytest.FixtureRequest) -> type[Clock]:
    kind: type[Clock] = request.param
    return kind


class Watching(Dpc):
    """Writes down when it runs, at which IRQL, and what it was queued with."""

    def __init__(self, tiny: Tiny, cost: int = 0, importance: int = MEDIUM, name: str = "") -> None:
        super().__init__(importance)
        self.tiny = tiny
        self.cost = cost
        self.name = name

    def begin(self, processor: Processor) -> int:
        return self.cost

    def end(self, processor: Processor) -> None:
        row = self.name or (processor.number, processor.current_irql(), self.argument)
        self.tiny.log.append((self.tiny.clock.now, row))


class Queuing(Interrupt):
    """A service routine that queues what the test says."""

    def __init__(self, cost: int, *dpcs: Dpc) -> None:
        super().__init__(cost)
        self.dpcs = dpcs

    def service(self, processor: Processor) -> None:
        for dpc in self.dpcs:
            processor.queue_dpc(dpc)


def interrupt(tiny: Tiny, time: int, *dpcs: Dpc, processor: int = 0, cost: int = 10) -> None:
    """An interrupt whose service routine queues these DPCs on its processor."""
    vector = Queuing(cost, *dpcs)
    tiny.at(time, lambda: tiny.processors[processor].raise_interrupt(vector), DEVICE)


# ---- insert and remove -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [0, 30])
def test_D01_inserted_at_passive_level_it_has_run_at_dispatch_level_when_insert_returns(
    clock: type[Clock], cost: int
) -> None:
    """7.6.5, five times over, each with an argument of its own."""
    tiny = Tiny(clock=clock)
    dpc = Watching(tiny, cost)
    steps = [step for number in range(5) for step in (compute(100), queue(dpc, number), note("back"))]
    tiny.start(*steps)
    tiny.run()
    rows: list[tuple[int, object]] = []
    for number in range(5):
        began = 100 + number * (100 + cost)
        ran = began + cost
        rows += [(began, True), (ran, (0, DISPATCH_LEVEL, number)), (ran, "back")]
    assert tiny.log == rows
    assert tiny.busy() == {"user": 500} | ({"dpc": 150} if cost else {})


def test_D03_at_dispatch_level_a_removed_dpc_never_runs() -> None:
    tiny = Tiny()
    dpc = CountingDpc(10)
    steps = (raise_irql(DISPATCH_LEVEL), remove(dpc), queue(dpc), remove(dpc), lower_irql(), compute(50))
    tiny.start(*steps)
    interrupt(tiny, 100)
    tiny.run()
    assert [outcome for _, outcome in tiny.log] == [False, True, True]
    assert (dpc.runs, dpc.queued) == ([], False)


def test_a_removed_dpc_can_be_queued_again() -> None:
    tiny = Tiny()
    dpc = CountingDpc(10)
    tiny.start(raise_irql(DISPATCH_LEVEL), queue(dpc), remove(dpc), queue(dpc), compute(50), lower_irql(), note("low"))
    tiny.run()
    assert tiny.log == [(0, True), (0, True), (0, True), (60, "low")]
    assert dpc.runs == [50]


def test_D04_7_6_2_high_importance_goes_to_the_head_and_everything_else_to_the_tail() -> None:
    tiny = Tiny()
    names = [("one", MEDIUM), ("two", MEDIUM_HIGH), ("low", LOW), ("high", HIGH), ("three", MEDIUM)]
    dpcs = [Watching(tiny, 10, importance, name) for name, importance in names]
    interrupt(tiny, 0, *dpcs)
    tiny.run()
    assert tiny.log == [(20, "high"), (30, "one"), (40, "two"), (50, "low"), (60, "three")]


def test_7_6_1_inserting_a_queued_dpc_answers_false_and_keeps_the_first_argument() -> None:
    tiny = Tiny()
    dpc = Watching(tiny)
    tiny.start(raise_irql(DISPATCH_LEVEL), queue(dpc, "first"), queue(dpc, "second"), compute(10), lower_irql())
    tiny.run()
    assert tiny.log == [(0, True), (0, False), (10, (0, DISPATCH_LEVEL, "first"))]


def test_7_6_1_a_dpc_that_is_queued_to_another_processor_is_queued_everywhere() -> None:
    tiny = Tiny(2, tick=1000)
    dpc = Watching(tiny)
    dpc.aim(tiny.processors[1])
    tiny.start(compute(10), queue(dpc, "first"), queue(dpc, "second"), compute(2000), last=0)
    tiny.run()
    assert tiny.log == [(10, True), (10, False), (1000, (1, DISPATCH_LEVEL, "first"))]


# ---- whether the drain is asked for at once (7.6.3) ------------------------------------------------------------------


def filled(queue: DpcQueue, importances: list[int], own: bool, tick: int = 0) -> list[bool]:
    """What each insert says about asking for a drain."""
    return [queue.insert(Dpc(importance), own, False, tick) for importance in importances]


@pytest.mark.parametrize(
    ("own", "importance", "asks"),
    [
        (True, MEDIUM, True),
        (True, MEDIUM_HIGH, True),
        (True, HIGH, True),
        (False, LOW, False),
        (False, MEDIUM, False),
        (False, MEDIUM_HIGH, True),
        (False, HIGH, True),
    ],
)
def test_7_6_3_who_asks_for_a_drain_at_once(own: bool, importance: int, asks: bool) -> None:
    """11.9: on another processor medium-high asks too, as the document says."""
    queue = DpcQueue()
    assert filled(queue, [importance], own) == [asks]
    assert (len(queue.due), len(queue.later)) == (asks, not asks)


def test_7_6_3_low_importance_asks_on_its_own_processor_while_requests_are_rare() -> None:
    """Below three a tick. Here: none so far, then eight in tick 0, so that the rate is 4 in tick 1, 2 in tick 2."""
    queue = DpcQueue()
    assert filled(queue, [LOW], True, 0) == [True]
    queue.requests = 8
    queue.due.clear()
    assert queue.request_rate(1) == 4
    assert filled(queue, [LOW], True, 1) == [False]
    queue.later.clear()
    assert queue.request_rate(2) == 2
    assert filled(queue, [LOW], True, 2) == [True]


@pytest.mark.parametrize("own", [True, False])
def test_7_6_3_the_fourth_in_the_queue_asks_whatever_its_importance(own: bool) -> None:
    queue = DpcQueue()
    queue.minimum_rate = 0
    assert filled(queue, [LOW, LOW, LOW, LOW], own) == [False, False, False, True]
    assert (len(queue.due), len(queue.later)) == (4, 0)


def test_7_6_3_what_waited_runs_before_what_asks_for_the_drain_unless_that_is_high() -> None:
    for importance, order in ((MEDIUM, [0, 1, 2]), (HIGH, [2, 0, 1])):
        queue = DpcQueue()
        queue.minimum_rate = 0
        dpcs = [Dpc(LOW), Dpc(LOW), Dpc(importance)]
        assert [queue.insert(dpc, True, False, 0) for dpc in dpcs] == [False, False, True]
        assert queue.due == [dpcs[place] for place in order]


def test_7_6_4_a_queue_that_drains_needs_no_asking() -> None:
    queue = DpcQueue()
    assert not queue.insert(Dpc(LOW), False, True, 0)
    assert len(queue.due) == 1


# ---- on other processors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("importance", "ran"), [(LOW, 1000), (MEDIUM, 1000), (MEDIUM_HIGH, 300 + 40 + 30), (HIGH, 300 + 40 + 30)]
)
def test_7_6_3_on_another_processor_it_starts_at_once_or_at_its_next_clock_tick(
    clock: type[Clock], importance: int, ran: int
) -> None:
    """At once: after the inter-processor interrupt, 40. The thread there, 2,000 of work, loses interrupt and DPC."""
    tiny = Tiny(2, tick=970, clock=clock)
    tiny.processors[1].ipi.cost = 40
    dpc = Watching(tiny, 30, importance)
    dpc.aim(tiny.processors[1])
    tiny.start(compute(300), queue(dpc), compute(3000), last=0)
    busy = tiny.start(compute(2000), note("done"), last=1)
    busy.request = request = tiny.request()
    tiny.run()
    stolen = 30 if importance < MEDIUM_HIGH else 70
    assert tiny.log == [(300, True), (ran, (1, DISPATCH_LEVEL, 0)), (2000 + stolen, "done")]
    assert causes(request) == {"user": 2000, "interrupted": stolen}
    assert tiny.busy(0) == {"user": 3300}


def test_7_6_3_the_processor_that_goes_idle_drains_what_waited() -> None:
    tiny = Tiny(2, tick=100_000)
    dpc = Watching(tiny, 30)
    dpc.aim(tiny.processors[1])
    tiny.start(compute(300), queue(dpc), last=0)
    tiny.start(compute(500), last=1)
    tiny.run()
    assert tiny.log == [(300, True), (530, (1, DISPATCH_LEVEL, 0))]
    assert tiny.busy(1) == {"user": 500, "dpc": 30}


def test_7_6_3_an_idle_processor_is_left_alone_until_the_tick() -> None:
    tiny = Tiny(2, tick=1000)
    dpc = Watching(tiny, 30)
    dpc.aim(tiny.processors[1])
    tiny.start(compute(300), queue(dpc), last=0)
    tiny.run()
    assert tiny.log == [(300, True), (1030, (1, DISPATCH_LEVEL, 0))]


def test_7_6_3_an_interrupt_there_takes_it_along_with_its_own() -> None:
    tiny = Tiny(2, tick=100_000)
    aimed, own = Watching(tiny, 30, name="aimed"), Watching(tiny, 5, name="own")
    aimed.aim(tiny.processors[1])
    tiny.start(compute(300), queue(aimed), last=0)
    interrupt(tiny, 400, own, processor=1)
    tiny.run()
    assert tiny.log == [(300, True), (440, "aimed"), (445, "own")]


def test_two_requests_at_once_are_one_interrupt() -> None:
    tiny = Tiny(2)
    tiny.processors[1].ipi.cost = 40
    first, second = Watching(tiny, 30, HIGH, "first"), Watching(tiny, 30, MEDIUM_HIGH, "second")
    for dpc in (first, second):
        dpc.aim(tiny.processors[1])
    interrupt(tiny, 0, first, second)
    tiny.run()
    assert tiny.log == [(80, "first"), (110, "second")]
    assert tiny.busy(1) == {"isr": 40, "dpc": 60}


# ---- the drain -------------------------------------------------------------------------------------------------------


def test_7_6_4_what_is_queued_meanwhile_runs_in_the_same_drain_before_any_thread() -> None:
    """A DPC that queues itself twice more: the thread, whatever its priority, waits for all three (7.6.6)."""
    tiny = Tiny()
    again = CountingDpc(100)

    def once_more() -> None:
        if len(again.runs) < 3:
            assert tiny.processors[0].queue_dpc(again)

    again.then = once_more
    tiny.start(compute(1000), note("thread"), priority=31)
    interrupt(tiny, 200, again)
    tiny.run()
    assert again.runs == [210, 310, 410]
    assert tiny.log == [(1310, "thread")]
    assert tiny.busy() == {"user": 1000, "isr": 10, "dpc": 300}


def test_a_low_one_queued_in_a_drain_runs_in_it_too() -> None:
    tiny = Tiny(tick=10_000)
    tiny.processors[0].dpcs.minimum_rate = 0
    low = Watching(tiny, 10, LOW, "low")
    first = CountingDpc(100, lambda: tiny.log.append((tiny.clock.now, tiny.processors[0].queue_dpc(low))))
    interrupt(tiny, 0, first)
    tiny.run()
    assert tiny.log == [(110, True), (120, "low")]


def test_a_low_one_from_a_service_routine_waits_for_the_tick_where_requests_are_many() -> None:
    tiny = Tiny(tick=1000)
    tiny.processors[0].dpcs.minimum_rate = 0
    low = Watching(tiny, 10, LOW, "low")
    tiny.start(compute(5000), note("thread"))
    interrupt(tiny, 100, low)
    tiny.run()
    assert tiny.log == [(1010, "low"), (5020, "thread")]


def test_D01_the_drain_on_an_smt_processor_costs_its_time_and_no_more() -> None:
    """Yield 1.25: the sibling's 1,600 ns are 1,000 of work; the DPC does not slow down."""
    tiny = Tiny(2, smt=1.25)
    dpc = Watching(tiny, 100)
    queued = call(lambda: tiny.processors[0].queue_dpc(dpc))
    tiny.start(compute(500), queued, compute(500), note("done"), last=0)
    tiny.start(compute(5000), last=1)
    tiny.run()
    assert tiny.log == [(900, (0, DISPATCH_LEVEL, 0)), (1700, "done")]


def test_7_6_4_a_quantum_that_ends_when_a_dpc_is_due_ends_after_the_drain(clock: type[Clock]) -> None:
    """A's quantum of 100 is over while it is at DISPATCH_LEVEL: the DPC runs on the way down, and only then B."""
    tiny = Tiny(quantum=100, clock=clock)
    steps = (raise_irql(DISPATCH_LEVEL), compute(150), lower_irql(), note("a goes on"), compute(10), note("a"))
    tiny.start(*steps)
    tiny.start(note("b begins"), compute(10), note("b"))
    Device(tiny.processors[0], 0, 10, lambda: tiny.log.append((tiny.clock.now, "dpc"))).at(tiny, 50)
    tiny.run()
    assert tiny.log == [(160, "dpc"), (160, "b begins"), (170, "b"), (170, "a goes on"), (180, "a")]


def test_D01_7_6_5_a_dpc_that_is_queued_as_the_quantum_ends_runs_before_the_next_thread() -> None:
    """And the call returns only when its thread has a processor again."""
    tiny = Tiny(quantum=100)
    dpc = CountingDpc(10, lambda: tiny.log.append((tiny.clock.now, "dpc")))
    tiny.start(compute(100), queue(dpc), note("a goes on"))
    tiny.start(note("b begins"), compute(10), note("b"))
    tiny.run()
    assert tiny.log == [(100, True), (110, "dpc"), (110, "b begins"), (120, "b"), (120, "a goes on")]


# ---- IRQL ------------------------------------------------------------------------------------------------------------


def test_7_5_the_irql_of_thread_dpc_and_service_routine(clock: type[Clock]) -> None:
    tiny = Tiny(clock=clock)
    processor = tiny.processors[0]
    seen: list[int] = []

    def look() -> None:
        seen.append(processor.current_irql())

    class Looking(QueuingInterrupt):
        def service(self, processor: Processor) -> None:
            look()
            super().service(processor)

    vector = Looking(5, CountingDpc(10, look))
    tiny.start(call(look), raise_irql(APC_LEVEL), call(look), raise_irql(DISPATCH_LEVEL), call(look), compute(100))
    tiny.at(50, lambda: processor.raise_interrupt(vector), DEVICE)
    with pytest.raises(BugCheck):
        tiny.run()  # the thread ends at DISPATCH_LEVEL
    assert seen == [PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, DEVICE_IRQL]


def test_raise_irql_gives_the_old_level_back() -> None:
    tiny = Tiny()
    processor = tiny.processors[0]
    levels: list[int] = []
    up = [call(lambda level=level: levels.append(processor.raise_irql(level))) for level in (1, 2)]  # type: ignore[misc]
    tiny.start(*up, lower_irql(APC_LEVEL), call(lambda: levels.append(processor.current_irql())), lower_irql())
    tiny.run()
    assert levels == [PASSIVE_LEVEL, APC_LEVEL, APC_LEVEL]


def test_0b10_a_holder_of_a_spin_lock_takes_interrupts_but_no_dpc_and_no_pre_emption(clock: type[Clock]) -> None:
    """Work 1,000 at DISPATCH_LEVEL from 0: ISR at 200 (50), a better thread at 400: at 1,050 the DPC, then the thread."""
    tiny = Tiny(clock=clock)
    holder = tiny.start(
        raise_irql(DISPATCH_LEVEL), compute(1000), note("unlocks"), lower_irql(), note("on"), compute(100), note("ends")
    )
    holder.request = request = tiny.request()
    device = Device(tiny.processors[0], 50, 100)
    device.at(tiny, 200)
    tiny.start(compute(70), note("better"), priority=12, at=400)
    tiny.run()
    assert tiny.log == [(1050, "unlocks"), (1220, "better"), (1220, "on"), (1320, "ends")]
    assert device.dpc.runs == [1050]
    assert causes(request) == {"user": 1100, "interrupted": 50 + 100, "ready_queue": 70}


def test_0b10_its_quantum_ends_when_it_lowers_its_irql() -> None:
    tiny = Tiny(quantum=300)
    tiny.start(
        raise_irql(DISPATCH_LEVEL), compute(400), compute(600), note("unlocks"), lower_irql(), note("on"), compute(1)
    )
    tiny.start(compute(200), note("equal"))
    tiny.run()
    assert tiny.log == [(1000, "unlocks"), (1200, "equal"), (1200, "on")]


def test_0b10_a_holder_that_ran_beyond_its_quantum_and_then_waits_goes_behind_its_equal_when_woken() -> None:
    """Woken at 300 it waits for B's quantum to end at 350; its own is over, so B goes first once more, until 450."""
    tiny = Tiny(quantum=100)
    lower = call(lambda: tiny.processors[0].lower_irql(PASSIVE_LEVEL))
    tiny.start(raise_irql(DISPATCH_LEVEL), compute(250), lower, block(50), compute(30), note("a"))
    tiny.start(compute(500), note("b"), at=1)
    tiny.run()
    assert tiny.log == [(480, "a"), (780, "b")]


@pytest.mark.parametrize(("at", "ends"), [(0, 1600), (200, 1480)])
def test_0b10_on_an_smt_processor_a_holder_is_slowed_like_any_thread(at: int, ends: int) -> None:
    """While its sibling is busy, 1,000 of work take 1,600 (yield 1.25)."""
    tiny = Tiny(2, smt=1.25)
    tiny.start(compute(5000), at=at, last=1)
    tiny.start(raise_irql(DISPATCH_LEVEL), compute(1000), note("unlocks"), lower_irql(), last=0)
    tiny.run()
    assert tiny.log == [(ends, "unlocks")]
    assert tiny.busy(0) == {"user": ends}


def test_another_processor_is_pre_empted_rather_than_a_holders() -> None:
    tiny = Tiny(2)
    tiny.start(raise_irql(DISPATCH_LEVEL), compute(1000), lower_irql(), note("holder"), priority=5, last=0)
    tiny.start(compute(1000), note("other"), priority=6, last=1)
    tiny.start(compute(100), note("better"), priority=9, at=300)
    tiny.run()
    assert tiny.log == [(400, "better"), (1000, "holder"), (1100, "other")]


@pytest.mark.parametrize("others", [0, 1])
def test_7_5_a_wait_at_dispatch_level_is_fatal(others: int) -> None:
    tiny = Tiny()
    tiny.start(raise_irql(DISPATCH_LEVEL), block(10))
    for _ in range(others):
        tiny.start(compute(10))
    with pytest.raises(BugCheck, match="IRQL_NOT_LESS_OR_EQUAL"):
        tiny.run()


def test_a_thread_may_wait_at_apc_level_and_keeps_it() -> None:
    tiny = Tiny()
    thread = tiny.start(raise_irql(APC_LEVEL), wait(), note("on"), lower_irql(), note("low"))
    tiny.start(compute(100))
    tiny.at(500, lambda: tiny.dispatcher.wake(thread))
    tiny.run()
    assert (tiny.log, thread.irql) == ([(500, "on"), (500, "low")], PASSIVE_LEVEL)


# ---- threaded DPCs ---------------------------------------------------------------------------------------------------


class Threaded(ThreadedDpc):
    """Takes its time, then writes down when it has run and at which IRQL."""

    def __init__(self, tiny: Tiny, threads: DpcThreads, time: int, name: str = "threaded") -> None:
        super().__init__(threads)
        self.tiny = tiny
        self.time = time
        self.name = name

    def cost(self, processor: Processor) -> int:
        return self.time

    def routine(self, processor: Processor) -> None:
        self.tiny.log.append((self.tiny.clock.now, (self.name, processor.current_irql())))


@pytest.mark.parametrize(
    ("enabled", "irql", "ran", "account"),
    [
        (True, PASSIVE_LEVEL, 317, {"user": 1000, "isr": 10, "kernel": 100, "switch": 3 * 7}),
        (False, DISPATCH_LEVEL, 310, {"user": 1000, "isr": 10, "dpc": 100, "switch": 7}),
    ],
)
def test_a_threaded_dpc_runs_at_passive_level_in_a_thread_that_pre_empts_all_others(
    enabled: bool, irql: int, ran: int, account: dict[str, int]
) -> None:
    """Interrupt at 200; the thread of priority 15 goes on when the routine has run. Switched off: an ordinary DPC."""
    tiny = Tiny(switch=7)
    dpc = Threaded(tiny, DpcThreads(tiny.dispatcher, enabled), 100)
    tiny.start(compute(1000), note("thread"), priority=15)
    interrupt(tiny, 200, dpc)
    tiny.run()
    assert tiny.log[0] == (ran, ("threaded", irql))
    assert tiny.busy() == account


def test_an_ordinary_dpc_interrupts_a_threaded_one() -> None:
    tiny = Tiny()
    threads = DpcThreads(tiny.dispatcher)
    interrupt(tiny, 200, Threaded(tiny, threads, 100))
    interrupt(tiny, 250, Watching(tiny, 30, name="ordinary"))
    tiny.run()
    assert tiny.log == [(290, "ordinary"), (350, ("threaded", PASSIVE_LEVEL))]


def test_a_threaded_dpc_is_queued_until_its_routine_begins_and_can_be_removed_until_then() -> None:
    """The first one runs from 10 to 110. Meanwhile the second waits in the thread's queue."""
    tiny = Tiny()
    threads = DpcThreads(tiny.dispatcher)
    first, second = Threaded(tiny, threads, 100, "first"), Threaded(tiny, threads, 100, "second")
    processor = tiny.processors[0]
    seen: list[bool] = []
    interrupt(tiny, 0, first, second)
    tiny.at(50, lambda: seen.extend((processor.queue_dpc(second), processor.remove_dpc(second))))
    tiny.at(60, lambda: seen.extend((processor.remove_dpc(second), processor.queue_dpc(first))))
    tiny.run()
    assert seen == [False, True, False, True]
    assert tiny.log == [(110, ("first", PASSIVE_LEVEL)), (210, ("first", PASSIVE_LEVEL))]


class Where(Threaded):
    """Writes down which processor its thread is on as well."""

    def routine(self, processor: Processor) -> None:
        thread = self.threads.of[processor.number].thread
        self.tiny.log.append((self.tiny.clock.now, (processor.number, thread.processor)))


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_thread_of_threaded_dpcs_runs_on_its_processor_though_others_are_idle(number: int) -> None:
    """It pre-empts the thread that runs there, which goes on elsewhere at once."""
    tiny = Scheduled(4)
    threads = DpcThreads(tiny.dispatcher)
    tiny.start(compute(1000), note("thread"), last=number)
    interrupt(tiny, 200, Where(tiny, threads, 100), processor=number)
    tiny.run()
    assert tiny.log == [(310, (number, number)), (1010, "thread")]


def test_threaded_dpcs_of_several_processors_run_side_by_side_and_those_of_one_in_turn() -> None:
    tiny = Scheduled(3)
    threads = DpcThreads(tiny.dispatcher)
    for number in (2, 0):
        interrupt(tiny, 200, Where(tiny, threads, 100), Where(tiny, threads, 50), processor=number)
    tiny.run()
    assert sorted(tiny.log) == [(310, (0, 0)), (310, (2, 2)), (360, (0, 0)), (360, (2, 2))]
    assert [tiny.busy(number) for number in range(3)] == [{"isr": 10, "kernel": 150}, {}, {"isr": 10, "kernel": 150}]


@pytest.mark.parametrize("number", [0, 32, 33, 65])
def test_the_thread_of_a_second_groups_processor_is_of_that_group(number: int) -> None:
    """Two nodes of 33 processors are two groups."""
    tiny = Scheduled(66, nodes=2)
    threads = DpcThreads(tiny.dispatcher)
    interrupt(tiny, 200, Where(tiny, threads, 100), processor=number)
    tiny.run()
    assert tiny.log == [(310, (number, number))]
    thread = threads.of[number].thread
    assert (thread.group, thread.affinity, thread.ideal) == (number // 33, 1 << number, number)
