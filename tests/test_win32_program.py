"""A program's thread between its calls: what comes before its next line, how it ends, whose mistake is whose. Times are ns."""

import pytest
from tiny import Passing
from tiny_win32 import MS, Log, Program, line_marked, new_port, read, run, write

from iosim.apc import kernel_apcs
from iosim.completion import CompletionMode
from iosim.kernel_queue import KernelThread
from iosim.locks import CriticalSection
from iosim.win32 import (
    INFINITE,
    Api,
    Call,
    Handle,
    HasOverlappedIoCompleted,
    Overlapped,
    ProgramError,
    System,
    ThreadBody,
)

MODES: list[CompletionMode] = ["direct", "apc"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cost", [0, 70])
def test_2_6_3_a_thread_that_writes_to_its_own_pipe_finds_its_read_completed_on_its_next_line(
    mode: CompletionMode, cost: int
) -> None:
    """The read, of a file without a port, ends by a kernel APC in this very thread, on its way out of the write."""
    system = System(processors=2, completion_mode=mode)
    kernel_apcs(system.dispatcher).cost = cost
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        overlapped = Overlapped()
        log.add("result", (yield read(api, ours, 10, overlapped)).ok)
        log.add("completed", HasOverlappedIoCompleted(overlapped))
        yield write(api, theirs, 10, Overlapped())
        log.add("completed", HasOverlappedIoCompleted(overlapped))

    log = run(program, system=system)
    assert log.of("completed") == [False, True]
    assert log.when("completed") == [0, cost]  # the write ended in the call


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("requests", [0, 1, 3])
def test_2_8_6_a_thread_that_exits_with_requests_of_its_own_ends_when_they_are_cancelled(
    mode: CompletionMode, requests: int
) -> None:
    """At once, and not when it looks again, 100 ms later."""
    system = System(processors=2, completion_mode=mode)
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        for _ in range(requests):
            yield read(api, ours, 10, Overlapped())
        yield api.Compute(10)
        yield api.ExitThread(5)

    log = Log(system)
    thread = system.start(program, log)

    def watcher(api: Api, log: Log) -> ThreadBody:
        yield api.WaitForSingleObject(thread, INFINITE)
        log.add("exit code", (yield api.GetExitCodeThread(thread)))

    system.start(watcher, log)
    system.run()
    assert log.rows == [(10, "exit code", 5)]
    assert ours.object.file.irps.empty() and not thread.object.thread.irps


class Noting(Passing):
    """Writes down that it ran."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def run(self, thread: KernelThread) -> bool:
        self.log.add("apc", 0)
        return True


def test_7_7_a_kernel_apc_runs_on_the_way_out_of_the_call_that_queued_it() -> None:
    system = System()
    log = Log(system)

    def program(api: Api, log: Log) -> ThreadBody:
        me = yield api.GetCurrentThread()
        kernel_apcs(system.dispatcher).insert(me.object.thread, Noting(log))
        yield api.QueryPerformanceCounter()
        log.add("next line", 0)

    system.start(program, log)
    system.run()
    assert log.rows == [(0, "apc", 0), (0, "next line", 0)]


@pytest.mark.parametrize("priority", [7, 8, 9])
def test_7_3_a_better_thread_that_a_call_wakes_runs_before_the_callers_next_line(priority: int) -> None:
    """One processor."""
    system = System()

    def program(api: Api, log: Log) -> ThreadBody:
        made = yield api.CreateMutex()
        yield api.WaitForSingleObject(made, INFINITE)
        thread = yield api.CreateThread(owner, log, made, priority=priority)
        yield api.Sleep(10)
        yield api.ReleaseMutex(made)
        log.add("next line", 0)
        yield api.WaitForSingleObject(thread, INFINITE)

    def owner(api: Api, log: Log, mutex: Handle) -> ThreadBody:
        yield api.WaitForSingleObject(mutex, INFINITE)
        log.add("owner", 0)
        yield api.Compute(50)

    log = run(program, system=system)
    rows = [(10, "owner", 0), (60, "next line", 0)]
    assert log.rows == (rows if priority == 9 else [(10, "next line", 0), (10, "owner", 0)])


# ---- whose mistake it is ---------------------------------------------------------------------------------------------


def said_by(*programs: Program, system: System) -> str:
    with pytest.raises(ProgramError) as caught:
        run(*programs, system=system)
    return str(caught.value)


def wakers(system: System, wakes: str) -> Program:
    """Its call makes another thread go on at that very instant."""

    def program(api: Api, log: Log) -> ThreadBody:
        section = system.section()
        yield api.EnterCriticalSection(section)
        event = yield api.CreateEvent(False, False)
        port = yield new_port(api)
        thread = yield api.CreateThread(mistaken, section, event, port, wakes)
        yield api.Compute(100)
        calls: dict[str, Call] = {
            "section": api.LeaveCriticalSection(section),
            "event": api.SetEvent(event),
            "port": api.PostQueuedCompletionStatus(port, 0, 1, None),
            "resume": api.ResumeThread(thread),
        }
        yield calls[wakes]
        yield api.Compute(MS)

    def mistaken(api: Api, section: CriticalSection, event: Handle, port: Handle, waits: str) -> ThreadBody:
        calls: dict[str, Call] = {
            "section": api.EnterCriticalSection(section),
            "event": api.WaitForSingleObject(event, INFINITE),
            "port": api.GetQueuedCompletionStatus(port, INFINITE),
            "resume": api.SuspendThread((yield api.GetCurrentThread())),
        }
        yield calls[waits]
        yield api.CloseHandle("nonsense")  # type: ignore[arg-type]  # here: the mistake

    return program


@pytest.mark.parametrize("wakes", ["section", "event", "port", "resume"])
def test_a_mistake_has_the_line_of_its_own_thread_once_whoever_made_that_go_on(wakes: str) -> None:
    system = System(processors=2)
    said = said_by(wakers(system, wakes), system=system)
    assert said == f"{__file__}:{line_marked(__file__, 'here: the mistake')}: 'nonsense' is no handle"


def test_a_mistake_passes_through_a_chain_of_threads_with_its_own_line() -> None:
    """A's release lets B in, whose release lets C in, at one instant: the mistake is C's."""
    system = System(processors=3)
    sections = [system.section(), system.section()]

    def first(api: Api, log: Log) -> ThreadBody:
        yield api.EnterCriticalSection(sections[0])
        yield api.Compute(100)
        yield api.LeaveCriticalSection(sections[0])

    def second(api: Api, log: Log) -> ThreadBody:
        yield api.EnterCriticalSection(sections[1])
        yield api.EnterCriticalSection(sections[0])
        yield api.LeaveCriticalSection(sections[1])

    def third(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(1)
        yield api.EnterCriticalSection(sections[1])
        yield api.LeaveCriticalSection(sections[0])  # here: the third's mistake

    said = said_by(first, second, third, system=system)
    place = f"{__file__}:{line_marked(__file__, 'here: the third.s mistake')}: "
    assert said == place + "a thread gives up a lock that it does not hold: the lock would be corrupt"
