"""A plan's document as rows of figures for a spreadsheet."""

from collections.abc import Mapping
from typing import Any

from iosim.cli.summary import figure_rows
from iosim.numbers import figures


def as_csv(document: Mapping[str, Any]) -> str:
    """One row a figure, in the form of the other verbs: path, value, low, high."""
    words = [[key, document[key] or ""] for key in ("verdict", "why", "recommended", "bound")]
    parts = {key: document[key] for key in ("answer", "headroom", "knee", "scalability")}
    parts |= {f"resources.{it['name']}.utilization": it["utilization"] for it in document["resources"]}
    parts |= {f"scan[{it['value']:g}]": it["latency_ns"] for it in document["scan"]}
    for it in document.get("losses", ()):
        at = f"losses[{it['lost']}]"
        words += [[f"{at}.{key}", it[key] or ""] for key in ("verdict", "why", "recommended", "bound")]
        parts |= {at: {key: it[key] for key in ("answer", "headroom")}}
    return figure_rows(words, figures(parts))
