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
# | entries | `port.entries` | packets that nobody has taken yet, **first in, first out** |
# | waiters | `port.waiting` | threads parked in `GetQueuedCompletionStatus`, **last in, first out** |
# | running | `port.running` | threads bound to the port that are not blocked ("active threads") |
# | limit | `port.limit` | `NumberOfConcurrentThreads`: a packet is handed out only while `running < limit` |
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
    print(f"{when:<32} entries {len(it.entries)}, running {it.running} of {it.limit}, parked: {' '.join(parked)}")


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
done = []


def worker(api, port, name, work):
    while True:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        if status.completion_key == "exit":
            return
        done.append((name, status.completion_key))
        yield api.Compute(work)


def three_packets(api, port):
    yield api.Sleep(1 * MS)
    look(port, "before the first packet")
    for number in (1, 2, 3):
        yield api.PostQueuedCompletionStatus(port, 0, number, None)
        yield api.Sleep(1 * MS)


system = System(processors=4)
port = system.port(concurrency=4)
for letter in "ABC":
    start(system, letter, worker, port, letter, 10 * US)
start(system, "poster", three_packets, port)
system.run()
print(done)

# %%
assert done == [("C", 1), ("C", 2), ("C", 3)]

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
done.clear()


def three_at_once(api, port):
    yield api.Sleep(1 * MS)
    for number in (1, 2, 3):
        yield api.PostQueuedCompletionStatus(port, 0, number, None)
        look(port, f"packet {number} was posted")
    yield api.Sleep(1 * MS)
    look(port, "all work is done")


system = System(processors=4)
port = system.port(concurrency=1)
for letter in "ABC":
    start(system, letter, worker, port, letter, 100 * US)
start(system, "poster", three_at_once, port)
system.run()
print(done)

# %%
assert done == [("C", 1), ("C", 2), ("C", 3)]

# %% [markdown]
# **Why.** `running` was 1 after packet 1, which is the limit: packets 2 and 3 stayed in the queue though A and B were parked. When C came
# back for more, it *was* the running thread: it takes the oldest entry and does not even park. No switch, no wake-up.
#
# ## A thread that blocks gives its place away, and takes it back without asking
#
# C blocks for a millisecond in the middle of its work (a page fault, a lock, a `Sleep`). A blocked thread is not running, so the port may
# wake somebody else. But what happens when C is ready again, while the other one still runs?
#
# **Predict**: what is the largest value of `running`, with a limit of 1?

# %%
done.clear()
most = []


def blocking_worker(api, port, name):
    while True:
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        done.append((name, status.completion_key))
        if status.completion_key == 1:
            yield api.Sleep(1 * MS)  # the thread is blocked, and counts no more
            most.append(port.object.running)
            look(port, f"{name} is back from its wait")
        yield api.Compute(3 * MS)


def two_packets(api, port):
    yield api.Sleep(1 * MS)
    for number in (1, 2):
        yield api.PostQueuedCompletionStatus(port, 0, number, None)
    look(port, "two packets were posted")
    yield api.Sleep(500 * US)
    look(port, "while the first one is blocked")


system = System(processors=4)
port = system.port(concurrency=1)
for letter in "ABC":
    start(system, letter, blocking_worker, port, letter)
start(system, "poster", two_packets, port)
system.run()
print(done)

# %%
assert done == [("C", 1), ("B", 2)]
assert most == [2]

# %% [markdown]
# **Why.** The limit decides who is *handed a packet*; it never stops a thread that is ready. So `running` may exceed it (here 2 of 1) until
# somebody asks for the next packet and is parked. "The number of active threads may temporarily exceed the concurrency value" is
# this. It is also why blocking in a worker is not free: each blocked worker can put one more thread on the processors.
#
# ## Change one thing
#
# Run the last machine with `concurrency=2`, with one worker, and with a `Compute` in place of the `Sleep`. Each time, say first what
# `done` and `most` will be.
#
# ## Exercises
#
# 1. A port was made with `concurrency=0` on a machine with four processors. What is its limit?
#
# <details><summary>Answer</summary>
# Four: 0 means "as many as there are processors". The next cell checks it.
# </details>
#
# 2. Ten packets are queued, the limit is 4, `running` is 4, and one running thread ends without calling
#    `GetQueuedCompletionStatus` again. What happens to the packets?
#
# <details><summary>Answer</summary>
# The thread was bound to the port by its last call. When it ends, it counts no more, so the port may hand a packet to a parked
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

# %%
assert System(processors=4).port(concurrency=0).object.limit == 4
