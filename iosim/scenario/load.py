"""Who asks for what and when: open and closed load, and replayed traces."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from iosim.scenario.distributions import TimeDraw
from iosim.scenario.quantities import Count, Rate
from iosim.scenario.reading import Json, Read, Section, at, key, number_in, only_key, refuse, whole_in


class OpenLoad(Section):
    """Requests arrive whether or not earlier ones have ended."""

    kind: Literal["open"] = key(..., "requests arrive by themselves")
    port: str = key(..., "name of the port that request packets are posted to")
    handler: str = key(..., "name of the handler that serves them")
    rate: Rate = key(..., "requests a second (or /ms, /min, /h)")
    arrivals: Literal["poisson", "constant"] = key("poisson", "poisson: independent arrivals; constant: evenly spaced")


class ClosedLoad(Section):
    """A fixed number of clients, each asking again after its answer."""

    kind: Literal["closed"] = key(..., "each client waits for its answer before it asks again")
    port: str = key(..., "name of the port that request packets are posted to")
    handler: str = key(..., "name of the handler that serves them")
    clients: Count = key(..., "number of clients")
    think: TimeDraw = key("0 s", "time from an answer to the client's next request")
    outstanding: Count = key(
        1,
        "requests that a client keeps under way, like several receives posted beforehand; each is answered, thinks and"
        " asks for itself, and takes every so many-th of the client's requests",
        source="one at a time: a client that waits for its answer",
        sure="assumed",
    )


@dataclass(frozen=True, slots=True)
class Timing:
    """When the rows of a trace start: `speedup` times as early, or by keeping `depth` requests outstanding (0: not).

    `copies` of the trace are laid over each other, shifted.
    """

    speedup: Fraction = Fraction(1)
    depth: int = 0
    copies: int = 1


_TIMING = "timing is original, {speedup: 2}, {copies: 2} or {depth: 32}"


def _timing(value: Any) -> Timing:
    if value == "original":
        return Timing()
    if not isinstance(value, dict):
        refuse(_TIMING)
    given = only_key(value, ("speedup", "copies", "depth"), "timing")
    if given == "depth":
        return Timing(depth=at("depth", whole_in(1, 1_000_000), value["depth"]))
    if given == "copies":
        return Timing(copies=at("copies", whole_in(1, 1000), value["copies"]))
    return Timing(speedup=Fraction(str(at("speedup", number_in(1e-6, 1e6), value["speedup"]))))


def _show_timing(timing: Timing) -> Any:
    if timing.depth:
        return {"depth": timing.depth}
    if timing.copies > 1:
        return {"copies": timing.copies}
    return "original" if timing.speedup == 1 else {"speedup": float(timing.speedup)}


def _map(value: Any) -> str | dict[str, str]:
    if isinstance(value, dict):
        return {device: at(device, _file_name, name) for device, name in value.items()}
    return _file_name(value)


def _file_name(value: Any) -> str:
    if not isinstance(value, str):
        refuse("the name of a file is needed, or a map from device ids to files' names")
    return str(value)


_TIMING_SCHEMA: Json = {
    "type": ["string", "object"],
    "examples": ["original", {"speedup": 2.5}, {"copies": 2}, {"depth": 32}],
}
_MAP_SCHEMA: Json = {"type": ["string", "object"], "examples": ["data", {"0": "data", "1": "log"}]}


class AnyReplay(Section):
    """Something recorded, request by request. It ends by itself."""

    kind: Literal["replay"] = key(..., "plays what was recorded")
    trace: str | None
    timing: Annotated[Timing, Read(_timing, _show_timing, _TIMING_SCHEMA)] = key(
        "original",
        "when rows start: original; {speedup: N}, the same users in a hurry; {copies: N}, so many times the users: a block"
        " trace laid over itself, shifted; {depth: N}, so many outstanding, after the row's think time where the trace has it",
    )
    requests: Count | None = key(None, "play only so many rows")


class Replay(AnyReplay):
    """A recorded block trace, request by request."""

    port: str = key(..., "name of the port that request packets are posted to")
    handler: str | None = key(None, "name of the handler that serves them; left out, it is just the row's transfer")
    trace: str | None = key(
        ...,
        "the trace file; relative to the scenario file. null: whoever runs the scenario gives it, by"
        " --set workload.NAME.trace=FILE",
    )
    format: Literal["auto", "msr", "ssdsim", "blkparse", "disksim"] = key(
        "auto", "the trace's format; auto looks at its first rows"
    )
    map: Annotated[str | dict[str, str], Read(_map, lambda it: it, _MAP_SCHEMA)] = key(
        ..., "the file that stands for each device id of the trace, or one file for all"
    )
