"""Quantities with units: exact, strict, and readable again after they were written."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iosim import units


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1.2 us", 1_200),
        ("1.2us", 1_200),
        ("3 µs", 3_000),  # micro sign
        ("3 μs", 3_000),  # Greek mu
        ("15.625 ms", 15_625_000),
        ("1e6 us", 10**9),
        ("2 min", 120 * 10**9),
        ("0 s", 0),
        ("0.000000001 s", 1),
        (" 7 ns ", 7),
    ],
)
def test_a_time_is_an_exact_number_of_nanoseconds(text: str, ns: int) -> None:
    """Floats gave 9.999999999999999e-06 for 10us."""
    assert units.parse_time(text) == ns


@pytest.mark.parametrize(
    ("text", "size"), [("64 KiB", 65_536), ("64 kB", 64_000), ("1.5 MiB", 1_572_864), ("2 TB", 2 * 10**12), ("7 B", 7)]
)
def test_binary_and_decimal_sizes_are_told_apart(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("10 Gbit/s", 10**10),
        ("3.2 GB/s", 25_600_000_000),
        ("550 MB/s", 4_400_000_000),
        ("2 GiB/s", 2 * 2**30 * 8),
    ],
)
def test_a_bandwidth_is_bits_a_second(text: str, bits: int) -> None:
    assert units.parse_bandwidth(text) == bits


def test_rates_are_exact_fractions_of_a_second() -> None:
    """The mean gap of a rate of 3 a minute is exactly 20 s; a float could not say so for 7 an hour."""
    assert units.parse_rate("20000/s") == 20_000
    assert units.parse_rate("5/ms") == 5_000
    assert units.parse_rate("7 /h") == Fraction(7, 3600)


def test_ten_gigabytes_a_second_are_a_hundred_picoseconds_a_byte() -> None:
    assert units.ps_per_byte(units.parse_bandwidth("10 GB/s")) == 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20", "'20' has no unit; a time is written like '20 us' (units: ns, us, ms, s, min, h)"),
        (20, "'20' has no unit; a time is written like '20 us' (units: ns, us, ms, s, min, h)"),
        ("16 KiB", "'16 KiB' is a size; a time is needed, like '20 us'"),
        ("-1 s", "'-1 s' is negative; a time is 0 or more"),
        ("0.5 ns", "'0.5 ns' is finer than 1 ns, the model's grain"),
        ("1e30 s", "'1e30 s' is too large; the most is 2^62 ns"),
        ("soon", "'soon' is not a time; write it like '20 us'"),
        ("1 S", "'1 S': 'S' is not a unit of time; did you mean 's'? (units: ns, us, ms, s, min, h)"),
        ("1 m", "'1 m': 'm' is not a unit; write ms, min or MiB (units: ns, us, ms, s, min, h)"),
        ("1 2 s", "'1 2 s': '2 s' is not a unit of time (units: ns, us, ms, s, min, h)"),
        (True, "a time is needed here, like '20 us'"),
        (None, "a time is needed here, like '20 us'"),
        ([1], "a time is needed here, like '20 us'"),
        ("٣ s", "'٣ s' is not a time; write it like '20 us'"),
    ],
)
def test_what_is_no_time_is_refused_with_a_reason(text: object, message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        units.parse_time(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize("text", ["4k", "4 K", "64 Kb", "64 KB", "64 kb", "1 M", "1 G", "1 Mb", "10 Gbps"])
def test_an_ambiguous_size_is_never_guessed(text: str) -> None:
    """A unit library read `4k` as four Boltzmann constants and `64K` as 64 kelvin."""
    with pytest.raises(ValueError, match=r"is not a unit; write .* \(units: B, KiB"):
        units.parse_size(text)


def test_a_huge_exponent_is_refused_at_once() -> None:
    """The exact value of 1e999999999 would take minutes and gigabytes."""
    with pytest.raises(ValueError):
        units.parse_time("1e999999999 s")


@given(st.integers(0, units.LARGEST))
def test_a_time_that_was_written_reads_back_the_same(ns: int) -> None:
    assert units.parse_time(units.format_time(ns)) == ns


@given(st.integers(0, units.LARGEST))
def test_a_size_that_was_written_reads_back_the_same(size: int) -> None:
    assert units.parse_size(units.format_size(size)) == size


@given(st.integers(0, units.LARGEST))
def test_a_bandwidth_that_was_written_reads_back_the_same(bits: int) -> None:
    assert units.parse_bandwidth(units.format_bandwidth(bits)) == bits


@given(st.decimals(0, 10**9, places=6, allow_nan=False), st.sampled_from(["ns", "us", "ms", "s", "min", "h"]))
def test_a_rate_that_was_written_reads_back_the_same(number: object, unit: str) -> None:
    rate = units.parse_rate(f"{number:f}/{unit}")
    assert units.parse_rate(units.format_rate(rate)) == rate


@given(st.text(max_size=30))
def test_any_text_is_either_a_time_or_refused_with_a_sentence(text: str) -> None:
    try:
        assert 0 <= units.parse_time(text) <= units.LARGEST
    except ValueError as error:
        assert "units" in str(error) or "time" in str(error)


def test_written_quantities_are_short_and_plain_ascii() -> None:
    assert units.format_time(187_500_000) == "187.5 ms"
    assert units.format_time(1_200) == "1.2 us"
    assert units.format_size(65_536) == "64 KiB"
    assert units.format_size(10**12) == "1 TB"
    assert units.format_rate(Fraction(1, 60)) == "1/min"
    assert units.format_bandwidth(80 * 10**9) == "10 GB/s"
    assert units.format_rotation(units.parse_rotation("7200 rpm")) == "7200 rpm"
    assert units.format_percent(units.parse_percent("12.5 %")) == "12.5 %"


def test_a_size_of_many_digits_is_also_told_roughly() -> None:
    assert units.size_in_words(2119590 * units.KIB) == "2119590 KiB (about 2.021 GiB)"
    assert [units.size_in_words(size) for size in (0, 1000, 4096, 800 * 10**9)] == ["0 B", "1 kB", "4 KiB", "800 GB"]
