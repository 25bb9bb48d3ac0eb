"""Solid-state disks in a scenario: every key is read, means something or is refused, and the laws hold with all of them."""

from typing import Any

import pytest
from test_machine import EVERYTHING, Tree, build, everything_but, run, scenario

from iosim.devices.recovery import RecoveringPort
from iosim.drives.ssd import Ssd, SsdParams
from iosim.errors import WrongInput
from iosim.scenario.drive_params import drive_params

FLASH: dict[str, Any] = {
    "kind": "nvme",
    "capacity": "64 MiB",
    "units": 4,
    "channels": 2,
    "channel_bandwidth": "200 MB/s",
    "read": "50 us",
    "program": "300 us",
    "stripe": "16 KiB",
    "placement": "striped",
    "overhead": "5 us",
    "serial": "1 us",
    "bandwidth": "3 GB/s",
    "write_bandwidth": "2 GB/s",
    "duplex": True,
    "slow_reads": [["2 %", "40 us"], ["0.1 %", "1 ms"]],
    "write_buffer": "256 KiB",
    "write_overhead": "8 us",
    "power_loss_protection": True,
    "over_provisioning": "20 %",
    "condition": "steady",
    "erase": "2 ms",
    "pages_per_block": 64,
}


def with_disk(disk: dict[str, Any], **changes: Any) -> Tree:
    """Reads and writes of one disk of this kind, at random in 32 MiB, by as many threads as there are clients."""
    tree = everything_but("workload.closed", "locks", "ports.aside", "pools.helpers", "handlers.short")
    tree["disks"] = {"flash": disk}
    tree["volumes"] = {"data": {"disk": "flash"}}
    tree["files"] = {"raw": {"volume": "data", "size": "32 MiB"}}
    tree["pools"] = {"workers": {"port": "main", "threads": 8}}
    place = {"file": "raw", "size": "8 KiB", "offset": "random"}
    tree["handlers"] = {"mixed": [{"read": place}, {"write": place}]}
    tree["workload"] = {"all": {"kind": "closed", "port": "main", "handler": "mixed", "clients": 8}}
    tree["run"] = {"duration": "100 ms", "warm_up": "0 s", "seed": 5}
    return {**tree, **changes}


def params(disk: dict[str, Any], **changes: Any) -> SsdParams:
    described = scenario({**with_disk({**disk, **changes})})
    found = drive_params(described.model.disks["flash"])
    assert isinstance(found, SsdParams)
    return found


def test_every_key_of_a_solid_state_disk_reaches_the_drive() -> None:
    assert params(FLASH) == SsdParams(
        capacity=64 << 20,
        units=4,
        stripe=16_384,
        read=50_000,
        program=300_000,
        overhead=5_000,
        link_ps_per_byte=333,
        slots=1_024,
        interface="nvme",
        serial=1_000,
        write_ps_per_byte=500,
        duplex=True,
        channels=2,
        channel_ps_per_byte=5_000,
        placement="striped",
        write_buffer=256 << 10,
        write_overhead=8_000,
        protected=True,
        spare=200,
        condition="steady",
        erase=2_000_000,
        block_pages=64,
        slow_reads=((20_000, 40_000), (1_000, 1_000_000)),
    )


def test_what_was_run_can_be_run_once_more(tmp_path: Any) -> None:
    from iosim.scenario.loader import load

    first = scenario(with_disk(FLASH))
    path = tmp_path / "again.yaml"
    path.write_text(first.to_yaml())
    assert load(path).effective() == first.effective()


@pytest.mark.parametrize("kind", ["nvme", "ssd"])
def test_H09_a_disk_with_everything_keeps_the_laws(kind: str) -> None:
    """Causes sum to latencies, and Little's law holds at the disk to the nanosecond: `run` checks both and raises."""
    disk = {name: value for name, value in FLASH.items() if kind == "nvme" or name != "duplex"}
    raw = run(with_disk({**disk, "kind": kind}))
    assert raw.samples["disks.flash.commands"][-1] > 1_000
    assert raw.samples["disks.flash.units_moved"][-1] > 100
    assert raw.samples["disks.flash.units_written"][-1] > 1_000
    spent = sum(sum(sums) for bins in raw.ledgers for sums in bins)
    ended, intended = raw.columns["ended"], raw.columns["intended"]
    assert spent >= sum(ended) - sum(intended) > 0


def test_a_disk_on_sata_has_32_slots_and_interrupts_one_processor() -> None:
    """Beyond 32 the rest waits in the port driver (semantics 4.1); NVMe takes them all and interrupts whoever started."""
    places: dict[str, set[int]] = {}
    waited: dict[str, int] = {}
    for kind in ("nvme", "ssd"):
        plain = {"kind": kind, "capacity": "64 MiB", "units": 4, "read": "50 us", "program": "300 us"}
        tree = with_disk(plain)
        tree["workload"]["all"]["clients"] = 50
        tree["pools"]["workers"]["threads"] = 8
        built = build(tree)
        places[kind] = {vector.processor.number for vector in built.disks["flash"].routes}
        built.run()
        waited[kind] = built.disks["flash"].queued_most
    assert places == {"nvme": {0, 1}, "ssd": {0}}
    assert waited["nvme"] == 0 < waited["ssd"]


def test_slow_reads_are_drawn_from_a_stream_of_the_disk() -> None:
    """The same seed, the same slow reads; another seed, others (design 1.3)."""
    slow = {**FLASH, "slow_reads": [["20 %", "500 us"]]}
    digests = [run(with_disk(slow), seed=seed).digest for seed in (5, 5, 6)]
    assert digests[0] == digests[1] != digests[2]
    drive = build(with_disk(slow)).disks["flash"].drive
    assert isinstance(drive, Ssd)
    shares = [drive.chance.value(index) >= 0.8 * (1 << 31) for index in range(4_096)]
    assert sum(shares) / 4_096 == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"write_buffer": "0 B"}, "means nothing without 'write_buffer'"),
        ({"over_provisioning": "0 %"}, "means nothing without 'over_provisioning'"),
        ({"channels": None}, "disks.flash.channel_bandwidth: means nothing without 'channels'"),
        ({"slow_reads": [["60 %", "1 us"], ["50 %", "2 us"]]}, "the shares come to more than 100 %"),
        ({"slow_reads": [[0.1, "1 us"]]}, r"a slow read is a share of all page reads and a time, like \[0.1 %, 1 ms\]"),
        ({"slow_reads": [["0.00001 %", "1 us"]]}, "'0.00001 %' is finer than one in a million"),
        ({"serial": "6 us"}, "serial: 6000 ns are more than the overhead of 5000"),
        ({"stripe": "6 kB"}, "stripe: 6000 bytes are no multiple of 4096"),
        ({"placement": "random"}, "disks.flash.placement"),
        ({"kind": "ssd", "queue_depth": 64, "duplex": None}, "slots: 64 is not within 1 to 32"),
        ({"kind": "ssd"}, "disks.flash.duplex: unknown key"),
    ],
)
def test_what_means_nothing_is_refused(change: dict[str, Any], message: str) -> None:
    disk = {name: value for name, value in {**FLASH, **change}.items() if value is not None}
    with pytest.raises(WrongInput, match=message):
        scenario(with_disk(disk))


@pytest.mark.parametrize(
    ("disk", "message"),
    [
        ({"preset": "nvme-optane", "condition": "steady"}, "'nvme-optane' has no garbage to collect"),
        ({"preset": "nvme-optane", "write_buffer": "1 MiB"}, "'nvme-optane' has no write buffer"),
        ({"preset": "cheetah-9lp", "condition": "steady"}, "'cheetah-9lp' is not a solid-state disk"),
        ({"preset": "sata-ssd", "order": "fcfs"}, "'sata-ssd' is not a hard disk"),
    ],
)
def test_a_preset_is_not_given_what_it_does_not_have(disk: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        scenario(with_disk(disk))


def test_a_preset_can_be_made_steady_or_lose_its_buffer() -> None:
    steady = params({"preset": "nvme-datacentre-flash"}, condition="steady")
    assert (steady.condition, steady.spare) == ("steady", 140)
    without = params({"preset": "nvme-datacentre-flash"}, write_buffer="0 B")
    assert (without.write_buffer, without.spare) == (0, 0)


def test_write_amplification_is_1_where_nothing_is_moved() -> None:
    import iosim

    described = scenario(EVERYTHING)
    summary = iosim.run(described, replications=1, study=False).summary
    assert summary["disks"]["flash"]["write_amplification"]["value"] == 1


def test_requests_that_wait_for_a_full_queue_pair_count_in_the_longest_queue() -> None:
    """A mean of many beside a longest of none would be read as a mistake, and is one."""
    import iosim

    disk = {**FLASH, "queue_pairs": 1, "pair_depth": 2}
    summary = iosim.run(scenario(with_disk(disk)), replications=1, study=False).summary["disks"]["flash"]
    assert summary["port_driver_queue_mean"]["value"] > 4
    assert summary["port_driver_queue_max"]["value"] == 6  # of eight clients two are in the drive


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["nvme", "ssd"])
def test_a_disk_with_everything_goes_on_after_errors_and_resets(kind: str, seed: int) -> None:
    """Commands that are never answered, with others on the link, in the buffer and waiting for room when the drive is reset.

    `run` checks the laws: every request ends or is still under way, and each has one packet.
    """
    disk = {name: value for name, value in FLASH.items() if kind == "nvme" or name != "duplex"}
    recovery = {"timeout": "3 ms", "reset": "200 us"}
    tree = with_disk({**disk, "kind": kind, "write_buffer": "32 KiB", "recovery": recovery})
    tree["faults"] = {
        "lost": {"kind": "no_answer", "disk": "flash", "rate": 0.02},
        "bad": {"kind": "media_error", "disk": "flash", "rate": 0.03},
    }
    built = build(tree, seed=seed)
    raw = built.run()
    disk_port = built.disks["flash"]
    assert isinstance(disk_port, RecoveringPort)
    assert disk_port.resets >= 3
    assert raw.samples["disks.flash.failures"][-1] > 5
    drive = disk_port.drive
    assert isinstance(drive, Ssd)
    assert drive.buffer.held <= 32 << 10
    assert sum(drive.promised) <= drive.buffer.held
