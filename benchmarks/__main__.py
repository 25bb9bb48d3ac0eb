"""python -m benchmarks [pairs] | agreement | profile | sizes | memory | trace | sweep | plans   (see README.md beside it)"""

import argparse
import platform
import sys
from pathlib import Path

from benchmarks import agreement, connections, memory, pairs, plans, sizes, startup, study, trace, where
from benchmarks.install import default_cache
from benchmarks.registry import ENGINES
from benchmarks.systems import TITLES

VERBS = ("pairs", "agreement", "profile", "sizes", "memory", "trace", "sweep", "plans")


def run_pairs(asked: argparse.Namespace) -> int:
    """All comparisons and the start-up times; 1 when a target was missed."""
    sampler = pairs.Sampler(pairs.a_core(), asked.cache, asked.requests)
    where_run = f"each sample on core {sampler.core}" if sampler.core >= 0 else "not pinned: this system can't"
    print(f"Python {platform.python_version()}, {platform.platform()}; {asked.pairs} pairs, {where_run}", flush=True)
    missed = []
    unjudged = []
    for system in asked.only or TITLES:
        found = pairs.measure(system, asked.pairs, sampler, asked.engine)
        pairs.say(pairs.table(found))
        missed += [target for target in pairs.targets_of(found) if not pairs.met(found, target)]
        unjudged += pairs.unjudged(found)
    slow = 0 if asked.only or asked.engine else startup.report(min(asked.pairs, pairs.FEW))
    if unjudged:
        print(f"\n{len(unjudged)} targets could not be judged: an engine has no samples (the tables say why)")
    return 1 if missed or slow else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    verbs = parser.add_subparsers(dest="verb", required=True)
    compare = verbs.add_parser("pairs", help="iosim against its peers, in turn (what is done without a verb)")
    compare.add_argument("--pairs", type=int, default=15, help="rounds; engines that no target names take part in 5")
    compare.add_argument("--only", action="append", default=[], choices=[*TITLES], help="this system alone")
    names = [engine.name for engine in ENGINES]
    compare.add_argument("--engine", action="append", default=[], choices=names, help="these engines alone")
    compare.add_argument("--requests", type=int, default=0, help="in every sample, instead of a second's worth")
    agree = verbs.add_parser("agreement", help="whether the peers' programs and iosim are the same systems")
    agree.add_argument("--only", action="append", default=[], choices=[*TITLES])
    agree.add_argument("--replications", type=int, default=10)
    agree.add_argument("--milliseconds", type=int, default=0, help="simulated time of one replication")
    for verb in (compare, agree):
        verb.add_argument("--cache", type=Path, default=default_cache(), help="where peers are installed")
    profile = verbs.add_parser("profile", help="where iosim's time goes")
    profile.add_argument("model", choices=sorted(TITLES))
    grow = verbs.add_parser("sizes", help="cost against size: slopes of counts")
    grow.add_argument("--largest", type=int, default=1_000_000, help="requests of the largest run of that sweep")
    grow.add_argument("--only", action="append", default=[], choices=[*sizes.SWEEPS])
    grow.add_argument("--instructions", action="store_true", help="count instructions too, by perf or valgrind")
    much = verbs.add_parser("memory", help="peak memory of a long run")
    much.add_argument(
        "part", nargs="?", choices=("run", "connections"), default="run", help="of a long run, or of a connection"
    )
    much.add_argument("--requests", type=int, default=10_000_000)
    replayed = verbs.add_parser("trace", help="time and peak memory of replaying a block trace")
    replayed.add_argument("file", type=Path, help="within 180 GB, in a format that iosim reads")
    grid = verbs.add_parser("sweep", help="a study on two cores against two bare copies of its cell")
    grid.add_argument("--milliseconds", type=int, default=1000, help="simulated time of one replication of a cell")
    grid.add_argument("--rounds", type=int, default=5)
    planned = verbs.add_parser("plans", help="capacity plans whose answer is known: how many intervals hold it")
    planned.add_argument("--seeds", type=int, default=12, help="plans for each of the five objectives")
    planned.add_argument("--milliseconds", type=int, default=600, help="simulated time of one replication")
    given = sys.argv[1:]
    asked = parser.parse_args(
        given if given and (given[0] in VERBS or given[0] in ("-h", "--help")) else ["pairs", *given]
    )
    if asked.verb == "pairs":
        return run_pairs(asked)
    if asked.verb == "agreement":
        sampler = pairs.Sampler(pairs.a_core(), asked.cache)
        systems = {it: asked.milliseconds or agreement.MILLISECONDS[it] for it in asked.only or TITLES}
        return agreement.report(systems, asked.replications, sampler)
    if asked.verb == "sizes":
        return sizes.report(asked.only or [*sizes.SWEEPS], asked.largest, asked.instructions)
    if asked.verb == "memory":
        return connections.report(connections.FULL) if asked.part == "connections" else memory.report(asked.requests)
    if asked.verb == "sweep":
        return study.report(asked.milliseconds, asked.rounds)
    if asked.verb == "trace":
        return trace.report(asked.file)
    if asked.verb == "plans":
        return plans.run(asked.seeds, asked.milliseconds)
    where.report(asked.model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
