"""Which default numbers a scenario depends on: those of the parts that it has, of their own kinds."""

from typing import Any

import pytest

import iosim
from iosim.scenario.fields import defaults
from iosim.scenario.used import REACHED, out_of_reach, used_defaults

SHORT: dict[str, Any] = {"run.duration": "5 ms", "run.warm_up": "0 s", "run.replications": 1, "study": None}


def used(name: str, **changes: Any) -> set[str]:
    scenario = iosim.load(name, set={path.replace("__", "."): value for path, value in changes.items()})
    return {it.path for it in used_defaults(scenario.effective())}


def test_a_disk_of_flash_has_no_keys_of_one_that_spins() -> None:
    found = used("nvme-queues")
    assert "disks.NAME(nvme).bandwidth" in found
    assert not any("(hdd)" in path or "(ssd)" in path or "(preset)" in path for path in found)


def test_without_a_card_there_is_no_tcp_and_without_a_volume_no_drivers() -> None:
    found = used("head-of-line")
    assert "machine.kernel.call" in found
    assert not any(path.startswith(("machine.tcp", "machine.stack", "nics", "disks")) for path in found)
    assert {"machine.tcp.segment", "machine.stack.ntfs_down", "nics.NAME.dma"} <= used("web-server")


def test_a_known_drive_is_told_with_its_source_in_place_of_keys_that_it_sets() -> None:
    assert "sata-7200" in used("ncq-depth")


def test_what_a_scenario_sets_otherwise_is_no_default() -> None:
    assert "machine.l2" in used("head-of-line")
    assert "machine.l2" not in used("head-of-line", machine__l2="2 MiB")


def test_every_rule_of_what_is_out_of_reach_names_keys_that_there_are() -> None:
    places = [it.place for it in defaults()]
    assert all(any(place.startswith(rule) for place in places) for rule in REACHED)


@pytest.mark.parametrize("name", ["head-of-line", "nvme-queues", "interrupt-moderation", "ncq-depth"])
def test_the_machines_numbers_that_are_left_out_change_nothing(name: str) -> None:
    """The reason for leaving them out, and the count of assumptions rests on it."""
    scenario = iosim.load(name, set=SHORT)
    idle = out_of_reach(scenario.model)
    numbers = [it for it in defaults() if it.path.startswith("machine.") and it.value[0].isdigit()]
    changes = {it.path: another(it.value) for it in numbers if it.path.startswith(idle)}
    assert len(changes) >= 5
    assert iosim.run(scenario.with_set(changes)).summary["fingerprint"] == iosim.run(scenario).summary["fingerprint"]


def another(value: str) -> Any:
    """A value of the same kind: three times a quantity and one more, one less of a count, a factor a bit larger."""
    number, _, unit = value.partition(" ")
    if unit:
        return f"{3 * float(number) + 1:g} {unit}"
    return float(number) + 0.25 if "." in number else int(number) - 1
