"""The kinds of load that a scenario's workload may have; each entry is one."""

from typing import Annotated, TypeAlias

from pydantic import Tag

from iosim.scenario.load import ClosedLoad, OpenLoad, Replay
from iosim.scenario.net_load import ClosedNetLoad, NetReplay, OpenNetLoad
from iosim.scenario.reading import Json, by_tag

_LOADS = ("open", "closed", "replay")


def _load_tag(value: Json) -> str | None:
    """By its kind, and whether it comes over a card."""
    kind = value.get("kind")
    if kind not in _LOADS:
        return None
    return f":{kind} over a network" if "nic" in value else f":{kind}"


Load: TypeAlias = Annotated[
    Annotated[OpenLoad, Tag(":open")]
    | Annotated[ClosedLoad, Tag(":closed")]
    | Annotated[Replay, Tag(":replay")]
    | Annotated[OpenNetLoad, Tag(":open over a network")]
    | Annotated[ClosedNetLoad, Tag(":closed over a network")]
    | Annotated[NetReplay, Tag(":replay over a network")],
    by_tag(_load_tag, f"a workload needs 'kind': one of {', '.join(_LOADS)}"),
]
