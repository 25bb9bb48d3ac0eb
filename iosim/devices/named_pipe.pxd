cimport cython
from libc.stdint cimport int64_t

from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp
from iosim.ntstatus cimport succeeded

cdef int64_t CONNECT, FLUSH, IO_NAMED_PIPE_INCREMENT, NEITHER, READ, STATUS_BUFFER_OVERFLOW, STATUS_CANCELLED
cdef int64_t STATUS_INVALID_DEVICE_REQUEST, STATUS_PENDING, STATUS_PIPE_BROKEN, STATUS_PIPE_CLOSING
cdef int64_t STATUS_PIPE_CONNECTED, STATUS_PIPE_LISTENING, STATUS_SUCCESS, WRITE
cdef Irp NO_IRP

cdef class PipeData:
    cdef public int64_t size
    cdef public Irp irp

cdef class PipeEnd(FileObject):
    cdef public int64_t quota, unread
    cdef public bint connected, listening, messages
    cdef public PipeEnd peer
    cdef public list waiters
    cdef public object inbound, readers

cdef class NamedPipe(Driver):
    cdef public int64_t dispatch_ns
    cdef public IoManager io
    cdef public DeviceObject device
    @cython.locals(first=PipeEnd, second=PipeEnd)
    cpdef object pair(self, int64_t number, int64_t quota=*, bint messages=*)
    @cython.locals(end=PipeEnd)
    cpdef PipeEnd instance(self, int64_t number, int64_t quota=*, bint messages=*)
    cpdef PipeEnd open(self, PipeEnd end)
    @cython.locals(end=FileObject, major=int64_t)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t _wait(self, Irp irp, PipeEnd at)
    @cython.locals(waiters=list, boost=int64_t, irp=Irp)
    cpdef void _release(self, PipeEnd end, int64_t status)
    cpdef int64_t _read(self, Irp irp, PipeEnd end)
    @cython.locals(room=int64_t, left=int64_t, data=PipeData, part=int64_t)
    cpdef void _fill(self, Irp irp, PipeEnd end)
    @cython.locals(before=int64_t, data=PipeData)
    cpdef void _admit(self, PipeEnd end)
    @cython.locals(irp=Irp)
    cpdef void _written(self, PipeData data)
    @cython.locals(to=PipeEnd, size=int64_t, data=PipeData)
    cpdef int64_t _write(self, Irp irp, PipeEnd end)
    @cython.locals(irp=Irp)
    cpdef void _feed(self, PipeEnd end)
    @cython.locals(end=FileObject, at=PipeEnd)
    cpdef void cancelled(self, object device, object irp)
    @cython.locals(data=PipeData)
    cpdef void _take_back(self, Irp irp, PipeEnd to)
    @cython.locals(peer=PipeEnd, broken=list, irp=Irp, writer=FileObject, each=PipeEnd)
    cpdef void cleanup(self, DeviceObject device, FileObject file)

cpdef list taken(list irps)
