"""Handles, last errors, and what no real system would survive. Rules by their number in the semantics."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tiny_win32 import MS, PAGE, Log, disk, line_marked, new_port, read, run, write

from iosim.ntstatus import (
    ERROR_GEN_FAILURE,
    ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER,
    ERROR_NOT_OWNER,
    ERROR_TOO_MANY_POSTS,
    WAIT_IO_COMPLETION,
    WAIT_TIMEOUT,
)
from iosim.thread import TERMINATED
from iosim.win32 import (
    INFINITE,
    MAXIMUM_WAIT_OBJECTS,
    NULL,
    STILL_ACTIVE,
    WAIT_FAILED,
    WAIT_OBJECT_0,
    Api,
    Buffer,
    Call,
    CompletionStatus,
    IoResult,
    Overlapped,
    ProgramError,
    System,
    ThreadBody,
)
from iosim.win32.threads import NO_COUNT, NO_PROCESSOR

FAILED = IoResult(False, ERROR_INVALID_HANDLE, 0)


@pytest.fixture
def system() -> System:
    return System(processors=2)


# ---- handles ---------------------------------------------------------------------------------------------------------


def test_handles_are_multiples_of_four_and_say_what_they_are(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        handles = []
        for call in (api.CreateEvent(True, False), api.CreateMutex(), api.CreateSemaphore(0, 1), new_port(api)):
            handles.append((yield call))
        yield api.CloseHandle(handles[0])
        log.add("handles", handles)

    handles = run(program, system=system).one("handles")
    assert [handle % 4 for handle in handles] == [0] * 4
    assert len(set(handles)) == 4
    assert repr(handles[0]) == f"<Event handle {int(handles[0]):#x}, closed>"
    assert repr(handles[3]) == f"<CompletionPort handle {int(handles[3]):#x}>"


def test_the_two_lowest_bits_of_a_handle_are_not_looked_at(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(True, False)
        yield api.SetEvent(event | 1)
        log.add("wait", (yield api.WaitForSingleObject(event | 3, 0)))

    assert run(program, system=system).one("wait") == WAIT_OBJECT_0


def test_a_handle_can_be_closed_once(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(True, False)
        for _ in range(2):
            log.add("close", (yield api.CloseHandle(event)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.of("close"), log.one("error")) == ([True, False], ERROR_INVALID_HANDLE)


def routine(api: Api, *arguments: Any) -> None:
    """Never called."""


def ov() -> Overlapped:
    return Overlapped()


# Each call that takes a handle, and what it gives for one that is closed or of a wrong kind.
CALLS: dict[str, tuple[Callable[[Api, Any], Call], object]] = {
    "ReadFile": (lambda api, it: read(api, it, 1, ov()), FAILED),
    "WriteFile": (lambda api, it: write(api, it, 1, ov()), FAILED),
    "ReadFileEx": (lambda api, it: api.ReadFileEx(it, Buffer(1), 1, ov(), routine), FAILED),
    "WriteFileEx": (lambda api, it: api.WriteFileEx(it, Buffer(1), 1, ov(), routine), FAILED),
    "ReadFileScatter": (lambda api, it: api.ReadFileScatter(it, [Buffer(PAGE)], PAGE, ov()), FAILED),
    "WriteFileGather": (lambda api, it: api.WriteFileGather(it, [Buffer(PAGE)], PAGE, ov()), FAILED),
    "DeviceIoControl": (lambda api, it: api.DeviceIoControl(it, 1, 1, ov()), FAILED),
    "ConnectNamedPipe": (lambda api, it: api.ConnectNamedPipe(it, ov()), FAILED),
    "FlushFileBuffers": (lambda api, it: api.FlushFileBuffers(it), False),
    "CancelIo": (lambda api, it: api.CancelIo(it), False),
    "CancelIoEx": (lambda api, it: api.CancelIoEx(it), False),
    "SetFileCompletionNotificationModes": (lambda api, it: api.SetFileCompletionNotificationModes(it, 1), False),
    "CreateIoCompletionPort of a file": (lambda api, it: api.CreateIoCompletionPort(it, None, 1), NULL),
    "CreateThreadpoolIo": (lambda api, it: api.CreateThreadpoolIo(it, routine), None),
    "PostQueuedCompletionStatus": (lambda api, it: api.PostQueuedCompletionStatus(it, 0, 1, None), False),
    "SetEvent": (lambda api, it: api.SetEvent(it), False),
    "ResetEvent": (lambda api, it: api.ResetEvent(it), False),
    "ReleaseSemaphore": (lambda api, it: api.ReleaseSemaphore(it), False),
    "ReleaseMutex": (lambda api, it: api.ReleaseMutex(it), False),
    "QueueUserAPC": (lambda api, it: api.QueueUserAPC(routine, it), False),
    "GetExitCodeThread": (lambda api, it: api.GetExitCodeThread(it), False),
    "SetThreadAffinityMask": (lambda api, it: api.SetThreadAffinityMask(it, 1), 0),
    "SetThreadIdealProcessor": (lambda api, it: api.SetThreadIdealProcessor(it, 0), NO_PROCESSOR),
    "SetThreadIdealProcessor, asking": (lambda api, it: api.SetThreadIdealProcessor(it, 64), NO_PROCESSOR),
    "SetThreadPriority": (lambda api, it: api.SetThreadPriority(it, 0), False),
    "SuspendThread": (lambda api, it: api.SuspendThread(it), NO_COUNT),
    "ResumeThread": (lambda api, it: api.ResumeThread(it), NO_COUNT),
    "SetWaitableTimer": (lambda api, it: api.SetWaitableTimer(it, 10), False),
    "CancelWaitableTimer": (lambda api, it: api.CancelWaitableTimer(it), False),
}
ANY_KIND: dict[str, tuple[Callable[[Api, Any], Call], object]] = {
    "WaitForSingleObject": (lambda api, it: api.WaitForSingleObject(it, INFINITE), WAIT_FAILED),
    "DuplicateHandle": (lambda api, it: api.DuplicateHandle(it), NULL),
    "CloseHandle": (lambda api, it: api.CloseHandle(it), False),
}


@pytest.mark.parametrize("call", [*CALLS, *ANY_KIND])
@pytest.mark.parametrize("handle", ["closed", "never given", "NULL"])
def test_a_call_on_what_is_no_open_handle_fails_with_invalid_handle(system: System, call: str, handle: str) -> None:
    make, failing = {**CALLS, **ANY_KIND}[call]

    def program(api: Api, log: Log) -> ThreadBody:
        closed = yield api.CreateEvent(True, False)
        yield api.CloseHandle(closed)
        it = {"closed": closed, "never given": 0x4444, "NULL": None}[handle]
        log.add("result", (yield make(api, it)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.one("result"), log.one("error")) == (failing, ERROR_INVALID_HANDLE)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_on_a_handle_of_another_kind_fails_with_invalid_handle(system: System, call: str) -> None:
    make, failing = CALLS[call]

    def program(api: Api, log: Log) -> ThreadBody:
        wrong = yield api.CreateMutex() if call != "ReleaseMutex" else api.CreateEvent(True, False)
        log.add("result", (yield make(api, wrong)))
        log.add("error", (yield api.GetLastError()))

    log = run(program, system=system)
    assert (log.one("result"), log.one("error")) == (failing, ERROR_INVALID_HANDLE)


def test_removing_from_what_is_no_port_gives_no_packet_and_invalid_handle(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(True, False)
        log.add("one", (yield api.GetQueuedCompletionStatus(event, INFINITE)))
        log.add("many", (yield api.GetQueuedCompletionStatusEx(event, 5, INFINITE)))
        port = yield new_port(api)
        log.add("none", (yield api.GetQueuedCompletionStatusEx(port, 0, 0)))

    log = run(program, system=system)
    for name, error in (
        ("one", ERROR_INVALID_HANDLE),
        ("many", ERROR_INVALID_HANDLE),
        ("none", ERROR_INVALID_PARAMETER),
    ):
        status = log.one(name)
        assert isinstance(status, CompletionStatus)
        assert (status.ok, status.overlapped, status.error) == (False, None, error)


def test_an_overlapped_with_an_event_that_is_none_fails_the_call(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        log.add("read", (yield read(api, ours, 1, Overlapped(event=0x4444))))

    assert run(program, system=system).one("read") == FAILED


def test_a_handle_that_another_thread_closes_during_the_call_is_invalid() -> None:
    system = System(processors=2, system_call=10)
    ours, _ = system.pipe()

    def reader(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(5)
        log.add("read", (yield read(api, ours, 1, Overlapped())))

    def closer(api: Api, log: Log) -> ThreadBody:
        yield api.CloseHandle(ours)

    log = run(reader, closer, system=system)
    assert log.rows == [(15, "read", FAILED)]


def test_a_call_that_fails_takes_its_time_all_the_same() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        log.add("read", (yield read(api, 0x4444, 1, Overlapped())))  # type: ignore[arg-type]
        log.add("close", (yield api.CloseHandle(0x4444)))  # type: ignore[arg-type]

    assert run(program, system=System(system_call=10)).rows == [(10, "read", FAILED), (20, "close", False)]


def test_an_event_lives_in_its_duplicate(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(True, False)
        twin = yield api.DuplicateHandle(event)
        yield api.SetEvent(event)
        yield api.CloseHandle(event)
        log.add("wait", (yield api.WaitForSingleObject(twin, 0)))

    assert run(program, system=system).one("wait") == WAIT_OBJECT_0


# ---- last errors -----------------------------------------------------------------------------------------------------


def test_a_last_error_is_the_threads_own_and_outlives_calls_that_succeed(system: System) -> None:
    def failing(api: Api, log: Log) -> ThreadBody:
        yield api.CloseHandle(0x4444)  # type: ignore[arg-type]
        event = yield api.CreateEvent(True, False)
        log.add("timeout", (yield api.WaitForSingleObject(event, MS)))
        log.add("failing", (yield api.GetLastError()))
        yield api.ReleaseMutex((yield api.CreateMutex()))
        log.add("failing", (yield api.GetLastError()))

    def other(api: Api, log: Log) -> ThreadBody:
        log.add("other", (yield api.GetLastError()))
        port = yield new_port(api)
        yield api.GetQueuedCompletionStatus(port, 0)
        log.add("other", (yield api.GetLastError()))

    log = run(failing, other, system=system)
    assert log.one("timeout") == WAIT_TIMEOUT  # a result, no error
    assert log.of("failing") == [ERROR_INVALID_HANDLE, ERROR_NOT_OWNER]
    assert log.of("other") == [0, WAIT_TIMEOUT]


def test_objects_that_can_not_be_are_refused(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        log.add("semaphore", (yield api.CreateSemaphore(0, 0)))
        log.add("semaphore", (yield api.CreateSemaphore(3, 2)))
        log.add("error", (yield api.GetLastError()))
        semaphore = yield api.CreateSemaphore(1, 2)
        for count in (0, 2):
            log.add("release", (yield api.ReleaseSemaphore(semaphore, count)))
            log.add("error", (yield api.GetLastError()))
        log.add("wait", (yield api.WaitForMultipleObjects([], False, 0)))
        log.add("wait", (yield api.WaitForMultipleObjects([semaphore] * (MAXIMUM_WAIT_OBJECTS + 1), False, 0)))
        log.add("error", (yield api.GetLastError()))
        log.add("wait", (yield api.WaitForMultipleObjects([semaphore, semaphore], True, 0)))

    log = run(program, system=system)
    assert log.of("semaphore") == [NULL, NULL]
    assert log.of("release") == [False, False]
    assert log.of("wait") == [WAIT_FAILED] * 3
    assert log.of("error") == [ERROR_INVALID_PARAMETER] * 2 + [ERROR_TOO_MANY_POSTS, ERROR_INVALID_PARAMETER]


# ---- threads ---------------------------------------------------------------------------------------------------------


def test_a_threads_exit_code_is_there_when_it_has_ended(system: System) -> None:
    def child(api: Api) -> ThreadBody:
        yield api.Compute(MS)
        yield api.ExitThread(5)

    def parent(api: Api, log: Log) -> ThreadBody:
        thread = yield api.CreateThread(child)
        log.add("code", (yield api.GetExitCodeThread(thread)))
        yield api.WaitForSingleObject(thread, INFINITE)
        log.add("code", (yield api.GetExitCodeThread(thread)))
        log.add("apc", (yield api.QueueUserAPC(routine, thread)))
        log.add("error", (yield api.GetLastError()))
        log.add("me", (yield api.GetExitCodeThread((yield api.GetCurrentThread()))))
        log.add("time", (yield api.QueryPerformanceCounter()))

    log = run(parent, system=system)
    assert log.of("code") == [STILL_ACTIVE, 5]
    assert log.one("error") == ERROR_GEN_FAILURE
    assert (log.one("apc"), log.one("me"), log.one("time")) == (False, STILL_ACTIVE, MS)


def test_1_6_a_thread_that_yields_goes_behind_its_equals_and_stays_active() -> None:
    system = System(processors=1)
    port = system.port(1)

    def first(api: Api, log: Log) -> ThreadBody:
        yield api.GetQueuedCompletionStatus(port, 0)
        log.add("alone", (yield api.SwitchToThread()))
        yield api.CreateThread(second, log)
        yield api.Compute(1)
        log.add("switched", (yield api.SwitchToThread()))
        log.add("running", port.object.running)
        yield api.CreateThread(second, log)
        yield api.Compute(1)
        log.add("slept", (yield api.Sleep(0)))

    def second(api: Api, log: Log) -> ThreadBody:
        log.add("second", 0)
        yield api.Compute(MS)

    log = run(first, system=system)
    assert [(who, what) for _, who, what in log.rows] == [
        ("alone", False),
        ("second", 0),
        ("switched", True),
        ("running", 1),
        ("second", 0),
        ("slept", 0),
    ]
    assert (log.when("switched"), log.when("slept")) == ([MS + 1], [2 * MS + 2])


def test_a_thread_may_yield_at_once_when_it_gets_a_processor() -> None:
    def busy(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(MS)

    def yielding(api: Api, log: Log) -> ThreadBody:
        log.add("yielding", (yield api.SwitchToThread()))

    def other(api: Api, log: Log) -> ThreadBody:
        log.add("other", (yield api.SwitchToThread()))
        yield api.Compute(1)

    log = run(busy, yielding, other, system=System(processors=1))
    assert log.rows == [(MS, "yielding", True), (MS, "other", True)]


def test_a_switch_is_paid_before_the_woken_threads_next_line() -> None:
    system = System(processors=2, context_switch=50)
    event: list[Any] = []

    def sleeper(api: Api, log: Log) -> ThreadBody:
        event.append((yield api.CreateEvent(False, False)))
        yield api.WaitForSingleObject(event[0], INFINITE)
        log.add("woken", 0)

    def waker(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(1000)
        yield api.SetEvent(event[0])

    assert run(sleeper, waker, system=system).when("woken") == [50 + 1000 + 50]


# ---- what no real system would survive -------------------------------------------------------------------------------


def mistake(*programs: Any, system: System | None = None) -> str:
    """What the run says, without the directory."""
    with pytest.raises(ProgramError) as caught:
        run(*programs, system=system)
    return str(caught.value).removeprefix(__file__.removesuffix("test_win32_handles.py"))


def here(mark: str) -> str:
    return f"test_win32_handles.py:{line_marked(__file__, mark)}: "


def test_yielding_what_is_no_call_names_the_line_of_the_innermost_generator() -> None:
    def helper() -> Iterator[Any]:
        yield "nonsense"  # here: no call

    def program(api: Api, log: Log) -> Iterator[Any]:
        yield api.Compute(5)
        yield from helper()

    assert mistake(program) == here("here: no call") + "a thread yields calls of the API, not 'nonsense'"


def test_an_overlapped_can_not_be_used_again_before_its_request_has_ended(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        overlapped = Overlapped()
        yield read(api, ours, 1, overlapped)
        yield read(api, ours, 1, overlapped)  # here: used again

    text = "the OVERLAPPED belongs to a request that is pending: its outcome would be lost"
    assert mistake(program, system=system) == here("here: used again") + text


def test_two_threads_can_not_use_one_overlapped_at_the_same_time() -> None:
    system = System(processors=2, system_call=10)
    ours, _ = system.pipe()
    overlapped = Overlapped()

    def program(api: Api, log: Log) -> ThreadBody:
        yield read(api, ours, 1, overlapped)  # here: both
        yield api.Sleep(MS)

    assert mistake(program, program, system=system).startswith(here("here: both"))


def test_an_overlapped_can_be_used_again_when_its_packet_has_been_removed(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        port = yield api.CreateIoCompletionPort(ours, None, 1)
        overlapped = Overlapped()
        for _ in range(2):
            yield read(api, ours, 1, overlapped)
            yield write(api, theirs, 1, Overlapped())
            log.add("ok", (yield api.GetQueuedCompletionStatus(port, 0)).ok)
        yield api.CloseHandle(theirs)
        for _ in range(2):  # a request that failed at once has let it go too
            log.add("ok", (yield read(api, ours, 1, overlapped)).ok)

    assert run(program, system=system).of("ok") == [True, True, False, False]


def test_a_buffer_can_not_be_freed_while_its_request_is_pending(system: System) -> None:
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        buffer = yield api.VirtualAlloc(10)
        overlapped = Overlapped()
        yield api.ReadFile(ours, buffer, 10, overlapped)
        yield write(api, theirs, 1, Overlapped())
        log.add("freed", (yield api.VirtualFree(buffer)))
        buffer = yield api.HeapAlloc(10)
        yield api.ReadFile(ours, buffer, 10, overlapped)
        yield api.HeapFree(buffer)  # here: freed

    text = "the buffer is freed while a request that uses it is pending"
    assert mistake(program, system=system) == here("here: freed") + text


def test_a_freed_buffer_can_not_be_used_nor_more_than_there_is(system: System) -> None:
    ours, _ = system.pipe()

    def freed(api: Api, log: Log) -> ThreadBody:
        buffer = yield api.HeapAlloc(10)
        yield api.HeapFree(buffer)
        yield api.ReadFile(ours, buffer, 10, Overlapped())  # here: after its end

    def overrun(api: Api, log: Log) -> ThreadBody:
        yield api.ReadFile(ours, Buffer(10), 11, Overlapped())  # here: too long

    def other(api: Api, log: Log) -> ThreadBody:
        yield api.HeapFree("memory")  # type: ignore[arg-type]  # here: no buffer

    text = "the buffer has been freed: the request would use memory that is another's"
    assert mistake(freed, system=system) == here("here: after its end") + text
    text = "the request has 11 bytes, its buffer 10: memory behind it would be used"
    assert mistake(overrun, system=system) == here("here: too long") + text
    assert mistake(other) == here("here: no buffer") + "'memory' is no buffer"


def test_a_section_is_left_by_its_owner_as_often_as_it_was_entered(system: System) -> None:
    section = system.section()

    def owner(api: Api, log: Log) -> ThreadBody:
        yield api.EnterCriticalSection(section)
        yield api.EnterCriticalSection(section)
        yield api.Compute(MS)
        yield api.LeaveCriticalSection(section)
        yield api.Compute(MS)
        yield api.LeaveCriticalSection(section)

    def other(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(10)
        log.add("try", (yield api.TryEnterCriticalSection(section)))
        log.add("contended", section.contended)
        yield api.EnterCriticalSection(section)
        log.add("in", 0)
        log.add("try", (yield api.TryEnterCriticalSection(section)))
        yield api.LeaveCriticalSection(section)
        yield api.LeaveCriticalSection(section)
        yield api.LeaveCriticalSection(section)  # here: left too often

    text = "a thread gives up a lock that it does not hold: the lock would be corrupt"
    log = Log(system)
    system.start(owner, log)
    system.start(other, log)
    with pytest.raises(ProgramError) as caught:
        system.run()
    assert str(caught.value).endswith(here("here: left too often") + text)
    assert log.when("in") == [2 * MS]
    assert log.of("try") == [False, True]
    assert (log.one("contended"), log.when("contended")) == (0, [10])


def test_a_section_is_not_left_by_another_thread(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        section = yield api.InitializeCriticalSectionAndSpinCount(0)
        yield api.EnterCriticalSection(section)
        yield api.CreateThread(other, section)
        yield api.Sleep(MS)

    def other(api: Api, section: Any) -> ThreadBody:
        yield api.LeaveCriticalSection(section)  # here: not its owner

    assert mistake(program, system=system).startswith(here("here: not its owner"))


def test_what_is_no_number_is_no_handle(system: System) -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CloseHandle("port")  # type: ignore[arg-type]  # here: no handle

    def waiter(api: Api, log: Log) -> ThreadBody:
        section = yield api.InitializeCriticalSectionAndSpinCount(0)
        yield api.WaitForSingleObject(section, 0)  # here: no object

    assert mistake(program, system=system) == here("here: no handle") + "'port' is no handle"
    said = mistake(waiter)
    assert said.startswith(here("here: no object"))
    assert said.endswith("can't be waited for")


def test_a_program_without_a_yield_is_no_program(system: System) -> None:
    def program(api: Api, log: Log) -> None:  # here: no yield
        pass

    text = "a thread's program is a generator function, one with a yield"
    assert mistake(program, system=system) == here("here: no yield") + text


def test_no_result_but_that_of_an_alertable_call_runs_apcs(system: System) -> None:
    """A handle may well have the number of WAIT_IO_COMPLETION."""
    ran: list[Any] = []

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.QueueUserAPC(lambda api, argument: ran.append(argument), (yield api.GetCurrentThread()), 1)
        handle = NULL
        while handle < WAIT_IO_COMPLETION:
            handle = yield api.CreateEvent(False, False)
        log.add("handle", (int(handle), list(ran)))
        yield api.SleepEx(MS, True)

    assert run(program, system=system).one("handle") == (WAIT_IO_COMPLETION, [])
    assert ran == [1]


def test_a_mistake_in_an_apc_names_the_apcs_line(system: System) -> None:
    def apc(api: Api, _: Any) -> Iterator[Any]:
        yield 5  # here: in the routine

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.QueueUserAPC(apc, (yield api.GetCurrentThread()))  # type: ignore[arg-type]
        yield api.SleepEx(0, True)

    assert mistake(program, system=system).startswith(here("here: in the routine"))


def test_a_closed_system_thread_can_be_looked_at_from_outside() -> None:
    """What tests and notebooks do: a handle tells its object after the run."""
    system = disk()

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CloseHandle((yield api.GetCurrentThread()))
        return 3

    log = Log(system)
    handle = system.start(program, log)
    system.run()
    assert (handle.closed, handle.object.result, handle.object.thread.state) == (True, 3, TERMINATED)
