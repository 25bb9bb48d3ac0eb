"""A hard disk as a scenario describes it, down to a measured drive replayed from a file; what `ncq-depth` claims."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import iosim
from iosim.drives.hdd import HddParams
from iosim.errors import WrongInput
from iosim.presets.hard_disks import HARD_DISKS
from iosim.quantiles import quantile_of_column
from iosim.scenario.drive_params import drive_params
from iosim.verify.disk_loops import demerit
from iosim.verify.hard_disks import MEASURED, by_depth, formulas, measured, on_test_bus, read_trace, responses

DATA = Path(__file__).parent / "data"
TRACES = Path(__file__).parent.parent / "scenarios" / "traces"

DISK: dict[str, Any] = {
    "kind": "hdd",
    "rpm": "7200 rpm",
    "cylinders": 1_000,
    "heads": 2,
    "sectors_per_track": 100,
    "seek": [[1, "1 ms"], [999, "9 ms"]],
}
REST: dict[str, Any] = {
    "version": 1,
    "volumes": {"v": {"disk": "d"}},
    "files": {"f": {"volume": "v", "size": "1 MB"}},
    "ports": {"p": {"concurrency": 0}},
    "pools": {"w": {"port": "p", "threads": 1}},
    "handlers": {"h": [{"read": {"file": "f", "size": "4 KiB"}}]},
    "workload": {"c": {"kind": "closed", "port": "p", "handler": "h", "clients": 1}},
    "run": {"duration": "100 ms", "warm_up": "0 s", "replications": 1},
}


def written(folder: Path, disk: dict[str, Any], **others: Any) -> Path:
    path = folder / "s.yaml"
    path.write_text(yaml.safe_dump({**REST, "disks": {"d": disk}, **others}, sort_keys=False))
    return path


def params_of(folder: Path, **changes: Any) -> HddParams:
    disk = {name: value for name, value in {**DISK, **changes}.items() if value is not None}
    scenario = iosim.load(written(folder, disk))
    params = drive_params(scenario.model.disks["d"])
    assert isinstance(params, HddParams)
    return params


def refusal(folder: Path, **changes: Any) -> str:
    with pytest.raises(WrongInput) as told:
        params_of(folder, **changes)
    return str(told.value).replace(f"{folder}/", "")


# --- the seek curve


def test_a_file_of_seek_times_in_disksim_s_form_is_the_drive_s_curve(tmp_path: Path) -> None:
    """As it lies there: a title, `distance, ms` with tabs; the published numbers of the Cheetah 9LP."""
    (tmp_path / "cheetah.seek").write_bytes((DATA / "cheetah9LP.seek").read_bytes())
    params = params_of(tmp_path, seek="cheetah.seek", cylinders=6_962)
    assert params.seek == on_test_bus("cheetah-9lp").seek
    assert params_of(tmp_path, seek=[[0, "0 s"], [1, "1 ms"], [9, "2 ms"]]).seek == ((1, 1_000_000), (9, 2_000_000))


@pytest.mark.parametrize(
    "text",
    [
        "distance,time\n1,1\n10,2.5\n",
        "cylinders,time_us\n0,0\n1,1000\n10,2500\n",
        "1;1 ms\n10;2500 us\n",
        "# mine\n\n1 1.0\n10 2.5ms",
        "\ufeff1,1.0\r\n10,2.5\r\n",
    ],
)
def test_simple_files_of_seek_times_are_read(tmp_path: Path, text: str) -> None:
    """A title or none, commas or blanks; a time without a unit is in ms."""
    (tmp_path / "my.csv").write_text(text, encoding="utf-8")
    assert params_of(tmp_path, seek="my.csv").seek == ((1, 1_000_000), (10, 2_500_000))
    assert params_of(tmp_path, seek={"file": "my.csv"}).seek == ((1, 1_000_000), (10, 2_500_000))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1,1\n10,x\n", "my.csv:2:1: "),
        ("1,1\n1,2\n", "my.csv:2:1: distance 1 after 1; distances must rise, from 1 on"),
        ("-1,2\n", "my.csv:1:1: "),
        ("title\nagain\n1,2\n", "my.csv:2:1: 'again' is not 'distance,time'"),
        ("1,1\n-5,2\n", "my.csv:2:1: '-5,2' is not 'distance,time'"),
        ("1,1\n5,-2\n", "my.csv:2:1: "),
        ("0,1\n5,2\n", "my.csv:1:1: distance 0 after 0"),
        ("", "s.yaml:"),
    ],
)
def test_a_wrong_file_of_seek_times_is_told_with_file_and_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "my.csv").write_text(text)
    told = refusal(tmp_path, seek="my.csv")
    assert told.startswith(line), told


def test_a_file_of_seek_times_that_is_not_there_is_told_where_it_was_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, seek="none.seek")
    assert told.startswith("s.yaml:")
    assert "disks.d.seek: none.seek: cannot be read" in told
    assert len(told.splitlines()) == 1


def test_the_effective_scenario_holds_the_points_themselves(tmp_path: Path) -> None:
    """It must run without the file, and another file of the same name is another scenario."""
    digests = []
    for text in ("1,1\n10,2.5\n", "1,1\n10,3\n"):
        (tmp_path / "my.csv").write_text(text)
        scenario = iosim.load(written(tmp_path, {**DISK, "seek": "my.csv"}))
        digests.append(scenario.digest())
    assert scenario.effective()["disks"]["d"]["seek"] == [[1, "1 ms"], [10, "3 ms"]]
    assert digests[0] != digests[1]


def test_the_formula_of_the_hp_97560(tmp_path: Path) -> None:
    formula = {"a": "3.24 ms", "b": "0.4 ms", "c": "8 ms", "e": "0.008 ms", "border": 383}
    params = params_of(tmp_path, seek=formula, cylinders=1_962)
    preset = HARD_DISKS["hp-97560"].params
    assert isinstance(preset, HddParams)
    assert params.seek == preset.seek


@pytest.mark.parametrize(
    ("seek", "message"),
    [
        ({"a": "1 ms", "b": "1 ms", "c": "1 ms", "e": "1 us"}, "the seek formula lacks border"),
        ({"a": "1 ms", "b": "1 ms", "c": "1 ms", "e": "1 us", "border": 0}, "border: a distance of 1 cylinder or more"),
        ({"a": "1 ms", "q": "1 ms"}, "unknown term of the seek formula"),
        ([[1, "1 ms"], [1_001, "2 ms"]], "reaches to distance 1001; there are 1000 cylinders"),
        ([[2, "1 ms"]], "seek: distances must begin at 1"),
    ],
)
def test_a_seek_curve_that_cannot_be_is_refused(tmp_path: Path, seek: Any, message: str) -> None:
    assert message in refusal(tmp_path, seek=seek)


# --- the rest


def test_zones_with_skews_in_sectors_or_time_and_spares(tmp_path: Path) -> None:
    zones = [
        {"first": 0, "last": 399, "sectors_per_track": 120, "track_skew": 12, "cylinder_skew": "1 ms", "spares": 7},
        {"first": 400, "sectors_per_track": 80, "track_skew": "4 sectors", "spares": 3, "spare_cylinders": 2},
    ]
    params = params_of(tmp_path, sectors_per_track=None, zones=zones)
    revolution = 60_000_000_000 // 7_200
    assert params.zones[0].track_skew == 12 * revolution // 120
    assert params.zones[0].cylinder_skew == 1_000_000
    assert params.zones[1].track_skew == 4 * revolution // 80
    assert params.all_blocks == 400 * 2 * 120 - 7 + 300 * (2 * 2 * 80 - 3)


def test_cache_overheads_and_order_reach_the_drive(tmp_path: Path) -> None:
    params = params_of(
        tmp_path,
        cache={"segments": 3, "segment_size": "64 KiB", "write_segments": 2, "read_ahead_stops": "cylinder"},
        overheads={"read_hit_after_read": "10 us", "write_miss_after_write": "1 ms"},
        overhead="0.2 ms",
        order="clook",
        write_settle="0.4 ms",
        blocks=150_000,
    )
    assert (params.segments, params.segment_size, params.read_ahead) == (3, 128, 128)
    assert (params.write_segments, params.write_segment_size, params.read_ahead_in_cylinder) == (2, 128, True)
    assert params.overheads == (10_000, *([200_000] * 6), 1_000_000)
    assert (params.order, params.write_settle, params.blocks) == ("clook", 400_000, 150_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zones": [{"first": 0, "sectors_per_track": 9}]}, "either 'sectors_per_track' or 'zones'"),
        ({"sectors_per_track": None}, "either 'sectors_per_track' or 'zones'"),
        (
            {"sectors_per_track": None, "zones": [{"first": 5, "sectors_per_track": 9}]},
            "zones: first cylinders must begin at 0",
        ),
        (
            {"sectors_per_track": None, "zones": [{"first": 0, "sectors_per_track": 9}], "track_skew": 2},
            "each of the 'zones' has its own",
        ),
        ({"cache": {"segments": 1, "segment_size": "1000 B"}}, "1000 bytes are no whole number of sectors"),
        (
            {"cache": {"segments": 0, "segment_size": "1 KiB", "read_ahead": "1 KiB"}},
            "means nothing without 'segments'",
        ),
        (
            {"cache": {"segments": 1, "segment_size": "1 KiB", "write_segment_size": "1 KiB"}},
            "means nothing without 'write_segments'",
        ),
        ({"order": "elevator"}, "'elevator' is not one of fcfs, sstf, clook, sptf"),
        ({"blocks": 200_001}, "blocks: 200001 are more than the 200000 that the zones hold"),
        ({"queue_depth": 33}, "slots: 33 is not within 1 to 32"),
        ({"track_skew": -3}, "-3 sectors; 0 or more are needed"),
        ({"track_skew": "9 sektors"}, "a skew may also be sectors, like '97 sectors'"),
        ({"track_skew": "20 ms"}, "skews: 20 ms are no less than a revolution, which takes"),
        ({"cylinder_skew": 4000}, "skews: 4000 sectors are no less than a track, which has"),
    ],
)
def test_a_hard_disk_that_cannot_be_is_told_with_its_place(tmp_path: Path, changes: Any, message: str) -> None:
    told = refusal(tmp_path, **changes)
    assert message in told
    assert told.startswith("s.yaml:")


def test_a_preset_s_caches_can_be_switched_off(tmp_path: Path) -> None:
    for changes, expected in (
        ({}, (3, 3)),
        ({"read_cache": False}, (0, 3)),
        ({"read_cache": False, "write_cache": False}, (0, 0)),
    ):
        scenario = iosim.load(written(tmp_path, {"preset": "cheetah-9lp", **changes}))
        params = drive_params(scenario.model.disks["d"])
        assert isinstance(params, HddParams)
        assert (params.segments, params.write_segments) == expected
    with pytest.raises(WrongInput, match="has no write_cache"):
        iosim.load(written(tmp_path, {"preset": "hp-97560", "write_cache": True}))


# --- a measured drive, told from its own files


def test_a_replay_at_depth_1_waits_the_trace_s_think_times(tmp_path: Path) -> None:
    """Two rows: 5 ms and 10 ms of thought lie between three reads, whatever the reads themselves take."""
    (tmp_path / "t.trace").write_text("R Hit 0 8 1.0 5000.0\nR Hit 100 8 1.0 10000.0\nR Hit 200 8 1.0 0.0\n")
    replay = {"kind": "replay", "port": "p", "trace": "t.trace", "timing": {"depth": 1}, "map": "f"}
    scenario = iosim.load(written(tmp_path, DISK, handlers={}, workload={"r": replay}, run={"replications": 1}))
    result = iosim.run(scenario)
    summary = result.summary
    latencies = summary["latency_ns"]["mean"]["value"] * 3
    assert summary["throughput_per_s"]["value"] == pytest.approx(3e9 / (15_000_000 + latencies), rel=0.02)


def test_a_drive_described_in_a_scenario_replays_its_measured_trace(tmp_path: Path) -> None:
    """Through the whole of Windows' stack, which adds some 10 us: within 1 ms of what was measured, as the bare drive is."""
    facts = MEASURED["cheetah-9lp"]
    params = on_test_bus("cheetah-9lp")
    names = (
        f"{kind}_after_{before}"
        for kind in ("read_hit", "read_miss", "write_hit", "write_miss")
        for before in ("read", "write")
    )
    disk = {
        "kind": "hdd",
        "rpm": "10045 rpm",
        "cylinders": 6_962,
        "heads": 12,
        "zones": [
            {
                "first": zone.first,
                "last": zone.last,
                "sectors_per_track": zone.sectors,
                "track_skew": f"{zone.track_skew} ns",
                "cylinder_skew": f"{zone.cylinder_skew} ns",
                "spares": zone.spares,
            }
            for zone in params.zones
        ],
        "blocks": 17_783_240,
        "seek": "cheetah9LP.seek",
        "head_switch": "0.03 ms",
        "write_settle": "0.461 ms",
        "overheads": {name: f"{time} ns" for name, time in zip(names, params.overheads, strict=True)},
        "bandwidth": "4.876 MB/s",
        "cache": {"segments": 3, "segment_size": f"{561 * 512} B", "write_segments": 3},
    }
    (tmp_path / "cheetah9LP.seek").write_bytes((DATA / "cheetah9LP.seek").read_bytes())
    replay = {
        "kind": "replay",
        "port": "p",
        "trace": str(TRACES / f"{facts.trace}.trace.gz"),
        "timing": {"depth": 1},
        "map": "f",
    }
    files = {"f": {"volume": "v", "size": f"{17_783_240 * 512} B"}}
    others = {"files": files, "handlers": {}, "workload": {"r": replay}, "run": {"replications": 1}}
    scenario = iosim.load(written(tmp_path, disk, **others))
    result = iosim.run(scenario)
    mean = result.summary["latency_ns"]["mean"]["value"] / 1e6
    assert mean == pytest.approx(facts.mean, rel=0.03)


def test_the_three_measured_drives_keep_their_distance() -> None:
    """Aimed at: a demerit below 1 ms each and below 0.5 ms for the best; random reads within 3 %."""
    rows = measured().rows
    assert all(row.met for row in rows)
    assert [row.model for row in rows if row.bound] == pytest.approx([0.208, 0.382, 0.225], abs=0.02)


def test_the_demerit_is_the_distance_of_two_distributions() -> None:
    assert demerit([3_000_000, 1_000_000], [1_000_000, 3_000_000]) == 0
    assert demerit([1_000_000, 2_000_000], [4_000_000, 6_000_000]) == pytest.approx(((9 + 16) / 2) ** 0.5)


def test_a_drive_of_another_make_would_be_told_apart() -> None:
    """The distance is not small whatever one does: the Barracuda's trace is milliseconds from the Cheetah's."""
    assert demerit(responses(read_trace("cheetah-9lp")), responses(read_trace("barracuda-7200"))) > 3


def test_depth_and_order_agree_with_the_published_simulation_of_one_drive() -> None:
    assert all(row.met for row in by_depth("cheetah-9lp", "quick").rows)


def test_the_formulas_of_seek_and_rotation_hold() -> None:
    assert all(row.met for row in formulas().rows)


# --- what ncq-depth claims


def at_depth(clients: int, order: str, **changes: Any) -> tuple[float, float]:
    """(requests a second, p99 in ms)."""
    set_ = {"workload.readers.clients": clients, "disks.data.order": order, "run.duration": "40 s", **changes}
    result = iosim.run(iosim.load("ncq-depth", set=set_), replications=1, study=False)
    p99 = quantile_of_column(result.requests.latencies()["readers"], 0.99)  # of these requests: the summary refuses it
    return result.summary["throughput_per_s"]["value"], p99 / 1e6


def test_ncq_depth_by_rotation_is_ahead_clook_is_fair_and_sstf_starves() -> None:
    """At depth 32: sptf serves over twice as many as fcfs, and makes its slowest wait longer than the fair sweep does."""
    found = {order: at_depth(32, order) for order in ("fcfs", "sstf", "clook", "sptf")}
    per_second = {order: both[0] for order, both in found.items()}
    p99 = {order: both[1] for order, both in found.items()}
    assert per_second["sptf"] > 1.25 * per_second["sstf"]
    assert per_second["sptf"] > 2.2 * per_second["fcfs"]
    assert per_second["clook"] == pytest.approx(per_second["sstf"], rel=0.05)
    assert per_second["clook"] > 1.6 * per_second["fcfs"]
    assert p99["sstf"] > 1.25 * p99["clook"]
    assert p99["sptf"] > 1.4 * p99["clook"]


def test_ncq_depth_without_depth_no_order_gains_anything() -> None:
    """The cause is the choice: with one command in the drive there is none."""
    found = [at_depth(1, order) for order in ("fcfs", "sstf", "clook", "sptf")]
    assert found == [found[0]] * 4


def test_ncq_depth_an_age_limit_ends_the_starving_and_costs_throughput() -> None:
    free, bound = at_depth(32, "sptf"), at_depth(32, "sptf", **{"disks.data.age_limit": "300 ms"})
    assert bound[1] < 0.75 * free[1]
    assert bound[0] < free[0]
