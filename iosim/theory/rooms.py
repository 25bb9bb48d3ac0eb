"""M/M/c/K: servers with room for so many, whoever finds no room being sent away (numbers 8)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounded:
    """Share sent away, mean number inside, mean time of those that came in, and how many leave a unit of time."""

    blocked: float
    inside: float
    time: float
    throughput: float


def bounded_queue(rate: float, servers: int, room: int, service: float = 1.0) -> Bounded:
    """`room` counts those in service too, and is at least the number of servers."""
    weight, weights = 1.0, [1.0]
    for inside in range(1, room + 1):
        weight *= rate * service / min(inside, servers)
        weights.append(weight)
    total = sum(weights)
    blocked = weights[room] / total
    inside_mean = sum(inside * it for inside, it in enumerate(weights)) / total
    throughput = rate * (1 - blocked)
    return Bounded(blocked, inside_mean, inside_mean / throughput, throughput)
