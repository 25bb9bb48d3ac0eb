
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.cache_manager cimport CacheManager
from iosim.device_stack cimport DeviceObject, FileObject
from iosim.file_control cimport FileControl
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation
from iosim.kernel_queue cimport KernelThread
from iosim.kernel_work cimport KernelWork
from iosim.ntstatus cimport is_error

cdef int64_t AFTER, BEFORE, BLOCKED, BLOCKED_CALL, FLUSH, LAST, OVER, OWES, SEND, STATUS_PENDING, WRITE
cdef Irp NO_IRP

cdef class OwnIrp(KernelWork):
    cdef public CacheManager cache
    cdef public FileObject file
    cdef public Irp own
    @cython.locals(io=IoManager, device=DeviceObject, irp=Irp)
    cpdef int64_t send(self, KernelThread thread, int64_t major, int64_t offset, int64_t size)
    cpdef void take_status(self)

cdef class OwnTransfer(OwnIrp):
    cdef public Irp irp
    cdef public KernelWork last
    cdef public int64_t major, offset, size, stage
    @cython.locals(control=FileControl, last=KernelWork, outcome=int64_t)
    cpdef int64_t go_on(self, KernelThread thread)
    @cython.locals(transform=int64_t)
    cpdef void _owe_transform(self, KernelThread thread)
    @cython.locals(irp=Irp)
    cpdef void end(self)

cdef class OwnFlush(OwnIrp):
    cdef public bint sent
    cpdef int64_t go_on(self, KernelThread thread)
