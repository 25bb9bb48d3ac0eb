"""Figures of a machine's resources, one function a family; times are ns. What they are taken of: run_figures.py."""

from iosim.records import Raw
from iosim.replication import Replication
from iosim.run_figures import Figures, Runs, figure
from iosim.thread import KINDS


def processors(it: Runs) -> Figures:
    """Shares of all processors' time by kind; utilization is what is not idle."""
    total = [sum(each.over(f"processors.{kind}") for kind in KINDS) or 1 for each in it.replications]
    share = {
        kind: figure(
            [each.over(f"processors.{kind}") / whole for each, whole in zip(it.replications, total, strict=True)]
        )
        for kind in KINDS
    }
    idle = [1 - each.over("processors.idle") / whole for each, whole in zip(it.replications, total, strict=True)]
    return {
        "utilization": figure(idle),
        "share": share,
        "context_switches_per_s": it.rate("switches"),
        "ready_mean": it.mean("ready"),
    }


def port(it: Runs, name: str) -> Figures:
    """One port's packets, queue and running threads; of a port for each processor, all of them together.

    The maxima are then those of the single port that had the largest.
    """
    ports = port_names(it.raws[0], name)
    largest = {what: [f"{at}.{what}" for at in ports] for what in ("queue_max", "active_max", "threads_used")}
    return {
        "limit": sum(it.raws[0].extremes[f"{at}.limit"] for at in ports),
        "packets": it.per_replication(lambda each: float(sum(each.over(f"{at}.packets") for at in ports))),
        "queue_mean": it.per_replication(lambda each: sum(each.mean(f"{at}.depth") for at in ports)),
        "queue_max": it.most(largest["queue_max"], max),
        "active_mean": it.per_replication(lambda each: sum(each.mean(f"{at}.running") for at in ports)),
        "active_max": it.most(largest["active_max"], max),
        "threads_used": it.most(largest["threads_used"], sum),
    }


def pool(it: Runs, name: str) -> Figures:
    """One pool's threads, those that it had at most (if it grows), and the packets that a call of a batch brought."""
    at = f"pools.{name}"
    return {
        "threads": it.raws[0].extremes[f"{at}.threads"],
        "threads_max": it.most([f"{at}.threads_max"]),
        "packets_per_call": it.per_replication(lambda each: _per_call(each, at)),
        "switches_per_s": it.rate(f"{at}.switches"),
    }


def _per_call(each: Replication, at: str) -> float:
    if f"{at}.calls" not in each.raw.samples:
        return 1.0  # GetQueuedCompletionStatus takes one
    return each.over(f"{at}.taken") / max(1, each.over(f"{at}.calls"))


def disk(it: Runs, name: str) -> Figures:
    """One disk: requests in and above it, its interrupts, and units of flash programmed for each that was written.

    `busy_share` is the share of time with a command or more in it: of a hard disk its utilization, of a solid-state drive,
    which works on many at once, not (bottlenecks.py).
    """
    at = f"disks.{name}"
    return {
        "commands_per_s": it.rate(f"{at}.commands"),
        "busy_share": it.mean(f"{at}.busy"),
        "queue_mean": it.mean(f"{at}.present"),
        "queue_max": it.most([f"{at}.present_max"]),
        "port_driver_queue_mean": it.mean(f"{at}.waiting"),
        "port_driver_queue_max": it.most([f"{at}.waiting_max"]),
        "interrupts_per_s": it.rate(f"{at}.interrupts"),
        "split_requests_per_s": it.rate_of_some(f"{at}.splits"),
        "write_amplification": it.per_replication(lambda each: _amplification(each, at)),
        **_faults(it, at),
    }


def _faults(it: Runs, at: str) -> Figures:
    """Of a disk with faults: requests that ended with its errors, resets of the whole run, commands issued anew."""
    if f"{at}.resets" not in it.raws[0].extremes:
        return {}
    return {
        "failures_per_s": it.rate(f"{at}.failures"),
        "resets": it.most([f"{at}.resets"]),
        "reissued": it.most([f"{at}.reissued"]),
    }


def _amplification(each: Replication, at: str) -> float:
    if f"{at}.units_written" not in each.raw.samples:
        return 1.0  # nothing is moved
    return 1 + each.over(f"{at}.units_moved") / max(1, each.over(f"{at}.units_written"))


def volume(it: Runs, name: str) -> Figures:
    """One volume's page cache: reads that found all their pages, and those that did not; what it read and wrote itself.

    `blocked_issuers_per_s`: overlapped calls that kept their thread, for whatever reason.
    """
    at = f"volumes.{name}"
    rates = {
        "cache_hits": "hits",
        "cache_misses": "misses",
        "cached_writes": "writes",
        "paging_reads": "paging_reads",
        "paging_writes": "paging_writes",
        "collided_faults": "collided",
        "read_ahead_pages": "read_ahead_pages",
        "written_pages": "written_pages",
        "throttled_writes": "throttled",
        "blocked_issuers": "blocked",
    }
    found = {f"{what}_per_s": it.rate(f"{at}.{sample}") for what, sample in rates.items()}
    for what, sample in (("split_requests", "splits"), ("parts", "parts"), ("retried_parts", "retries")):
        found[f"{what}_per_s"] = it.rate_of_some(f"{at}.{sample}")
    found["failed_disks"] = it.most_of_some(f"{at}.failed_disks")
    if filters := _filters(it, at):
        found["filters"] = filters
    found["cache_hit_share"] = it.per_replication(lambda each: _hit_share(each, at))
    found["dirty_pages_mean"] = it.mean(f"{at}.dirty_area")
    found["dirty_pages_max"] = it.most([f"{at}.dirty_max"])
    return found


def _hit_share(each: Replication, at: str) -> float:
    hits = each.over(f"{at}.hits")
    return hits / max(1, hits + each.over(f"{at}.misses"))


def _filters(it: Runs, at: str) -> Figures:
    """By filter: reads and writes that it saw, of programs and of the memory manager, and how many it held on average."""
    return {
        name: {
            "requests_per_s": it.rate(f"{place}.seen"),
            "paging_requests_per_s": it.rate(f"{place}.paging_seen"),
            "held_mean": it.mean(f"{place}.held"),
        }
        for name, place in _beneath(it, f"{at}.filters", "held")
    }


def _beneath(it: Runs, at: str, figure: str) -> list[tuple[str, str]]:
    """Of what has a sampled figure of that name beneath `at`: its own name, and where its figures stand."""
    places = [name.removesuffix(f".{figure}") for name in it.raws[0].samples if name.endswith(f".{figure}")]
    return [(place.rsplit(".", 1)[1], place) for place in places if place.startswith(f"{at}.")]


def nic(it: Runs, name: str) -> Figures:
    """One network card: frames, what its driver made of them, and how they were spread over processors.

    `dropped`: for lack of a receive descriptor, or with the link down. `socket_calls` and `locked_pages` (by receives and
    sends that wait) are of the programs' sockets on it. `ring_max` and `locked_pages_max` are of the whole run.
    """
    at = f"nics.{name}"
    rates = "frames_in", "frames_out", "bytes_in", "bytes_out", "dropped", "interrupts"
    found = {f"{what}_per_s": it.rate(f"{at}.{what}") for what in rates}
    found["frames_per_interrupt"] = it.ratio(at, "frames_in", "interrupts")
    found["dpc_runs_per_s"] = it.rate(f"{at}.runs")
    found["frames_per_dpc_run"] = it.ratio(at, "frames_in", "runs")
    found["merged_share"] = it.ratio(at, "merged", "frames_in")
    found["copied_per_s"] = it.rate(f"{at}.copied")
    found["link_in_share"] = it.mean(f"{at}.link_in")
    found["link_out_share"] = it.mean(f"{at}.link_out")
    found["ring_max"] = it.most([f"{at}.ring_max"])
    found["socket_calls_per_s"] = it.rate(f"{at}.socket_calls")
    found["locked_pages_mean"] = it.mean(f"{at}.locked_area")
    found["locked_pages_max"] = it.most([f"{at}.locked_pages_max"])
    for what in ("moved_entries", "retransmitted", "unreachable"):
        found[what] = it.most([f"{at}.{what}"])
    found["processors"] = _spread(it, at)
    return found


def _spread(it: Runs, at: str) -> Figures:
    """By processor that a queue interrupts."""
    return {
        name: {"frames_per_s": it.rate(f"{place}.frames"), "interrupts_per_s": it.rate(f"{place}.interrupts")}
        for name, place in _beneath(it, f"{at}.processors", "frames")
    }


def numa(it: Runs) -> Figures:
    """By node, where touching its memory has a price: bytes of it that its own and other processors touched."""
    nodes = [name.removesuffix(".busy") for name in it.raws[0].samples if name.startswith("numa.")]
    return {
        at.removeprefix("numa."): {
            "local_bytes_per_s": it.rate(f"{at}.local"),
            "remote_bytes_per_s": it.rate(f"{at}.remote"),
            "bandwidth_share": it.mean(f"{at}.busy"),
        }
        for at in nodes
        if f"{at}.busy" in it.raws[0].samples
    }


def lock(it: Runs, name: str) -> Figures:
    """One lock's traffic."""
    at = f"locks.{name}"
    return {
        "acquisitions_per_s": it.rate(f"{at}.acquisitions"),
        "contended_share": it.ratio(at, "contended", "acquisitions"),
        "blocked_share": it.ratio(at, "blocked", "acquisitions"),
        "waiting_mean": it.mean(f"{at}.waiting"),
    }


def port_names(raw: Raw, name: str) -> list[str]:
    """What a described port is called in the records: itself, or `ports.NAME[0]`, ... where every processor has one."""
    if f"ports.{name}.limit" in raw.extremes:
        return [f"ports.{name}"]
    return [it for it in raw.resources if it.startswith(f"ports.{name}[")]
