"""The device stacks of a scenario, layer by layer: as text, and as a picture that stands in a page.

Made from the effective scenario, so that a result can show the machine that it comes from. Layers are those that an IRP
passes (docs/storage-stack.md, docs/sockets.md); what a scenario does not have is not drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from iosim.markup import escape

Plain = Mapping[str, Any]  # the effective scenario


@dataclass(frozen=True, slots=True)
class Layer:
    """One box: who it is, and the settings that a reader wants to see."""

    name: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.said})" if self.said else self.name


@dataclass(frozen=True, slots=True)
class Column:
    """Layers from the top down, and the columns below that they lead to."""

    layers: tuple[Layer, ...]
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that have something to do with each other: volumes over their disks, a card's protocols over the card."""

    upper: Mapping[str, Column]
    lower: Mapping[str, Column] = field(default_factory=dict)


def groups(plain: Plain) -> Iterator[Group]:
    """The program's pools over their ports, volumes over disks, and cards."""
    yield Group(
        {name: Column((_pool(name, it),), (it["port"],)) for name, it in plain["pools"].items()},
        {name: Column((_port(name, it),)) for name, it in plain["ports"].items()},
    )
    yield from _storage(plain)
    for name, card in plain.get("nics", {}).items():
        yield Group({name: Column(tuple(_network(name, card)))})


def _pool(name: str, pool: Plain) -> Layer:
    batch = f", batches of {pool['batch']}" if pool["batch"] > 1 else ""
    grows = f", up to {pool['grows']['max']}" if pool.get("grows") else ""
    return Layer(f"pool {name}", f"threads {pool['threads']}{grows}{batch}")


def _port(name: str, port: Plain) -> Layer:
    limit = port["concurrency"]
    each = ", one a processor" if port["per"] == "processor" else ""
    return Layer(f"completion port {name}", f"concurrency {'one a processor' if limit == 0 else limit}{each}")


def _storage(plain: Plain) -> Iterator[Group]:
    """Volumes that share a disk are one group."""
    volumes = dict(plain.get("volumes", {}))
    disks = plain.get("disks", {})
    while volumes:
        name = next(iter(volumes))
        inside, reached = [name], set(_disks_of(volumes.pop(name)))
        while more := [other for other, it in volumes.items() if reached & set(_disks_of(it))]:
            for other in more:
                inside.append(other)
                reached |= set(_disks_of(volumes.pop(other)))
        upper = {it: Column(tuple(_volume(plain, it)), _disks_of(plain["volumes"][it])) for it in inside}
        yield Group(upper, {it: Column(tuple(_disk(it, disks[it]))) for it in disks if it in reached})
        disks = {it: body for it, body in disks.items() if it not in reached}
    if disks:
        yield Group({}, {it: Column(tuple(_disk(it, body))) for it, body in disks.items()})


def _disks_of(volume: Plain) -> tuple[str, ...]:
    return tuple(volume.get("disks") or (volume["disk"],))


def _volume(plain: Plain, name: str) -> Iterator[Layer]:
    volume = plain["volumes"][name]
    files = [(file, it["access"]) for file, it in plain.get("files", {}).items() if it["volume"] == name]
    if files:
        yield Layer("files", ", ".join(f"{file} {access}" for file, access in files))
    yield from _filters(volume, "file_system")
    cache = volume["cache"]
    yield Layer(volume["file_system"].upper(), "no page cache" if cache in (0, "0 B") else f"page cache {cache}")
    yield from _filters(volume, "volume")
    layout = volume["layout"]
    unit = f", {volume['stripe_unit']}" if layout == "stripe" else ""
    yield Layer(f"volume {name}", f"{layout}{unit}")


def _filters(volume: Plain, over: str) -> Iterator[Layer]:
    """The highest altitude is asked first."""
    chosen = [it for it in volume.get("filters") or () if it["over"] == over]
    for it in sorted(chosen, key=lambda one: -int(one["altitude"])):
        yield Layer(f"filter {it['name']}", f"altitude {it['altitude']}")


def _disk(name: str, disk: Plain) -> Iterator[Layer]:
    limits = [f"{key.replace('_', ' ')} {disk[key]}" for key in ("max_transfer", "scatter_gather_pages") if key in disk]
    yield Layer("class driver", ", ".join(limits))
    depth = disk.get("queue_depth")
    yield Layer("port driver", f"queue depth {depth}" if depth else "")
    yield Layer(f"disk {name}", str(disk.get("preset") or disk["kind"]))


def _network(name: str, card: Plain) -> Iterator[Layer]:
    yield Layer("AFD", "sockets")
    yield Layer("TCP/IP")
    yield Layer("NDIS miniport")
    rss = card["rss"]
    queues = rss.get("number_of_receive_queues")
    spread = f"RSS, {queues} queues" if queues else "RSS"
    yield Layer(f"card {name}", f"{card['link']}, {spread if rss['enabled'] else 'no RSS'}")


# ---- as text ---------------------------------------------------------------------------------------------------------


def as_text(plain: Plain) -> str:
    """One line a layer, what lies below further in."""
    lines: list[str] = []
    for group in groups(plain):
        shown: set[str] = set()
        for column in group.upper.values():
            lines += _indented(column.layers, 0)
            for name in column.below:
                if name in shown:
                    lines.append(f"{'  ' * len(column.layers)}{group.lower[name].layers[-1].name}, as above")
                elif name in group.lower:
                    lines += _indented(group.lower[name].layers, len(column.layers))
                shown.add(name)
        for name, column in group.lower.items():
            lines += _indented(column.layers, 0) if name not in shown else []
    return "\n".join(lines)


def _indented(layers: Sequence[Layer], depth: int) -> list[str]:
    return [f"{'  ' * (depth + place)}{layer}" for place, layer in enumerate(layers)]


# ---- as a picture ----------------------------------------------------------------------------------------------------

WIDE, HIGH = 168, 36  # px of a box
ACROSS, DOWN, BETWEEN = 14, 8, 26  # px between columns, layers, upper and lower columns
ABREAST = 4  # lower columns that are drawn; the rest is told in one box
GROUPS_APART = 30
LETTERS = 27  # that a box has room for


@dataclass
class _Drawing:
    parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, layer: Layer) -> None:
        """Name in the first line, settings in the second, all of both in its title."""
        middle = x + WIDE / 2
        self.parts.append(
            f'<g><title>{escape(layer)}</title><rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="4"'
            ' fill="currentColor" fill-opacity="0.06" stroke="currentColor" stroke-opacity="0.6"/>'
        )
        first = y + (15 if layer.said else 22)
        self._text(middle, first, layer.name, 'font-weight="600"')
        if layer.said:
            self._text(middle, y + 29, layer.said, 'fill-opacity="0.75"')
        self.parts.append("</g>")

    def _text(self, x: float, y: float, text: str, look: str) -> None:
        short = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="11" fill="currentColor" {look}>'
            f"{escape(short)}</text>"
        )

    def line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """From one box to the one below."""
        self.parts.append(
            f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" stroke="currentColor" stroke-opacity="0.6"/>'
        )


def as_svg(plain: Plain) -> str:
    """Inline SVG: groups side by side, in each the upper columns over the lower ones; its alt text is `as_text`."""
    drawing = _Drawing()
    x, high = 1.0, 0.0
    for group in groups(plain):
        width, height = _draw(drawing, group, x)
        x += width + GROUPS_APART
        high = max(high, height)
    width = x - GROUPS_APART + 1
    label = escape(as_text(plain).replace("\n", "; "))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width:g}" height="{high + 2:g}"'
        f' viewBox="0 0 {width:g} {high + 2:g}" font-family="sans-serif">{"".join(drawing.parts)}</svg>'
    )


def _draw(drawing: _Drawing, group: Group, left: float) -> tuple[float, float]:
    """Draw a group from `left` on; its width and height."""
    lower = _few(group.lower)
    columns = max(len(group.upper), len(lower))
    width = columns * (WIDE + ACROSS) - ACROSS
    depth = max((len(column.layers) for column in group.upper.values()), default=0)
    floor = 1 + depth * (HIGH + DOWN) - DOWN if depth else 1.0
    top_of_lower = floor + BETWEEN if depth else 1.0
    places = dict(zip(lower, _places(left, width, len(lower)), strict=True))
    for x, column in zip(_places(left, width, len(group.upper)), group.upper.values(), strict=True):
        _stack(drawing, x, floor - len(column.layers) * (HIGH + DOWN) + DOWN, column)
        for name in dict.fromkeys(it if it in places else REST for it in column.below):
            if name in places:
                drawing.line(x + WIDE / 2, floor, places[name] + WIDE / 2, top_of_lower)
    for name, column in lower.items():
        _stack(drawing, places[name], top_of_lower, column)
    most = max((len(column.layers) for column in lower.values()), default=0)
    return width, top_of_lower + most * (HIGH + DOWN) - DOWN if most else floor


REST = "…"  # no name of a scenario


def _few(lower: Mapping[str, Column]) -> dict[str, Column]:
    if len(lower) <= ABREAST:
        return dict(lower)
    kept = dict(list(lower.items())[: ABREAST - 1])
    return {**kept, REST: Column((Layer(f"and {len(lower) - len(kept)} more"),))}


def _places(left: float, width: float, count: int) -> list[float]:
    """Where `count` boxes begin, spread over the width."""
    return [left + (place + 0.5) * width / count - WIDE / 2 for place in range(count)]


def _stack(drawing: _Drawing, x: float, top: float, column: Column) -> None:
    for place, layer in enumerate(column.layers):
        y = top + place * (HIGH + DOWN)
        if place:
            drawing.line(x + WIDE / 2, y - DOWN, x + WIDE / 2, y)
        drawing.box(x, y, layer)
