"""What comparisons found, as tables for people."""

from typing import Any

from iosim import amounts
from iosim.amounts import without_unit
from iosim.numbers import show_time
from iosim.tables import Table


def all_tables(document: dict[str, Any]) -> list[Table]:
    """Of every other design: the verdict in words, then its tables."""
    found = []
    for it in document["against"]:
        found += [Table("", [""], [[it["verdict"]]]), *tables(it)]
    return found


def tables(it: dict[str, Any]) -> list[Table]:
    """Figures that people decide by, then requests, causes that moved, and where it began."""
    return [_headlines(it), _requests(it), _causes(it), _divergence(it)]


def _headlines(it: dict[str, Any]) -> Table:
    rows, note = [], ""
    for line in it["headlines"]:
        path = line["figure"]
        rows.append([without_unit(path), *_numbers(path, line), line["verdict"]])
        name = path.rpartition(".")[2]
        if path in it["quantiles"]:
            rows[-1][0] = f"{without_unit(path)}: difference of the {name}s"
            apart = it["quantiles"][path][f"{name}_of_differences"]
            empty = {"base": None, "other": None, "difference": apart}
            takes = apart["takes"] and f"takes {apart['takes']}"
            rows.append([f"{without_unit(path)}: {name} of the differences", *_numbers(path, empty), takes])
            note = (
                f"Difference of the {name}s: how far the tail has moved. {name} of the differences: how much longer each"
                f" request that ended in both took in {it['other']}, and of these the {name}."
            )
    heads = ["", it["base"], it["other"], "difference", "95 % interval", "verdict"]
    return Table("", heads, rows, frozenset(heads[1:5]), note)


def _numbers(path: str, line: dict[str, Any]) -> list[str]:
    difference = line["difference"]
    between = amounts.interval(difference["value"], difference["ci95"], path)
    return [*(amounts.figure(it, path) for it in (line["base"], line["other"], difference["value"])), between]


def _requests(it: dict[str, Any]) -> Table:
    if not it["requests"]:
        return Table("", [""], [])
    groups = {"all": it["requests"], **(it["requests"]["classes"] if len(it["requests"]["classes"]) > 1 else {})}
    rows = []
    for name, shares in groups.items():
        row = [name, str(shares["paired"])]
        for which in ("better", "worse"):
            ends = shares[which]["ci95"]
            between = f" ({max(0.0, ends[0]):.1%} to {min(1.0, ends[1]):.1%})" if ends else ""
            row.append(f"{shares[which]['value']:.1%}{between}")
        rows.append([*row, str(shares["never_ended"]["base"]), str(shares["never_ended"]["other"])])
    heads = ["requests", "in both", "got better", "got worse", f"never ended: {it['base']}", it["other"]]
    note = "By the latency of each request; one that fails or never ends in one design only counts as worse there."
    return Table("who got better, who got worse", heads, rows, frozenset(heads[1:]), note)


def _causes(it: dict[str, Any]) -> Table:
    moved = [row for row in it["causes"] if row["moved"]]
    rows = [
        [
            row["cause"].replace("_", " "),
            *_numbers("_ns", row),
            "<0.0001" if row["p_holm"] < 1e-4 else f"{row['p_holm']:.2g}",
        ]
        for row in moved
    ]
    every = len(it["causes"])
    heads = ["cause", it["base"], it["other"], "difference", "95 % interval", "chance of a fluke"]
    note = (
        f"{len(moved)} of {every} causes have moved; of the others that can't be said. A fluke: so large a difference where"
        f" there is none (paired t test, corrected for looking at {every} causes by Holm's rule)."
    )
    return Table("causes that moved, mean of a request", heads, rows, frozenset(heads[1:]), note)


def _whose(found: dict[str, Any]) -> str:
    if "client" in found:
        return f"request {found['iteration']} of client {found['client']} of '{found['class']}'"
    return f"request {found['request']} of '{found['class']}'"


def _divergence(it: dict[str, Any]) -> Table:
    found = it["first_divergence"]
    if found is None:
        return Table("", [""], [])
    cause = f", by {found['cause']}" if found["cause"] else ""
    line = (
        f"{_whose(found)} (replication {found['replication']}) is {found['stage']} at"
        f" {show_time(found['base_ns'])} in {it['base']} and at {show_time(found['other_ns'])} in {it['other']}{cause}"
    )
    return Table("first divergence", [""], [[line]])
