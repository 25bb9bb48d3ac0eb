
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request, part_of
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.file_control cimport FileControl
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, IrpPart, StackLocation

cdef int64_t NO_ROUTINE, STATUS_PENDING

@cython.locals(location=StackLocation, control=FileControl, offset=int64_t, size=int64_t, parts=list, here=int64_t, part=Irp, lower=DeviceObject, driver=Driver, first=StackLocation)
cpdef int64_t send_to_extents(IoManager io, DeviceObject device, Irp irp, FileObject file)
