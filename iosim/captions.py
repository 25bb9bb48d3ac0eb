"""Words and numbers in pictures: three digits, times in the unit that suits them, and sentences for those who can't see."""

from typing import TYPE_CHECKING

from iosim import amounts
from iosim.units import MS, US, S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def time_unit(ns: float) -> tuple[int, str]:
    """The largest unit of time that is not longer than `ns`: its length in ns and its name."""
    length, name = amounts.time_unit(ns)
    return int(length), "µs" if name == "us" else name


def show_ns(ns: float) -> str:
    """A time with its unit and three digits: `1.35 ms`."""
    length, name = time_unit(ns)
    return f"{show_number(ns / length)} {name}"


def exact(ns: int) -> str:
    """`ns` without rounding, in the largest unit that leaves at most three decimals."""
    length, name = next(time_unit(unit) for unit in (S, MS, US, 1) if ns * 1000 % unit == 0)
    return f"{ns / length:,.10g} {name}"


def show_number(value: float) -> str:
    """At least three digits, thousands apart, no exponent, no trailing zeros; tiny values keep three digits."""
    size = abs(value)
    if 0 < size < 0.01:
        return f"{value:.3g}"
    decimals = 2 if size < 9.995 else 1 if size < 99.95 else 0
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def alt_text(ax: "Axes") -> str:
    """One sentence that says what the picture shows, for `alt=` and `aria-label`."""
    return str(ax.get_label())


def all_alt_text(figure: "Figure") -> str:
    """The sentences of all panels."""
    return " ".join(filter(None, map(alt_text, figure.axes)))


def short(name: str, most: int = 30) -> str:
    """`name` in at most `most` characters; the middle goes, since paths differ at their ends."""
    name = name.replace("_", " ")
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-(most // 2) :]}"
