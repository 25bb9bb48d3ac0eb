from iosim.actor import Clock

class FastClock(Clock):
    moves: int
