"""What the scenarios of fast drives claim: vectors for many processors, and spinning against sleeping."""

from typing import Any

import pytest

import iosim
from iosim.results import Result
from iosim.statistics import Estimate

PAIRS = "disks.flash.queue_pairs"
FREE = {  # all that a completion costs where it interrupts
    "machine.kernel.isr": "0 s",
    "machine.kernel.dpc": "0 s",
    "machine.kernel.page_lock": "0 s",
    **{f"machine.stack.{layer}_up": "0 s" for layer in ("ntfs", "volume", "disk", "port")},
}


def study(name: str, changes: dict[str, Any], vary: dict[str, list[Any]]) -> Result:
    """The scenario with another study in it."""
    result: Result = iosim.run(iosim.load(name, set={**changes, "study": {"vary": vary}, "run.replications": 4}))
    return result


def ratio(result: Result, path: str, figure: str, values: tuple[Any, Any]) -> Estimate:
    assert result.study is not None
    return result.study.ratio(figure, {path: values[0]}, {path: values[1]})


def test_one_vector_for_eight_processors_halves_what_the_machine_can_do() -> None:
    """And its requests take nearly twice as long; two vectors are enough."""
    result = study("nvme-queues", {}, {PAIRS: [1, 2, 8]})
    lost = ratio(result, PAIRS, "throughput_per_s", (1, 8))
    slower = ratio(result, PAIRS, "latency_ns.mean", (1, 8))
    two = ratio(result, PAIRS, "throughput_per_s", (2, 8))
    assert lost.high <= 0.6, lost
    assert slower.low >= 1.7, slower
    assert two.low >= 0.98, two


def test_the_processor_that_it_interrupts_is_full_while_the_others_wait() -> None:
    summary = iosim.run(iosim.load("nvme-queues", set={PAIRS: 1}), study=False, replications=2).summary
    share = {kind: figure["value"] for kind, figure in summary["processors"]["share"].items()}
    assert share["isr"] + share["dpc"] == pytest.approx(1 / 8, rel=0.1)
    assert share["idle"] > 0.4


def test_the_loss_vanishes_where_a_completion_costs_nothing_or_the_load_is_low_or_dpcs_are_redirected() -> None:
    free = ratio(study("nvme-queues", FREE, {PAIRS: [1, 8]}), PAIRS, "throughput_per_s", (1, 8))
    low = ratio(
        study("nvme-queues", {"workload.lookups.clients": 8}, {PAIRS: [1, 8]}), PAIRS, "throughput_per_s", (1, 8)
    )
    assert free.low >= 0.98, free
    assert low.low >= 0.95, low
    redirected = study("nvme-queues", {PAIRS: 1}, {"disks.flash.redirect": [False, True]})
    gained = ratio(redirected, "disks.flash.redirect", "throughput_per_s", (True, False))
    assert gained.low >= 1.6, gained


def test_coalescing_saves_interrupts_and_delays_what_is_alone() -> None:
    """At 128 clients a hundredth of the processors' time; at 8 clients requests wait for the timer."""
    changes = {"disks.flash.coalescing": {"count": 8, "time": "100 us"}}
    for clients, faster in ((128, True), (8, False)):
        given = {"workload.lookups.clients": clients}
        plain = iosim.run(iosim.load("nvme-queues", set=given), study=False, replications=2).summary
        held = iosim.run(iosim.load("nvme-queues", set={**given, **changes}), study=False, replications=2).summary
        rates = [it["disks"]["flash"]["interrupts_per_s"]["value"] for it in (plain, held)]
        means = [it["latency_ns"]["mean"]["value"] for it in (plain, held)]
        assert rates[1] < rates[0] / (6 if faster else 1)
        assert (means[1] < means[0]) == faster


# ---- polling ---------------------------------------------------------------------------------------------------------

COMPLETION = "disks.memory.completion"


def polling_gain(read: str, changes: dict[str, Any] | None = None) -> Estimate:
    """Throughput by spinning over that by interrupts."""
    given = {"disks.memory.read": read, **(changes or {})}
    result = study("polling-against-interrupts", given, {COMPLETION: ["interrupt", "polling"]})
    return ratio(result, COMPLETION, "throughput_per_s", ("polling", "interrupt"))


def test_poll_when_the_spin_is_shorter_than_the_path_saved() -> None:
    """Yang, Minturn and Hady 2012: 4.38 us of spinning against 6.31 us of path; equal at the border."""
    assert polling_gain("4.38 us").low >= 1.1
    border = polling_gain("6.31 us")
    assert border.low >= 0.99
    assert border.high <= 1.01
    assert polling_gain("10 us").high <= 0.9


def test_without_a_path_to_save_spinning_gains_nothing() -> None:
    free = {"machine.kernel.isr": "0 s", "machine.kernel.dpc": "0 s", "machine.dispatcher.context_switch": "0 s"}
    assert polling_gain("4.38 us", free).high <= 0.75
    assert polling_gain("10 ns", free).high <= 1.01


def test_a_polling_processor_is_busy_with_nothing_and_hears_no_interrupt() -> None:
    summary = iosim.run(iosim.load("polling-against-interrupts"), study=False, replications=1).summary
    share = {kind: figure["value"] for kind, figure in summary["processors"]["share"].items()}
    assert (share["isr"], share["dpc"], share["switch"]) == (0, 0, 0)
    assert share["spin"] == pytest.approx(summary["disks"]["memory"]["busy_share"]["value"], rel=0.01)
    assert summary["disks"]["memory"]["interrupts_per_s"]["value"] == 0
