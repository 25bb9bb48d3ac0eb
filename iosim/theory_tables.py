"""The summary's `theory` as tables: both sides of the laws, queue by queue, and formulas or why there are none."""

from collections.abc import Iterator
from typing import Any

from iosim.numbers import interval_text, show_figure, show_number
from iosim.tables import Table

_SECTIONS = ("ports", "disks", "nics", "locks")


def theory_tables(summary: dict[str, Any]) -> list[Table]:
    """Laws, then formulas beside what was measured, then what stands against a formula."""
    parts = dict(_parts(summary.get("theory") or {}))
    return [_laws(parts), _closed(summary.get("classes") or {}), _formulas(parts), _reasons(parts)]


def _parts(theory: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("system", "processors"):
        if name in theory:
            yield name, theory[name]
    for section in _SECTIONS:
        for name, part in (theory.get(section) or {}).items():
            yield f"{section}.{name}", part


def _laws(parts: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, part in parts.items():
        little, busy = part.get("little"), part.get("utilization")
        if not (little or busy):
            continue
        number, product = ["", ""], _values(little, "rate_per_s", "time_ns")
        if little and little["number"]["value"] is not None and None not in product:
            number = [show_number(little["number"]["value"]), show_number(product[0] * product[1] / 1e9)]
        rows.append([name, *number, *_busy(busy)])
    heads = ["", "number", "rate x time", "busy", "rate x demand", "servers"]
    return Table("Little's law and the utilization law", heads, rows, frozenset(heads[1:]))


def _closed(classes: dict[str, Any]) -> Table:
    """Clients that wait for their answers: N = X (R + Z), and how much less they asked for than of an idle machine."""
    rows = []
    for name, it in classes.items():
        if loop := it.get("closed_load"):
            by_law, share = loop["clients_by_law"], loop["self_throttled"]
            rows.append(
                [
                    name,
                    show_number(loop["clients"]),
                    "-" if by_law is None else show_number(by_law),
                    show_figure((loop["think_ns"], None, None), "_ns"),
                    "-" if share is None else f"{100 * share:.1f} %",
                ]
            )
    heads = ["", "clients", "X (R + Z)", "think time Z", "self-throttled"]
    return Table("closed load", heads, rows, frozenset(heads[1:]))


def _busy(busy: dict[str, Any] | None) -> list[str]:
    """Busy share, the same by the demand that the scenario describes where it does, and of how many servers."""
    if not busy or busy["utilization"]["value"] is None:
        return ["", "", ""]
    law = busy["law"]
    described = f"{100 * law['value']:.1f} %" if law and law["value"] is not None else ""
    return [f"{100 * busy['utilization']['value']:.1f} %", described, str(busy["servers"])]


def _values(part: dict[str, Any] | None, *names: str) -> list[Any]:
    return [part[name]["value"] for name in names] if part else [None]


def _formulas(parts: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, part in parts.items():
        twin = part.get("twin") or {}
        label = f"{twin.get('formula')}{' (envelope)' if twin.get('kind') == 'envelope' else ''}"
        for figure, says in (twin.get("says") or {}).items():
            rows.append([name, label, figure.replace("_ns", ""), *_sides(figure, says)])
    heads = ["", "formula", "figure", "theory", "model", "95 % interval", ""]
    return Table("closed formulas", heads, rows, frozenset(heads[3:6]))


def _sides(figure: str, says: dict[str, Any]) -> list[str]:
    theory, model = says["theory"], says["model"]
    ends = theory if isinstance(theory, list) else [theory]
    shown = " to ".join(show_figure((end, None, None), figure) for end in ends)
    low, high = model["ci95"] or (None, None)
    it = (model["value"], low, high)
    verdict = {True: "holds it", False: "beside it", None: ""}[says["agrees"]]
    if it[0] is None:
        return [shown, "-", "", ""]
    return [shown, show_figure(it, figure), interval_text(it, figure), verdict]


def _reasons(parts: dict[str, dict[str, Any]]) -> Table:
    """Each reason once, with all queues that it holds for."""
    reasons: dict[str, list[str]] = {}
    for name, part in parts.items():
        if why := (part.get("twin") or {}).get("why"):
            reasons.setdefault(why, []).append(name)
    rows = [[_named(names), why] for why, names in reasons.items()]
    return Table("assumptions that fail", ["", ""], rows)


def _named(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
