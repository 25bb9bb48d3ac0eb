"""Published sizes as tables: what they hold, and that a drawn size follows them."""

import numpy as np
import pytest

from iosim.draws import transform_of
from iosim.presets.sizes import SHARES, SIZE_TABLES
from iosim.scenario.distributions import read_sizes, show_sizes
from iosim.streams import StreamKey


@pytest.mark.parametrize("name", SIZE_TABLES)
def test_a_table_has_the_mean_that_was_published(name: str) -> None:
    it = read_sizes({"table": name})
    assert it.mean() == pytest.approx(SIZE_TABLES[name].mean, rel=0.08)
    assert show_sizes(it) == {"table": name}


@pytest.mark.parametrize(
    ("name", "quantiles"),
    [
        ("memcached-etc", (27, 500, 1853)),
        ("search-rpc", (267, 501, 2989)),
        ("hadoop", (655, 119_336, 3_094_208)),
        ("web-server", (3406, 268_075, 552_298)),
    ],
)
def test_half_nine_tenths_and_99_in_100_are_below_the_published_sizes(name: str, quantiles: tuple[int, ...]) -> None:
    """Two digits were kept, so 5 % at most are lost."""
    sizes = transform_of(read_sizes({"table": name}))(np.array([0.5, 0.9, 0.99]))
    assert sizes.tolist() == pytest.approx(quantiles, rel=0.05)


def test_drawn_sizes_lie_within_their_table() -> None:
    sizes = transform_of(read_sizes({"table": "search-rpc"}))(StreamKey(1, 0, "sizes").uniforms(0, 12))
    assert sizes.min() >= 2
    assert sizes.max() <= 3_500_000
    assert np.median(sizes) == pytest.approx(270, rel=0.1)


def test_tables_rise_and_their_last_share_is_the_whole() -> None:
    assert list(SHARES) == sorted(SHARES)
    for table in SIZE_TABLES.values():
        sizes, shares = table.points()
        assert list(sizes) == sorted(sizes)
        assert len(sizes) == len(shares)
        assert shares[-1] == 1


def test_a_table_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="no table 'hadop'; did you mean 'hadoop'"):
        read_sizes({"table": "hadop"})
