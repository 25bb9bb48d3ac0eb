"""What a processor is doing: its IRQL, coarsely; and how fast its threads run.

Constants stand apart from the mechanisms that use them at every event, as those, compiled, import them as plain C numbers.
"""

# DECIDING: its thread's program is being asked what comes next, at this very instant. RAISED: its thread runs, at
# DISPATCH_LEVEL. WAKING: idle_states.py.
PASSIVE, DISPATCH, DEVICE_LEVEL, HALTED, DECIDING, RAISED, WAKING = range(7)

FULL_PACE = 1000  # wall ns for 1,000 ns of work, with an idle SMT sibling
