"""Queues of a fixed number of clients who think, ask, and think again (numbers 8)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def machine_repair(clients: int, servers: int, think: float, service: float) -> tuple[float, float]:
    """Closed: clients that think and are served by any of the servers, all exponential. Throughput and time in system."""
    found = closed_network(clients, think, [service], [servers])
    return found.throughput, found.time


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


@dataclass(frozen=True, slots=True)
class Closed:
    """Throughput, a request's time in all stations, and each station's mean number there and share of its servers busy."""

    throughput: float
    time: float
    inside: tuple[float, ...]
    utilization: tuple[float, ...]


def closed_network(clients: int, think: float, demands: Sequence[float], servers: Sequence[int]) -> Closed:
    """Exponential stations of one or many servers, by product form (Gordon and Newell; Buzen's convolution).

    Exact where mean value analysis with several servers loses digits: every term is positive. Demands are above 0.
    """
    rate = min(at / demand for demand, at in zip(demands, servers, strict=True))
    if think + sum(demands) > 0:
        rate = min(rate, clients / (think + sum(demands)))
    stations = [_weights(rate * demand, at, clients) for demand, at in zip(demands, servers, strict=True)]
    thinking = _weights(rate * think, clients, clients)
    whole = _together([thinking, *stations])
    throughput = float(whole[clients - 1] / whole[clients]) * rate
    inside = []
    for place, station in enumerate(stations):
        others = _together([thinking, *stations[:place], *stations[place + 1 :]])
        shares = station * others[::-1]
        inside.append(float(np.sum(np.arange(clients + 1) * shares) / np.sum(shares)))
    busy = tuple(throughput * demand / at for demand, at in zip(demands, servers, strict=True))
    return Closed(throughput, clients / throughput - think, tuple(inside), busy)


Weights = NDArray[np.float64]


def _weights(demand: float, servers: int, clients: int) -> Weights:
    """Of 0, 1, 2, ... at a station, as multiples of the largest; those below 1e-300 of it are 0."""
    steps = np.minimum(np.arange(1, clients + 1), servers)
    with np.errstate(divide="ignore"):
        logarithms = np.concatenate(([0.0], np.cumsum(np.log(demand) - np.log(steps))))
    found: Weights = np.exp(logarithms - logarithms.max())
    return found


def _together(parts: list[Weights]) -> Weights:
    whole = parts[0]
    for part in parts[1:]:
        whole = np.convolve(whole, part)[: len(part)]
        whole = whole / whole.max()
    return whole
