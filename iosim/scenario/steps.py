"""What a handler does with a request, step by step; each step is a map with exactly one key."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, GetJsonSchemaHandler, Tag, model_validator
from pydantic_core import CoreSchema

from iosim import units
from iosim.scenario.distributions import SHAPES, SizeDraw, TimeDraw
from iosim.scenario.net_steps import (
    BARE_STEPS,
    NET_STEPS,
    AcceptStep,
    DisconnectStep,
    RecvStep,
    SendStep,
    TransmitStep,
)
from iosim.scenario.quantities import Count, Flag, Size, word_or
from iosim.scenario.reading import Json, Section, also_bare, by_tag, key, only_key
from iosim.scenario.suggest import nearest


class Touching(Section):
    """The memory that a stretch of computing works on, and to whom it belongs."""

    private: Size = key("0 B", "belongs to the thread: cold again once other threads have pushed it out of the cache")
    shared: Size = key("0 B", "code and data that all threads of the program use: always warm, so it has no effect yet")
    request: Size = key("0 B", "the request's own data: cold at any number of threads")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"private": value} if isinstance(value, (str, int, float)) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return also_bare(handler.resolve_ref_schema(handler(schema)), Size)


def _is_shape(name: str) -> bool:
    """Whether a key is a distribution's, perhaps misspelt."""
    return nearest(name, (*SHAPES, "time", "touching")) in SHAPES


class Timed(Section):
    """A time that stands for a whole step: `sleep: 10 ms` is `sleep: {time: 10 ms}`."""

    time: TimeDraw = key(..., "how long; a time or a distribution of times")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        shaped = isinstance(value, dict) and len(value) == 1 and _is_shape(next(iter(value)))
        return {"time": value} if shaped or isinstance(value, (str, int, float)) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return also_bare(handler.resolve_ref_schema(handler(schema)), TimeDraw)


class Compute(Timed):
    """Keep a processor busy in user mode; other threads and interrupts may take the processor away meanwhile."""

    touching: Touching = key(Touching(), "memory worked on; a bare size is private to the thread")


class Transfer(Section):
    """A read or write of a file through the I/O manager."""

    file: str = key(..., "name of the file")
    size: SizeDraw = key(..., "bytes to move; a size or a distribution of sizes")
    offset: Annotated[
        int | Literal["random", "sequential"],
        word_or(
            {"random": "random", "sequential": "sequential"},
            units.parse_size,
            units.format_size,
            "a size like '64 KiB'",
        ),
    ] = key("random", "where in the file: random, sequential, or a fixed offset")
    mode: Literal["overlapped", "blocking"] = key(
        "overlapped",
        "overlapped: the thread takes other packets meanwhile, and the rest of the handler runs on the completion's"
        " packet; blocking: the thread waits in the kernel",
    )
    priority: Literal["normal", "background"] = key(
        "normal",
        "I/O priority hint; background: the port driver holds the request back while the disk has others to serve"
        " ('disks.X.background')",
        source="no hint: normal",
        sure="documented",
    )


class LockHold(Section):
    """Take a lock, hold it for a while, give it up."""

    name: str = key(..., "name of the lock")
    hold: TimeDraw = key(..., "processor time spent inside")
    shared: Flag = key(False, "hold it together with others who share it; for slim locks")


class PostTo(Section):
    """Hand the rest of the request to another port's workers by posting a packet there."""

    port: str = key(..., "name of the port")


class Flush(Section):
    """FlushFileBuffers: the thread waits until the disk has everything."""

    file: str = key(..., "name of the file")


class Open(Section):
    """CreateFile of one of many files of a volume: always synchronous, and it may wait for metadata."""

    volume: str = key(..., "name of the volume")
    files: Count = key(
        1, "files that there are, one of which is drawn: each has a record of 1 KiB in the master file table"
    )


class CloseFile(Section):
    """CloseHandle: the cleanup logs what has changed, as the volume's 'log' says."""

    volume: str = key(..., "name of the volume")


class Nothing(Section):
    """A step without settings."""


class ComputeStep(Section):
    compute: Compute = key(..., "keep a processor busy")


class ReadStep(Section):
    read: Transfer = key(..., "read from a file")


class WriteStep(Section):
    write: Transfer = key(..., "write to a file")


class TransferStep(Section):
    transfer: Nothing = key(..., "the replayed trace row's own read or write (only in handlers of a replay)")


class FlushStep(Section):
    flush: Flush = key(..., "FlushFileBuffers: wait until the disk has all that was written to a file")


class OpenStep(Section):
    open: Open = key(..., "open one of many files of a volume")


class CloseStep(Section):
    close: CloseFile = key(..., "close a file of a volume")


class LockStep(Section):
    lock: LockHold = key(..., "hold a lock")


class BlockStep(Section):
    block: Timed = key(..., "a blocking call to elsewhere: the thread waits in the kernel for this long")


class SleepStep(Section):
    sleep: Timed = key(..., "Sleep: the thread waits until the first clock tick after this time")


class PostStep(Section):
    post: PostTo = key(..., "hand the rest of the request to another port's workers")


STEPS = ("compute", "read", "write", "flush", "open", "close", "transfer", "lock", "block", "sleep", "post", *NET_STEPS)


def _one_step(value: Any) -> Any:
    if isinstance(value, str) and value in BARE_STEPS:
        return {value: {}}
    if isinstance(value, dict):
        only_key(value, STEPS, "step")
    return value


Step: TypeAlias = Annotated[
    Annotated[ComputeStep, Tag(":compute")]
    | Annotated[ReadStep, Tag(":read")]
    | Annotated[WriteStep, Tag(":write")]
    | Annotated[FlushStep, Tag(":flush")]
    | Annotated[OpenStep, Tag(":open")]
    | Annotated[CloseStep, Tag(":close")]
    | Annotated[TransferStep, Tag(":transfer")]
    | Annotated[LockStep, Tag(":lock")]
    | Annotated[BlockStep, Tag(":block")]
    | Annotated[SleepStep, Tag(":sleep")]
    | Annotated[PostStep, Tag(":post")]
    | Annotated[AcceptStep, Tag(":accept")]
    | Annotated[RecvStep, Tag(":recv")]
    | Annotated[SendStep, Tag(":send")]
    | Annotated[TransmitStep, Tag(":transmit_file")]
    | Annotated[DisconnectStep, Tag(":disconnect")],
    by_tag(
        lambda step: f":{next(iter(step))}", f"a step is a map with one key ({', '.join(STEPS)}), like 'compute: 15 us'"
    ),
    BeforeValidator(_one_step),
]
