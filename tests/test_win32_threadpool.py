"""The thread pool. Cases T..: semantics 9.5; its size: 7.8."""

from typing import Any

import pytest
from tiny_win32 import MS, PAGE, Log, disk, line_marked, new_port, read, run, write

from iosim.completion import CompletionMode
from iosim.ntstatus import ERROR_INVALID_PARAMETER, ERROR_NOACCESS, ERROR_OPERATION_ABORTED
from iosim.thread import WAITING
from iosim.win32 import (
    FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
    WAIT_OBJECT_0,
    Api,
    Handle,
    Overlapped,
    ProgramError,
    System,
    ThreadBody,
    ThreadpoolIo,
    ThreadpoolWork,
)


@pytest.fixture
def system() -> System:
    return System(processors=2)


def noted(api: Api, log: Log, overlapped: Overlapped, error: int, size: int, io: ThreadpoolIo) -> ThreadBody:
    """A callback whose context is the log."""
    yield api.Compute(10)
    log.add("callback", (overlapped.Offset, error, size))


def start_and_read(api: Api, io: ThreadpoolIo, file: Handle, overlapped: Overlapped) -> ThreadBody:
    yield api.StartThreadpoolIo(io)
    return (yield read(api, file, 9, overlapped))


@pytest.mark.parametrize("reads", [1, 2], ids=["T01", "T02"])
def test_T01_T02_every_read_has_its_callback_and_all_who_wait_for_them_return(system: System, reads: int) -> None:
    ours, theirs = system.pipe()
    objects: list[ThreadpoolIo] = []

    def main(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        objects.append(io)
        for number in range(reads):
            yield from start_and_read(api, io, ours, Overlapped(number))
        yield api.Compute(MS)
        for size in range(reads):
            yield api.Compute(100)  # longer than a callback takes
            yield write(api, theirs, 1 + size, Overlapped())
        log.add("main", (yield api.WaitForThreadpoolIoCallbacks(io, False)))

    def other(api: Api, log: Log) -> ThreadBody:
        yield api.Compute(MS // 2)
        log.add("other", (yield api.WaitForThreadpoolIoCallbacks(objects[0], False)))

    log = run(main, other, system=system)
    assert log.of("callback") == [(number, 0, 1 + number) for number in range(reads)]
    assert log.of("main") == log.of("other") == [WAIT_OBJECT_0]
    assert log.when("callback") == [MS + 100 * (1 + number) + 10 for number in range(reads)]
    assert log.when("main") == log.when("other") == log.when("callback")[-1:]


def test_T04_a_read_that_ends_at_once_has_its_callback(system: System) -> None:
    ours, theirs = system.pipe()

    def main(api: Api, log: Log) -> ThreadBody:
        yield write(api, theirs, 5, Overlapped())
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        log.add("read", (yield from start_and_read(api, io, ours, Overlapped())).ok)
        yield api.WaitForThreadpoolIoCallbacks(io, False)
        log.add("drained", 0)

    log = run(main, system=system)
    assert log.rows == [(0, "read", True), (10, "callback", (0, 0, 5)), (10, "drained", 0)]


@pytest.mark.parametrize("mode", ["direct", "apc"])
def test_1_4_5_a_thread_of_the_pool_that_reads_again_in_its_callback_needs_no_second_one(mode: CompletionMode) -> None:
    """In `apc` mode the end of its read interrupts its wait, and the packet is its own."""
    system = System(processors=2, completion_mode=mode)
    ours, theirs = system.pipe()

    def again(api: Api, log: Log, overlapped: Overlapped, error: int, size: int, io: ThreadpoolIo) -> ThreadBody:
        log.add("callback", size)
        if size < 3:
            yield from start_and_read(api, io, ours, Overlapped())

    def main(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, again, log)
        yield from start_and_read(api, io, ours, Overlapped())
        for size in (1, 2, 3):
            yield write(api, theirs, size, Overlapped())
            yield api.Sleep(MS)

    assert run(main, system=system).of("callback") == [1, 2, 3]
    assert len(system.pool.threads) == 1


def test_T05_a_read_that_fails_at_once_is_cancelled_and_has_none(system: System) -> None:
    ours, _ = system.pipe()

    def main(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        yield api.StartThreadpoolIo(io)
        log.add("read", (yield api.ReadFile(ours, None, 9, Overlapped())).error)
        yield api.CancelThreadpoolIo(io)
        yield api.WaitForThreadpoolIoCallbacks(io, False)
        log.add("drained", 0)

    log = run(main, system=system)
    assert log.rows == [(0, "read", ERROR_NOACCESS), (0, "drained", 0)]


def test_T06_a_cancelled_read_has_its_callback_with_the_error(system: System) -> None:
    ours, _ = system.pipe()

    def main(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        yield from start_and_read(api, io, ours, Overlapped())
        yield api.CancelIo(ours)
        yield api.WaitForThreadpoolIoCallbacks(io, False)
        log.add("drained", 0)

    log = run(main, system=system)
    assert log.rows == [(10, "callback", (0, ERROR_OPERATION_ABORTED, 0)), (10, "drained", 0)]


@pytest.mark.parametrize("cancel", [False, True], ids=["the bug", "the cure"])
def test_T08_without_a_cancel_after_a_skipped_success_the_object_never_drains(cancel: bool) -> None:
    objects: list[ThreadpoolIo] = []

    def main(api: Api, log: Log) -> ThreadBody:
        file = yield api.CreateFile("data", overlapped=True)
        yield api.SetFileCompletionNotificationModes(file, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        io = yield api.CreateThreadpoolIo(file, noted, log)
        objects.append(io)
        yield api.StartThreadpoolIo(io)
        if (yield write(api, file, PAGE, Overlapped())) and cancel:
            yield api.CancelThreadpoolIo(io)
        log.add("waits", io.pending)
        yield api.WaitForThreadpoolIoCallbacks(io, False)
        log.add("drained", 0)

    system = disk()
    log = Log(system)
    thread = system.start(main, log)
    system.run()
    assert log.of("callback") == []
    assert log.one("waits") == objects[0].pending == (0 if cancel else 1)
    assert log.of("drained") == ([0] if cancel else [])
    assert (thread.object.thread.state == WAITING) == (not cancel)  # for ever: nothing is left to happen


def test_callbacks_that_have_not_begun_can_be_waived(system: System) -> None:
    ours, theirs = system.pipe()

    def main(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        for number in range(2):
            yield from start_and_read(api, io, ours, Overlapped(number))
        yield write(api, theirs, 1, Overlapped())
        yield api.Compute(5)  # the first callback is on its way
        log.add("wait", (yield api.WaitForThreadpoolIoCallbacks(io, True)))
        yield write(api, theirs, 1, Overlapped())
        yield from start_and_read(api, io, ours, Overlapped(2))
        yield write(api, theirs, 1, Overlapped())

    log = run(main, system=system)
    assert log.rows == [(10, "callback", (0, 0, 1)), (10, "wait", 0), (20, "callback", (2, 0, 1))]


def test_a_file_that_can_not_report_has_no_io_object(system: System) -> None:
    ours, theirs = system.pipe(overlapped=(False, True))

    def main(api: Api, log: Log) -> ThreadBody:
        yield api.CreateIoCompletionPort(theirs, (yield new_port(api)), 1)
        for file in (ours, theirs):
            log.add("io", (yield api.CreateThreadpoolIo(file, noted, log)))
            log.add("error", (yield api.GetLastError()))

    log = run(main, system=system)
    assert (log.of("io"), log.of("error")) == ([None] * 2, [ERROR_INVALID_PARAMETER] * 2)


def test_a_callback_may_be_a_plain_function(system: System) -> None:
    ours, theirs = system.pipe()

    def plain(api: Api, log: Log, overlapped: Overlapped, error: int, size: int, io: ThreadpoolIo) -> str:
        log.add("plain", (error, size))
        return "done"

    def main(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, plain, log)
        yield from start_and_read(api, io, ours, Overlapped())
        yield write(api, theirs, 2, Overlapped())

    assert run(main, system=system).one("plain") == (0, 2)


# ---- work, and how many threads --------------------------------------------------------------------------------------


def computing(api: Api, log: Log, work: ThreadpoolWork) -> ThreadBody:
    yield api.Compute(MS)
    log.add("done", 0)


def blocking(api: Api, log: Log, work: ThreadpoolWork) -> ThreadBody:
    yield api.Sleep(MS)
    log.add("done", 0)


def submitter(callback: Any, times: int, step: int = 0) -> Any:
    def main(api: Api, log: Log) -> ThreadBody:
        work = yield api.CreateThreadpoolWork(callback, log)
        for _ in range(times):
            yield api.SubmitThreadpoolWork(work)
            yield api.Compute(step)
        log.add("wait", (yield api.WaitForThreadpoolWorkCallbacks(work, False)))
        yield api.CloseThreadpoolWork(work)

    return main


def test_7_8_work_that_computes_has_as_many_threads_as_there_are_processors(system: System) -> None:
    log = run(submitter(computing, 6), system=system)
    assert log.when("done") == [MS, MS, 2 * MS, 2 * MS, 3 * MS, 3 * MS]
    assert log.when("wait") == [3 * MS]
    assert len(system.pool.threads) == 2


def test_7_8_work_that_blocks_makes_the_pool_grow(system: System) -> None:
    log = run(submitter(blocking, 6), system=system)
    assert log.when("done") == [MS] * 6
    assert len(system.pool.threads) == 6


def test_7_8_the_pool_grows_to_its_maximum_and_no_further() -> None:
    system = System(processors=2, pool_threads=4)
    log = run(submitter(blocking, 6), system=system)
    assert log.when("done") == [MS] * 4 + [2 * MS] * 2
    assert len(system.pool.threads) == 4


def test_a_thread_that_is_free_takes_what_comes_later(system: System) -> None:
    log = run(submitter(computing, 3, step=2 * MS), system=system)
    assert log.when("done") == [MS, 3 * MS, 5 * MS]
    assert len(system.pool.threads) == 1


def test_work_that_has_not_begun_can_be_waived() -> None:
    system = System(processors=3)  # two run callbacks, one the program

    def main(api: Api, log: Log) -> ThreadBody:
        work = yield api.CreateThreadpoolWork(computing, log)
        for _ in range(6):
            yield api.SubmitThreadpoolWork(work)
        yield api.Compute(MS // 2)
        yield api.WaitForThreadpoolWorkCallbacks(work, True)
        log.add("wait", work.pending)

    log = run(main, system=system)
    assert log.of("wait") == [0]
    assert len(log.of("done")) == 2


# ---- mistakes --------------------------------------------------------------------------------------------------------


def mistake(program: Any, system: System) -> tuple[int, str]:
    """Line and text."""
    with pytest.raises(ProgramError) as caught:
        run(program, system=system)
    file, line, text = str(caught.value).split(":", 2)
    assert file == __file__
    return int(line), text.strip()


def test_a_closed_object_is_used_no_more(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        yield api.CloseThreadpoolIo(io)
        yield api.StartThreadpoolIo(io)  # here: closed

    line = line_marked(__file__, "here: closed")
    assert mistake(program, system) == (line, "the thread-pool object has been closed: its memory is gone")


def test_a_cancel_belongs_to_a_start(system: System) -> None:
    ours, _ = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        io = yield api.CreateThreadpoolIo(ours, noted, log)
        yield api.CancelThreadpoolIo(io)  # here: no start

    line = line_marked(__file__, "here: no start")
    assert mistake(program, system) == (line, "CancelThreadpoolIo without a StartThreadpoolIo before it")


def test_a_request_without_a_start_is_found_out(system: System) -> None:
    """The real one crashes or loses count [M]. There is no line to blame: the packet is the pool's own business."""
    ours, theirs = system.pipe()

    def program(api: Api, log: Log) -> ThreadBody:
        yield api.CreateThreadpoolIo(ours, noted, log)
        yield read(api, ours, 1, Overlapped())
        yield write(api, theirs, 1, Overlapped())
        yield api.Sleep(MS)

    with pytest.raises(ProgramError, match="a request has ended that StartThreadpoolIo was not called for"):
        run(program, system=system)


def test_a_mistake_in_a_callback_names_the_callbacks_line(system: System) -> None:
    def wrong(api: Api, log: Log, work: ThreadpoolWork) -> ThreadBody:
        yield api.SetEvent("event")  # type: ignore[arg-type]  # here: in the callback

    line = line_marked(__file__, "here: in the callback")
    assert mistake(submitter(wrong, 1), system) == (line, "'event' is no handle")


def test_a_callback_does_not_end_the_pools_thread(system: System) -> None:
    def wrong(api: Api, log: Log, work: ThreadpoolWork) -> ThreadBody:
        yield api.ExitThread()  # here: the end

    line = line_marked(__file__, "here: the end")
    assert mistake(submitter(wrong, 1), system) == (line, "a callback ends the thread, which is the pool's")
