"""Lookaside lists: blocks of one size that are kept for the next use, first by processor, then for all processors.

A block is taken from the processor's private list, else from the shared one, else from nonpaged pool; it is freed to the
private list while that is below its depth, else to the shared one, else to pool. Source: semantics 2.1.3 to 2.1.5.

Simplified: depths are fixed (the real balance-set manager moves them), and a block goes back to the lists of the
processor that allocated it, wherever it is freed. What went back to pool is kept by us, as it costs to make.
"""

from iosim.kernel_queue import NO_PACKET, Packet

SMALL, LARGE = 1, 8  # locations of the IRPs on the two lookaside lists (2.1.3)


class LookasideList:
    """A list of free blocks, at most `depth` of them, and what has become of the tries to take and to free."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.entries: list[Packet] = []
        self.total_allocates = 0
        self.allocate_misses = 0
        self.total_frees = 0
        self.free_misses = 0


class PrivateList(LookasideList):
    """A processor's own list, before the shared one; the pool is behind both."""

    def __init__(self, depth: int, shared: LookasideList, pool: list[Packet]) -> None:
        super().__init__(depth)
        self.shared = shared
        self.pool = pool

    def take(self) -> Packet:
        """A free block, or NO_PACKET: one has to be made. For IRPs in `IoManager.allocate`, without the call."""
        self.total_allocates += 1
        return self.entries.pop() if self.entries else self.take_shared()

    def take_shared(self) -> Packet:
        """The same when the private list is empty."""
        self.allocate_misses += 1
        shared = self.shared
        shared.total_allocates += 1
        if shared.entries:
            return shared.entries.pop()
        shared.allocate_misses += 1
        return self.pool.pop() if self.pool else NO_PACKET

    def give(self, block: Packet) -> None:
        """The block is free. For IRPs in `Irp.free`, without the call."""
        self.total_frees += 1
        if len(self.entries) < self.depth:
            self.entries.append(block)
        else:
            self.give_shared(block)

    def give_shared(self, block: Packet) -> None:
        """The private list is full."""
        self.free_misses += 1
        shared = self.shared
        shared.total_frees += 1
        if len(shared.entries) < shared.depth:
            shared.entries.append(block)
        else:
            shared.free_misses += 1
            self.pool.append(block)


class Lookaside:
    """A private list for each processor and the shared one, for blocks of one size."""

    def __init__(self, processors: int, depth: int, shared_depth: int) -> None:
        self.shared = LookasideList(shared_depth)
        self.pool: list[Packet] = []
        self.private = [PrivateList(depth, self.shared, self.pool) for _ in range(processors)]


NO_LOOKASIDE = Lookaside(1, 0, 0).private[0]  # of blocks that stand alone
