"""The formulas give what is published of them (numbers 8)."""

import pytest

from iosim import theory


@pytest.mark.parametrize(
    ("load", "published"), [(0.3, 0.214286), (0.5, 0.5), (0.7, 1.166667), (0.8, 2), (0.9, 4.5), (0.95, 9.5)]
)
def test_constant_service_waits_half_as_long_as_exponential(load: float, published: float) -> None:
    assert theory.pollaczek_khinchine_wait(load, 1, 1) == pytest.approx(published, abs=1e-6)
    assert theory.pollaczek_khinchine_wait(load, 1, 2) == pytest.approx(load / (1 - load))


@pytest.mark.parametrize(
    ("load", "published"), [(0.3, 1.229323), (0.5, 2.868421), (0.7, 6.692982), (0.8, 11.473684), (0.9, 25.815789)]
)
def test_one_long_job_in_ten_makes_all_wait(load: float, published: float) -> None:
    assert theory.pollaczek_khinchine_wait(load, 1.9, 10.9) == pytest.approx(published, abs=1e-6)


@pytest.mark.parametrize(("q", "published"), [(0.95, 5.991465), (0.99, 9.210340)])
def test_the_tail_of_m_m_1_at_half_load(q: float, published: float) -> None:
    assert theory.exponential_quantile(2, q) == pytest.approx(published, abs=1e-6)


@pytest.mark.parametrize(
    ("clients", "servers", "throughput", "latency"),
    [
        (1, 1, 0.090909, 1),
        (8, 1, 0.661682, 2.090408),
        (16, 1, 0.977698, 6.364969),
        (64, 1, 1, 54),
        (16, 4, 1.452570, 1.014962),
        (32, 4, 2.844258, 1.250738),
        (32, 8, 2.908829, 1.000992),
        (64, 8, 5.769122, 1.093543),
    ],
)
def test_clients_that_think_and_servers(clients: int, servers: int, throughput: float, latency: float) -> None:
    assert theory.machine_repair(clients, servers, 10, 1) == pytest.approx((throughput, latency), abs=2e-6)


@pytest.mark.parametrize(
    ("clients", "throughput", "latency"),
    [(1, 0.009091, 10), (8, 0.07078, 13.02683), (16, 0.133887, 19.504002), (32, 0.197556, 61.979439), (64, 0.2, 220)],
)
def test_three_stations_by_mean_value_analysis(clients: int, throughput: float, latency: float) -> None:
    assert theory.mean_value_analysis(clients, 100, (5, 3, 2)) == pytest.approx((throughput, latency), abs=1e-6)


def test_collecting_the_oldest_block_costs_more_the_less_flash_there_is_to_spare() -> None:
    """At half as much again, x = exp(-(1 - x) 1.5) is 0.41719: 1 / (1 - x) = 1.7158."""
    found = [theory.fifo_write_amplification(1 + spare) for spare in (0.07, 0.28, 0.5, 9.0)]
    assert found == sorted(found, reverse=True)
    assert found[2] == pytest.approx(1.7158, abs=1e-4)
    assert found[3] == pytest.approx(1, abs=1e-3)
