"""Which pictures a run is shown by."""

from typing import Any

import pytest
from test_flash_scenarios import FLASH, with_disk
from test_machine import scenario

import iosim
from iosim.figures import figure_overview
from iosim.pictures import overview, study_lines


@pytest.mark.parametrize(("depth", "shown"), [(64, False), (1, True)])
def test_a_panel_with_nothing_to_show_is_left_out(depth: int, shown: bool) -> None:
    """Two classes that wait within the drive alone wait for nobody in particular; a full queue pair has a holder."""
    tree: Any = with_disk({**FLASH, "queue_pairs": 1, "pair_depth": depth})
    clients = {**tree["workload"]["all"], "clients": 1}
    tree["workload"] = {"one": clients, "other": clients}
    result = iosim.run(scenario(tree), replications=1, study=False)
    assert any(title.startswith("Who waited behind whom") for title in titles_of(result)) == shown


def titles_of(result: Any) -> list[str]:
    return [panel.get_title(loc="left") or panel.get_title() for panel in overview(result).axes]


def test_the_warm_up_is_drawn_over_the_state_that_has_one() -> None:
    """Closed clients are always in the system: their requests' ends show when the run has settled."""
    short = {"run.duration": "20 ms", "run.replications": 2, "study": None}
    closed = iosim.run(iosim.load("thread-thrashing", set=short), jobs=1)
    panels = {panel.get_title(loc="left"): panel for panel in overview(closed).axes}
    panel = panels["What is measured, and the warm-up that is not"]
    assert panel.get_ylabel() == "Requests ended per second"
    assert "warm-up" in str(panel.get_label())
    opened = iosim.run(iosim.load("head-of-line", set={**short, "run.warm_up": "5 ms"}), jobs=1)
    assert opened.plot.warm_up().get_ylabel() == "Requests in the system"


def test_a_tail_that_the_summary_refuses_is_not_marked_in_the_picture() -> None:
    changes = {"run.duration": "100 ms", "run.warm_up": "20 ms", "run.replications": 10, "study": None}
    result = iosim.run(iosim.load("head-of-line", set=changes), jobs=1)
    assert "classes.fast.latency_ns.p99" in result.summary["refused"]
    labels = [str(line.get_label()) for line in result.plot.latency().get_lines()]
    assert not any(label.startswith("fast") and ", p99" in label for label in labels)


def test_where_a_study_is_unstable_stands_behind_its_title_and_not_upon_it() -> None:
    short = {"run.duration": "4 ms", "run.warm_up": "1 ms", "study.replications": 1, "run.replications": 1}
    few = {"study.vary": {"workload.flood.rate": ["400000/s", "500000/s", "600000/s", "800000/s", "900000/s"]}}
    drawn = {"study.plot": {"x": "workload.flood.rate", "figure": "throughput_per_s"}}
    result = iosim.run(iosim.load("receive-livelock", set={**short, **few, **drawn}), jobs=1)
    assert result.study is not None
    for row in result.study.rows:
        row["regime"] = "unstable"  # which so short a run can't tell
    _, [panel] = figure_overview(["Answered"])
    study_lines(result.study, "workload.flood.rate", "throughput_per_s", panel)
    assert not panel.get_title()
    assert panel.get_title(loc="left") == "Answered (unstable at 400000/s, 500000/s, ..., 900000/s)"
