"""What became of a handler's step, and where a worker stands: constants of services.py and application.py (see modes.py)."""

# Go on; the request goes on elsewhere; go on when woken; the request went on and the thread waits; try again when the time
# now owed is paid; try again when woken; the thread waits inside its call: finish again when woken.
DONE, LEFT, WAITS, LEFT_AND_WAITS, AGAIN, RETRIES, STAYS = range(7)

# What a worker does next: fetch a packet, begin a step, finish it.
FETCH, BEGIN, FINISH = range(3)

# Of work in the kernel (kernel_work.py): the thread owes time, it waits, all is done.
OWES, BLOCKED, OVER = range(3)
