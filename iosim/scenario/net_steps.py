"""What a handler does with a request that came over a network card: steps on the socket that brought it."""

from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from iosim import units
from iosim.scenario.distributions import Distribution, SizeDraw, read_sizes, show_sizes
from iosim.scenario.quantities import Count, Flag, PositiveSize, Size, word_or
from iosim.scenario.reading import Json, Read, Section, also_bare, key

REQUEST, LAST_READ, LOGGED = "request", "last_read", "logged"
SIZE_WORDS = (REQUEST, LAST_READ, LOGGED)


def _sent(value: Any) -> Distribution | str:
    if isinstance(value, str) and value in SIZE_WORDS:
        return value
    if isinstance(value, str) and value[:1].isalpha():
        raise ValueError(f"'{value}' is not one of {', '.join(SIZE_WORDS)}, nor a size like '4 KiB'")
    found: Distribution = read_sizes(value)
    return found


_SENT_SCHEMA: Json = {"anyOf": [{"enum": [*SIZE_WORDS]}, {"type": ["string", "object"]}]}


class Accept(Section):
    """How connections reach the program, and how its sockets are set up."""

    posted: Count = key(8, "AcceptEx calls that wait for connections", source="a choice", sure="assumed")
    with_data: Size = key(
        "0 B",
        "an AcceptEx ends when the connection's first data have come, as far as so many bytes hold them; 0 B: when the"
        " connection has come",
        source="dwReceiveDataLength = 0",
        sure="documented",
    )
    backlog: Count = key(
        200,
        "connections that may wait for an AcceptEx; more are refused",
        source="SOMAXCONN of servers",
        sure="documented",
    )
    reuse: Flag = key(
        True,
        "sockets are disconnected for reuse (DisconnectEx) instead of closed",
        source="common in servers: a new socket is dear",
        sure="assumed",
    )
    send_buffer: Size = key(
        "64 KiB",
        "bytes that sends leave with the kernel unacknowledged (SO_SNDBUF); 0 B: a send pends until it is acknowledged,"
        " its pages locked, and nothing is copied",
        source="default of AFD, from memory",
        sure="assumed",
    )
    no_delay: Flag = key(
        False,
        "small segments do not wait for acknowledgements (TCP_NODELAY)",
        source="Nagle's rule is on",
        sure="documented",
    )
    skip_on_success: Flag = key(
        False,
        "calls that succeed at once queue no packet (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)",
        source="SetFileCompletionNotificationModes: off",
        sure="documented",
    )


class Recv(Section):
    """The receives that wait on every socket; the request comes out of the one that takes its last byte."""

    size: PositiveSize = key("4 KiB", "buffer of each receive", source="a page: a choice", sure="assumed")
    posted: Count = key(
        1, "receives that wait on each socket", source="one: order is kept without more", sure="assumed"
    )
    zero_byte: Flag = key(
        False,
        "one receive of no bytes waits, which locks no pages; what has come is received when it ends",
        source="a choice",
        sure="assumed",
    )


class Send(Section):
    """WSASend of an answer, or a part of it; `send: 4 KiB` is `send: {size: 4 KiB}`."""

    size: Annotated[Distribution | str, Read(_sent, show_sizes, _SENT_SCHEMA)] = key(
        ...,
        f"bytes to send: a size or a distribution of sizes; {REQUEST}, as many as the request has; {LAST_READ}, as many as"
        f" the handler's last read asked for; {LOGGED}, what was sent then (replays)",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"size": value} if isinstance(value, (str, int, float)) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return also_bare(handler.resolve_ref_schema(handler(schema)), SizeDraw)


class TransmitFile(Section):
    """TransmitFile: the kernel sends a file, or a part of it."""

    file: str = key(..., "name of the file")
    size: SizeDraw | None = key(None, "bytes to send; a size or a distribution of sizes; left out, to the file's end")
    offset: Annotated[
        int | str, word_or({"random": "random"}, units.parse_size, units.format_size, "a size like '64 KiB'")
    ] = key("0 B", "where in the file: random (on any page), or a fixed offset", source="a choice", sure="assumed")


class Disconnect(Section):
    """DisconnectEx: the stream ends behind what has been sent."""


class AcceptStep(Section):
    accept: Accept = key(..., "how connections come, and their sockets' settings; only as first step")


class RecvStep(Section):
    recv: Recv = key(..., "the receives that wait on each socket; only before all steps but 'accept'")


class SendStep(Section):
    send: Send = key(..., "send an answer")


class TransmitStep(Section):
    transmit_file: TransmitFile = key(..., "have the kernel send a file")


class DisconnectStep(Section):
    disconnect: Disconnect = key(..., "end the connection")


NET_STEPS = ("accept", "recv", "send", "transmit_file", "disconnect")
BARE_STEPS = ("accept", "recv", "disconnect")  # that need no settings
