"""Queues that anybody may join, of Poisson arrivals: M/M/c, M/G/1, a server that must be woken, and the shortest first.

Sources: numbers 8 (textbook formulas); Welch, "On a generalized M/G/1 queuing process in which the first customer of each
busy period receives exceptional service" (1964); Schrage and Miller (1966) for the shortest remaining time.
"""

import math

import numpy as np


def erlang_b(servers: int, offered: float) -> float:
    """Share of the arrivals that are lost where there is no room to wait; `offered` is rate times mean service time."""
    blocking = 1.0
    for k in range(1, servers + 1):
        blocking = offered * blocking / (k + offered * blocking)
    return blocking


def erlang_c(servers: int, offered: float) -> float:
    """Share of the arrivals that have to wait, by M/M/c; `offered` is below the number of servers."""
    lost = erlang_b(servers, offered)
    return servers * lost / (servers - offered * (1 - lost))


def erlang_c_wait(servers: int, load: float) -> float:
    """Mean wait of M/M/c in units of the mean service time; `load` is each server's, below 1."""
    return erlang_c(servers, servers * load) / (servers * (1 - load))


def wait_quantile(servers: int, load: float, q: float) -> float:
    """The wait that a share `q` does not exceed in M/M/c, in units of the mean service time; 0 where so many do not wait."""
    waits = erlang_c(servers, servers * load)
    return math.log(waits / (1 - q)) / (servers * (1 - load)) if waits > 1 - q else 0.0


def exponential_quantile(mean: float, q: float) -> float:
    """The time that a share `q` of exponential times does not exceed: of M/M/1, those in the system."""
    return -mean * math.log(1 - q)


def pollaczek_khinchine_wait(load: float, mean: float, second_moment: float) -> float:
    """Mean wait of M/G/1 at this load, from mean and second moment of the service."""
    return load / mean * second_moment / (2 * (1 - load))


def woken_server_wait(rate: float, mean: float, second_moment: float, wake: float, wake_second: float) -> float:
    """Mean wait of M/G/1 whose server falls asleep whenever nobody is there, and takes so long to be woken.

    Exceptional first service (Welch): the first of a busy period is served for its wake and its service, so that its own
    wake is no part of its wait. `wake_second` is the second moment of the time to wake.
    """
    ordinary = pollaczek_khinchine_wait(rate * mean, mean, second_moment)
    return ordinary + rate * (2 * mean * wake + wake_second) / (2 * (1 + rate * wake))


def shortest_remaining_time(load: float, steps: int = 20_000) -> float:
    """Mean time in the system of M/M/1 that always serves whoever has least left to do; the mean service time is 1.

    A size x waits (l m2(x) + l x^2 (1 - F(x))) / (2 (1 - r(x))^2) and is served for the integral of dt / (1 - r(t)) up to x,
    r(x) and m2(x) being load and second moment of all sizes up to x. By Simpson's rule over sizes up to 60.
    """
    x = np.linspace(0, 60, 2 * steps + 1)
    tail = np.exp(-x)
    below = load * (1 - tail * (1 + x))  # r(x)
    second = load * (2 - tail * (x * x + 2 * x + 2))
    waits = (second + load * x * x * tail) / (2 * (1 - below) ** 2)
    step = x[1] - x[0]
    slower = 1 / (1 - below)
    served = np.concatenate(([0.0], np.cumsum((slower[1:] + slower[:-1]) / 2) * step))
    weights = np.ones_like(x)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return float(np.sum(weights * (waits + served) * tail) * step / 3)
