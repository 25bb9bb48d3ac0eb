"""What the scenarios about caches and forced synchronous calls claim, and that each effect goes with its cause."""

from typing import Any

import pytest

import iosim

Summary = dict[str, Any]


def of(name: str, **changes: Any) -> Summary:
    """The summary of one replication; `a__b` stands for `a.b`."""
    named = {key.replace("__", "."): value for key, value in changes.items()}
    summary: Summary = iosim.run(iosim.load(name, set=named), replications=1, study=False).summary
    return summary


def warmth(**changes: Any) -> Summary:
    return of("cache-warmth", **changes)


def share(summary: Summary) -> float:
    return float(summary["volumes"]["data"]["cache_hit_share"]["value"])


def blocked(summary: Summary) -> float:
    return float(summary["volumes"]["data"]["blocked_issuers_per_s"]["value"])


def mean(summary: Summary) -> float:
    return float(summary["latency_ns"]["mean"]["value"])


# ---- cache-warmth ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cache", "least", "most"), [("2 MiB", 0.23, 0.27), ("4 MiB", 0.47, 0.53), ("8 MiB", 0.97, 1.0)]
)
def test_a_cache_hits_as_often_as_it_holds_of_what_is_read_at_random(cache: str, least: float, most: float) -> None:
    assert least <= share(warmth(volumes__data__cache=cache)) <= most


def test_warmth_takes_time() -> None:
    cold = {"run.warm_up": "0 s", "run.replications": 1}
    shares = [share(of("cache-warmth", **cold, run__duration=span)) for span in ("20 ms", "80 ms", "400 ms")]
    assert shares[0] < 0.2 < shares[1] < 0.7 < shares[2]


def test_few_workers_make_a_cold_cache_slow_and_their_issuers_block() -> None:
    few = warmth(volumes__data__cache="2 MiB", machine__kernel__cached_miss_workers=1)
    many = warmth(volumes__data__cache="2 MiB")
    assert mean(few) > 4 * mean(many)
    assert blocked(few) > 10_000
    assert blocked(many) == 0
    assert few["latency_causes_ns"]["system_worker_queue"]["value"] > 200_000


def test_a_warm_cache_does_not_care_how_many_there_are() -> None:
    few, many = (warmth(machine__kernel__cached_miss_workers=workers) for workers in (1, 10))
    assert mean(few) < 1.1 * mean(many)


def test_unbuffered_reads_need_no_workers() -> None:
    direct = warmth(files__records__access="unbuffered", machine__kernel__cached_miss_workers=1)
    assert blocked(direct) == 0
    assert direct["latency_causes_ns"]["system_worker_queue"]["value"] == 0


# ---- async-turns-sync ------------------------------------------------------------------------------------------------


def turned(**changes: Any) -> Summary:
    return of("async-turns-sync", **changes)


def quick(summary: Summary) -> float:
    return float(summary["classes"]["quick"]["latency_ns"]["mean"]["value"])


def active(summary: Summary) -> float:
    return float(summary["ports"]["main"]["active_mean"]["value"])


@pytest.fixture(scope="module")
def as_it_is() -> Summary:
    return turned()


def test_writes_beyond_the_valid_data_keep_their_threads_and_others_wait_for_one(as_it_is: Summary) -> None:
    assert blocked(as_it_is) == pytest.approx(4000, rel=0.05)
    assert quick(as_it_is) > 50_000
    causes = as_it_is["classes"]["quick"]["latency_causes_ns"]
    assert causes["no_free_thread"]["value"] + causes["port_order"]["value"] > 20_000
    assert causes["port_limit"]["value"] < 1000  # the port has room: its blocked threads do not count
    assert active(as_it_is) < 0.5


@pytest.mark.parametrize(
    "cure",
    [{"files.journal.valid_data": "64 GiB"}, {"volumes.data.file_system": "refs"}],
    ids=["SetFileValidData", "ReFS"],
)
def test_where_they_need_not_nobody_waits(as_it_is: Summary, cure: dict[str, Any]) -> None:
    cured = turned(**cure)
    assert blocked(cured) == 0
    assert quick(cured) < quick(as_it_is) / 2.5
    assert cured["classes"]["quick"]["latency_causes_ns"]["no_free_thread"]["value"] == 0


def test_more_threads_hide_it(as_it_is: Summary) -> None:
    more = turned(pools__workers__threads=16)
    assert blocked(more) == blocked(as_it_is)
    assert quick(more) < quick(as_it_is) / 2.5


def test_a_compressed_file_does_the_same_whatever_is_valid() -> None:
    compressed = turned(files__journal__stored="compressed", files__journal__valid_data="64 GiB")
    assert blocked(compressed) == pytest.approx(4000, rel=0.05)
    assert quick(compressed) > 50_000


def test_so_do_exhausted_miss_workers_and_not_if_the_cache_is_not_asked() -> None:
    valid = {"files.journal.valid_data": "64 GiB", "machine.kernel.cached_miss_workers": 1}
    exhausted = turned(**valid)
    assert blocked(exhausted) > 1000
    assert quick(exhausted) > 150_000
    direct = turned(**valid, files__archive={"volume": "data", "size": "64 GiB"})
    assert blocked(direct) == 0
    assert quick(direct) < 25_000


def test_a_call_that_says_pending_keeps_its_thread_just_the_same(as_it_is: Summary) -> None:
    """What it reports is another matter (11.5)."""
    assert blocked(turned(files__journal__reports_pending=True)) == blocked(as_it_is)
