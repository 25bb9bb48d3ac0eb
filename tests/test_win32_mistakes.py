"""What programs get wrong, and what they are told: a line of their own, and what would have been right."""

import gc
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from tiny_win32 import Log, disk, new_port, run

from iosim.thread import KINDS
from iosim.win32 import (
    ERROR_IO_PENDING,
    INFINITE,
    MS,
    NULL,
    Api,
    Buffer,
    CompletionStatus,
    IoResult,
    Overlapped,
    ProgramError,
    System,
    ThreadBody,
)


def part(api: Api) -> ThreadBody:
    yield api.Compute(1)


WRONG: dict[str, tuple[Callable[[Api], Any], str]] = {
    "a float": (lambda api: api.Compute(1e6), "1000000.0 is no time: times are whole ns, 0 or more"),  # type: ignore[arg-type]
    "a negative time": (lambda api: api.Sleep(-5), "-5 is no time"),
    "text": (lambda api: api.Sleep("5 ms"), "'5 ms' is no time"),  # type: ignore[arg-type]
    "an endless computation": (lambda api: api.Compute(INFINITE), "-1 is no time"),
    "the real INFINITE": (lambda api: api.GetQueuedCompletionStatus(4, 0xFFFFFFFF), "4.3 s.*write INFINITE"),  # type: ignore[arg-type]
    "a part of a program": (part, "yields calls of the API, not <generator object part.*`yield from` runs a generator"),
    "an int for an OVERLAPPED": (lambda api: api.ReadFile(4, Buffer(1), 1, 17), "17 is no OVERLAPPED"),  # type: ignore[arg-type]
    "bytes for a Buffer": (lambda api: api.ReadFile(4, b"x", 1, Overlapped()), "b'x' is no Buffer"),  # type: ignore[arg-type]
    "a negative size": (lambda api: api.ReadFile(4, Buffer(1), -1, Overlapped()), "-1 is no size"),  # type: ignore[arg-type]
    "text for a concurrency": (lambda api: api.CreateIoCompletionPort(-1, 0, 0, "4"), "'4' is no number of threads"),  # type: ignore[arg-type]
    "a negative concurrency": (
        lambda api: api.CreateIoCompletionPort(-1, 0, 0, -1),
        "-1 is no number of threads: 0 means",
    ),
    "text for a count": (lambda api: api.GetQueuedCompletionStatusEx(4, "3", 0), "'3' is no number of entries"),  # type: ignore[arg-type]
    "a number for a lock": (lambda api: api.EnterCriticalSection(0), "0 is no critical section"),  # type: ignore[arg-type]
    "one handle for many": (lambda api: api.WaitForMultipleObjects(4, True, 0), "4 is no list of handles"),  # type: ignore[arg-type]
    "a program that runs already": (lambda api: api.CreateThread(part(api)), "has begun already"),  # type: ignore[arg-type]
    "arguments that do not fit": (
        lambda api: api.CreateThread(part, 1),
        "takes 1 positional argument but 2 were given",
    ),
    "NULL for a thread-pool object": (lambda api: api.StartThreadpoolIo(None), "None is no object of the thread pool"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_argument_is_told_with_the_programs_own_line(mistake: str) -> None:
    make, said = WRONG[mistake]

    def program(api: Api, log: Log) -> ThreadBody:
        yield make(api)

    with pytest.raises(ProgramError, match=rf"test_win32_mistakes\.py:\d+: .*{said}"):
        run(program)


def test_a_call_without_yield_warns_at_its_line() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        api.Compute(1)
        yield api.Compute(1)

    with pytest.warns(RuntimeWarning, match="without `yield` is never done") as told:
        run(program)
    assert [(it.filename, it.lineno) for it in told] == [(__file__, program.__code__.co_firstlineno + 1)]


def test_a_call_that_is_yielded_later_does_not_warn() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        calls = [api.Compute(1), api.Compute(2)]
        yield from calls
        log.add("end", None)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(program).when("end") == [3]


def test_a_call_without_yield_is_neither_true_nor_a_handle() -> None:
    def asks(api: Api, log: Log) -> ThreadBody:
        if api.SwitchToThread():
            yield api.Compute(1)

    def hands_on(api: Api, log: Log) -> ThreadBody:
        event = api.CreateEvent(False, False)
        yield api.SetEvent(event)  # type: ignore[arg-type]

    for program, said in ((asks, "has no result"), (hands_on, "is no handle")):
        with pytest.warns(RuntimeWarning):
            with pytest.raises(ProgramError, match=f"<a call without `yield`> {said}") as told:
                run(program)
            del told  # the call lives as long as the system whose thread made it
            gc.collect()


def test_a_loop_that_takes_no_time_is_told_instead_of_running_for_ever() -> None:
    def poller(api: Api, log: Log) -> ThreadBody:
        port = yield new_port(api)
        while True:
            yield api.GetQueuedCompletionStatus(port, 0)

    with pytest.raises(ProgramError, match="1,000,000 calls on end have taken no time"):
        run(poller)


def test_a_program_that_hangs_is_found_with_the_line_where_it_stands() -> None:
    def hangs(api: Api, log: Log) -> ThreadBody:
        event = yield api.CreateEvent(False, False)
        yield api.WaitForSingleObject(event, INFINITE)

    def ends(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(1)

    (place,) = run(hangs, ends).system.unfinished()
    assert re.search(r"test_win32_mistakes\.py:\d+: yield api\.WaitForSingleObject\(event, INFINITE\)$", place)


def test_null_may_be_written_as_0_or_None() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data")
        for null in (None, NULL):
            log.add("read", (yield api.ReadFile(file, Buffer(10), 10, null)).bytes_transferred)  # type: ignore[arg-type]

    assert run(program, system=disk()).of("read") == [10, 10]


def test_results_print_with_the_names_of_their_errors() -> None:
    def program(api: Api, log: Log) -> ThreadBody:
        port = yield new_port(api)
        file = yield api.CreateFile("data", overlapped=True)
        overlapped = Overlapped(4096)
        yield api.CreateIoCompletionPort(file, port, "key")
        log.add("result", repr((yield api.ReadFile(file, Buffer(10), 10, overlapped))))
        log.add("overlapped", repr(overlapped))
        log.add("status", repr((yield api.GetQueuedCompletionStatus(port, INFINITE))))
        log.add("nothing", repr((yield api.GetQueuedCompletionStatus(port, 0))))
        log.add("file", repr(file))

    log = run(program, system=disk())
    assert log.one("result") == "IoResult(ok=False, error=ERROR_IO_PENDING, bytes_transferred=0)"
    assert log.one("overlapped") == "<Overlapped at offset 4096: pending>"
    assert log.one("status") == (
        "CompletionStatus(ok=True, completion_key='key', bytes_transferred=10, "
        "overlapped=<Overlapped at offset 4096: status 0x0, 10 bytes>, error=0)"
    )
    assert log.one("nothing") == "CompletionStatus(ok=False, error=WAIT_TIMEOUT, no packet)"
    assert re.fullmatch(r"<File handle 0x[0-9a-f]+>", log.one("file"))
    assert repr(IoResult(False, 12345, 0)) == "IoResult(ok=False, error=12345, bytes_transferred=0)"
    assert ERROR_IO_PENDING == 997
    assert CompletionStatus(True, 0, 0, None, 0, 0).ok


def test_a_critical_section_of_the_plain_call_does_not_spin() -> None:
    """Its contender blocks at once: a port would get its place back."""
    times: list[int] = []

    def owner(api: Api, section: Any) -> ThreadBody:
        yield api.EnterCriticalSection(section)
        yield api.Compute(2 * MS)
        yield api.LeaveCriticalSection(section)

    def main(api: Api) -> ThreadBody:
        section = yield api.InitializeCriticalSection()
        yield api.CreateThread(owner, section)
        yield api.Compute(MS)
        yield api.EnterCriticalSection(section)
        times.append((yield api.QueryPerformanceCounter()))

    system = System(processors=2)
    system.start(main)
    system.run()
    assert times == [2 * MS]
    assert sum(processor.account[KINDS.index("spin")] for processor in system.dispatcher.processors) == 0
