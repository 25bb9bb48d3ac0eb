"""Volumes and filters that mean nothing, or can't be, are refused by name before time starts."""

from typing import Any

import pytest
from test_machine import everything_but
from test_machine import scenario as scenario_of

from iosim.errors import WrongInput

TWO = {"disks": ["flash", "second"]}
ONE = {"disk": "flash"}
FILTER = {"name": "av", "altitude": 320000}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no disk": ({}, "a volume has either a 'disk' or 'disks'"),
    "both": ({**ONE, **TWO, "layout": "stripe"}, "disk: a volume has either a 'disk' or 'disks'"),
    "several disks, simple": (TWO, "'layout: simple' goes with one disk; several are a stripe, mirror or span"),
    "one disk, striped": ({**ONE, "layout": "stripe"}, "'layout: stripe' goes with two or more 'disks'"),
    "a disk twice": ({"disks": ["flash", "flash"], "layout": "span"}, "disks: names a disk twice"),
    "a dangling disk": ({"disks": ["flash", "secnd"], "layout": "span"}, "no disk 'secnd'; did you mean 'second'?"),
    "a unit without a stripe": ({**ONE, "stripe_unit": "4 KiB"}, "stripe_unit: means nothing without 'layout: stripe'"),
    "a unit of no sectors": ({**TWO, "layout": "stripe", "stripe_unit": "1000 B"}, "not a multiple of 512 B"),
    "a policy without a mirror": (
        {**TWO, "layout": "span", "mirror_reads": "nearest"},
        "mirror_reads: means nothing without 'layout: mirror'",
    ),
    "too large": ({**TWO, "layout": "mirror", "size": "2 GB"}, "does not fit: disk 'flash' has"),
    "two filters in one place": (
        {**ONE, "filters": [FILTER, {**FILTER, "name": "other"}]},
        "filters[1].altitude: another filter stands there already",
    ),
    "two filters of a name": (
        {**ONE, "filters": [FILTER, {**FILTER, "altitude": 1}]},
        "filters[1].name: another filter has this name",
    ),
    "a file under a volume filter": (
        {**ONE, "filters": [{**FILTER, "over": "volume", "create": "5 us"}]},
        "filters[0].create: a filter over the volume sees no file",
    ),
    "a cache of no page": ({**ONE, "cache": "1 KiB"}, "cache: holds no page; 4 KiB or more are needed, or 0 B"),
    "an unknown place": ({**ONE, "filters": [{**FILTER, "over": "disk"}]}, "filters[0].over"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_volume_that_can_not_be_is_refused(case: str) -> None:
    body, said = REFUSED[case]
    tree = everything_but()
    tree["disks"]["second"] = dict(tree["disks"]["flash"])
    tree["volumes"]["data"] = {"cache": "1 MiB", **body}
    with pytest.raises(WrongInput) as wrong:
        scenario_of(tree)
    assert said in str(wrong.value)


def test_a_transfer_limit_is_whole_sectors() -> None:
    tree = everything_but()
    tree["disks"]["flash"]["max_transfer"] = "100 B"
    with pytest.raises(WrongInput) as wrong:
        scenario_of(tree)
    assert "disks.flash.max_transfer: not a multiple of 512 B" in str(wrong.value)
