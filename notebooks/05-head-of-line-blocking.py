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
# # Head-of-line blocking, in three places
#
# A short request stands behind long ones in one line, though what it needs is free, or nearly so. That is **head-of-line blocking**. It
# is the same mistake wherever it is made; we look at it
#
# 1. at the **completion port**, where all worker threads are with slow requests,
# 2. in the **disk's queue**, where a backup has put its reads first,
# 3. on one **RSS queue** of the network card, whose one processor lifts all frames into the stack.
#
# In each place there is a short class and a long one. We always measure the mean latency of the *short* class: alone on the machine, and
# with the long class beside it. The difference is what the neighbour costs.

# %%
import iosim


def mean_ms(scenario, name):
    """Mean latency (ms) of a class."""
    return iosim.run(scenario, study=False, jobs=1).summary["classes"][name]["latency_ns"]["mean"]["value"] / 1e6


def show(alone, beside):
    """A line for each case, with how many times as long it takes as alone."""
    print(f"{'alone':36} {alone:8.3f} ms")
    for case, mean in beside.items():
        print(f"{case:36} {mean:8.3f} ms   {mean / alone:5.1f} times")


# %% [markdown]
# ## 1. At the completion port
#
# Eight worker threads wait at one port. Fast requests (4,000 a second) need 50 us of a processor. Slow ones (1,200 a second) wait 5 ms for
# an answer from elsewhere, and their worker waits with them. The four processors are idle nine tenths of the time.
#
# **Predict**: a fast request takes about 50 us alone. How long with the slow ones beside it? And where would it wait, as there is no lack
# of processors?

# %%
port = iosim.load("head-of-line", set={"run.duration": "300 ms", "run.warm_up": "50 ms", "run.replications": 1})
port_alone = mean_ms(port.with_set({"workload.slow.rate": "1/s"}), "fast")
at_the_port = {
    "8 workers": mean_ms(port, "fast"),
    "16 workers": mean_ms(port.with_set({"pools.workers.threads": 16}), "fast"),
    "slow ones on a port of their own": mean_ms(port.with_set({"workload.slow.port": "aside"}), "fast"),
}
show(port_alone, at_the_port)

# %% [markdown]
# Every nanosecond of a request has a cause, so the machine can tell us where it waited:


# %%
def causes(scenario, name, least=0.01):
    """Parts of a class's mean latency (us), the largest first, without those of less than `least` of it."""
    parts = iosim.run(scenario, study=False, jobs=1).summary["classes"][name]["latency_causes_ns"]
    known = {cause: part["value"] / 1000 for cause, part in parts.items()}
    return {cause: us for cause, us in sorted(known.items(), key=lambda it: -it[1]) if us > least * sum(known.values())}


port_causes = causes(port, "fast")
for cause, us in port_causes.items():
    print(f"{cause:18} {us:8.1f} us")

# %% [markdown]
# **Why.** 1,200 a second times 5 ms is 6: of eight workers six are with slow requests on the average, and often all eight. Then packets
# queue at the port, first in, first out, and a fast one is served when the slow ones before it have each got a worker: `port_order`.
# (`no_free_thread` is the time at the head of the queue.) The port's *limit* did nothing wrong: blocked workers don't count, so it would
# have handed out more packets, if anybody had asked for one.
#
# More workers heal it, for so long as they suffice; a port of its own for the slow class heals it for good. So does a slow operation that
# is begun and then *not* waited for, which is what completion ports were made for.
#
# ## 2. In the disk's queue
#
# A hard disk of 7,200 rpm. A program looks up 20 records a second, 4 KiB at random places. Beside it a backup reads a large file from front
# to back, 1 MiB at a time, and keeps several reads under way. The disk serves in the order of arrival (`fcfs`).
#
# **Predict**: a lookup takes some 9 ms alone. How long beside a backup with 1 read under way? With 16? And will a cleverer order help:
# `clook` (sweep upwards, jump back) or `sptf` (whatever is reached soonest)?

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

BACKUP = """
version: 1
scenario: backup
machine: {cores_per_node: 4}
disks:
  data: {preset: sata-7200, order: fcfs, age_limit: 0 s}
  spare: {preset: sata-7200}
volumes:
  one: {disk: data}
  two: {disk: spare}
files:
  table: {volume: one, size: 4 TB}
  archive: {volume: one, size: 1 TB}
ports:
  main: {concurrency: none}
pools:
  workers: {port: main, threads: 32}
handlers:
  lookup:
    - read: {file: table, size: 4 KiB, offset: random}
  copy:
    - read: {file: archive, size: 1 MiB, offset: sequential}
workload:
  lookups: {kind: open, port: main, handler: lookup, rate: 20/s}
  backup: {kind: closed, port: main, handler: copy, clients: 16}
run: {duration: 6 s, warm_up: 1 s, seed: 1, replications: 1}
"""


def load(text):
    """A scenario from its text."""
    with TemporaryDirectory() as directory:
        path = Path(directory, "lesson.yaml")
        path.write_text(text)
        return iosim.load(str(path))


disk = load(BACKUP)
disk_alone = mean_ms(disk.with_set({"workload.backup.clients": 1, "files.archive.volume": "two"}), "lookups")
in_the_disk = {
    f"{depth:2} read{'s'[: depth > 1]} of the backup, {order}": mean_ms(
        disk.with_set({"workload.backup.clients": depth, "disks.data.order": order}), "lookups"
    )
    for depth, order in ((1, "fcfs"), (16, "fcfs"), (16, "clook"), (16, "sptf"))
}
in_the_disk["16 reads, sptf, age limit 50 ms"] = mean_ms(
    disk.with_set({"disks.data.order": "sptf", "disks.data.age_limit": "50 ms"}), "lookups"
)
background = disk.with_set({"handlers.copy[0].read.priority": "background"})
in_the_disk["16 reads, with background priority"] = mean_ms(background, "lookups")
in_the_disk["16 reads on a disk of their own"] = mean_ms(disk.with_set({"files.archive.volume": "two"}), "lookups")
show(disk_alone, in_the_disk)

# %% [markdown]
# Where a lookup waits (with `fcfs`), and what the last cure but one costs the backup:

# %%
disk_causes = causes(disk, "lookups")
for cause, us in disk_causes.items():
    print(f"{cause:18} {us / 1000:8.1f} ms")


def backup_per_s(scenario):
    """How many reads of 1 MiB a second the backup gets."""
    return iosim.run(scenario, study=False, jobs=1).summary["classes"]["backup"]["throughput_per_s"]["value"]


backup = {"like": backup_per_s(disk), "background": backup_per_s(background)}
print(f"the backup reads {backup['like']:.0f} MiB/s, with background priority {backup['background']:.0f} MiB/s")

# %% [markdown]
# **Why.** The disk has one arm. With `fcfs` a lookup waits for all the reads that the backup had put before it: twice as many, twice as
# long. The queue *in the drive* (`device_queue`: its command slots) is as blind as the one at the port: no thread, priority or port limit
# of the host overtakes a command that lies with the drive.
#
# The cleverer order makes it worse. The next part of the archive lies right under the arm, so it is *always* what `sptf` reaches soonest; a
# lookup far away waits until the backup has nothing to offer. `clook` goes upwards and so comes by. That is why drives bound the wait
# (`age_limit`): what is older goes first. It bounds the harm and heals nothing: here soon everything in the queue is older than 50 ms, and
# the order is that of arrival once more.
#
# The cures are those of the port: fewer long requests in the line at once (one read under way instead of 16), or a line of their own. There
# is a third one, the I/O priority hint *background*: the port driver then keeps the backup's requests back, above the drive, while it has
# others to serve, and the backup pays for it with more than half of its speed.
#
# ## 3. On one RSS queue
#
# Frames that the card has received are lifted into the stack by a DPC: on **one** processor for each receive queue. Here 64 connections ask
# short questions (64 bytes, 10,000 a second), and 4 others upload 256 KiB at a time: 180 frames in a row. Four processors; receive side
# scaling (RSS) has one queue, or several, and the hash of a connection's addresses says which.
#
# **Predict**: with one queue, how much longer does a question take beside 2,500 uploads a second? With four queues: will it be as if the
# uploads were not there?

# %%
UPLOADS = """
version: 1
scenario: uploads
machine: {cores_per_node: 4}
nics:
  nic0: {link: 40 Gbit/s, interrupt_moderation: "off", rsc: false, rss: {number_of_receive_queues: 1}}
ports:
  main: {}
pools:
  workers: {port: main, threads: 2/processor}
handlers:
  question:
    - accept: {no_delay: true}
    - recv: {size: 512 B}
    - compute: 2 us
    - send: 64 B
  upload:
    - accept: {no_delay: true}
    - recv: {size: 256 KiB}
    - send: 64 B
workload:
  questions:
    {kind: open, nic: nic0, port: main, handler: question,
     connections: 64, rate: 10000/s, request: 64 B, round_trip: 2 us}
  uploads:
    {kind: open, nic: nic0, port: main, handler: upload,
     connections: 4, rate: 2500/s, request: 256 KiB, round_trip: 2 us}
run: {duration: 10 ms, warm_up: 1 ms, seed: 1, replications: 1}
"""
QUEUES = "nics.nic0.rss.number_of_receive_queues"

card = load(UPLOADS)
card_alone = mean_ms(card.with_set({"workload.uploads.rate": "1/s"}), "questions")
on_the_card = {f"RSS queues: {queues}": mean_ms(card.with_set({QUEUES: queues}), "questions") for queues in (1, 2, 4)}
show(card_alone, on_the_card)

# %% [markdown]
# With four queues, who still waits? Let us look at the latencies one by one, and at what comes in by each queue.


# %%
def one_by_one(scenario):
    """Latency (us) of every question, and the frames a second of every receive queue's processor."""
    result = iosim.run(scenario, study=False, jobs=1)
    frames = [it["frames_per_s"]["value"] for it in result.summary["nics"]["nic0"]["processors"].values()]
    return result.requests.latencies()["questions"] / 1000, frames


def as_quick(latencies):
    """The share of questions that take about as long as alone."""
    return (latencies < 1.1 * 1000 * card_alone).mean()


each = {queues: one_by_one(card.with_set({QUEUES: queues})) for queues in (1, 4)}
for queues, (us, frames) in each.items():
    busy = ", ".join(f"{it / 1000:.0f}" for it in frames)
    print(f"RSS queues: {queues}, {as_quick(us):.0%} of the questions as quick as alone, the slowest {us.max():.0f} us")
    print(f"  thousand frames/s by queue: {busy}")

# %% [markdown]
# **Why.** A DPC takes the frames of its queue in order and does not stop for a shorter one. With one queue, a question that comes behind an
# upload waits for up to 180 frames, or more if several have come (`ring`: in its descriptor, not taken up yet; `kernel`: taken up, with the
# frames of the same run before it). With four queues a question meets those uploads only that come by its own queue, and they are fewer.
# **But it meets them**: the hash knows nothing of long and short. Here it has put two uploads into one queue and none into another: whoever
# asks by that one is nearly always as quick as alone, and whoever shares a queue with two meets them again and again, for as long as the
# connection lives. Means get better, the unlucky stay unlucky.
#
# ## Turn the knobs
#
# `cost(place, ...)` runs one short simulation and draws what the short class takes alone and what its neighbours add. A cell without
# sliders follows.

# %%
import ipywidgets
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from iosim import figures


def draw(ax, alone, mean, what):
    """The short class's own time, and on top of it what its neighbours cost."""
    ax.barh([what], [alone], color="#0072B2", label="alone")
    ax.barh([what], [max(0, mean - alone)], left=[alone], color="#D55E00", hatch="xxx", label="behind others")
    ax.set(xlabel=f"mean {mean:.3g} ms: {mean / alone:.1f} times as long as alone", xlim=(0, max(mean, 22 * alone)))


def at_port(workers=8, slow_per_s=1200, own_port=False):
    """Mean latency (ms) of the fast requests."""
    changes = {
        "pools.workers.threads": workers,
        "workload.slow.rate": f"{slow_per_s}/s",
        "workload.slow.port": "aside" if own_port else "main",
    }
    return mean_ms(port.with_set(changes), "fast")


def in_disk(depth=16, order="fcfs", own_disk=False):
    """Mean latency (ms) of the lookups."""
    changes = {
        "workload.backup.clients": depth,
        "disks.data.order": order,
        "files.archive.volume": "two" if own_disk else "one",
        "run.duration": "5 s",
    }
    return mean_ms(disk.with_set(changes), "lookups")


def on_card(queues=1, uploads_per_s=2500):
    """Mean latency (ms) of the questions."""
    return mean_ms(card.with_set({QUEUES: queues, "workload.uploads.rate": f"{uploads_per_s}/s"}), "questions")


PLACES = {
    "port": (at_port, port_alone, "fast request"),
    "disk": (in_disk, disk_alone, "lookup"),
    "card": (on_card, card_alone, "question"),
}
picture = {place: ipywidgets.HTML() for place in PLACES}


def cost(place, **knobs):
    """Run one simulation and draw it."""
    simulate, alone, what = PLACES[place]
    figure = Figure(figsize=(7, 1.5), layout="constrained")
    ax = figure.subplots()
    draw(ax, alone, simulate(**knobs), what)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    picture[place].value = figures.as_svg(figure)


def choice(name, options, value):
    """A slider over a few values; a turn runs when it is let go."""
    return ipywidgets.SelectionSlider(options=options, value=value, description=name, continuous_update=False)


# %%
ipywidgets.interact(
    lambda **knobs: cost("port", **knobs),
    workers=choice("workers", [4, 8, 12, 16, 32], 8),
    slow_per_s=choice("slow /s", [100, 600, 1200], 1200),
    own_port=ipywidgets.Checkbox(False, description="own port"),
)
display(picture["port"])

# %%
ipywidgets.interact(
    lambda **knobs: cost("disk", **knobs),
    depth=choice("depth", [1, 2, 4, 8, 16], 16),
    order=choice("order", ["fcfs", "clook", "sptf"], "fcfs"),
    own_disk=ipywidgets.Checkbox(False, description="own disk"),
)
display(picture["disk"])

# %%
ipywidgets.interact(
    lambda **knobs: cost("card", **knobs),
    queues=choice("queues", [1, 2, 4], 1),
    uploads_per_s=choice("uploads /s", [100, 1000, 2500], 2500),
)
display(picture["card"])

# %% [markdown]
# The same, for a reader without sliders:

# %%
cases = {
    "port": {"8 workers": {}, "12 workers": {"workers": 12}, "own port": {"own_port": True}},
    "disk": {"depth 16": {}, "depth 4": {"depth": 4}, "own disk": {"own_disk": True}},
    "card": {"1 queue": {}, "2 queues": {"queues": 2}, "4 queues": {"queues": 4}},
}
times = {}
figure, axes = plt.subplots(3, 3, figsize=(12, 4.5), layout="constrained")
for row, (place, knobs_of) in zip(axes, cases.items(), strict=True):
    simulate, alone, what = PLACES[place]
    for ax, (case, knobs) in zip(row, knobs_of.items(), strict=True):
        times[place, case] = simulate(**knobs)
        draw(ax, alone, times[place, case], what)
        ax.set_title(case, fontsize=9)
        print(f"{what:12} {case:10} {times[place, case]:8.3f} ms, alone {alone:.3f} ms")
    row[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)

# %% [markdown]
# ## Change one thing
#
# The slow class at the port holds a *thread*. Let it hold a *processor* instead: give `handlers.slow` 5 ms of computing
# (`[{"compute": {"exponential": "5 ms"}}]`), and let its rate, `workload.slow.rate`, go down to `"600/s"`, so that three of the four
# processors are busy. **Predict** whether 32 workers still help, write both changes between the braces, and run the cell.

# %%
yours = {}


def with_workers(changes):
    """Mean latency (ms) of a fast request with 8 and with 32 workers."""
    changed = port.with_set(changes)
    return {workers: mean_ms(changed.with_set({"pools.workers.threads": workers}), "fast") for workers in (8, 32)}


for workers, mean in with_workers(yours).items():
    print(f"{workers:2} workers: {mean:.3f} ms")

# %% [markdown]
# <details><summary>What happened, and why</summary>
# They change nothing: a fast request takes 1.8 ms with 8 workers and with 32. The port's limit, four, keeps the fast packets in the queue, as
# four slow ones run; and without the limit they wait for a processor (<code>ready_queue</code>). What is short has changed, so the cure has
# to change: priorities, or processors.
# </details>
#
# ## Exercises
#
# 1. A web browser opens six connections to one server, HTTP/2 sends everything over one. Which of them has head-of-line blocking, and
#    where?
#
# <details><summary>Answer</summary>
# Both can. HTTP/1.1 has it in each connection: answers come in the order of the questions. HTTP/2 interleaves answers, but TCP delivers
# bytes in order: a lost segment holds back all answers behind it. HTTP/3 has streams of their own for that reason.
# </details>
#
# 2. The drive takes 32 commands at once. Let it take one (`disks.data.queue_depth`: 1), with 16 reads of the backup under way. How long
#    does a lookup take, and what is the cause called?
#
# <details><summary>Answer</summary>
# Just as long: the queue is now in front of the drive, in the port driver, and no shorter (<code>port_driver_queue</code>). But there
# somebody could choose whom to send next.
# </details>
#
# 3. With four queues, let all uploads come by one connection (`workload.uploads.connections`: 1), and so by one queue. Are more questions as
#    quick as alone? Is the mean better?
#
# <details><summary>Answer</summary>
# Neither, or hardly: fewer questions meet the uploads' queue, but they meet four times as many there. What has changed is <i>who</i> waits: the
# connections of that one queue, and no others. The hash is known (Toeplitz, with a key), so a client's port can be chosen to lie beside the
# uploads or not; the scenario <code>rss-skew</code> shows what happens when the choice is left to chance.
# </details>
#
# **Where the model simplifies**: the drive's orders know the position of the arm exactly, and I/O priorities have two levels here. Frames
# of an upload are not merged here (`rsc: false`), which would make them cheaper; interrupts are not held back. Runs in this lesson are
# short and single, so look at factors, not at the third digit: lesson 06 has intervals. `docs/simplifications.md` says what each does to a
# result.
#
# ## Solutions
#
# Folded away: try first.

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["hide-cell"]
COMPUTING = {"handlers.slow": [{"compute": {"exponential": "5 ms"}}], "workload.slow.rate": "600/s"}
computing = with_workers(COMPUTING)
unlimited = port.with_set({**COMPUTING, "pools.workers.threads": 32, "ports.main.concurrency": "none"})
no_limit, no_limit_causes = mean_ms(unlimited, "fast"), causes(unlimited, "fast")
print("Change one thing: workers don't help where processors are short.")
for workers, mean in computing.items():
    print(f"  {workers:2} workers: {mean:.3f} ms")
print(f"  32 workers, no limit: {no_limit:.3f} ms, most of it {next(iter(no_limit_causes))}")

moved = causes(disk.with_set({"disks.data.queue_depth": 1}), "lookups")
print("Exercise 2: one command at a time moves the queue, and shortens nothing.")
for cause, us in moved.items():
    print(f"  {cause:18} {us / 1000:8.1f} ms")

one_connection, frames = one_by_one(card.with_set({QUEUES: 4, "workload.uploads.connections": 1}))
print("Exercise 3: all uploads by one queue.")
print("  thousand frames/s by queue:", ", ".join(f"{it / 1000:.0f}" for it in frames))
for case, us in (("4 connections", each[4][0]), ("1 connection", one_connection)):
    print(f"  {case:13} {as_quick(us):.0%} of the questions as quick as alone, mean {us.mean():.1f} us")

# %% [markdown]
# ## What this notebook claims

# %%
# at the port
assert at_the_port["8 workers"] > 5 * port_alone
assert at_the_port["16 workers"] < 1.1 * port_alone
assert at_the_port["slow ones on a port of their own"] < 1.1 * port_alone
assert next(iter(port_causes)) == "port_order"
processors = iosim.run(port, study=False, jobs=1).summary["processors"]["share"]
assert processors["idle"]["value"] > 0.9

# in the disk
fcfs, sptf = in_the_disk["16 reads of the backup, fcfs"], in_the_disk["16 reads of the backup, sptf"]
assert 8 < disk_alone < 10 and fcfs > 10 * disk_alone
assert in_the_disk[" 1 read of the backup, fcfs"] < 2.2 * disk_alone
assert in_the_disk["16 reads of the backup, clook"] < 0.6 * fcfs
assert sptf > 2 * fcfs
assert 0.8 * fcfs < in_the_disk["16 reads, sptf, age limit 50 ms"] < 1.2 * fcfs
assert in_the_disk["16 reads, with background priority"] < 1.5 * disk_alone
assert backup["background"] < 0.5 * backup["like"]
assert in_the_disk["16 reads on a disk of their own"] < 1.1 * disk_alone
assert next(iter(disk_causes)) == "device_queue"
assert 3 < times["disk", "depth 16"] / times["disk", "depth 4"] < 5  # four times as many, four times as long

# on the card
assert on_the_card["RSS queues: 1"] > 4 * card_alone
assert on_the_card["RSS queues: 2"] < 0.5 * on_the_card["RSS queues: 1"]
assert 1.2 * card_alone < on_the_card["RSS queues: 4"] < on_the_card["RSS queues: 2"]
assert as_quick(each[1][0]) < 0.4 < 0.6 < as_quick(each[4][0]) < 0.8
assert each[4][0].max() > 5 * 1000 * card_alone
by_queue = sorted(each[4][1])
assert by_queue[0] < 0.05 * by_queue[1] and by_queue[3] > 1.5 * by_queue[2]  # none in one queue, two in another

# the knobs' cases and the solutions
assert all(times[place, first] > times[place, last] for place, (first, _, last) in cases.items())
assert computing[32] == computing[8] > 5 * port_alone
assert no_limit > 5 * port_alone and next(iter(no_limit_causes)) == "ready_queue"
assert next(iter(moved)) == "port_driver_queue"
assert abs(sum(moved.values()) / sum(disk_causes.values()) - 1) < 0.05
assert abs(as_quick(one_connection) - as_quick(each[4][0])) < 0.1
assert abs(one_connection.mean() / each[4][0].mean() - 1) < 0.1
print("Every claim holds.")
