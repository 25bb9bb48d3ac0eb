"""Interrupt moderation: exact rates, batches and waits for Poisson arrivals, and the classes of the adaptive one."""

from dataclasses import dataclass
from math import exp
from random import Random

import pytest

from iosim.moderation import (
    BULK,
    DIM_RECEIVE,
    INTEL_RATES,
    ITR_RATES,
    ITR_UNIT,
    LOW_LATENCY,
    LOWEST_LATENCY,
    Adaptive,
    DelayTimer,
    Moderation,
    ThrottleGap,
    next_class,
)

FRAMES = 200_000
PER_SECOND = 1_000_000_000


@dataclass
class Measured:
    rate: float  # interrupts a second
    batch: float
    wait: float  # us


def measure(moderation: Moderation, rate: int, frames: int = FRAMES) -> Measured:
    """Poisson arrivals, a driver that takes everything in no time."""
    draw = Random(1)
    interrupts = waited = now = begun = 0
    batch: list[int] = []
    for _ in range(frames):
        now += round(draw.expovariate(rate) * PER_SECOND)
        if batch and moderation.moment(batch[0]) < now:
            begun = moderation.moment(batch[0])
            waited += sum(begun - arrived for arrived in batch)
            moderation.raised(begun)
            interrupts += 1
            batch = []
        batch.append(now)
        if moderation.count and len(batch) >= moderation.count:
            waited += sum(now - arrived for arrived in batch)
            moderation.raised(now)
            interrupts += 1
            batch = []
    served = frames - len(batch)
    return Measured(interrupts / now * PER_SECOND, served / interrupts, waited / served / 1000)


# Interval (us), frames a second; interrupts a second, frames an interrupt, mean wait (us): exact, and another program's
# simulation of 400,000 frames says the same (numbers 3).
THROTTLE = [
    (50, 10_000, 9_037.3, 1.107, 11.297),
    (50, 100_000, 19_973.1, 5.007, 24.966),
    (50, 1_488_000, 20_000.0, 74.4, 25.0),
    (125, 100_000, 8_000.0, 12.5, 62.5),
    (250, 100_000, 4_000.0, 25.0, 125.0),
]
DELAY_WAITS = [
    (20, 10_000, 18.333),
    (20, 100_000, 13.333),
    (20, 500_000, 10.909),
    (125, 10_000, 90.278),
    (125, 100_000, 67.130),
    (125, 500_000, 63.484),
]


@pytest.mark.parametrize("row", THROTTLE, ids=[f"{row[0]} us, {row[1]}/s" for row in THROTTLE])
def test_N06_a_throttle_gap_meets_its_closed_form_within_1_percent(row: tuple[int, int, float, float, float]) -> None:
    gap, rate, interrupts, batch, wait = row
    found = measure(ThrottleGap(gap * 1000), rate)
    assert found.rate == pytest.approx(interrupts, rel=0.01)
    assert found.batch == pytest.approx(batch, rel=0.01)
    assert found.wait == pytest.approx(wait, rel=0.01)
    assert found.rate <= PER_SECOND / (gap * 1000) * 1.0001


def test_the_numbers_of_the_throttle_gap_are_those_of_the_closed_form() -> None:
    """Interrupts are T + e^(-LT)/L apart: the gap, and the pause until a frame comes if none came in it."""
    for gap, rate, interrupts, batch, wait in THROTTLE:
        load = rate * gap / 1e6
        assert 1 / (gap / 1e6 + exp(-load) / rate) == pytest.approx(interrupts, rel=1e-4)
        assert load + exp(-load) == pytest.approx(batch, rel=1e-3)
        assert load * gap / 2 / (load + exp(-load)) == pytest.approx(wait, rel=1e-4)


@pytest.mark.parametrize("row", DELAY_WAITS, ids=[f"{row[0]} us, {row[1]}/s" for row in DELAY_WAITS])
def test_a_delay_timer_meets_its_closed_form_within_1_percent(row: tuple[int, int, float]) -> None:
    delay, rate, wait = row
    found = measure(DelayTimer(delay * 1000, 0), rate)
    load = rate * delay / 1e6
    assert (delay + load * delay / 2) / (1 + load) == pytest.approx(wait, rel=1e-4)
    assert found.wait == pytest.approx(wait, rel=0.01)
    assert found.rate == pytest.approx(1e6 / (delay + 1e6 / rate), rel=0.01)
    assert found.batch == pytest.approx(1 + load, rel=0.01)


def test_N07_6_3_2_a_lone_frame_waits_for_a_delay_timer_but_not_for_a_throttle_gap() -> None:
    assert Moderation().moment(1000) == 1000
    assert DelayTimer(500, 0).moment(1000) == 1500
    throttle = ThrottleGap(500)
    assert throttle.moment(1000) == 1000
    throttle.raised(1000)
    assert (throttle.moment(1100), throttle.moment(1500), throttle.moment(9000)) == (1500, 1500, 9000)


def test_6_3_1_a_count_interrupts_before_the_time_is_over() -> None:
    """At 1,000,000 frames a second four are there after 4 us on average, long before 50 us."""
    found = measure(DelayTimer(50_000, 4), 1_000_000, 40_000)
    assert found.batch == pytest.approx(4, rel=0.001)
    assert found.rate == pytest.approx(250_000, rel=0.02)


def test_without_moderation_every_frame_interrupts_and_none_waits() -> None:
    found = measure(Moderation(), 100_000, 10_000)
    assert (found.batch, found.wait) == (1, 0)


def test_6_3_3_small_frames_alone_get_the_short_gap_step_by_step() -> None:
    """One small frame a visit is somebody's question and answer; the rate grows by a quarter of 70,000 a visit."""
    adaptive = Adaptive()
    rates = []
    for _ in range(5):
        adaptive.served(1, 60)
        rates.append(adaptive.rate)
    assert rates == [37_500, 55_000, 70_000, 70_000, 70_000]
    assert adaptive.gap == PER_SECOND // 70_000


def test_6_3_3_a_bulk_transfer_gets_the_long_gap_at_once() -> None:
    adaptive = Adaptive()
    adaptive.served(32, 32 * 1514)
    assert (adaptive.kind, adaptive.rate, adaptive.gap) == (BULK, INTEL_RATES[BULK], 250_000)


def test_a_visit_without_frames_leaves_the_class_alone() -> None:
    adaptive = Adaptive()
    adaptive.served(0, 0)
    assert (adaptive.kind, adaptive.rate) == (LOW_LATENCY, 20_000)


@pytest.mark.parametrize(
    ("before", "frames", "size", "after"),
    [
        (LOWEST_LATENCY, 1, 9_000, BULK),
        (LOWEST_LATENCY, 4, 600, LOW_LATENCY),
        (LOWEST_LATENCY, 8, 600, LOWEST_LATENCY),
        (LOW_LATENCY, 9, 13_500, BULK),
        (LOW_LATENCY, 40, 12_000, LOWEST_LATENCY),
        (LOW_LATENCY, 20, 12_000, LOW_LATENCY),
        (LOW_LATENCY, 1, 3_000, BULK),
        (LOW_LATENCY, 2, 400, LOWEST_LATENCY),
        (LOW_LATENCY, 3, 400, LOW_LATENCY),
        (BULK, 40, 60_000, LOW_LATENCY),
        (BULK, 20, 30_000, BULK),
        (BULK, 5, 5_000, LOW_LATENCY),
        (BULK, 8, 12_000, BULK),
    ],
)
def test_classes_follow_each_other_by_frames_and_bytes_of_a_visit(
    before: int, frames: int, size: int, after: int
) -> None:
    assert next_class(before, frames, size) == after


def test_published_settings_are_the_rates_that_they_stand_for() -> None:
    by_name = {name: round(PER_SECOND / (units * ITR_UNIT)) for name, units in ITR_RATES.items() if units}
    assert by_name == {"minimal": 19_531, "low": 9_766, "medium": 4_112, "high": 1_953, "extreme": 1_085}
    assert DIM_RECEIVE[1] == (8_000, 256)
