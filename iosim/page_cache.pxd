
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.kernel_work cimport KernelWork

cdef int64_t FILE_SHIFT, PAGE, PAGE_MASK
cdef Request NO_REQUEST

cdef class PageRun(KernelWork):
    cdef public int64_t count, first, number
    cdef public bint done, drawn, write
    cdef public list waiters

cdef class PageCache:
    cdef public int64_t capacity
    cdef public dict dirty, loading, pages, writing
    @cython.locals(pages=dict, resident=bint, page=int64_t, key=int64_t)
    cpdef bint lookup(self, int64_t file, int64_t offset, int64_t size)
    @cython.locals(page=int64_t)
    cpdef void fill(self, int64_t file, int64_t offset, int64_t size)
    @cython.locals(pages=dict)
    cpdef void _insert(self, int64_t key)
    cpdef int64_t first_absent(self, int64_t file, int64_t page, int64_t last)
    @cython.locals(key=int64_t, run=PageRun)
    cpdef PageRun reserve(self, Request request, int64_t file, int64_t page, int64_t last)
    cpdef bint _known(self, int64_t key)
    cpdef bint under_way(self, int64_t file, int64_t page)
    cpdef PageRun reader_of(self, int64_t file, int64_t page)
    @cython.locals(key=int64_t)
    cpdef void read_in(self, PageRun run, bint good)
    @cython.locals(new=int64_t, page=int64_t, key=int64_t, pages=dict)
    cpdef int64_t soil(self, int64_t file, int64_t offset, int64_t size)
    cpdef int64_t dirty_pages(self)
    cpdef list dirty_of(self, int64_t file)
    cpdef list writing_of(self, int64_t file)
    @cython.locals(run=PageRun)
    cpdef PageRun clean(self, Request request, int64_t key, int64_t most)
    @cython.locals(key=int64_t)
    cpdef void written(self, PageRun run)
