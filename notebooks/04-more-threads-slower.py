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
# # Why more threads made it slower, and the limit that cures it
#
# A server answers every request with three pieces of work (60 us each on the average) and two waits of 150 us in between. Each of its
# threads works on 64 KiB of its own memory. There are four processors, and always requests enough.
#
# **Predict** before you run: how many requests a second does it serve with 4 threads a processor (16 in all), how many with 64 a processor
# (256 in all)? And what will the processors be doing? Write down two numbers and a word.

# %%
import iosim

few = iosim.load(
    "thread-thrashing",
    set={"pools.workers.threads": "4/processor", "ports.main.concurrency": "none", "run.replications": 3},
)
many = few.with_set({"pools.workers.threads": "64/processor"})
results = {
    "4 a processor": iosim.run(few, study=False, jobs=1),
    "64 a processor": iosim.run(many, study=False, jobs=1),
}


def tell(design):
    """What a design serves, with its interval."""
    throughput = results[design].summary["throughput_per_s"]
    low, high = throughput["ci95"]
    print(f"{design:26} {throughput['value']:8,.0f} requests/s (95 % interval {low:,.0f} to {high:,.0f})")


for design in results:
    tell(design)

# %% [markdown]
# Where did the processors' time go?

# %%
import matplotlib.pyplot as plt

from iosim import figures, plots


def share(design):
    """Share (0 to 1) of the processors' time by what they did with it."""
    return {kind: it["value"] for kind, it in results[design].summary["processors"]["share"].items()}


def draw_time():
    """One bar for each design so far."""
    _, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    plots.processor_time(ax, list(results), [share(design) for design in results], "Worker threads")


draw_time()

# %% [markdown]
# **Why.** `refill` is time spent on bringing back cache lines that other threads have pushed out. With 64 threads a processor, a thread that
# comes back from its wait finds that dozens of others have run in its place. Its 64 KiB are no longer in the caches, and before it does
# anything useful it pays for every line. The processors are as busy as before, but a good part of it is something that no request asked
# for. (`switch` is the time of going from one thread to another.)
#
# ## The cure
#
# The port has a concurrency limit: how many of its threads may run at once. We set it to 1 for each processor, which is 4 on this machine,
# and leave the 256 threads as they are.
#
# **Predict**: how many requests a second now? And will there ever be more than four of the port's threads running?

# %%
limited = many.with_set({"ports.main.concurrency": "1/processor"})
results["64 a processor, limit 1"] = iosim.run(limited, study=False, jobs=1)
for design in results:
    tell(design)
draw_time()

# %%
ax = results["64 a processor, limit 1"].plot.running_threads()

# %% [markdown]
# **Why.** The port hands out a packet only while fewer of its threads run than the limit says, four in the picture (1 a processor), and
# wakes the thread that waited **last**, whose memory is the warmest. So a few threads take turns, and most of the 256 sleep on.
#
# The count still exceeds four for a while, which is shaded: a thread that wakes from a wait *in the middle* of a request is never held back.
# The limit decides who gets a packet, not who runs.

# %% [markdown]
# ## Turn the knobs
#
# `throughput(threads, limit, memory)` runs one short simulation: `threads` a processor, the port's `limit`, and the time that one cache line
# takes from `memory`. The sliders below call it; the cell after them shows the same for fixed values, so that nothing is lost on paper.

# %%
quick = iosim.load("thread-thrashing", set={"run.duration": "20 ms", "run.warm_up": "16 ms", "run.replications": 1})


def throughput(threads=16, limit="none", memory="40 ns"):
    """Requests a second, and the share of processor time that went into refilling caches."""
    changes = {
        "pools.workers.threads": f"{threads}/processor",
        "ports.main.concurrency": limit,
        "machine.memory.local": memory,
    }
    summary = iosim.run(quick.with_set(changes), study=False, jobs=1).summary
    return summary["throughput_per_s"]["value"], summary["processors"]["share"]["refill"]["value"]


# %%
import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

picture = ipywidgets.HTML()


def draw(threads, limit, memory):
    """A bar for what is served, and one for what is wasted."""
    served, refill = throughput(threads, limit, memory)
    figure = Figure(figsize=(8, 1.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.barh(["served"], [served / 1000], color="#0072B2")
    left.set(xlim=(0, 30), xticks=range(0, 31, 10), xlabel=f"thousand requests/s: {served / 1000:.1f}")
    right.barh(["refill"], [100 * refill], color="#D55E00", hatch="xxx")
    right.set(xlim=(0, 50), xticks=range(0, 51, 10), xlabel=f"% of processor time: {100 * refill:.0f}")
    picture.value = figures.as_svg(figure)


def choice(name, options, value):
    """A slider over a few values; a turn runs when it is let go."""
    return ipywidgets.SelectionSlider(options=options, value=value, description=name, continuous_update=False)


# %%
knobs = ipywidgets.interact(
    draw,
    threads=choice("threads", [1, 4, 16, 64], 64),
    limit=choice("limit", ["1/processor", "2/processor", "none"], "none"),
    memory=choice("memory", ["0 ns", "20 ns", "40 ns", "80 ns"], "40 ns"),
)
display(picture)

# %% [markdown]
# The same, for a reader without sliders:

# %%
table = {(threads, limit): throughput(threads, limit) for threads in (4, 64) for limit in ("1/processor", "none")}
for (threads, limit), (served, refill) in table.items():
    print(f"{threads:3} threads a processor, limit {limit:12} {served:8,.0f} requests/s, refill {refill:4.0%}")

# %% [markdown]
# ## Change one thing
#
# Nothing in the model says "more threads are slower". If the loss comes from caches and switches, it must go when those cost nothing; if it
# stays, the model is wrong. Make them free: `machine.memory.l3`, `machine.memory.local` and `machine.dispatcher.context_switch` are the
# paths, `"0 ns"` is the value. **Predict** both lines, write your changes between the braces, and run the cell.

# %%
yours = {}


def per_second(scenario, changes):
    """Requests a second of a scenario after changes."""
    changed = scenario.with_set({**changes, "run.replications": 1})
    return iosim.run(changed, study=False, jobs=1).summary["throughput_per_s"]["value"]


print(f"64 threads a processor, no limit {per_second(many, yours):8,.0f} requests/s")
print(f"64 threads a processor, limit 1  {per_second(limited, yours):8,.0f} requests/s")

# %% [markdown]
# ## Exercises
#
# 1. Would the 64 threads (a processor, without a limit) serve more if the waits were shorter? Set `handlers.request[1].block` and
#    `handlers.request[3].block` to `{"exponential": "75 us"}`, half of what they are.
#
# <details><summary>Answer</summary>
# No. The processors are busy all the time, so it is not the waits that hold the server back. A thread comes back sooner, and then waits for
# a processor for so much longer; in between as many others have run as before. Throughput and refill stay what they were.
# </details>
#
# 2. Why is the refill not zero with the limit, though each thread works on its own memory only?
#
# <details><summary>Answer</summary>
# A request still waits twice in the middle, and a thread that comes back may find its processor taken and run on another one, whose L2 has
# none of its lines. The limit makes fewer threads take turns; it does not pin them.
# </details>
#
# 3. Take the waits out: `handlers.request` is then three equal steps of computing. Does the number of threads matter now?
#
# <details><summary>Answer</summary>
# No: a thread that never waits keeps its processor until its request is done, takes the next one, and finds its own memory in the caches.
# </details>
#
# **Where the model simplifies**: shared code and data are always warm, SMT siblings have an L2 each, and the ready queue is one for all
# processors; `docs/simplifications.md` says what each does to a result.
#
# ## Solutions
#
# Folded away: try first.

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["hide-cell"]
FREE = {"machine.memory.l3": "0 ns", "machine.memory.local": "0 ns", "machine.dispatcher.context_switch": "0 ns"}
free = {name: per_second(scenario, FREE) for name, scenario in (("no limit", many), ("limit 1", limited))}
print("Change one thing: the loss is gone, so caches and switches were all of its cause.")
for name, rate in free.items():
    print(f"  64 threads a processor, {name:9} {rate:8,.0f} requests/s")

SHORT = {"exponential": "75 us"}
halved = iosim.run(
    many.with_set({"handlers.request[1].block": SHORT, "handlers.request[3].block": SHORT}), study=False, jobs=1
)
results["64 a processor, half the wait"] = halved
print("Exercise 1: half the wait changes nothing.")
for design in ("64 a processor", "64 a processor, half the wait"):
    served, refill = results[design].summary["throughput_per_s"]["value"], share(design)["refill"]
    print(f"  {design:30} {served:8,.0f} requests/s, refill {refill:.0%}")

compute = {"compute": {"time": {"exponential": "60 us"}, "touching": {"private": "64 KiB", "request": "4 KiB"}}}
no_wait = {
    threads: per_second(many, {"handlers.request": [compute] * 3, "pools.workers.threads": f"{threads}/processor"})
    for threads in (4, 64)
}
print("Exercise 3: without waits the number of threads does not matter.")
for threads, rate in no_wait.items():
    print(f"  {threads:2} threads a processor {rate:8,.0f} requests/s")

# %% [markdown]
# ## What this notebook claims

# %%
rates = {design: result.summary["throughput_per_s"]["value"] for design, result in results.items()}
refills = {design: share(design)["refill"] for design in results}
limit = "64 a processor, limit 1"

assert rates["64 a processor"] < 0.9 * rates["4 a processor"]  # more threads are slower
assert rates["64 a processor"] < 0.9 * rates[limit]  # the limit cures it
assert rates[limit] > 0.95 * rates["4 a processor"]
assert refills["64 a processor"] > 2 * refills[limit] > 0  # and this is what it cures; some refill is left
assert share("64 a processor")["idle"] < 0.01  # as busy, with something else
assert max(results[limit].raws[0].timeline["running"]) > 4  # the count exceeds the limit for a while
assert table[64, "none"][1] > 2 * table[64, "1/processor"][1]
assert free["no limit"] > 0.98 * free["limit 1"]  # free memory and switches: no loss
assert abs(rates["64 a processor, half the wait"] / rates["64 a processor"] - 1) < 0.05
assert abs(refills["64 a processor, half the wait"] - refills["64 a processor"]) < 0.03
assert abs(no_wait[64] / no_wait[4] - 1) < 0.02
print("Every claim holds.")
