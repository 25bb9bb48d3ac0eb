"""Closed load tells what it made of itself: the interactive law, and how much it asked for less."""

import re
from pathlib import Path

import pytest

import iosim
from iosim.cli import main

FREE = {"machine.memory.l3": "0 ns", "machine.memory.local": "0 ns"}
TINY = {**FREE, "run.duration": "100 ms", "run.warm_up": "20 ms", "run.replications": 2}


def loop_of(**changes: object) -> tuple[dict[str, float], list[str]]:
    scenario = iosim.load("thread-thrashing", set={**TINY, **changes})
    summary = iosim.run(scenario, study=False, jobs=1).summary
    return summary["classes"]["clients"]["closed_load"], summary["warnings"]


def test_clients_are_as_many_as_the_interactive_law_says() -> None:
    loop, _ = loop_of(**{"workload.clients.clients": 12, "workload.clients.think": "1 ms"})
    assert loop["clients"] == 12
    assert loop["clients_by_law"] == pytest.approx(12, rel=0.05)
    assert loop["think_ns"] == 1_000_000


def test_few_clients_that_think_for_long_hardly_hold_back() -> None:
    loop, warnings = loop_of(
        **{"workload.clients.clients": 2, "workload.clients.think": "20 ms", "run.duration": "400 ms"}
    )
    assert loop["self_throttled"] < 0.05
    assert not any("self-throttled" in warning for warning in warnings)


def judged(**changes: object) -> list[dict[str, str]]:
    scenario = iosim.load("thread-thrashing", set={**TINY, "run.replications": 10, **changes})
    verdicts: list[dict[str, str]] = iosim.run(scenario, study=False, jobs=1).verdicts
    return verdicts


def test_a_verdict_on_a_tail_of_closed_load_says_whose_tail_it_is() -> None:
    """Met or missed: users who do not wait for their answers would ask for more, and have other tails."""
    expect = ["p90 < 1 s", "p90 < 1 us", "classes.clients.wait_ns.p50 < 1 s", "mean < 1 s", "throughput_per_s > 1"]
    verdicts = judged(expect=expect)
    assert [it["verdict"] for it in verdicts] == ["met", "missed", "met", "met", "met"]
    for it in verdicts[:3]:
        assert re.fullmatch(
            "self-throttled: the offered load of closed class 'clients' fell by 9[0-9][.][0-9]% against an idle machine",
            it["caveat"],
        )
    assert [it["caveat"] for it in verdicts[3:]] == ["", ""]


def test_it_says_so_too_where_clients_hardly_hold_back() -> None:
    """How little it is, is worth knowing as well."""
    few = {"workload.clients.clients": 2, "workload.clients.think": "20 ms", "run.duration": "400 ms"}
    (verdict,) = judged(expect=["p50 < 1 s"], **few)
    assert re.search("fell by [0-4][.][0-9]% against", verdict["caveat"])


def test_a_tail_of_open_load_has_no_such_remark() -> None:
    open_ = {"kind": "open", "port": "main", "handler": "request", "rate": "100/s"}
    (verdict,) = judged(**{"workload.clients": open_, "expect": ["p50 < 1 s"], "run.duration": "400 ms"})
    assert verdict["caveat"] == ""


def test_the_screen_of_a_run_shows_the_remark_beside_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [f"--set={path}={value}" for path, value in {**TINY, "run.replications": 10}.items()]
    options = ["--set=expect=[p90 < 1 s]", "--no-study", "--jobs=1", f"--out={tmp_path}", "--quiet"]
    main(["run", "thread-thrashing", *sets, *options])
    (line,) = [it for it in capsys.readouterr().out.splitlines() if it.startswith("p90 < 1 s")]
    assert "met" in line and "self-throttled: " in line


def test_many_clients_that_do_not_think_are_told_to_hold_themselves_back() -> None:
    """320 clients, whose requests take 480 us each when they are alone, on four processors: 1 - 4 * 480 / (180 * 320)."""
    loop, warnings = loop_of()
    assert loop["self_throttled"] > 0.9
    assert any("'clients' is closed and self-throttled" in warning for warning in warnings)
