
cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request
from iosim.cache_manager cimport CacheManager
from iosim.device_stack cimport FileObject
from iosim.kernel_work cimport KernelWork
from iosim.paging cimport PageFaults, WriteOut, keys_of

cdef int64_t LOG_RECORD, PAGE
cdef KernelWork NO_WORK

cdef class Log:
    cdef public int64_t mode, next, records
    cdef public FileObject file
    cpdef void open(self, FileObject file, int64_t mode)
    @cython.locals(file=FileObject, place=int64_t)
    cpdef KernelWork record(self, CacheManager cache, Request request)

cdef class Metadata:
    cdef public CacheManager cache
    cdef public FileObject table
    cdef public Log log
    @cython.locals(page=int64_t)
    cpdef KernelWork look_up(self, Request request, int64_t record)
    @cython.locals(log=Log)
    cpdef KernelWork change(self, Request request)
