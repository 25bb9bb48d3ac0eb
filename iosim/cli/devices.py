"""`iosim devices`: drives of known make, what a scenario can describe, and what a program can bring."""

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from iosim.cli.options import with_format
from iosim.cli.talk import data
from iosim.errors import Mistake, WrongInput

if TYPE_CHECKING:
    from iosim.presets.preset import Preset

_WIDTH = 80
_PARTS = (
    ("kind: hdd", "scenario", "a hard disk of your own: geometry, seek curve, order"),
    ("kind: nvme", "scenario", "a solid-state disk of your own on NVMe"),
    ("kind: ssd", "scenario", "a solid-state disk of your own on SATA"),
    ("iosim.Drive", "Python", "base of your own drive: command slots, begin, finish"),
    ("iosim.Driver", "Python", "base of your own driver, as in devices/null.py"),
)


@click.command("devices", short_help="Show the known drives and what can be plugged in.")
@click.argument("name", required=False)
@with_format("table", "json")
def command(name: str | None, form: str) -> None:
    """Show the drives that a scenario can name as `preset`, with origin and how sure it is, and what else can be plugged in.

    With NAME: everything that is known of that drive (in json times are ns, sizes bytes or sectors, speeds picoseconds
    a byte, as the model has them).
    """
    from iosim.presets import DRIVES

    if name is not None and name not in DRIVES:
        from iosim.scenario.suggest import closest

        message = f"no preset of this name{closest(name, DRIVES) or ''} ('iosim devices' shows them)"
        raise WrongInput([Mistake(name, 0, 0, "", message)])
    wanted = DRIVES if name is None else {name: DRIVES[name]}
    if form == "json":
        presets = [_as_json(it, preset) for it, preset in wanted.items()]
        parts = [{"name": part, "in": where, "what": what} for part, where, what in _PARTS] if name is None else []
        data(json.dumps({"presets": presets, "parts": parts}, indent=2))
    elif name is None:
        _list(wanted)
    else:
        _detail(name, wanted[name])


def kind_of(preset: "Preset") -> str:
    """What it is, in a word or two."""
    from iosim.drives.hdd import HddParams

    if isinstance(preset.params, HddParams):
        return "hard disk"
    return "NVMe" if preset.params.interface == "nvme" else "SATA SSD"


def _as_json(name: str, preset: "Preset") -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind_of(preset),
        "title": preset.title,
        "parameters": asdict(preset.params),
        "source": preset.source,
        "sure": preset.sure,
    }


def _list(presets: "dict[str, Preset]") -> None:
    from iosim.cli.tables import show
    from iosim.tables import Table

    rows = [[name, kind_of(preset), preset.title] for name, preset in presets.items()]
    show([Table("", ["preset", "kind", "drive"], rows)])
    for name, preset in presets.items():
        data("")
        data(name)
        _paragraph("source", preset.source)
        _paragraph("how sure", preset.sure)
    data("")
    show([Table("", ["part", "in", "what"], [list(part) for part in _PARTS])])


def _detail(name: str, preset: "Preset") -> None:
    from iosim.presets.words import in_words

    data(f"{name}: {preset.title}")
    for key, texts in in_words(preset.params):
        if len(texts) == 1:
            _paragraph(key, texts[0])
        elif texts:
            data(f"  {key}:")
            for text in texts:
                data(textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="      "))
    _paragraph("source", preset.source)
    _paragraph("how sure", preset.sure)


def _paragraph(head: str, text: str) -> None:
    data(textwrap.fill(f"{head}: {text}", _WIDTH, initial_indent="  ", subsequent_indent="    "))
