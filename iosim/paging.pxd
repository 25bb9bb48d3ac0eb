
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.cache_manager cimport CacheManager
from iosim.device_stack cimport FileObject
from iosim.dispatcher cimport Dispatcher
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp
from iosim.kernel_queue cimport KernelThread
from iosim.kernel_work cimport KernelWork
from iosim.ntstatus cimport is_error
from iosim.page_cache cimport PageCache, PageRun

cdef int64_t BLOCKED, FILE_SHIFT, MOST_PAGES, OVER, OWES, PAGING, READ, WRITE
cdef Irp NO_IRP
cdef PageRun NO_RUN

cdef class PageMover(KernelWork):
    cdef public CacheManager cache
    cdef public FileObject file
    cdef public PageRun joined, run
    cdef public Irp paging
    @cython.locals(outcome=int64_t)
    cpdef int64_t go_on(self, KernelThread thread)
    cpdef int64_t next(self, KernelThread thread)
    @cython.locals(io=IoManager)
    cpdef void _owe(self, KernelThread thread)
    @cython.locals(run=PageRun, io=IoManager)
    cpdef bint _issue(self, KernelThread thread)
    cpdef void _arrived(self)
    @cython.locals(dispatcher=Dispatcher)
    cpdef int64_t _join(self, KernelThread thread, PageRun run)

cdef class PageFaults(PageMover):
    cdef public int64_t last, page
    @cython.locals(joined=PageRun, pages=PageCache, number=int64_t)
    cpdef int64_t next(self, KernelThread thread)
    cpdef int64_t _all(self, KernelThread thread)

cdef class WriteOut(PageMover):
    cdef public list keys
    cdef public int64_t place
    cdef public bint joins
    @cython.locals(pages=PageCache, joined=PageRun, key=int64_t, transform=int64_t)
    cpdef int64_t next(self, KernelThread thread)
    @cython.locals(place=int64_t)
    cpdef int64_t _neighbours(self, int64_t key)

@cython.locals(page=int64_t)
cpdef list keys_of(int64_t number, int64_t first, int64_t count)
