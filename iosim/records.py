"""What one replication recorded, as the machine hands it over and studies read it."""

from array import array
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Raw:
    """What one replication recorded; plain data that a worker process can send home."""

    seed: int
    replication: int
    events: int
    digest: str  # of the events in their order
    end_ns: int
    horizon: int
    bin_ns: int
    stop: str
    offered: int
    in_flight: int
    classes: list[str]
    columns: dict[str, "array[int]"]
    asked: list[int]  # counted requests, by class
    asked_before: list[list[tuple[int, int]]]  # by class: bin, and how many had been asked before its first one
    tallies: list[dict[str, Any]]  # instead of rows, where none are kept
    causes: "array[int]"
    ledgers: "list[list[array[int]]]"  # class, bin, cause
    samples: dict[str, "array[int]"]
    extremes: dict[str, int]
    resources: list[str]
    behind: list[dict[int, list[int]]]  # by resource, by bin of intended arrival: waiter * classes + holder, ns
    hold_area: list[list[int]]
    holds: list[list[int]]
    waits: dict[str, "array[int]"] = field(default_factory=dict)
    timeline: dict[str, "array[int]"] = field(default_factory=dict)
