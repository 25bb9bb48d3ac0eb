"""Which pictures a run is shown by."""

from typing import Any

import pytest
from test_flash_scenarios import FLASH, with_disk
from test_machine import scenario

import iosim
from iosim.pictures import overview


@pytest.mark.parametrize(("depth", "shown"), [(64, False), (1, True)])
def test_a_panel_with_nothing_to_show_is_left_out(depth: int, shown: bool) -> None:
    """Two classes that wait within the drive alone wait for nobody in particular; a full queue pair has a holder."""
    tree: Any = with_disk({**FLASH, "queue_pairs": 1, "pair_depth": depth})
    clients = {**tree["workload"]["all"], "clients": 1}
    tree["workload"] = {"one": clients, "other": clients}
    result = iosim.run(scenario(tree), replications=1, study=False)
    titles = [panel.get_title(loc="left") or panel.get_title() for panel in overview(result).axes]
    assert any(title.startswith("Who waited behind whom") for title in titles) == shown
