"""python -m benchmarks [pairs [--pairs N]] | agreement | profile port|file   (see README.md beside this file)"""

import argparse
import platform
import sys

from benchmarks import agreement, where
from benchmarks.pairs import TARGETS, Sampler, a_core, compare


def run_pairs(pairs: int, only: list[str]) -> int:
    """All comparisons; 1 when a target was missed."""
    core = a_core()
    where_run = f"each sample on core {core}" if core >= 0 else "not pinned: this system can't"
    print(f"Python {platform.python_version()}, {platform.platform()}; {pairs} pairs, {where_run}", flush=True)
    sampler = Sampler(core)
    missed = 0
    for target in TARGETS:
        if only and target.ours not in only:
            continue
        outcome = compare(target, pairs, sampler)
        print("\n" + "\n".join(outcome.lines()), flush=True)
        missed += target.judged and not outcome.met
    return 1 if missed else 0


def run_agreement(replications: int, milliseconds: int) -> int:
    """Both twins beside iosim; 1 when a mean differs, or when the intervals are too wide to tell."""
    bad = 0
    for model in agreement.BUILDERS:
        scenario = agreement.scenario_of(model, milliseconds)
        found = agreement.with_the_same_draws(model, scenario, scenario)
        found += agreement.with_draws_of_their_own(model, scenario, replications)
        for comparison in found:
            print(comparison, flush=True)
            bad += not (comparison.agrees and comparison.sharp)
    return 1 if bad else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    verbs = parser.add_subparsers(dest="verb", required=True)
    pairs = verbs.add_parser("pairs", help="iosim against its SimPy twins, in turn")
    pairs.add_argument("--pairs", type=int, default=15)
    pairs.add_argument("--only", action="append", default=[], choices=[target.ours for target in TARGETS])
    agree = verbs.add_parser("agreement", help="whether twin and iosim are the same system")
    agree.add_argument("--replications", type=int, default=10)
    agree.add_argument("--milliseconds", type=int, default=1000, help="simulated time of one replication")
    profile = verbs.add_parser("profile", help="where iosim's time goes")
    profile.add_argument("model", choices=sorted(agreement.BUILDERS))
    given = sys.argv[1:]
    asked = parser.parse_args(["pairs", *given] if not given or given[0] in ("--pairs", "--only") else given)
    if asked.verb == "pairs":
        return run_pairs(asked.pairs, asked.only)
    if asked.verb == "agreement":
        return run_agreement(asked.replications, asked.milliseconds)
    where.report(asked.model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
