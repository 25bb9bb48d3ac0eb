"""`iosim doctor`: which keys of a scenario change nothing, and which move the answer the wrong way."""

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import load_scenario, with_format, with_quiet, with_set
from iosim.cli.talk import data, talk
from iosim.clock import choose_clock

if TYPE_CHECKING:
    from iosim.doctor import Diagnosis, KeyReport
    from iosim.tables import Table

_WIDTH = 100
_TITLES = {
    "dead": "dead: change nothing at all (equal fingerprints)",
    "negligible": "negligible: less than 0.5 % of every figure",
    "undecided": "undecided: more replications or a longer run may tell",
    "not judged (budget)": "not judged (budget): more seconds (--budget) or processes (--jobs) may reach them",
    "not possible": "not possible alone",
}


@click.command("doctor", short_help="Find keys that change nothing or move the answer the wrong way.")
@click.argument("scenario")
@with_set
@click.option("--factor", type=float, default=2.0, show_default=True, help="How far quantities go up and down.")
@click.option("--replications", type=click.IntRange(min=5), default=8, show_default=True, help="Of every change.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Start of all random streams, instead of the scenario's."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Worker processes; the results are the same bytes."
)
@click.option(
    "--budget",
    type=click.FloatRange(min=1),
    default=120,
    show_default=True,
    help="Seconds, kept: runs are cut for it, and what it does not reach is listed as not judged.",
)
@with_format("table", "json", "csv")
@with_quiet
def command(
    scenario: str,
    changes: tuple[str, ...],
    factor: float,
    replications: int,
    seed: int | None,
    jobs: int | None,
    budget: float,
    form: str,
    quiet: bool,
) -> int:
    """Change every key of SCENARIO by itself, up and down, and say what that does.

    Both are offered the same requests. Exit status 3 when a key moves a figure in a direction that can't be right: then
    the scenario or the model deserves a look.
    """
    from iosim.doctor import diagnose

    if not factor > 1:
        raise click.BadParameter("the factor is above 1", param_hint="--factor")
    choose_clock(None)
    loaded = load_scenario(scenario, changes)
    show = sys.stderr.isatty() and not quiet
    found = diagnose(
        loaded,
        factor=factor,
        replications=replications,
        seed=seed,
        jobs=jobs,
        budget=budget,
        progress=_progress if show else None,
    )
    _print(found, form)
    if not quiet:
        _talk(found)
    return found.exit_status


def _progress(done: int, total: int) -> None:
    talk(f"\r{done} of {total} changes", end="" if done < total else "\n")


def _talk(found: "Diagnosis") -> None:
    if found.cut < 1:
        talk(f"note: runs were cut to {100 * found.cut:.3g} % of the scenario's time for --budget")
    if found.tail_takes:
        talk(
            f"note: p99 is no figure here: that takes runs {found.tail_takes:.1f} times as long, or as many more of them"
        )
    counts: dict[str, int] = {}
    for key in found.keys:
        counts[key.verdict] = counts.get(key.verdict, 0) + 1
    talk(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _print(found: "Diagnosis", form: str) -> None:
    if form == "json":
        data(json.dumps(document(found), indent=2, sort_keys=True, allow_nan=False))
    elif form == "csv":
        _write_csv(found)
    else:
        _show(found)


def _show(found: "Diagnosis") -> None:
    from iosim.cli.tables import show

    data(
        f"{found.scenario}: {len(found.keys)} keys, each changed by itself ({found.factor:g} times up and down),"
        f" {found.replications} replications, seed {found.seed}"
    )
    by_verdict: dict[str, list[KeyReport]] = {}
    for key in found.keys:
        by_verdict.setdefault(key.verdict, []).append(key)
    for verdict, title in (("wrong sign", "wrong sign"), ("moves", "moves the answer")):
        if keys := by_verdict.get(verdict):
            data("")
            show([_moving(title, keys)])
    for verdict, title in _TITLES.items():
        if keys := by_verdict.get(verdict):
            data(f"\n{title}")
            for line in _grouped(keys):
                data(textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent="    "))


def _moving(title: str, keys: "list[KeyReport]") -> "Table":
    """One row a change: the figure that it changes most."""
    from iosim.doctor import largest
    from iosim.tables import Table

    rows = []
    for key in sorted(keys, key=lambda key: -max((abs(it.value) for _, _, it in largest(key)), default=0.0)):
        for number, (effect, figure, it) in enumerate(largest(key)):
            name = key.path if number == 0 else ""
            change = f"{_short(key.value)} -> {_short(effect.value)}"
            between = f"{_percent(it.low)} to {_percent(it.high)}"
            rows.append([name, change, figure, _percent(it.value), between, key.why])
    heads = ["key", "change", "figure", "difference", "95 % interval", ""]
    return Table(title, heads, rows, frozenset(("difference",)))


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %" if abs(share) < 10 else f"x {1 + share:.3g}"


def _short(value: Any) -> str:
    text = json.dumps(value).replace('"', "") if isinstance(value, (dict, list, bool)) else str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."


def _grouped(keys: "list[KeyReport]") -> Iterator[str]:
    """Keys that the scenario writes one by one with their values; defaults by where they stand."""
    defaults: dict[str, list[str]] = {}
    for key in keys:
        parent, _, name = key.path.rpartition(".")
        if key.origin == "default":
            defaults.setdefault(parent, []).append(name)
        else:
            written = key.origin.replace("\\", "/").rsplit("/", 1)[-1]
            yield f"{key.path}: {_short(key.value)} ({written}){f': {key.why}' if key.why else ''}"
    for parent, names in defaults.items():
        yield f"{parent} (defaults): {', '.join(names)}"


def document(found: "Diagnosis") -> dict[str, Any]:
    """Everything, as plain values; shares of a figure, not percent."""
    return {
        "schema_version": 1,
        "scenario": found.scenario,
        "seed": found.seed,
        "replications": found.replications,
        "factor": found.factor,
        "share_of_time_run": found.cut,
        "p99_takes_times_as_long": found.tail_takes or None,
        "runs": found.runs,
        "keys": [_key(key) for key in found.keys],
    }


def _key(key: "KeyReport") -> dict[str, Any]:
    return {
        "path": key.path,
        "value": key.value,
        "origin": key.origin,
        "verdict": key.verdict,
        "why": key.why,
        "changes": [
            {
                "value": effect.value,
                "direction": {1: "up", -1: "down"}.get(effect.direction, "other"),
                "judged": effect.judged,
                "dead": effect.dead,
                "negligible": effect.negligible,
                "wrong": list(effect.wrong),
                "failure": effect.failure,
                "differences": {
                    figure: {"value": it.value, "ci95": [it.low, it.high]} for figure, it in effect.differences.items()
                },
            }
            for effect in key.effects
        ],
    }


def _write_csv(found: "Diagnosis") -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", "verdict", "origin", "value", "changed to", "figure", "difference", "low", "high"])
    for key in found.keys:
        for effect in key.effects:
            for figure, it in effect.differences.items():
                row = [key.path, key.verdict, key.origin, _short(key.value), _short(effect.value)]
                writer.writerow([*row, figure, it.value, it.low, it.high])
            if not effect.differences:
                writer.writerow([key.path, key.verdict, key.origin, _short(key.value), _short(effect.value), *[""] * 4])
