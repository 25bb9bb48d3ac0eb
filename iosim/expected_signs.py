"""Which way figures go when a key grows: what the doctor holds a scenario to.

Only what should hold whatever the scenario is. Left out on purpose: numbers of threads and limits of ports (too few block, too
many thrash), spin counts, queue depths, priorities and everything else that rightly goes either way.
"""

import re

LATENCY, TAIL, RATE, BUSY = "latency_ns.mean", "latency_ns.p99", "throughput_per_s", "processors.utilization"
OWN = "classes.*.throughput_per_s"  # that of the class whose key it is

# A pattern of paths (* is one name or index), the figures that may not fall (+) or rise (-) as the key grows, and why.
EXPECTED: tuple[tuple[str, dict[str, int], str], ...] = (
    (
        "machine.kernel.(call|remove|post|port_lock|isr|dpc|irp|page_lock|apc|ipi)",
        {LATENCY: 1, RATE: -1},
        "work takes longer",
    ),
    ("machine.stack.*", {LATENCY: 1, RATE: -1}, "work takes longer"),
    ("machine.kernel.(copy|compression|encryption)", {LATENCY: -1, RATE: 1}, "work is done faster"),
    ("machine.dispatcher.(context_switch|idle_exit)", {LATENCY: 1, RATE: -1}, "threads start later"),
    ("machine.memory.(l3|local)", {LATENCY: 1, RATE: -1}, "refilling a cache takes longer"),
    ("machine.smt.yield", {LATENCY: -1, RATE: 1}, "siblings are faster"),
    ("disks.*.(read|program|erase|overhead|serial|write_overhead)", {LATENCY: 1, RATE: -1}, "the drive takes longer"),
    ("disks.*.(bandwidth|write_bandwidth|channel_bandwidth)", {LATENCY: -1, RATE: 1}, "data move faster"),
    ("disks.*.(units|channels)", {LATENCY: -1, RATE: 1}, "more of the drive works at once"),
    ("disks.*.rpm", {LATENCY: -1, RATE: 1}, "the platter turns faster"),
    ("disks.*.head_switch", {LATENCY: 1, RATE: -1}, "the drive takes longer"),
    ("volumes.*.cache", {LATENCY: -1, RATE: 1}, "more is found in memory"),
    ("volumes.*.filters.*.(pre|post|delay)", {LATENCY: 1, RATE: -1}, "filters take longer"),
    ("files.*.hit_ratio", {LATENCY: -1, RATE: 1}, "more is found in memory"),
    ("handlers.*.*.(compute|block|sleep).time", {LATENCY: 1, RATE: -1}, "requests take longer"),
    ("handlers.*.*.lock.hold", {LATENCY: 1, RATE: -1}, "locks are held longer"),
    ("handlers.*.*.(read|write).size", {LATENCY: 1, RATE: -1}, "more is transferred"),
    ("workload.*.rate", {OWN: 1}, "more is asked for"),
    ("workload.*.clients", {LATENCY: 1}, "more wait for each other"),
    ("workload.*.think", {OWN: -1}, "clients ask less often"),
)


def expected(path: str, mixed: bool = False) -> tuple[dict[str, int], str]:
    """Figures with the sign of their change as the key grows, and why; empty where either way may be right.

    `mixed`: several classes, some of them closed: a change moves the shares of the classes, and with them every mean of all
    requests together, so that only a class's own figures are held to anything.
    """
    parts = path.replace("[", ".").replace("]", "")
    for pattern, signs, why in EXPECTED:
        if re.fullmatch(pattern.replace(".", r"\.").replace("*", r"[^.]+"), parts):
            own = {figure.replace("*", parts.split(".")[1]): sign for figure, sign in signs.items() if figure == OWN}
            return own | ({} if mixed else {figure: sign for figure, sign in signs.items() if figure != OWN}), why
    return {}, ""
