# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The completion port by hand
#
# An I/O completion port is a kernel queue with two lists and two numbers:
#
# | | in `iosim` | what it is |
# | --- | --- | --- |
# | entries | `entries` | packets that nobody has taken yet, **first in, first out** |
# | waiters | `waiting` | threads parked in `GetQueuedCompletionStatus`, **last in, first out** |
# | running | `running` | threads bound to the port that are not blocked ("active threads") |
# | limit | `limit` | `NumberOfConcurrentThreads`: a packet is handed out only while `running < limit` |
#
# In this lesson you play the kernel: threads and packets come, you say what the port does, and then the real object (not a
# picture of it) says whether you were right.

# %%
from iosim.win32 import INFINITE, MS, US, System

NAMES = {}  # of threads, by their number


def look(port, when):
    """One line about a port; the thread that will be woken next comes first."""
    it = port.object
    parked = [NAMES[thread.number] for thread in reversed(it.waiting)]
    names = " ".join(parked) or "nobody"
    print(f"{when:<34} entries {len(it.entries)}, running {it.running} of {it.limit}, parked: {names}")


def tell(done):
    """Who took which packet, in the order in which they were taken."""
    print("taken:", ", ".join(f"{packet} by {name}" for name, packet in done))


def start(system, name, program, *arguments):
    """A thread with a name."""
    handle = system.start(program, *arguments)
    NAMES[handle.object.thread.number] = name
    return handle


# %% [markdown]
# ## Threads wait in a stack
#
# Three threads, A, B and C, call `GetQueuedCompletionStatus` one after the other. Then three packets come, 1 ms apart, and each takes
# only 10 us of work.
#
# **Predict**: which threads do the work? Write down three letters before you run the cell.


# %%
def worker(api, port, name, work, done):
    """Takes packets and works for `work` ns on each."""
    while True:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        done.append((name, status.completion_key))
        yield api.Compute(work)


def three_packets(api, port):
    """Posts packets 1, 2 and 3, each 1 ms after the one before."""
    yield api.Sleep(1 * MS)
    look(port, "before the first packet")
    for number in (1, 2, 3):
        yield api.PostQueuedCompletionStatus(port, 0, number, None)
        yield api.Sleep(1 * MS)


one_by_one = []
system = System(processors=4)
port = system.port(concurrency=4)
for letter in "ABC":
    start(system, letter, worker, port, letter, 10 * US, one_by_one)
start(system, "poster", three_packets, port)
system.run()
tell(one_by_one)

# %% [markdown]
# **Why.** C called last, so C is on top of the stack; it is woken, works for 10 us and calls again, on top once more. A and B never
# run. That is on purpose: the thread that waited least has the warmest caches, and threads that are not needed can be paged
# out. (A semaphore or a condition variable would have woken the one that waited longest.)
#
# ## Packets wait in a queue, and the limit holds them back
#
# Now one packet is worth 100 us of work, three come at once, and the limit is 1, though there are four processors and three idle
# threads.
#
# **Predict**: how many threads run at once? In which order are packets 1, 2, 3 served, and by whom?


# %%
def three_at_once(api, port):
    """Posts packets 1, 2 and 3 at the same instant."""
    yield api.Sleep(1 * MS)
    for number in (1, 2, 3):
        yield api.PostQueuedCompletionStatus(port, 0, number, None)
        look(port, f"packet {number} was posted")
    yield api.Sleep(1 * MS)
    look(port, "all work is done")


at_once = []
system = System(processors=4)
port = system.port(concurrency=1)
for letter in "ABC":
    start(system, letter, worker, port, letter, 100 * US, at_once)
start(system, "poster", three_at_once, port)
system.run()
tell(at_once)

# %% [markdown]
# **Why.** `running` was 1 after packet 1, which is the limit: packets 2 and 3 stayed in the queue though A and B were parked. When C came
# back for more, it *was* the running thread: it takes the oldest entry and does not even park. No switch, no wake-up.
#
# ## A thread that blocks gives its place away, and takes it back without asking
#
# C blocks for a millisecond in the middle of its work (a page fault, a lock, a `Sleep`). A blocked thread is not running, so the port may
# wake somebody else. But what happens when C is ready again, while the other one still runs?
#
# **Predict**: what is the largest value of `running`, with a limit of 1? And how does it get back to 1?


# %%
def blocking_worker(api, port, name, blocks, done, running):
    """Works for 3 ms on a packet. Packet 1 takes a millisecond more before that: blocked, or else computing."""
    while True:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        done.append((name, status.completion_key))
        if status.completion_key == 1:
            yield (api.Sleep if blocks else api.Compute)(1 * MS)  # a thread that sleeps is blocked, and counts no more
            look(port, f"{name} has {'slept' if blocks else 'computed'} for 1 ms")
            running.append(port.object.running)
        yield api.Compute(3 * MS)
        look(port, f"{name} is about to ask for the next")


def two_packets(api, port):
    """Posts packets 1 and 2 at the same instant."""
    yield api.Sleep(1 * MS)
    for number in (1, 2):
        yield api.PostQueuedCompletionStatus(port, 0, number, None)
    look(port, "two packets were posted")
    yield api.Sleep(500 * US)
    look(port, "half a millisecond later")
    yield api.Sleep(10 * MS)
    look(port, "when all is done")


def play(concurrency=1, letters="ABC", blocks=True):
    """Two packets for these threads: who took them, and `running` when packet 1 had had its millisecond."""
    done, running = [], []
    system = System(processors=4)
    port = system.port(concurrency)
    for letter in letters:
        start(system, letter, blocking_worker, port, letter, blocks, done, running)
    start(system, "poster", two_packets, port)
    system.run()
    tell(done)
    return done, running[0]


blocked = play()

# %% [markdown]
# **Why.** The limit decides who is *handed a packet*; it never stops a thread that is ready. C sleeps, so B gets packet 2; C wakes, and now
# `running` is 2, with a limit of 1. Nobody is stopped. The count comes down when one of them asks for the next packet: it is parked. "The number of active threads may temporarily exceed the concurrency value" is
# this. It is also why blocking in a worker is not free: each blocked worker can put one more thread on the processors.
#
# ## Change one thing
#
# The cell below is the last machine once more. Give it `concurrency=2`; then, in place of that, one thread only (`letters="A"`); then a
# first packet that computes where it slept (`blocks=False`). **Predict** each time who takes packet 2, and how large `running` is.

# %%
yours = play()

# %% [markdown]
# <details><summary>What happened, and why</summary>
# With a limit of 2 the packets go to the same threads, and when C is back two run, as the limit allows: the count exceeds nothing. One
# thread takes both packets: nobody is parked who could take the second while it sleeps. And a thread that computes is never blocked: it
# stays the running one, so packet 2 waits for it, and C takes both.
# </details>
#
# ## Exercises
#
# 1. A port was made with `concurrency=0` on a machine with four processors. What is its limit?
#
# <details><summary>Answer</summary>
# Four: 0 means "as many as there are processors".
# </details>
#
# 2. Packets are queued, `running` is at the limit, and one running thread ends without calling `GetQueuedCompletionStatus` again. What
#    happens to the packets?
#
# <details><summary>Answer</summary>
# The thread was bound to the port by its last call. When it ends, it counts no more, so the port hands the oldest packet to a parked
# thread at once. If no thread is parked, the packet waits until one asks.
# </details>
#
# 3. Threads A, B, C are parked and the first packet needs 1 s of work. A second packet comes after 1 ms, with a limit of 2. Who
#    takes it?
#
# <details><summary>Answer</summary>
# B: C is on top of the stack and took the first one; B is the next.
# </details>
#
# **Where the model simplifies**: in this notebook calls take no time (`System(system_call=300)` changes that) and nobody else uses
# the processors. Waits and wakes follow the rules in [docs/conformance.md](../docs/conformance.md), each with its test.
#
# ## Solutions
#
# Folded away: try first.

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["hide-cell"]
print("Change one thing, a limit of 2:")
limit_2 = play(concurrency=2)
print("\none thread:")
one_thread = play(letters="A")
print("\ncomputing, not sleeping:")
computing = play(blocks=False)

default_limit = System(processors=4).port(concurrency=0).object.limit
print("\nExercise 1: concurrency=0 on four processors is a limit of", default_limit)


def one_packet(api, port, name, done):
    """Takes one packet, works for 1 ms, and ends."""
    status = yield api.GetQueuedCompletionStatus(port, INFINITE)
    done.append((name, status.completion_key))
    yield api.Compute(1 * MS)


print("\nExercise 2: threads that end after one packet, with a limit of 1")
ending = []
system = System(processors=4)
port = system.port(concurrency=1)
for letter in "ABC":
    start(system, letter, one_packet, port, letter, ending)
start(system, "poster", three_at_once, port)
system.run()
tell(ending)


def one_millisecond_apart(api, port):
    """Posts packets 1 and 2."""
    yield api.Sleep(1 * MS)
    yield api.PostQueuedCompletionStatus(port, 0, 1, None)
    yield api.Sleep(1 * MS)
    yield api.PostQueuedCompletionStatus(port, 0, 2, None)
    look(port, "1 ms after the first packet")


print("\nExercise 3: packets of a second, with a limit of 2")
long_ones = []
system = System(processors=4)
port = system.port(concurrency=2)
for letter in "ABC":
    start(system, letter, worker, port, letter, 1000 * MS, long_ones)
start(system, "poster", one_millisecond_apart, port)
system.run()
tell(long_ones)

# %% [markdown]
# ## What this notebook claims

# %%
assert one_by_one == [("C", 1), ("C", 2), ("C", 3)]  # last in, first out
assert at_once == [("C", 1), ("C", 2), ("C", 3)]  # first in, first out; one at a time
assert blocked == ([("C", 1), ("B", 2)], 2)  # the overshoot: 2 of 1
assert limit_2 == ([("C", 1), ("B", 2)], 2)
assert one_thread == ([("A", 1), ("A", 2)], 1)
assert computing == ([("C", 1), ("C", 2)], 1)
assert default_limit == 4
assert ending == [("C", 1), ("B", 2), ("A", 3)]
assert long_ones == [("C", 1), ("B", 2)]
print("Every claim holds.")
