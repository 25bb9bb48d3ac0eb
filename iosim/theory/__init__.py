"""Formulas that the model can be held to, and that a search can begin from: queues, bounds, what overwriting flash costs.

Times are in units of whatever is put in; a load is each server's. Published values of all of them: numbers 8.
"""

from iosim.theory.closed_queues import Closed, closed_network, machine_repair, mean_value_analysis
from iosim.theory.flash import fifo_write_amplification
from iosim.theory.moderated_interrupts import delay_timer, throttle_gap
from iosim.theory.open_queues import (
    erlang_b,
    erlang_c,
    erlang_c_wait,
    exponential_quantile,
    pollaczek_khinchine_wait,
    shortest_remaining_time,
    wait_quantile,
    woken_server_wait,
)
from iosim.theory.operations import Bounds, bounds, scalability, scalability_peak
from iosim.theory.priorities import non_preemptive_waits, preemptive_times
from iosim.theory.rooms import Bounded, bounded_queue
from iosim.theory.switches import saturation

__all__ = [
    "Bounded",
    "Bounds",
    "Closed",
    "bounded_queue",
    "bounds",
    "closed_network",
    "delay_timer",
    "erlang_b",
    "erlang_c",
    "erlang_c_wait",
    "exponential_quantile",
    "fifo_write_amplification",
    "machine_repair",
    "mean_value_analysis",
    "non_preemptive_waits",
    "pollaczek_khinchine_wait",
    "preemptive_times",
    "saturation",
    "scalability",
    "scalability_peak",
    "shortest_remaining_time",
    "throttle_gap",
    "wait_quantile",
    "woken_server_wait",
]
