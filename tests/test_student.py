"""The normal and Student's t against scipy."""

import math

import pytest
from scipy import stats

from iosim import student as ours


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 4, 7.3, 9, 19, 30, 100, 500.5, 999.9, 1000, 1500, 1e5, 1e9])
def test_the_t_quantile_agrees_with_scipy(df: float) -> None:
    for tail in (1e-12, 1e-6, 0.001, 0.025, 0.1, 0.3, 0.49):
        t = ours.t_quantile_of_tail(tail, df)
        assert t == pytest.approx(stats.t.isf(tail, df), rel=1e-9, abs=1e-12)
        assert ours.t_tail(t, df) == pytest.approx(tail, rel=1e-8 if df < 1000 else 1e-5)


def test_the_t_quantile_is_rounded_so_that_every_processor_agrees() -> None:
    """The last digits of exp and log differ between processors; results must not."""
    assert ours.t_quantile_of_tail(0.025, 9) == 2.26215716280


@pytest.mark.parametrize("p", [1e-10, 0.025, 0.3, 0.5, 0.9, 0.999])
def test_the_normal_quantile_agrees_with_scipy(p: float) -> None:
    assert ours.normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("p", "df"), [(0, 5), (1, 5), (math.nan, 5), (0.1, 0.5), (0.1, math.nan)])
def test_impossible_probabilities_and_degrees_are_refused(p: float, df: float) -> None:
    with pytest.raises(ValueError, match=r"probability|degrees"):
        ours.t_quantile_of_tail(p, df)
