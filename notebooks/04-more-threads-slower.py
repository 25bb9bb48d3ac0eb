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
# A server answers every request with three pieces of work and two waits in between. Its threads each work on 64 KiB of their own
# memory. There are four processors.
#
# **Predict** before you run: how many requests a second does it serve with 4 threads a processor, how many with 64? And what will the
# processors be doing? Write down two numbers.

# %%
import iosim

few = iosim.load(
    "thread-thrashing",
    set={"pools.workers.threads": "4/processor", "ports.main.concurrency": "none", "run.replications": 3},
)
many = few.with_set({"pools.workers.threads": "64/processor"})
limited = many.with_set({"ports.main.concurrency": "1/processor"})
designs = {"4 threads": few, "64 threads": many, "64 threads, port limit 1": limited}
results = {name: iosim.run(scenario, study=False, jobs=1) for name, scenario in designs.items()}
for name, result in results.items():
    throughput = result.summary["throughput_per_s"]
    low, high = throughput["ci95"]
    print(f"{name:26} {throughput['value']:8,.0f} requests/s (95 % interval {low:,.0f} to {high:,.0f})")

# %% [markdown]
# Where did the time of the processors go? `refill` is time spent bringing back cache lines that other threads pushed out.

# %%
for name, result in results.items():
    shares = result.summary["processors"]["share"]
    busy = {kind: share["value"] for kind, share in shares.items() if share["value"] > 0.005}
    print(f"{name:26} " + ", ".join(f"{kind} {share:.0%}" for kind, share in busy.items()))

# %%
lost = results["64 threads"].summary["throughput_per_s"]["value"]
cured = results["64 threads, port limit 1"].summary["throughput_per_s"]["value"]
assert lost < 0.9 * cured

# %% [markdown]
# **Why.** With 64 threads a processor, a thread that comes back from its wait finds that dozens of others have run in its place. Its
# 64 KiB are no longer in the caches, and before it does anything useful it pays for every line. Nobody is blocked for
# longer than before; the processors are as busy, but with something that no request asked for.
#
# The port's limit cures it: it hands out no more packets than there are processors to serve them, and wakes the thread that waited
# **last**, whose memory is the warmest. The picture shows the running threads against the limit. A thread that wakes from a wait is
# never held back, so the count exceeds the limit for a while.

# %%
results["64 threads, port limit 1"].plot.running_threads()
# %% [markdown]
# ## Turn the knobs
#
# `throughput(threads, limit, memory)` runs one short simulation. The sliders below call it; the cell after them shows the same for fixed
# values, so that nothing is lost on paper.

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

from iosim import plots

picture = ipywidgets.HTML()


def draw(threads, limit, memory):
    """A bar for what is served, and one for what is wasted."""
    served, refill = throughput(threads, limit, memory)
    figure = Figure(figsize=(7, 1.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.barh(["served"], [served], color="#0072B2")
    left.set(xlim=(0, 30000), xticks=[0, 10000, 20000, 30000], xlabel=f"requests/s: {served:,.0f}")
    right.barh(["refill"], [100 * refill], color="#D55E00", hatch="xxx")
    right.set(xlim=(0, 50), xlabel=f"% of processor time: {100 * refill:.0f}")
    picture.value = plots.as_svg(figure)


def choice(name, options, value):
    """A slider over a few values; a turn runs when it is let go."""
    return ipywidgets.SelectionSlider(options=options, value=value, description=name, continuous_update=False)


# %%
ipywidgets.interact(
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

# %%
assert table[64, "none"][1] > 2 * table[64, "1/processor"][1]

# %% [markdown]
# ## Change one thing
#
# Set the cost of refilling to zero: `machine.memory.l3` and `machine.memory.local` to `"0 ns"`, and the context switch too. What happens to
# the loss, and what does that say about its cause? (Nothing in the model says "more threads are slower". If the loss stays when its cause
# is free, the model is wrong.)

# %%
free = {"machine.memory.l3": "0 ns", "machine.memory.local": "0 ns", "machine.dispatcher.context_switch": "0 ns"}
without = [
    iosim.run(it.with_set({**free, "run.replications": 2}), study=False, jobs=1).summary["throughput_per_s"]["value"]
    for it in (many, limited)
]
print(f"with free memory: {without[0]:,.0f} requests/s without a limit, {without[1]:,.0f} with it")
assert without[0] > 0.98 * without[1]

# %% [markdown]
# ## Exercises
#
# 1. Would a faster disk or a shorter wait help the 64 threads?
#
# <details><summary>Answer</summary>
# No. The processors are busy all the time; the waits are not what is short. With <code>block</code> steps of half the time a thread is back
# sooner, and then waits for a processor for so much longer. The last cell does it: throughput and refill stay what they were.
# </details>
#
# 2. Why is the refill not zero with the limit, though each thread works on its own memory only?
#
# <details><summary>Answer</summary>
# A request still waits twice in the middle, and a thread that comes back may find its processor taken and run on another one, whose L2 has
# none of its lines. The limit makes fewer threads take turns; it does not pin them.
# </details>
#
# 3. The handler's first step reads <code>compute</code> only, without waits. Take the <code>block</code> steps out. Does the number of
#    threads matter now?
#
# <details><summary>Answer</summary>
# No: a thread that never blocks keeps its processor until its request is done, and the caches keep one thread's memory.
# </details>
#
# **Where the model simplifies**: shared code and data are always warm, SMT siblings have an L2 each, and the ready queue is one for all
# processors; `docs/simplifications.md` says what each does to a result.

# %%
compute = {"compute": {"time": {"exponential": "60 us"}, "touching": {"private": "64 KiB", "request": "4 KiB"}}}
shorter = {"block": {"exponential": "75 us"}}
steps = {"half the wait": [compute, shorter, compute, shorter, compute], "no wait": [compute, compute, compute]}
rates = {
    (name, threads): iosim.run(
        many.with_set({"handlers.request": it, "pools.workers.threads": threads, "run.replications": 1}),
        study=False,
        jobs=1,
    ).summary["throughput_per_s"]["value"]
    for name, it in steps.items()
    for threads in ("4/processor", "64/processor")
}
assert abs(rates["half the wait", "64/processor"] / lost - 1) < 0.05
assert abs(rates["no wait", "64/processor"] / rates["no wait", "4/processor"] - 1) < 0.02
