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
# # One IRP's journey through the device stack
#
# A program calls `ReadFile`. The I/O manager makes an **I/O request packet** (IRP) of it, which goes down a stack of drivers to the disk,
# and up again when the disk has answered. In this lesson we put a driver of our own at three places of that stack. It changes nothing, and
# writes down whatever comes by:
#
# | from the top | | whose |
# | --- | --- | --- |
# | filter | sees what programs ask the file system | ours |
# | NTFS | knows where on the volume the file lies | `iosim` |
# | volume manager | knows where on the disk the volume lies | ours |
# | disk class driver | | ours |
# | port driver | talks to the disk, and takes its interrupts | `iosim` |
#
# ## A driver
#
# A driver has two routines that matter here. `dispatch` is called on the way **down**: it sets up the *stack location* of the next lower
# driver, and calls that driver. `completed` (the completion routine) is called on the way **up**, if it was asked for.

# %%
from iosim import Driver
from iosim.device_stack import DeviceObject
from iosim.irp import INVOKE_ALWAYS
from iosim.win32 import INFINITE, US, Buffer, DiskParams, Overlapped, System
from iosim.win32.system import RequestCosts


class Watching(Driver):
    """Passes every IRP on, and writes down what it sees."""

    def __init__(self, system, name, log):
        self.system, self.io, self.name, self.log = system, system.io, name, log
        self.dispatch_ns = self.completion_ns = 300  # processor time of each routine

    def dispatch(self, device, irp):
        irp.copy_to_next(device.base, INVOKE_ALWAYS)  # the same request, `base` bytes further on; call me on the way up
        self.note("down", irp)
        return self.io.call_driver(device.lower, irp)

    def completed(self, device, irp):
        self.note("up", irp)
        if irp.pending_returned:
            irp.mark_pending()  # who lets the IRP go on must say so again
        return irp.status

    def note(self, way, irp):
        self.log.append(
            {
                "us": self.io.clock.now / US,
                "where": self.name,
                "what": way,
                "location": irp.current,
                "offset": irp.location().offset,
                "irql": self.system.dispatcher.processors[0].current_irql(),
                "paging": irp.paging,
                "locations": irp.stack_count,
            }
        )


# %% [markdown]
# ## The machine
#
# One processor, one disk that needs 10 us for a read. The file `data` begins 1 MiB into its volume, and the volume begins 1 MiB into the
# disk.

# %%
MIB = 1 << 20


def machine(log, driver=Watching):
    """A system whose volume has the stack of the table."""
    system = System(
        1,
        system_call=300,
        context_switch=1200,
        requests=RequestCosts(irp=400, page_lock=100, removal=200),
        files={"other": MIB, "data": 16 * 4096, "rest": MIB},
        disk=DiskParams(latency=10 * US, dispatch=500, start=200, completion=400, isr=1 * US, dpc=1 * US),
    )
    volume = system.volume
    port, size = volume.device.lower, volume.device.size
    disk_class = DeviceObject(driver(system, "disk class", log), port, 0, size)
    manager = DeviceObject(driver(system, "volume manager", log), disk_class, MIB, size)
    volume.cache.device = DeviceObject(volume.device.driver, manager, 0, size)  # NTFS
    volume.device = DeviceObject(driver(system, "filter", log), volume.cache.device, 0, size)
    return system


def program(api, log, clock, reads, cached):
    """Read the same 4 KiB, 8 KiB into the file, as often as asked."""

    def note(what):
        log.append({"us": clock.now / US, "where": "program", "what": what})

    port = yield api.CreateIoCompletionPort(-1, None, 0, 0)
    file = yield api.CreateFile("data", overlapped=True, no_buffering=not cached)
    yield api.CreateIoCompletionPort(file, port, "data")
    for _ in range(reads):
        overlapped = Overlapped()
        overlapped.Offset = 8192
        note("calls ReadFile")
        result = yield api.ReadFile(file, Buffer(4096), 4096, overlapped)
        note("ReadFile returned TRUE" if result.ok else f"ReadFile returned FALSE, error {result.error}")
        status = yield api.GetQueuedCompletionStatus(port, INFINITE)
        assert status.overlapped is overlapped and status.bytes_transferred == 4096
        note("has its packet")


def journey(reads=1, cached=False, driver=Watching):
    """What happened, from the first ReadFile on; and the machine."""
    log = []
    system = machine(log, driver)
    system.start(program, log, system.clock, reads, cached)
    system.run()
    start = log[0]["us"]
    return [{**line, "us": line["us"] - start} for line in log], system


def tell(log):
    for line in log:
        seen = ""
        if "offset" in line:
            kind = "paging IRP" if line["paging"] else "IRP"
            seen = f"{kind} at location {line['location']}, offset {line['offset']:9,}, IRQL {line['irql']}"
        print(f"{line['us']:6.1f} us  {line['where']:15} {line['what']:32} {seen}")


# %% [markdown]
# ## Down and up
#
# An overlapped, unbuffered read of 4 KiB, 8 KiB into the file. **Predict** before you run:
#
# - In which order do the three drivers see it, going down and coming up?
# - Does `ReadFile` return before the disk has answered, or after? What does it return?
# - Each driver is asked for an offset. What are the three numbers?

# %%
direct, system = journey()
tell(direct)

# %% [markdown]
# The same as a picture:

# %%
import matplotlib.pyplot as plt

LEVELS = ["program", "filter", "NTFS", "volume manager", "disk class", "port driver"]


def draw(log, title):
    """The IRP's height in the stack over time; NTFS and port driver, which have no line in the log, are passed through."""
    times = [line["us"] for line in log]
    _, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    heights = [LEVELS.index(line["where"]) for line in log]
    for way, marker, colour in (("down", "v", "#0072B2"), ("up", "^", "#D55E00")):
        points = [(t, h) for t, h, line in zip(times, heights, log, strict=True) if line["what"] == way]
        ax.plot(*zip(*points, strict=True), marker, color=colour, label=f"on its way {way}", markersize=9)
    back = next(line["us"] for line in log if "returned" in line["what"])
    ax.plot([0, back], [0, 0], "-", color="black", linewidth=4, label="in ReadFile")
    turn = max(t for t, line in zip(times, log, strict=True) if line["what"] == "down")
    end = min(t for t, line in zip(times, log, strict=True) if line["what"] == "up")
    ax.plot([turn, end], [5, 5], "--", color="black", label="with the disk")
    ax.plot(times[-1], 0, "o", color="black", label="packet taken")
    ax.set_yticks(range(len(LEVELS)), LEVELS)
    ax.invert_yaxis()
    ax.set(xlabel="us", title=title)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)


draw(direct, "A read that goes to the disk")

# %% [markdown]
# **Why.** The IRP was made with five **stack locations**, one a driver. Each driver reads its own and fills in the one below: NTFS turns an
# offset in the file into one on the volume, the volume manager that into one on the disk. Location 5 is the filter's, 3 the volume
# manager's, 2 the class driver's; those without a line are NTFS's (4) and the port driver's (1).
#
# The port driver gives the command to the disk, marks the IRP **pending** and returns `STATUS_PENDING`. That status goes back through all
# five calls, and `ReadFile` returns `FALSE` with error 997: `ERROR_IO_PENDING`. Nobody waits. The IRP is not a thread, and no thread
# belongs to it: it is a piece of memory that lies with the driver that has it at the moment.
#
# When the disk is done it interrupts. The service routine only queues a **DPC**, and the DPC calls `IoCompleteRequest`: the walk up.
# The IRQL tells who runs: 0 (PASSIVE_LEVEL) on the way down, in the program's thread; 2 (DISPATCH_LEVEL) on the way up, in whatever
# thread the DPC has interrupted. That is why a completion routine must not wait, nor touch the program's memory.
#
# At the top the IRP itself goes into the completion port's queue: it *is* the packet. The thread that takes it frees it.

# %% [markdown]
# ## Through the cache
#
# Now the file is opened without `FILE_FLAG_NO_BUFFERING`, and read twice. The first read misses the cache, the second hits it.
#
# **Predict**: how often does the filter see an IRP go down, in the first read and in the second? And the disk class driver? Does the second
# read, which is over at once, queue a packet to the port?

# %%
cached, system = journey(reads=2, cached=True)
tell(cached)

# %% [markdown]
# **Why.** NTFS finds that the page is missing, and has a system worker thread get it: `ReadFile` returns at once. The cache manager makes
# an IRP of its own, a **paging IRP**, and sends it in *at the top of the stack*: so the filter sees the same read twice, once as the
# program's and once as the system's own; a filter that counts or scans without looking for the paging mark does so twice. Only the paging
# IRP reaches the disk.
#
# The program's own IRP comes up at IRQL 0, as the worker thread completes it.
#
# The second read finds its page. NTFS copies it and completes the IRP inside the call, so `ReadFile` returns `TRUE`, and *still* there is a
# packet: on an overlapped handle with a port, a success is reported to the port, unless
# `SetFileCompletionNotificationModes(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)` has been called.
#
# ## Change one thing
#
# Take the last two lines before `return` away: a completion routine that lets the IRP go on, but forgets to say again that it was pending.
# It is among the most frequent bugs of filter drivers. **Predict** what the program sees, an error, wrong data, a crash? Then change
# the cell and run it.


# %%
class Yours(Watching):
    """A copy of the completion routine, for you to change."""

    def completed(self, device, irp):
        self.note("up", irp)
        if irp.pending_returned:
            irp.mark_pending()
        return irp.status


yours, system = journey(driver=Yours)
tell(yours)
print("threads that never ended:", len(system.unfinished()))

# %% [markdown]
# <details><summary>What happened, and why</summary>
# None of them. The I/O manager finds the mark missing at the top of the stack, believes that the IRP ended inside the call, whose end is
# told by <code>ReadFile</code> itself, and tells nobody. The program waits for its packet for ever: one thread never ends. (On a real system
# Driver Verifier finds such drivers.)
# </details>
#
# ## Exercises
#
# 1. How long was the IRP under way, how long of that with the disk, and how much processor time did the call of `ReadFile` take? Read it
#    from the first list.
#
# <details><summary>Answer</summary>
# <code>ReadFile</code> took 2.4 us: system call, IRP, locking the page, the drivers' way down and the start of the disk. The disk took 10 us; interrupt,
# DPC and the drivers' way up 3.3 us: 15.7 us under way. The thread has its packet 1.4 us later, for a context switch and the removal.
# </details>
#
# 2. Write a driver `Twice` whose `completed` calls `self.io.complete(irp)` before it returns. What happens?
#
# <details><summary>Answer</summary>
# The IRP is completed twice, and the machine stops with a bug check: <code>MULTIPLE_IRP_COMPLETE_REQUESTS</code>. The solutions do it.
# </details>
#
# 3. With `journey(reads=2)` (unbuffered), how often does each driver see the IRP go down? Why not only once, though the data are the same?
#
# <details><summary>Answer</summary>
# Twice. An unbuffered read does not look into the cache; it goes to the disk each time.
# </details>
#
# 4. Which driver could answer `STATUS_SUCCESS` without passing the IRP on? What would the drivers below see?
#
# <details><summary>Answer</summary>
# Any: it sets <code>irp.status</code> and <code>irp.information</code> and calls <code>complete</code>, as
# <code>iosim/devices/null.py</code> does. Those below see nothing; those above see it come up, at IRQL 0 and in the caller's thread.
# </details>
#
# **Where the model simplifies**: the processor time of the whole way down is spent in one stretch before the call, so that all lines of one
# way bear the same time, and so do those of the way up. The port driver and the two drivers above it are much larger in reality; here they
# only pass on. `docs/simplifications.md` says what each does to a result.
#
# ## Solutions
#
# Folded away: try first.

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["hide-cell"]
from iosim.errors import BugCheck


class Forgetful(Watching):
    """Change one thing: a completion routine with two lines less."""

    def completed(self, device, irp):
        self.note("up", irp)
        return irp.status


class Twice(Watching):
    """Exercise 2: completes what is being completed."""

    def completed(self, device, irp):
        self.io.complete(irp)
        return irp.status


print("Change one thing:")
lost, system = journey(driver=Forgetful)
tell(lost)
never_ended = system.unfinished()
print("threads that never ended:", len(never_ended))

print("\nExercise 2:")
try:
    journey(driver=Twice)
    stopped = "by nothing"
except BugCheck as bug:
    stopped = str(bug)
print(stopped)

print("\nExercise 3:")
again, system = journey(reads=2)
tell(again)

# %% [markdown]
# ## What this notebook claims


# %%
def seen_down(part, where):
    """For every IRP that went down there: is it a paging IRP?"""
    return [line["paging"] for line in part if (line["where"], line["what"]) == (where, "down")]


# the direct read: down and up in order, back before the disk has answered, one offset for each driver
steps = [(line["where"], line["what"]) for line in direct]
down = [where for where, what in steps if what == "down"]
up = [where for where, what in steps if what == "up"]
assert down == ["filter", "volume manager", "disk class"] and up == down[::-1]
assert steps.index(("program", "ReadFile returned FALSE, error 997")) < steps.index(("disk class", "up"))
offsets = {line["where"]: line["offset"] for line in direct if line["what"] == "down"}
assert offsets == {"filter": 8192, "volume manager": MIB + 8192, "disk class": 2 * MIB + 8192}
assert {line["locations"] for line in direct if "locations" in line} == {5}
assert {line["where"]: line["location"] for line in direct if line["what"] == "down"} == {
    "filter": 5,
    "volume manager": 3,
    "disk class": 2,
}
assert all(line["irql"] == (0 if line["what"] == "down" else 2) for line in direct if "irql" in line)
took = {line["what"]: round(line["us"], 1) for line in direct}
assert took["ReadFile returned FALSE, error 997"] == 2.4 and took["up"] == 15.7 and took["has its packet"] == 17.1

# through the cache: the filter sees the first read twice, the disk sees it once, and the second not at all
second = [number for number, line in enumerate(cached) if line["what"] == "calls ReadFile"][1]
first_read, second_read = cached[:second], cached[second:]
assert seen_down(first_read, "filter") == [False, True]
assert seen_down(first_read, "disk class") == [True]
assert seen_down(second_read, "filter") == [False] and seen_down(second_read, "disk class") == []
assert [line["what"] for line in second_read if line["where"] == "program"] == [
    "calls ReadFile",
    "ReadFile returned TRUE",
    "has its packet",
]
assert [line["irql"] for line in first_read if line["what"] == "up" and not line["paging"]] == [0]

# the solutions
assert lost[-1]["where"] == "filter" and lost[-1]["what"] == "up"
assert len(never_ended) == 1 and "GetQueuedCompletionStatus" in never_ended[0]
assert "MULTIPLE_IRP_COMPLETE_REQUESTS" in stopped
assert len(seen_down(again, "disk class")) == len(seen_down(again, "filter")) == 2
print("Every claim holds.")
