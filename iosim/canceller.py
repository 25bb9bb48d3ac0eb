"""Cancel routines: who is called when a request is cancelled (semantics 2.8). A module of its own, below IRPs and drivers."""

from typing import TYPE_CHECKING

from iosim.errors import DriverMistake

if TYPE_CHECKING:
    from iosim.device_stack import DeviceObject
    from iosim.irp import Irp


class Canceller:
    """Who is called when a request is cancelled: a driver."""

    def cancelled(self, device: "DeviceObject", irp: "Irp") -> None:
        """Cancel routine: take the IRP off the driver's queue and complete it with STATUS_CANCELLED."""
        raise DriverMistake(self, "cancelled", "the cancel routine is missing; it takes (device, irp)")


NO_CANCELLER = Canceller()
