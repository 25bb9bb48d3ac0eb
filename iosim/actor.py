"""What the clock calls, and what a clock is. Knows no simpy; compiled like every mechanism."""

from enum import IntEnum


class Rank(IntEnum):
    """Who goes first at one instant."""

    DEVICE = 10  # hardware finishes before anyone is told
    INTERRUPT = 20  # pre-empts whatever its processor was running
    DPC = 30  # deferred work drains before threads resume
    THREAD = 40  # a thread's stretch of processor time ends
    TIMER = 50  # waits that end by time
    ARRIVAL = 60  # the outside world asks only after the inside has settled
    USER = 70  # processes of the user's own, on SimPy
    SAMPLE = 80  # observers see a settled instant
    STOP = 90  # the run's last entry


# Plain ints: an IntEnum member is an object, and these are used at every event.
DEVICE, INTERRUPT, DPC, THREAD, TIMER, ARRIVAL, USER, SAMPLE, STOP = (int(rank) for rank in Rank)


class Actor:
    """Something that is called when its time has come.

    `generation` voids: raising it by one makes every entry that the actor has pending dead.
    """

    __slots__ = ("generation",)

    def __init__(self) -> None:
        self.generation = 0

    def fire(self, what: int) -> None:
        """Do what was asked for (`what` is the actor's own code) at `clock.now`."""
        raise NotImplementedError


class Clock:
    """Integer nanoseconds; calls are made in the order (time, rank, sequence).

    Every clock *writes* `now` before it fires an actor: compiled code reads the field itself, so a property would be
    bypassed. `events` counts the entries that fired; dead ones (see `Actor.generation`) are not counted, so that all
    clocks agree; the number is brought up to date when `run` ends.

    Every clock also keeps two sums over the events that fired, which `digest` shows: of time + rank + code, and of the
    first sum as it stood after each event, so that order counts. Two additions are all that plain Python can afford at
    every event. Nothing else plays a part: not who listens, and not what a user's own SimPy processes do.
    """

    def __init__(self) -> None:
        self.now = 0
        self.sequence = 0
        self.events = 0
        self.running = False

    def at(self, delay: int, rank: int, actor: Actor, what: int) -> None:
        """Call `actor.fire(what)` in `delay` ns (0 or more); of equal instants the lower `rank` goes first."""
        raise NotImplementedError

    def run(self, limit: int) -> None:
        """Fire what is due until nothing is left, `stop` is called or `limit` more events have fired."""
        raise NotImplementedError

    def digest(self) -> str:
        """The events so far, in their order, as 32 hexadecimal digits: equal on all clocks, plain and compiled.

        The events of a run within a run are left out of account.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """End `run` after the actor that is being fired; what is still pending stays."""
        self.running = False


def shown(total: int, weighted: int) -> str:
    """Both sums of a clock, as far as 64 bits hold them."""
    return f"{total % 2**64:016x}{weighted % 2**64:016x}"
