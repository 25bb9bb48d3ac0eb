"""Scenario files: what is right loads exactly; what is wrong is named by place, all of it at once."""

import pickle
from itertools import pairwise
from pathlib import Path

import pytest

from iosim.errors import WrongInput
from iosim.scenario import Scenario, load
from iosim.scenario.distributions import Distribution
from iosim.scenario.load import OpenLoad, Replay, Timing
from iosim.scenario.quantities import NO_LIMIT, PerProcessor
from iosim.scenario.steps import ComputeStep, ReadStep

BASE = """\
version: 1
scenario: server
machine: {cores_per_node: 2, dispatcher: {quantum: client}}
disks:
  disk0: {preset: nvme-datacentre-flash}
volumes:
  data: {disk: disk0, size: 100 GB}
files:
  content: {volume: data, size: 64 GiB}
locks: {table: {}}
ports:
  main: {concurrency: 0}
pools:
  workers: {port: main, threads: 2/processor}
handlers:
  request:
    - compute: {time: 15 us, touching: 64 KiB}
    - read: {file: content, size: {lognormal: {median: 16 KiB, sigma: 0.8}}}
    - lock: {name: table, hold: 1 us}
    - compute: {exponential: 10 us}
workload:
  web: {kind: open, port: main, handler: request, rate: 20000/s}
run: {duration: 2 s}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "s.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return f"./{name}"


def refusal(name: str, **options: object) -> list[str]:
    """The lines that the user sees."""
    with pytest.raises(WrongInput) as wrong:
        load(name, **options)  # type: ignore[arg-type]
    return str(wrong.value).replace("./", "").splitlines()


# old text, new text, the line that must come out
MISTAKES = {
    "a misspelt key": (
        "rate: 20000/s",
        "rate: 20000/s, arivals: constant",
        "s.yaml:22:66: workload.web.arivals: unknown key; did you mean 'arrivals'?",
    ),
    "a misspelt section": ("run: {", "rnu: {", "s.yaml:23:1: rnu: unknown key; did you mean 'run'?"),
    "a missing key": (
        ", rate: 20000/s",
        "",
        "s.yaml:22:8: workload.web.rate: required key is missing (requests a second (or /ms, /min, /h))",
    ),
    "a missing unit": (
        "time: 15 us",
        "time: 15",
        "s.yaml:17:23: handlers.request[0].compute.time: '15' has no unit;"
        " a time is written like '20 us' (units: ns, us, ms, s, min, h)",
    ),
    "a wrong dimension": (
        "duration: 2 s",
        "duration: 16 KiB",
        "s.yaml:23:17: run.duration: '16 KiB' is a size; a time is needed, like '20 us'",
    ),
    "a wrong dimension inside a distribution": (
        "{exponential: 10 us}",
        "{uniform: [1 us, 1 KiB]}",
        "s.yaml:20:33: handlers.request[3].compute.uniform[1]: '1 KiB' is a size; a time is needed, like '20 us'",
    ),
    "an unknown distribution": (
        "{exponential: 10 us}",
        "{exponental: 10 us}",
        "s.yaml:20:17: handlers.request[3].compute.exponental: unknown distribution; did you mean 'exponential'?",
    ),
    "an unknown step": (
        "- read: {",
        "- raed: {",
        "s.yaml:18:7: handlers.request[1].raed: unknown step; did you mean 'read'?",
    ),
    "a duplicate key": (
        "threads: 2/processor}",
        "threads: 2/processor, port: main}",
        "s.yaml:14:47: pools.workers.port: duplicate key; first on line 14",
    ),
    "a dangling port": (
        "workers: {port: main",
        "workers: {port: mian",
        "s.yaml:14:19: pools.workers.port: no port 'mian'; did you mean 'main'?",
    ),
    "a dangling handler": (
        "handler: request,",
        "handler: requets,",
        "s.yaml:22:42: workload.web.handler: no handler 'requets'; did you mean 'request'?",
    ),
    "a dangling file": (
        "file: content,",
        "file: contents,",
        "s.yaml:18:20: handlers.request[1].read.file: no file 'contents'; did you mean 'content'?",
    ),
    "a dangling lock": (
        "name: table",
        "name: x",
        "s.yaml:19:20: handlers.request[2].lock.name: no lock 'x' (known: table)",
    ),
    "a critical section that is to be shared": (
        "hold: 1 us}",
        "hold: 1 us, shared: true}",
        "s.yaml:19:47: handlers.request[2].lock.shared: lock 'table' can't be shared; only locks of 'kind: slim' can",
    ),
    "a dangling disk": ("{disk: disk0", "{disk: d", "s.yaml:7:16: volumes.data.disk: no disk 'd' (known: disk0)"),
    "a dangling volume": (
        "volume: data",
        "volume: dat",
        "s.yaml:9:21: files.content.volume: no volume 'dat'; did you mean 'data'?",
    ),
    "an unknown preset": (
        "preset: nvme-datacentre-flash",
        "preset: nvme-datacenter-flash",
        "s.yaml:5:19: disks.disk0.preset: no preset 'nvme-datacenter-flash'; did you mean 'nvme-datacentre-flash'?",
    ),
    "a disk of two kinds": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, kind: hdd}",
        "s.yaml:5:10: disks.disk0: a disk has either a 'preset' (a known drive) or a 'kind' (hdd, nvme or ssd)"
        " with its own settings",
    ),
    "hard-disk settings of a solid-state disk": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, order: sptf}",
        "s.yaml:5:10: disks.disk0: 'nvme-datacentre-flash' is not a hard disk; it has no order and no age_limit",
    ),
    "a distance matrix of the wrong shape": (
        "{cores_per_node: 2,",
        "{numa_nodes: 2, distances: [[10, 20], [20]],",
        "s.yaml:3:48: machine.distances[1]: 1 distances in a matrix of 2 rows",
    ),
    "a distance matrix of the wrong size": (
        "{cores_per_node: 2,",
        "{numa_nodes: 3, distances: [[10, 20], [20, 10]],",
        "s.yaml:3:37: machine.distances: 2 rows for 3 NUMA nodes",
    ),
    "distances that differ by direction": (
        "{cores_per_node: 2,",
        "{numa_nodes: 2, distances: [[10, 20], [21, 10]],",
        "s.yaml:3:49: machine.distances[1][0]: 21 one way but 20 the other; distances are symmetric",
    ),
    "a node that is far from itself": (
        "{cores_per_node: 2,",
        "{numa_nodes: 1, distances: [[11]],",
        "s.yaml:3:39: machine.distances[0][0]: the distance of node 0 to itself is 11; it must be 10",
    ),
    "a node of more than 64 processors": (
        "{cores_per_node: 2,",
        "{cores_per_node: 33, smt: {threads: 2},",
        "s.yaml:3:27: machine.cores_per_node: 66 logical processors on a node; a group, and so a node, has at most 64",
    ),
    "a volume larger than its disk": (
        "size: 100 GB",
        "size: 801 GB",
        "s.yaml:7:29: volumes.data.size: 801 GB does not fit: disk 'disk0' has 800 GB left",
    ),
    "a file larger than its volume": (
        "size: 64 GiB",
        "size: 101 GB",
        "s.yaml:9:33: files.content.size: 101 GB does not fit: volume 'data' has 100 GB left",
    ),
    "a read beyond its file": (
        "size: {lognormal: {median: 16 KiB, sigma: 0.8}}",
        "size: 64 KiB, offset: 64 GiB",
        "s.yaml:18:35: handlers.request[1].read.size: reaches 67108928 KiB into a file of 64 GiB",
    ),
    "an interrupt to a processor that is not there": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, interrupt_processor: 2}",
        "s.yaml:5:63: disks.disk0.interrupt_processor: the machine has processors 0 to 1, not 2",
    ),
    "a batch of nothing": (
        "threads: 2/processor}",
        "threads: 2/processor, batch: 0}",
        "s.yaml:14:54: pools.workers.batch: 0 is not 1 or more",
    ),
    "an unknown affinity": (
        "threads: 2/processor}",
        "threads: 2/processor, affinity: procesor}",
        "s.yaml:14:57: pools.workers.affinity: 'procesor' is not one of any, processor; did you mean 'processor'?",
    ),
    "more threads for a processor than memory holds": (
        "threads: 2/processor}",
        "threads: 12345678901/processor}",
        "s.yaml:14:34: pools.workers.threads: '12345678901/processor' is more than 10000/processor",
    ),
    "a pool that grows downwards": (
        "threads: 2/processor}",
        "threads: 8, grows: {max: 2/processor}}",
        "s.yaml:14:50: pools.workers.grows.max: at most 4 threads, but the pool begins with 8",
    ),
    "a growing pool that shares its port": (
        "threads: 2/processor}",
        "threads: 8, grows: {}}\n  others: {port: main, threads: 1}",
        "s.yaml:14:19: pools.workers.port: a pool that grows needs a port to itself; 'main' also has pool 'others'",
    ),
    "a growing pool on a port for each processor": (
        "concurrency: 0}\npools:\n  workers: {port: main, threads: 2/processor}",
        "concurrency: 0, per: processor}\npools:\n  workers: {port: main, threads: 8, grows: {}}",
        "s.yaml:14:44: pools.workers.grows: a pool can't grow on 'main', a port for each processor",
    ),
    "a processor's port without a thread": (
        "concurrency: 0}\npools:\n  workers: {port: main, threads: 2/processor}",
        "concurrency: 0, per: processor}\npools:\n  workers: {port: main, threads: 1}",
        "s.yaml:14:34: pools.workers.threads: 2 are needed: 'main' is a port for each processor, and each needs a thread",
    ),
    "several requests at once of nobody": (
        "rate: 20000/s}",
        "rate: 20000/s, outstanding: 2}",
        "s.yaml:22:66: workload.web.outstanding: unknown key (known here: kind, port, handler, rate, arrivals)",
    ),
    "a client that never asks": (
        "{kind: open, port: main, handler: request, rate: 20000/s}",
        "{kind: closed, port: main, handler: request, clients: 4, outstanding: 0}",
        "s.yaml:22:78: workload.web.outstanding: 0 is not 1 or more",
    ),
    "a skip flag that is a number": (
        "size: 64 GiB}",
        "size: 64 GiB, skip_on_success: 1}",
        "s.yaml:9:58: files.content.skip_on_success: 1 is neither true nor false",
    ),
    "an interrupt policy for a processor that is not there": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, interrupt_policy: specified, interrupt_processors: [1, 2]}",
        "s.yaml:5:97: disks.disk0.interrupt_processors[1]: the machine has processors 0 to 1, not 2",
    ),
    "processors without a policy that asks for them": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, interrupt_processors: [1]}",
        "s.yaml:5:64: disks.disk0.interrupt_processors: goes with 'interrupt_policy: specified', and that with it",
    ),
    "two ways to say where interrupts go": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, interrupt_policy: spread, interrupt_processor: 1}",
        "s.yaml:5:89: disks.disk0.interrupt_processor: an 'interrupt_policy' says already which processors; leave one out",
    ),
    "a disk on a node that is not there": (
        "{preset: nvme-datacentre-flash}",
        "{preset: nvme-datacentre-flash, interrupt_policy: all_close, numa_node: 1}",
        "s.yaml:5:82: disks.disk0.numa_node: the machine has NUMA nodes 0 to 0, not 1",
    ),
    "an expectation of an unknown figure": (
        "run: {",
        "expect: [latency_ns.p98 < 1 ms]\nrun: {",
        "s.yaml:23:10: expect[0]: 'latency_ns.p98' is not a figure of the summary; did you mean 'p99'?",
    ),
    "an expectation of an unknown class": (
        "run: {",
        "expect: [classes.wed.throughput_per_s > 1]\nrun: {",
        "s.yaml:23:10: expect[0]: 'classes.wed.throughput_per_s': nothing is named 'wed'; did you mean 'web'?",
    ),
    "an expectation without a unit": (
        "run: {",
        "expect: [p99 < 5]\nrun: {",
        "s.yaml:23:10: expect[0]: '5' has no unit; a time is written like '20 us' (units: ns, us, ms, s, min, h)",
    ),
    "a study of an illegal value": (
        "run: {",
        "study: {vary: {workload.web.rate: [1000/s, fast]}}\nrun: {",
        "s.yaml:23:44: study.vary[workload.web.rate][1]: 'fast' is not a rate; write it like '20000/s'",
    ),
    "a study of an unknown key": (
        "run: {",
        "study: {vary: {workload.web.rat: [1000/s]}}\nrun: {",
        "s.yaml:23:35: study.vary[workload.web.rat][0]: unknown key; did you mean 'rate'?",
    ),
    "a trace that is not there": (
        "{kind: open, port: main, handler: request, rate: 20000/s}",
        "{kind: replay, port: main, trace: no.csv, map: content}",
        "s.yaml:22:42: workload.web.trace: no such file: {here}/no.csv",
    ),
    "a transfer outside a replay": (
        "- compute: {exponential: 10 us}",
        "- transfer: {}",
        "s.yaml:20:17: handlers.request[3].transfer: only a replay has rows to transfer; workload 'web' is not one",
    ),
    "a hit ratio without a cache": (
        "size: 64 GiB}",
        "size: 64 GiB, hit_ratio: 0.5}",
        "s.yaml:9:52: files.content.hit_ratio: means nothing for unbuffered access; write 'access: cached' as well",
    ),
    "a ratio beyond one": (
        "size: 64 GiB}",
        "size: 64 GiB, access: cached, hit_ratio: 120 %}",
        "s.yaml:9:68: files.content.hit_ratio: '120 %' is not between 0 and 1 (or 0 % and 100 %)",
    ),
    "a key without a value": ("duration: 2 s", "duration:", "s.yaml:23:16: run.duration: has no value"),
    "a tag": (
        "quantum: client",
        "quantum: !!str client",
        "s.yaml:3:52: machine.dispatcher.quantum: tags ('!') have no meaning in a scenario",
    ),
    "a number with a leading zero": (
        "concurrency: 0}",
        "concurrency: 0777}",
        "s.yaml:12:23: ports.main.concurrency: '0777' is octal to some readers;"
        " write 777 without the leading zero, or quote it",
    ),
    "a merge key": (
        "  workers: {",
        "  workers: {<<: {priority: 3}, ",
        "s.yaml:14:13: pools.workers: merge keys ('<<') are not supported; write the keys out, or use 'extends'",
    ),
    "broken YAML": (
        "{concurrency: 0}",
        "{concurrency: 0",
        "s.yaml:13:6: not YAML: expected ',' or '}', but got ':', while parsing a flow mapping",
    ),
    "an unknown version, and nothing else": (
        "version: 1\nscenario: server",
        "version: 2\nscenario: 9",
        "s.yaml:1:10: version: version 2 is not known; this iosim reads version 1",
    ),
    "a bare yes, which is text": (
        "run: {",
        "overloads: yes\nrun: {",
        "s.yaml:23:12: overloads: 'yes' is neither true nor false; write true",
    ),
    "a file that is larger than NTFS has them": (
        "size: 64 GiB",
        "size: 17 TiB",
        "s.yaml:9:33: files.content.size: 18691697672192 bytes are more than a file can have: 16 TiB at most",
    ),
    "a name that can't stand in a path": (
        "locks: {table: {}}",
        "locks: {table: {}, a.b: {}}",
        "s.yaml:10:20: locks[a.b]: not a name: letters, digits, '-' and '_', beginning with a letter",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(kind: str, here: Path) -> None:
    """Anyone can jump from the line to the place, and every editor reads this form."""
    old, new, line = MISTAKES[kind]
    assert BASE.count(old) == 1
    assert refusal(write(BASE.replace(old, new))) == [line.replace("{here}", str(here))]


def test_all_mistakes_come_at_once_in_the_order_of_the_file(here: Path) -> None:
    """Nobody wants to mend a file one run at a time, whatever kinds its mistakes are of."""
    text = BASE.replace("cores_per_node: 2", "cores_per_node: 65").replace("size: 100 GB", "size: 801 GB")
    text = text.replace("name: table", "name: tabel").replace("duration: 2 s", "duration: 2, durration: 1 s")
    text = text.replace("port: main, threads", "port: main, port: main, threads")
    assert [line.split(": ")[1] for line in refusal(write(text))] == [
        "machine.cores_per_node",
        "volumes.data.size",
        "pools.workers.port",
        "handlers.request[2].lock.name",
        "run.duration",
        "run.durration",
    ]


def test_a_port_without_a_pool_is_a_mistake_only_where_packets_are_sent(here: Path) -> None:
    text = BASE.replace("  main: {concurrency: 0}", "  main: {concurrency: 0}\n  other: {}")
    assert load(write(text)).model.ports["other"].concurrency == 0
    posting = text.replace("- compute: {exponential: 10 us}", "- post: {port: other}")
    assert refusal(write(posting)) == [
        "s.yaml:21:20: handlers.request[3].post.port: no pool waits on port 'other': nobody would remove its packets"
    ]


def test_a_pool_cannot_grow_on_ports_whose_lock_costs(here: Path) -> None:
    growing = BASE.replace("threads: 2/processor}", "threads: 8, grows: {}}")
    assert load(write(growing)).model.pools["workers"].grows is not None
    costly = growing.replace("cores_per_node: 2", "cores_per_node: 2, kernel: {port_lock: 100 ns}")
    assert refusal(write(costly)) == [
        "s.yaml:14:44: pools.workers.grows: a pool can't grow where machine.kernel.port_lock is above 0"
    ]


def test_a_yaml_bomb_is_stopped_before_it_is_expanded(here: Path) -> None:
    """Nine levels of nine aliases are 387 million values."""
    letters = "abcdefghi"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise(letters)]
    name = write("\n".join(lines))
    assert refusal(name) == ["s.yaml:6:12: more than 200000 values once its aliases are expanded"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "s.yaml: not a text file in UTF-8 (byte 0)"),
        (b"version: 1\x00\n", "s.yaml: not a text file (it holds control characters)"),
        (b"", "s.yaml: the file is empty"),
        (b"# nothing\n", "s.yaml: the file is empty"),
        (b"- 1\n", "s.yaml:1:1: a scenario is a map of keys, like 'version: 1'"),
        (b"a: 1\n---\nb: 2\n", "s.yaml:2:1: a second document begins here; a scenario is one document"),
        (b"a: &a [*a]\n", "s.yaml:1:8: alias '*a' has no anchor before it, or lies inside it"),
        (b"a: " + b"[" * 100_000, "s.yaml:1:54: nested deeper than 50 levels"),
        (b"x" * (1 << 20) + b"xx", "s.yaml: larger than 1 MiB, which no scenario is"),
    ],
)
def test_what_is_no_scenario_at_all_is_refused_in_one_line(content: bytes, line: str, here: Path) -> None:
    Path("s.yaml").write_bytes(content)
    assert refusal("./s.yaml") == [line]


def test_a_missing_file_or_scenario_says_how_to_name_one(here: Path) -> None:
    assert refusal("./nothing.yaml") == ["nothing.yaml: no such file"]
    (line,) = refusal("no-such-scenario")
    assert line.startswith("no-such-scenario: no bundled scenario of this name")
    assert "'no-such-scenario.yaml'" in line
    Path("dir.yaml").mkdir()
    assert refusal("dir.yaml") == ["dir.yaml: cannot be read: Is a directory"]


def test_places_count_characters_and_not_bytes(here: Path) -> None:
    text = BASE.replace("scenario: server", 'scenario: server\ndescription: "µµµ", seed: 1', 1)
    assert refusal(write(text))[0].startswith("s.yaml:3:19: not YAML")


def test_the_patterns_of_practitioners_have_keys_and_defaults_that_change_nothing(here: Path) -> None:
    plain = load(write(BASE)).effective()
    pool = plain["pools"]["workers"]
    assert (pool["threads"], pool["batch"], pool["affinity"], "grows" in pool) == ("2/processor", 1, "any", False)
    assert (plain["ports"]["main"]["per"], plain["files"]["content"]["skip_on_success"]) == ("machine", False)
    grown = load(write(BASE), {"pools.workers.grows": {"max": "8/processor"}})
    assert grown.model.pools["workers"].grows is not None
    assert grown.effective()["pools"]["workers"]["grows"] == {
        "max": "8/processor",
        "after": "0 ns",
        "idle_timeout": "20 s",
        "creation": "30 us",
    }


def test_quantities_become_integers_of_the_models_grain(here: Path) -> None:
    model = load(write(BASE)).model
    assert model.run.duration == 2 * 10**9
    assert model.run.warm_up is None
    assert model.machine.dispatcher.quantum == 31_250_000
    assert model.machine.l2 == 1 << 20
    assert model.pools["workers"].threads == PerProcessor(2)
    web = model.workload["web"]
    assert isinstance(web, OpenLoad)
    assert web.rate == 20_000
    compute, read, _lock, last = model.handlers["request"]
    assert isinstance(compute, ComputeStep)
    assert compute.compute.touching.private == 65_536
    assert isinstance(read, ReadStep)
    assert read.read.size == Distribution("lognormal", (16_384,), (0.8,))
    assert isinstance(last, ComputeStep)
    assert last.compute.time == Distribution("exponential", (10_000,))


@pytest.mark.parametrize(
    ("text", "concurrency"), [("0", 0), ("3", 3), ("2/processor", PerProcessor(2)), ("none", NO_LIMIT)]
)
def test_concurrency_is_a_number_per_processor_or_without_limit(
    text: str, concurrency: int | PerProcessor, here: Path
) -> None:
    scenario = load(write(BASE), set=[("ports.main.concurrency", text)])
    assert scenario.model.ports["main"].concurrency == concurrency


@pytest.mark.parametrize(
    ("written", "mean"),
    [
        ("10 us", 10_000),
        ("{uniform: [1 us, 3 us]}", 2_000),
        ("{pareto: {scale: 1 us, shape: 2}}", 2_000),
        ("{choice: {values: [1 us, 3 us], weights: [3, 1]}}", 1_500),
        ("{empirical: [[1 us, 0.5], [3 us, 1]]}", 1_500),
        ("{lognormal: {median: 1 us, sigma: 0}}", 1_000),
    ],
)
def test_every_shape_is_read_and_written_back(written: str, mean: float, here: Path) -> None:
    scenario = load(write(BASE), set=[("handlers.request[3].compute", written)])
    step = scenario.model.handlers["request"][3]
    assert isinstance(step, ComputeStep)
    assert step.compute.time.mean() == pytest.approx(mean)
    assert load(write(scenario.to_yaml(), "again.yaml")).model == scenario.model


def test_the_effective_scenario_reproduces_itself(here: Path) -> None:
    """What is written beside the results is enough to run it again; nothing hides in a default."""
    scenario = load(write(BASE))
    again = load(write(scenario.to_yaml(), "again.yaml"))
    assert again.model == scenario.model
    assert again.effective() == scenario.effective()
    assert again.digest() == scenario.digest()
    assert again.to_yaml() == scenario.to_yaml()


def test_the_digest_forgets_how_a_value_was_written_but_not_what_it_is(here: Path) -> None:
    scenario = load(write(BASE))
    assert load(write(BASE.replace("15 us", "0.015 ms"))).digest() == scenario.digest()
    assert scenario.with_set({"run.seed": 2}).digest() != scenario.digest()


def test_a_scenario_travels_to_another_process(here: Path) -> None:
    scenario = load(write(BASE))
    again: Scenario = pickle.loads(pickle.dumps(scenario))
    assert again.digest() == scenario.digest()
    assert again.origin("run.duration") == "./s.yaml:23"


def test_overrides_follow_the_files_own_rules(here: Path) -> None:
    scenario = load(
        write(BASE),
        set=[
            ("workload.web.rate", "5/ms"),
            ("machine.smt.threads", "2"),
            ("handlers.request[4]", "{sleep: 1 ms}"),
            ("locks.other.spin", "0 s"),
            ("volumes.data.size", "null"),
        ],
    )
    assert scenario.get("workload.web.rate") == "5000/s"
    assert scenario.model.machine.processors == 4
    assert len(scenario.model.handlers["request"]) == 5
    assert scenario.model.locks["other"].spin == 0
    assert scenario.model.volumes["data"].size is None


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("workload.web.rat", "5/s", "workload.web.rat: unknown key; did you mean 'rate'?"),
        ("workload.web.rate", "5", "workload.web.rate: '5' has no unit; a rate is written like '20000/s'"),
        ("machine.l2", "1 ms", "machine.l2: '1 ms' is a time; a size is needed, like '64 KiB'"),
        ("workers.threads", "4", "workers: unknown key"),
        ("handlers.request[9]", "{}", "handlers.request is a list; '9' is not one of its indexes (0 to 3)"),
        ("run.duration.x", "1 s", "run.duration is '2 s', which has no 'x' inside"),
        ("a..b", "1", "'a..b' is not a path"),
        ("run.seed", "{", "not YAML"),
        ("version", "2", "version: version 2 is not known; this iosim reads version 1"),
    ],
)
def test_a_wrong_override_names_itself(path: str, value: str, line: str, here: Path) -> None:
    (found,) = refusal(write(BASE), set=[(path, value)])
    assert found.startswith(f"--set {path}={value}: {line}")


def test_python_values_are_overrides_too(here: Path) -> None:
    scenario = load(write(BASE), set={"ports.main.concurrency": 4, "run.record": ["causes"], "overloads": True})
    assert scenario.model.ports["main"].concurrency == 4
    assert scenario.model.run.record == ("causes",)
    with pytest.raises(WrongInput, match=r"--set overloads=4: overloads: 4 is neither true nor false"):
        load("./s.yaml", set={"overloads": 4})


def test_every_value_knows_where_it_was_written(here: Path) -> None:
    scenario = load(write(BASE), set=[("run.seed", "3")])
    assert scenario.origin("workload.web.rate") == "./s.yaml:22"
    assert scenario.origin("handlers.request[3].compute.time.exponential") == "./s.yaml:20"
    assert scenario.origin("handlers.request[3].compute.time") == "./s.yaml:20"
    assert scenario.origin("handlers.request[3].compute.touching.private") == "default"
    assert scenario.origin("handlers.request[3].compute.nothing") == "default"
    assert scenario.origin("machine.l2") == "default"
    assert scenario.origin("run.seed") == "--set run.seed=3"


def test_a_scenario_extends_another_key_by_key(here: Path) -> None:
    """Maps are merged, lists replaced, and null takes an inherited key away."""
    write(BASE, "base.yaml")
    child = "version: 1\nextends: base.yaml\nworkload: {web: {rate: 1/s}}\nvolumes: {data: {size: null}}\n"
    child += "handlers: {request: [{compute: 1 us}]}\n"
    scenario = load(write(child, "child.yaml"))
    assert scenario.name == "server"
    assert scenario.get("workload.web.rate") == "1/s"
    assert len(scenario.model.handlers["request"]) == 1
    assert scenario.model.volumes["data"].size is None
    assert scenario.origin("workload.web.port") == "base.yaml:22"


def test_a_mistake_of_an_extended_file_points_into_that_file(here: Path) -> None:
    Path("lower").mkdir()
    write(BASE.replace("20000/s", "20000"), "lower/base.yaml")
    lines = refusal(write("extends: lower/base.yaml\nrun: {seed: x}\n", "child.yaml"))
    assert [line.split(": ")[0] for line in lines] == ["child.yaml:2:13", "lower/base.yaml:22:57"]


def test_extending_in_a_circle_is_refused(here: Path) -> None:
    write("extends: ./b.yaml\n", "a.yaml")
    write("extends: a.yaml\n", "b.yaml")
    assert refusal("a.yaml") == ["b.yaml:1:10: extends: 'a.yaml' extends itself, directly or through others"]
    assert refusal(write("extends: c.yaml\n")) == ["s.yaml:1:10: extends: no such file: c.yaml"]


def test_a_trace_is_found_beside_the_file_that_names_it(here: Path) -> None:
    Path("deep").mkdir()
    Path("deep/t.csv").write_text("")
    old = "{kind: open, port: main, handler: request, rate: 20000/s}"
    new = "{kind: replay, port: main, trace: t.csv, timing: {speedup: 2.5}, map: {0: content}}"
    write(BASE.replace(old, new), "deep/base.yaml")
    scenario = load(write("extends: deep/base.yaml\nscenario: outer\n"))
    assert scenario.traces == {"web": here / "deep" / "t.csv"}
    web = scenario.model.workload["web"]
    assert isinstance(web, Replay)
    assert web.timing == Timing(speedup=web.timing.speedup)
    assert web.timing.speedup * 2 == 5
    again = load(write(scenario.to_yaml(), "again.yaml"))
    assert again.digest() == scenario.digest()


def test_a_scenario_without_a_name_is_called_like_its_file(here: Path) -> None:
    assert load(write(BASE.replace("scenario: server\n", ""), "my-server.yaml")).name == "my-server"


def test_cells_of_a_study_are_validated_before_anything_runs(here: Path) -> None:
    text = BASE + "study: {vary: {pools.workers.threads: [1, 2/processor], machine.l2: [1 MiB]}}\n"
    scenario = load(write(text))
    assert scenario.model.study is not None
    assert scenario.model.study.vary["pools.workers.threads"] == (1, "2/processor")
    cell = scenario.with_set({"pools.workers.threads": "2/processor", "machine.l2": "2 MiB"})
    assert cell.model.pools["workers"].threads == PerProcessor(2)


def test_a_plot_shows_what_is_varied(here: Path) -> None:
    text = BASE + "study: {vary: {machine.l2: [1 MiB]}, plot: {x: machine.l3, figure: p99}}\n"
    assert refusal(write(text)) == [
        "s.yaml:24:48: study.plot.x: 'machine.l3' is not varied; did you mean 'machine.l2'?"
    ]


def test_expectations_know_the_unit_of_their_figure(here: Path) -> None:
    text = BASE + "expect: [p99 < 5 ms, mean wait <= 1 s, throughput_per_s > 1/ms, processors.utilization < 90 %]\n"
    found = [(it.figure, it.operator, it.bound) for it in load(write(text)).model.expect]
    assert found == [
        ("latency_ns.p99", "<", 5e6),
        ("wait_ns.mean", "<=", 1e9),
        ("throughput_per_s", ">", 1000),
        ("processors.utilization", "<", 0.9),
    ]
