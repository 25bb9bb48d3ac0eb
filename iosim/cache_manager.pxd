
cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.device_stack cimport DeviceObject, FileObject
from iosim.dispatcher cimport Dispatcher
from iosim.file_control cimport FileControl
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp
from iosim.kernel_queue cimport KernelQueue, KernelThread
from iosim.kernel_work cimport KernelWork
from iosim.ntstatus cimport is_error
from iosim.page_cache cimport PageCache, PageRun
from iosim.write_throttle cimport WriteThrottle

cdef int64_t INVOKE_ALWAYS, IO_DISK_INCREMENT, PAGE, READ, STATUS_PENDING, WRITE

cdef class NoWriter:
    cpdef void dirtied(self)
    cpdef void hurry(self)

cdef class CacheManager:
    cdef public IoManager io
    cdef public Clock clock
    cdef public PageCache pages
    cdef public KernelQueue background, queue
    cdef public WriteThrottle throttle
    cdef public object writer
    cdef public DeviceObject device
    cdef public Request own
    cdef public dict files
    cdef public int64_t blocked, collided, dirty_area, dirty_most, dirty_since, hits, lost_pages, misses
    cdef public int64_t paging_reads, paging_writes, read_ahead_pages, writes, written_pages
    @cython.locals(control=FileControl)
    cpdef bint resident(self, FileObject file, int64_t offset, int64_t size)
    cpdef void count(self, bint hit)
    @cython.locals(control=FileControl)
    cpdef bint takes(self, FileObject file, int64_t offset, int64_t size)
    cpdef bint edges_resident(self, FileObject file, int64_t offset, int64_t size)
    cpdef bint edge_resident(self, FileObject file, int64_t edge)
    @cython.locals(control=FileControl, dirty=int64_t)
    cpdef void soil(self, FileObject file, int64_t offset, int64_t size)
    cpdef void hurry(self)
    cpdef bint saturated(self)
    cpdef void post(self, KernelWork work)
    @cython.locals(device=DeviceObject, irp=Irp, offset=int64_t)
    cpdef Irp issue(self, PageRun run, FileObject file, int64_t processor)
    cpdef int64_t size_of(self, PageRun run, FileObject file)
    @cython.locals(run=PageRun, waiters=list, thread=KernelThread, dispatcher=Dispatcher)
    cpdef void ended(self, Irp irp)
    cpdef void _written(self, PageRun run)
    @cython.locals(run=PageRun)
    cpdef PageRun to_write(self, Request request, FileObject file, int64_t key, int64_t most)
    @cython.locals(now=int64_t)
    cpdef void _count_dirty(self)
    cpdef void settle(self)

cpdef int64_t spanned(int64_t offset, int64_t size)
