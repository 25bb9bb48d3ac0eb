cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.device_stack cimport DeviceObject, FileObject
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation
from iosim.kernel_queue cimport KernelQueue, KernelThread, Packet
from iosim.ntstatus cimport is_error
from iosim.thread cimport Program, Thread

cdef int64_t COPY, FILE_SHIFT, FINISH, ISSUE, PAGE, PAGING, READ, STATUS_PENDING, TAKE
cdef Irp NO_IRP
cdef Packet NO_PACKET
cdef Request NO_REQUEST

cdef class PageCache:
    cdef public int64_t capacity
    cdef public dict pages
    @cython.locals(pages=dict, resident=bint, page=int64_t, key=int64_t)
    cpdef bint lookup(self, int64_t file, int64_t offset, int64_t size)
    @cython.locals(pages=dict, page=int64_t, key=int64_t)
    cpdef void fill(self, int64_t file, int64_t offset, int64_t size)

cdef class WorkItem(Packet):
    cdef public Irp irp
    cdef public PageCache pages

cdef class CacheManager:
    cdef public IoManager io
    cdef public PageCache pages
    cdef public KernelQueue queue
    cdef public int64_t hits, misses
    cpdef bint resident(self, FileObject file, int64_t offset, int64_t size)
    cpdef void count(self, bint hit)
    cpdef bint saturated(self)
    cpdef void post(self, Irp irp)

cdef class SystemWorker(Program):
    cdef public IoManager io
    cdef public KernelQueue queue
    cdef public Irp irp, paging
    cdef public PageCache pages
    @cython.locals(worker=KernelThread)
    cpdef bint resume(self, Thread thread)
    @cython.locals(packet=Packet)
    cpdef bint _take(self, KernelThread thread)
    @cython.locals(irp=Irp, location=StackLocation, device=DeviceObject)
    cpdef bint _issue(self, KernelThread thread)
    @cython.locals(irp=Irp, location=StackLocation)
    cpdef bint _copy(self, KernelThread thread)
    @cython.locals(irp=Irp)
    cpdef void _finish(self, KernelThread thread)

