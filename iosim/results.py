"""What a run gives back: the summary, the requests, the figures; and how they are written to a directory."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iosim.attribution import CAUSES
from iosim.rows import groups, statuses, transferred
from iosim.statistics import Estimate, paired, paired_ratio
from iosim.units import as_written

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from iosim.records import Raw


class Requests:
    """One row a request that counts or came before; columns as typed arrays, replication by replication.

    Empty for a run with `rows: false`.
    """

    def __init__(self, raws: "list[Raw]", warm_up: int) -> None:
        self.raws = raws
        self.warm_up = warm_up

    def __len__(self) -> int:
        return sum(len(raw.columns["ended"]) for raw in self.raws)

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas frame: times in ns, `counted` tells which rows the summary is made of. Needs the `study` extra."""
        import pandas

        frames = []
        for raw in self.raws:
            rows = {f"{name}_ns" if name in TIMES else name: column for name, column in raw.columns.items()}
            frame = pandas.DataFrame(rows)
            frame.insert(0, "replication", raw.replication)
            outcomes = frame.pop("outcome").to_numpy()
            frame["status"] = statuses(outcomes)
            frame["bytes"] = transferred(outcomes)
            frame["class"] = [raw.classes[group] for group in groups(outcomes)]
            frame["latency_ns"] = frame["ended_ns"] - frame["intended_ns"]
            frame["wait_ns"] = frame["began_ns"] - frame["intended_ns"]
            frame["counted"] = frame["intended_ns"] >= self.warm_up
            for number, cause in enumerate(CAUSES if len(raw.causes) else ()):
                frame[f"{cause}_ns"] = raw.causes[number :: len(CAUSES)]
            frames.append(frame)
        return pandas.concat(frames, ignore_index=True)

    def latencies(self) -> "dict[str, Any]":
        """Latency column (ns) of each class, all replications together, warm-up left out."""
        import numpy as np

        replications = [
            {name: np.frombuffer(column, dtype=np.int64) for name, column in raw.columns.items()} for raw in self.raws
        ]
        return latencies(replications, self.raws[0].classes, self.warm_up)


def latencies(replications: Sequence[Mapping[str, Any]], classes: Sequence[str], warm_up: int) -> dict[str, Any]:
    """By class the latencies (ns) of all replications' rows (numpy columns by name) together, warm-up left out."""
    import numpy as np

    found = {}
    for number, name in enumerate(classes):
        parts = []
        for rows in replications:
            kept = (groups(rows["outcome"]) == number) & (rows["intended"] >= warm_up)
            parts.append((rows["ended"] - rows["intended"])[kept])
        found[name] = np.concatenate(parts)
    return found


TIMES = ("intended", "issued", "began", "ended")


class Study:
    """A grid of cells: `rows` has one dict a cell, the varied paths beside its figures; `failed` those without figures."""

    def __init__(
        self,
        vary: dict[str, list[Any]],
        rows: list[dict[str, Any]],
        plot: Any,
        failed: Sequence[dict[str, Any]] = (),
        about: Mapping[str, Any] | None = None,
        effective: str = "",
    ) -> None:
        self.vary = vary
        self.rows = rows
        self.plot_request = plot
        self.failed = list(failed)
        self.about = dict(about or {})
        self.effective = effective  # the scenario whose values are varied

    @property
    def exit_status(self) -> int:
        """0; 3 when a cell misses an expectation; 4 when cells failed; 5 when one of them broke a law."""
        met = all(verdict["verdict"] == "met" for row in self.rows for verdict in row["expect"])
        return max([0 if met else 3, *(5 if cell["exit_status"] == 5 else 4 for cell in self.failed)])

    def said(self, overloads: bool) -> list[str]:
        """One line for each thing that must be said, with the number of cells that it is said of; each failed cell."""
        lines = {
            "the warm-up had not ended in the first half of the run; the second half is measured": [
                row for row in self.rows if any(warning.startswith("warm-up") for warning in row["warnings"])
            ],
            "unstable: no steady figures": [row for row in self.rows if row["regime"] == "unstable" and not overloads],
            "an expectation was missed or is undecided": [
                row for row in self.rows if any(verdict["verdict"] != "met" for verdict in row["expect"])
            ],
        }
        told = [f"{len(rows)} of {len(self.rows)} cells: {what}" for what, rows in lines.items() if rows]
        return told + [f"cell {in_words(cell['cell'])} failed: {cell['error']}" for cell in self.failed]

    def document(self) -> dict[str, Any]:
        """What `study.json` holds: the same bytes however the cells were run; cells sorted by key."""
        kept = ("key", "cell", "figures", "regime", "each", "expect", "warnings")
        cells = [{name: row[name] for name in kept} for row in self.rows]
        cells += [{name: row[name] for name in ("key", "cell", "error")} for row in self.failed]
        in_order = sorted(cells, key=lambda cell: (cell["key"], json.dumps(cell["cell"], sort_keys=True)))
        return {"schema_version": 1, **self.about, "vary": self.vary, "cells": in_order}

    def write(self, directory: Path) -> list[Path]:
        """`study.json`, the whole summary of every cell in `cells/KEY/summary.json`, and a picture."""
        import iosim.pictures as pictures

        written = [write_text(directory / "study.json", to_json(self.document()))]
        for row in self.rows:
            place = directory / "cells" / row["key"]
            place.mkdir(parents=True, exist_ok=True)
            written.append(write_text(place / "summary.json", to_json(row["summary"])))
        return written + pictures.write_study(self, directory)

    def row(self, cell: Mapping[str, Any]) -> dict[str, Any]:
        """The cell with these values of the varied paths; KeyError if there is none."""
        for row in self.rows:
            if all(row["cell"][path] == value for path, value in cell.items()):
                return row
        raise KeyError(f"no cell {dict(cell)}")

    def ratio(self, path: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Estimate:
        """The figure in cell `a` over that in cell `b`, paired replication by replication (the same requests)."""
        return paired_ratio(self.row(a)["each"][path], self.row(b)["each"][path])

    def difference(self, path: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Estimate:
        """The figure in cell `a` minus that in cell `b`, paired."""
        return paired(self.row(a)["each"][path], self.row(b)["each"][path])

    def to_frame(self) -> "pandas.DataFrame":
        """One row a cell: varied paths, then each figure with its interval."""
        import pandas

        flat = []
        for row in self.rows:
            line = dict(row["cell"])
            for path, figure in row["figures"].items():
                line[path] = figure["value"]
                line[f"{path}.low"], line[f"{path}.high"] = figure["ci95"] or (None, None)
            flat.append(line)
        return pandas.DataFrame(flat)

    def plot(self, x: str, figure: str, ax: "Axes | None" = None) -> "Axes":
        """The figure over the varied path `x`, one line per value of the other varied path."""
        import iosim.pictures as pictures

        return pictures.study_lines(self, x, figure, ax)

    def _repr_html_(self) -> str:
        from iosim.notebook import of_study

        return of_study(self)

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        varied = ", ".join(f"{path} ({len(values)})" for path, values in self.vary.items())
        return f"<Study of {self.about.get('scenario', '?')}: {len(self.rows)} cells{failed}, varied: {varied}>"


def in_words(cell: Mapping[str, Any]) -> str:
    """A cell by what was varied: `pools.workers.threads=8, machine.l2=1 MiB`."""
    return ", ".join(f"{path}={as_written(value)}" for path, value in cell.items())


class Plots:
    """`result.plot.latency(ax=None)`: Axes in, Axes out; without one, a new figure's."""

    def __init__(self, result: "Result") -> None:
        self.result = result

    def __getattr__(self, name: str) -> Any:
        import iosim.pictures as pictures

        if name.startswith("_") or name not in pictures.RUN_PICTURES:
            raise AttributeError(f"no picture {name!r}; there are {', '.join(pictures.RUN_PICTURES)}")
        return lambda ax=None: pictures.draw(self.result, name, ax)


class Result:
    """The outcome of a scenario: `summary` (design 2.2), `requests`, `plot`, and `study` if it holds one."""

    def __init__(
        self,
        summary: dict[str, Any],
        provenance: dict[str, Any],
        raws: "list[Raw]",
        study: Study | None,
        effective: str,
    ) -> None:
        self.summary = summary
        self.provenance = provenance
        self.raws = raws
        self.study = study
        self.effective = effective
        self.requests = Requests(raws, summary["warm_up_ns"])
        self.plot = Plots(self)

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """What became of each expectation: met, missed or undecided."""
        found: list[dict[str, Any]] = self.summary["expect"]
        return found

    @property
    def exit_status(self) -> int:
        """0; 3 when an expectation of the scenario itself was missed or undecided; 4 or 5 when cells of the study failed."""
        own = 0 if all(verdict["verdict"] == "met" for verdict in self.verdicts) else 3
        return max(own, self.study.exit_status) if self.study and self.study.failed else own

    def document(self, reproducible: bool = False) -> dict[str, Any]:
        """The summary, with provenance unless `reproducible`."""
        return self.summary if reproducible else {**self.summary, "provenance": self.provenance}

    def write(self, directory: Path, reproducible: bool = False) -> list[Path]:
        """Write summary, scenario, requests and figures; whole files or none, other files stay. Returns their paths."""
        import iosim.pictures as pictures

        directory.mkdir(parents=True, exist_ok=True)
        written = [
            write_text(directory / "summary.json", to_json(self.document(reproducible))),
            write_text(directory / "scenario.yaml", self.effective),
        ]
        if self.raws[0].tallies:
            tallies = [{"replication": raw.replication, "classes": raw.tallies} for raw in self.raws]
            written.append(write_text(directory / "histograms.json", to_json(tallies)))
        else:
            written.append(write_bytes(directory / "requests.npz", npz(self.raws, "columns")))
        if self.raws[0].waits:
            written.append(write_bytes(directory / "waits.npz", npz(self.raws, "waits")))
        if self.study:
            written += self.study.write(directory)
        return written + pictures.write_all(self, directory)

    def _repr_html_(self) -> str:
        from iosim.notebook import of_result

        return of_result(self)

    def __repr__(self) -> str:
        figure = self.summary["throughput_per_s"]["value"] or 0.0
        return f"<Result of {self.summary['scenario']}: {self.summary['regime']['kind']}, {figure:,.0f} requests/s>"


def npz(raws: "list[Raw]", what: str) -> bytes:
    """All arrays of all replications (`r0.ended`, ...); a zip whose bytes do not depend on the hour."""
    import io
    import zipfile

    import numpy as np

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for raw in raws:
            for name, column in getattr(raw, what).items():
                entry = zipfile.ZipInfo(f"r{raw.replication}.{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                part = io.BytesIO()
                np.save(part, np.frombuffer(column, dtype=np.int64))
                archive.writestr(entry, part.getvalue())
        for name, values in (("classes", raws[0].classes), ("resources", raws[0].resources)):
            part = io.BytesIO()
            np.save(part, np.array(values))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0)), part.getvalue())
    return buffer.getvalue()


def to_json(document: Any) -> str:
    """Sorted keys, no NaN, a final newline."""
    return json.dumps(document, sort_keys=True, indent=1, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> Path:
    """Replace the file in one step."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Replace the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
