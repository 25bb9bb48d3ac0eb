"""Formulas that parts of the model can be held to: queues, and what overwriting flash costs.

Times are in units of whatever is put in. Sources: numbers 8 (textbook formulas), Desnoyers 2012 for flash (from memory).
"""

import math
from collections.abc import Sequence


def erlang_c_wait(servers: int, load: float) -> float:
    """Mean wait of M/M/c in units of the mean service time; `load` is each server's, below 1."""
    offered = servers * load
    blocking = 1.0
    for k in range(1, servers + 1):
        blocking = offered * blocking / (k + offered * blocking)
    waits = servers * blocking / (servers - offered * (1 - blocking))
    return waits / (servers * (1 - load))


def pollaczek_khinchine_wait(load: float, mean: float, second_moment: float) -> float:
    """Mean wait of M/G/1 at this load, from mean and second moment of the service."""
    return load / mean * second_moment / (2 * (1 - load))


def exponential_quantile(mean: float, q: float) -> float:
    """The time that a share `q` of exponential times does not exceed: of M/M/1, those in the system."""
    return -mean * math.log(1 - q)


def machine_repair(clients: int, servers: int, think: float, service: float) -> tuple[float, float]:
    """Closed: clients that think and are served by any of the servers, all exponential. Throughput and time in system."""
    weight, weights = 1.0, [1.0]
    for inside in range(clients):
        weight *= (clients - inside) / think * service / min(inside + 1, servers)
        weights.append(weight)
    total = sum(weights)
    busy = sum(min(inside, servers) * it for inside, it in enumerate(weights)) / total
    inside_mean = sum(inside * it for inside, it in enumerate(weights)) / total
    throughput = busy / service
    return throughput, inside_mean / throughput


def mean_value_analysis(clients: int, think: float, demands: Sequence[float]) -> tuple[float, float]:
    """Closed: clients that think and visit stations of one server each. Throughput and time in all stations."""
    queues = [0.0] * len(demands)
    throughput = total = 0.0
    for population in range(1, clients + 1):
        times = [demand * (1 + queue) for demand, queue in zip(demands, queues, strict=True)]
        total = sum(times)
        throughput = population / (think + total)
        queues = [throughput * time for time in times]
    return throughput, total


def fifo_write_amplification(flash: float) -> float:
    """Units programmed for each written at random, when the oldest block is collected; `flash` is over the capacity.

    a / (a + W(-a exp(-a))), W being Lambert's function (Desnoyers 2012, from memory): the share x of a block that is
    still good when its turn comes solves x = exp(-(1 - x) a), and the moves are x / (1 - x) a unit written.
    """
    share = 0.5  # from below, so that the solution 1, which is always there, is not found
    for _ in range(1000):
        share = math.exp(-(1 - share) * flash)
    return 1 / (1 - share)
