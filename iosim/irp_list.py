"""A file object's requests under way, oldest first: linked through the IRPs themselves, as the real ones are.

So a file object without requests takes next to nothing, and a request nothing beside its IRP.
"""

from collections.abc import Iterator

from iosim.irp import NO_IRP, Irp


class IrpList:
    """An IRP is in one list at most; `listed` says so. `newest` is NO_IRP when there is none.

    The links make a circle: the oldest one is newer than the newest. One that is alone, or in no list, is its own neighbour.
    """

    __slots__ = ("newest",)

    def __init__(self) -> None:
        self.newest = NO_IRP

    def append(self, irp: Irp) -> None:
        """It is the newest, unless it is listed already."""
        if irp.listed:
            return
        irp.listed = True
        newest = self.newest
        self.newest = irp
        if newest is not NO_IRP:
            oldest = newest.newer
            newest.newer = irp
            irp.older = newest
            irp.newer = oldest
            oldest.older = irp

    def remove(self, irp: Irp) -> None:
        """It is here no longer, if it was."""
        if not irp.listed:
            return
        irp.listed = False
        older = irp.older
        if self.newest is irp:
            self.newest = NO_IRP if older is irp else older
        newer = irp.newer
        older.newer = newer
        newer.older = older
        irp.older = irp
        irp.newer = irp

    def empty(self) -> bool:
        """There is none."""
        return self.newest is NO_IRP

    def all(self) -> list[Irp]:
        """Those that are here now, oldest first."""
        found: list[Irp] = []
        newest = self.newest
        if newest is NO_IRP:
            return found
        irp = newest.newer
        while irp is not newest:
            found.append(irp)
            irp = irp.newer
        found.append(irp)
        return found

    def __iter__(self) -> Iterator[Irp]:
        return iter(self.all())
