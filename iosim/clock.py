"""The clocks by name: the same order of events on each, so that a run's results do not depend on the clock.

Each is a module of its own, imported when it is asked for: whoever runs on one needs neither simpy nor a compiler for another.
"""

from collections.abc import Callable

from iosim.actor import Clock
from iosim.compiled import MODE
from iosim.errors import Mistake, WrongInput


def fast() -> Clock:
    """A compiled heap, the fastest."""
    from iosim.fast_clock import FastClock

    return FastClock()


def heap() -> Clock:
    """A heap of plain tuples."""
    from iosim.heap_clock import HeapClock

    return HeapClock()


def simpy() -> Clock:
    """SimPy's environment: SimPy processes of the user's own can live on it."""
    from iosim.simpy_clock import SimpyClock

    return SimpyClock()


ALL: dict[str, Callable[[], Clock]] = {"simpy": simpy, "heap": heap, "fast": fast}
NAMES = tuple(ALL)
CLOCKS = {name: make for name, make in ALL.items() if name != "fast" or MODE.compiled}  # those that can be had here


def choose_clock(name: str | None = None) -> str:
    """The name of the clock that was asked for, or of the fastest one here.

    Raises ValueError for a name that no clock has, WrongInput for one that can't be had here: never another one instead.
    """
    if name is None:
        return "fast" if "fast" in CLOCKS else "heap"
    if name not in ALL:
        raise ValueError(f"clock is {', '.join(map(repr, NAMES[:-1]))} or {NAMES[-1]!r}, not {name!r}")
    if name not in CLOCKS:
        raise WrongInput([Mistake(f"clock {name}", 0, 0, "", f"needs compiled code, and this is {MODE}")])
    return name


def make_clock(name: str | None = None) -> Clock:
    """A new clock of this name, or of the fastest kind here. Raises as `choose_clock`."""
    return CLOCKS[choose_clock(name)]()
