"""Kernel threads, and the programs that they run.

A program says in advance what its thread will be busy with: the thread *owes* processor time, a processor has it paid
(processor.py), and both book it (accounts.py). Source: semantics 7.1 to 7.5.
"""

from iosim.attribution import NO_REQUEST

# States of a thread (semantics 7.3; standby lasts no time here).
READY, RUNNING, WAITING, TERMINATED = range(4)

# IRQLs (semantics 7.5); all devices share one level.
PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, DEVICE_IRQL = range(4)

# Kinds of processor time; the first five are kinds of thread time and have the numbers of their causes.
KINDS = ("user", "kernel", "switch", "refill", "spin", "isr", "dpc", "idle")
USER, KERNEL, SWITCH, REFILL, SPIN, ISR, DPC, IDLE = range(8)


class Program:
    """What a thread does. The dispatcher calls `resume`; the program owes time, waits, or gives the thread up."""

    def resume(self, thread: "Thread") -> bool:
        """Go on, the thread being on a processor with nothing owed.

        True: the thread owes time, and wants to be called again when it is paid. False: it waits or has ended.
        """
        raise NotImplementedError


class Thread:
    """A kernel thread: what it runs, what it owes, where it ran last.

    `owed` is the sum of the five kinds (ns of this processor); `private` and `request_bytes` are its working set
    (bytes), whose cache lines are where `cache.py` left them. From `affinity` on: what only some schedulers look at.
    """

    __slots__ = (
        "affinity",
        "base_priority",
        "boosts",
        "core_fill",
        "foreground",
        "full_quantum",
        "full_units",
        "group",
        "ideal",
        "irql",
        "node_fill",
        "number",
        "owed",
        "owed_kernel",
        "owed_refill",
        "owed_spin",
        "owed_switch",
        "owed_user",
        "planned",
        "priority",
        "priority_decrement",
        "private",
        "processor",
        "program",
        "quantum",
        "queued_on",
        "ready_since",
        "request",
        "request_bytes",
        "stage",
        "state",
        "stolen",
        "switches",
        "turn",
        "units",
        "wait_began",
        "wait_cause",
    )

    def __init__(self, number: int, program: Program, priority: int) -> None:
        self.number = number
        self.program = program
        self.base_priority = priority
        self.priority = priority  # with its boost, which decays (semantics 7.4)
        self.state = WAITING
        self.planned = False  # owed time is left from before a pre-emption: nothing to ask the program yet
        self.owed = 0
        self.owed_user = 0
        self.owed_kernel = 0
        self.owed_switch = 0
        self.owed_refill = 0
        self.owed_spin = 0
        self.stolen = 0  # ns that interrupts took from the present stretch
        self.quantum = 0
        self.request = NO_REQUEST
        self.wait_cause = 0
        self.wait_began = 0
        self.processor = -1
        self.private = 0
        self.request_bytes = 0
        self.core_fill = 0
        self.node_fill = 0
        self.stage = 0
        self.switches = 0
        self.affinity = 0  # bit n: may run on processor n of the machine; 0: on any of its group
        self.group = 0
        self.ideal = 0
        self.full_quantum = 0  # ns: what a refill gives
        self.units = 0  # left of the quantum where clock ticks are charged (semantics 7.2)
        self.full_units = 0
        self.foreground = 0  # 0 to 2: how far its process is in front
        self.boosts = True  # a wake may boost it
        self.priority_decrement = 0  # the part of its boost that goes all at once (semantics 7.4)
        self.queued_on = 0  # while ready: the queue that it is in
        self.ready_since = 0  # ns
        self.turn = 0  # while ready: who comes first of equals in two queues
        self.irql = PASSIVE_LEVEL  # at most DISPATCH_LEVEL; kept when it is switched out below that

    def owe_user(self, ns: int) -> None:
        """Run in user mode for `ns`."""
        self.owed_user += ns
        self.owed += ns

    def owe_kernel(self, ns: int) -> None:
        """Run in kernel mode for `ns`."""
        self.owed_kernel += ns
        self.owed += ns

    def owe_refill(self, ns: int) -> None:
        """Wait for cache lines for `ns`."""
        self.owed_refill += ns
        self.owed += ns

    def owe_spin(self, ns: int) -> None:
        """Spin for `ns` at most: whoever lets the spinner in cuts it short."""
        self.owed_spin += ns
        self.owed += ns


IDLE_THREAD = Thread(-1, Program(), -1)
