"""Programs on a simulated Win32 system, and what they wrote down."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iosim.completion_port import CompletionPort
from iosim.win32 import INVALID_HANDLE_VALUE, Api, Buffer, Call, Handle, Overlapped, System, ThreadBody

MS = 1_000_000
US = 1_000
PAGE = 4096

Program = Callable[[Api, "Log"], ThreadBody]


class Log:
    """What threads saw, and when."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.rows: list[tuple[int, str, Any]] = []

    def add(self, who: str, what: Any) -> None:
        self.rows.append((self.system.clock.now, who, what))

    def of(self, who: str) -> list[Any]:
        return [what for _, name, what in self.rows if name == who]

    def one(self, who: str) -> Any:
        (what,) = self.of(who)
        return what

    def when(self, who: str) -> list[int]:
        return [time for time, name, _ in self.rows if name == who]


def run(*programs: Program, system: System | None = None) -> Log:
    """Start the programs in this order and run them to the end."""
    log = Log(system or System(processors=4))
    for program in programs:
        log.system.start(program, log)
    log.system.run()
    return log


def disk(**options: Any) -> System:
    """A system with one file of 1 MiB, whose every command takes 100 us."""
    return System(processors=4, files={"data": 1 << 20}, **options)


def port_of(handle: Handle) -> CompletionPort:
    port = handle.object
    assert isinstance(port, CompletionPort)
    return port


def new_port(api: Api) -> Call:
    return api.CreateIoCompletionPort(INVALID_HANDLE_VALUE)


def read(api: Api, file: Handle, size: int, overlapped: Overlapped | None = None) -> Call:
    return api.ReadFile(file, Buffer(max(size, 1)), size, overlapped)


def write(api: Api, file: Handle, size: int, overlapped: Overlapped | None = None) -> Call:
    return api.WriteFile(file, Buffer(max(size, 1)), size, overlapped)


def line_marked(file: str, mark: str) -> int:
    """Number of the one line that ends with this comment."""
    lines = Path(file).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if re.search(rf"# {mark}$", line)]
    return number
