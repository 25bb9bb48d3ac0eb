"""A thread whose program is a generator: turns each `yield` into a call, and runs user APCs on top of it."""

import linecache
from collections.abc import Generator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from iosim.actor import THREAD, TIMER, Actor
from iosim.attribution import BLOCKED_CALL
from iosim.dispatcher import Dispatcher
from iosim.io_manager import EXIT_STEP
from iosim.kernel_queue import KernelThread
from iosim.ntstatus import ERROR_SUCCESS
from iosim.thread import Program, Thread
from iosim.win32.calls import (
    AGAIN,
    ENDED,
    RETRIES,
    RETURNED,
    WAITS,
    Call,
    PlacedError,
    ProgramError,
    Refused,
    ThreadBody,
)

if TYPE_CHECKING:
    from iosim.win32.system import System

NO_CALL = Call()
NO_CALL.yielded = True
ENDLESS = 1_000_000  # calls on end that take no time: the program would never give way


class GeneratorProgram(Program):
    """One thread's program; user APCs run on top of it, each to its end."""

    def __init__(self, system: "System") -> None:
        self.system = system
        self.bodies: list[ThreadBody] = []
        self.values: list[Any] = []  # what each body waits to be sent
        self.call = NO_CALL
        self.stage = RETURNED
        self.result: Any = None
        self.last_error = ERROR_SUCCESS
        self.pooled = False  # a thread of the pool

    def push(self, body: ThreadBody) -> None:
        """Run this before going on."""
        self.bodies.append(body)
        self.values.append(None)

    def resume(self, thread: Thread) -> bool:
        """Go on until the program's next call takes time or waits."""
        assert isinstance(thread, KernelThread)
        if thread.owed:
            return True  # the switch to a thread that starts or was woken is paid before its next line
        for _ in range(ENDLESS):
            if self.stage == ENDED:
                return self._end(thread)
            if self.stage == RETURNED:
                if not self._ask():
                    self.stage = ENDED
                    continue
                if self._begin(thread):
                    return True
            outcome = self._go_on(thread)
            if outcome == RETURNED:
                self._return(thread)
                if self._leaves_kernel_late(thread):
                    return True
            elif outcome == ENDED:
                if self.pooled:
                    raise self._wrong("a callback ends the thread, which is the pool's")
                self.result = self.call.value
                self.stage = ENDED
            else:
                self.stage = WAITS if outcome == WAITS else RETRIES
                return outcome == AGAIN
        raise self._wrong(
            f"{ENDLESS:,} calls on end have taken no time: this loop never ends (let it wait or compute, or give calls a "
            "time: System(system_call=300))"
        )

    def _leaves_kernel_late(self, thread: KernelThread) -> bool:
        """On the way out of a call, before the program's next line, kernel APCs run and a better thread goes first."""
        return len(thread.kernel_apcs) > 0 or self.system.dispatcher.processors[thread.processor].reschedule

    # ---- calls -------------------------------------------------------------------------------------------------------

    def _ask(self) -> bool:
        """The program's next call; False when it has ended."""
        while self.bodies:
            body, value = self.bodies[-1], self.values[-1]
            try:
                call = body.send(value)
            except StopIteration as end:
                self.bodies.pop()
                self.values.pop()
                self.result = end.value  # an APC has run: its caller goes on with the result that it was to get
                continue
            except ProgramError as error:
                raise placed(line_of(error.__traceback__), error) from None
            if not isinstance(call, Call):
                hint = " (`yield from` runs a generator)" if isinstance(call, Generator) else ""
                raise self._wrong(f"a thread yields calls of the API, not {call!r}{hint}")
            self.values[-1] = None
            call.yielded = True
            self.call = call
            return True
        return False

    def _begin(self, thread: KernelThread) -> bool:
        """Charge the call; True: there is something to pay before it acts."""
        self.stage = RETRIES
        self.call.error = ERROR_SUCCESS
        self.call.alerted = False
        try:
            self.call.begin(thread)
        except ProgramError as error:
            raise self._wrong(error) from None
        return thread.owed > 0

    def _go_on(self, thread: KernelThread) -> int:
        call = self.call
        try:
            return call.woken(thread) if self.stage == WAITS else call.act(thread)
        except Refused as refusal:
            call.refuse(refusal.error)
            return RETURNED
        except ProgramError as error:
            raise self._wrong(error) from None

    def _return(self, thread: KernelThread) -> None:
        call = self.call
        self.stage = RETURNED
        self.values[-1] = call.value
        if call.error:
            self.last_error = call.error
        if call.alerted:
            self.push(self.user_apcs(thread))

    def stands(self) -> str:
        """Where it is: file, line and the line's text."""
        file, _, line = place_of(self.bodies[-1]).rpartition(":")
        return f"{file}:{line}: {linecache.getline(file, int(line)).strip()}"

    def _wrong(self, what: object) -> ProgramError:
        return placed(place_of(self.bodies[-1]), what)

    def user_apcs(self, thread: KernelThread) -> ThreadBody:
        """All pending user APCs, oldest first, those that these queue too: before an alertable call returns.

        And before a new thread's first line, if some were queued so early (public documentation of QueueUserAPC).
        """
        while thread.user_apcs:
            routine, argument = thread.user_apcs.pop(0)
            body = routine(self.system.api, argument)
            if isinstance(body, Generator):
                yield from body

    # ---- the end -----------------------------------------------------------------------------------------------------

    def _end(self, thread: KernelThread) -> bool:
        """The thread ends once its requests have; it looks every 100 ms (semantics 2.8.6)."""
        system = self.system
        if system.io.leave(thread):
            system.dispatcher.terminate(thread)
            system.ended(thread, self.result)
        elif thread.kernel_apcs:
            return True  # what has been cancelled ends in this thread
        else:
            system.clock.at(EXIT_STEP, TIMER, system.dispatcher.timeouts[thread.number], 0)
            system.dispatcher.block(thread, BLOCKED_CALL)
        return False


def placed(place: str, what: object) -> PlacedError:
    """The mistake with its place, unless it has one."""
    return what if isinstance(what, PlacedError) else PlacedError(f"{place}: {what}")


def place_of(body: Any) -> str:
    """File and line where a generator stands, the innermost one."""
    while isinstance(body.gi_yieldfrom, Generator):
        body = body.gi_yieldfrom
    frame = body.gi_frame
    return f"{body.gi_code.co_filename}:{frame.f_lineno if frame else body.gi_code.co_firstlineno}"


def line_of(trace: TracebackType | None) -> str:
    """File and line of the innermost frame that is the program's own."""
    place = "the thread pool"  # the one program in this package
    while trace:
        frame = trace.tb_frame
        if not ours(frame):
            place = f"{frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def ours(frame: FrameType) -> bool:
    """Whether it runs a part of this package: by the module's name, as compiled frames name their files otherwise."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "iosim"


class Starter(Actor):
    """Makes a new thread ready once the present instant's caller has finished."""

    def __init__(self, dispatcher: Dispatcher, thread: KernelThread) -> None:
        super().__init__()
        self.dispatcher = dispatcher
        self.thread = thread
        dispatcher.clock.at(0, THREAD, self, 0)

    def fire(self, what: int) -> None:
        """Now; a thread that was suspended in between hears of it when it is resumed."""
        if self.thread.apc_frames:
            self.dispatcher.apcs.wake(self.thread, 0)
        else:
            self.dispatcher.make_ready(self.thread)
