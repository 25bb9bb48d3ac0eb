cimport cython
from libc.stdint cimport int64_t

from iosim.attribution cimport Request, rebook
from iosim.cache_manager cimport CacheManager
from iosim.completion_port cimport CompletionPort
from iosim.device_stack cimport FileObject
from iosim.ntfs_metadata cimport Metadata
from iosim.ntstatus cimport is_error
from iosim.kernel_queue cimport KernelThread, Packet
from iosim.kernel_work cimport KernelWork
from iosim.locks cimport ContendedLock
from iosim.port_lock cimport LockedPort
from iosim.services cimport Services
from iosim.thread cimport Program, Thread
from iosim.variates cimport Variate

cdef int64_t ACQUIRED, AGAIN, BEGIN, BLOCKED, BLOCKED_CALL, DONE, FETCH, FILTER, FINISH, FLUSH, LEFT, LEFT_AND_WAITS
cdef int64_t READ, RETRIES, RUNNING, SECTOR, SLEEP, SPINNING, STAYS, WAITS, WRITE
cdef Packet NO_PACKET

cdef class Step:
    cdef public Services services
    cdef public bint acts, charges
    cpdef void begin(self, KernelThread thread)
    cpdef int64_t finish(self, KernelThread thread)

cdef class ComputeStep(Step):
    cdef public Variate time
    cdef public int64_t private, request_bytes
    cdef public bint touches
    @cython.locals(time=int64_t)
    cpdef void begin(self, KernelThread thread)

cdef class TransferStep(Step):
    cdef public FileObject file
    cdef public CacheManager cache
    cdef public int64_t major
    cdef public bint blocking
    cpdef (int64_t, int64_t) where(self, KernelThread thread)
    cpdef bint hit(self, KernelThread thread, int64_t offset, int64_t size)
    @cython.locals(hit=bint)
    cpdef bint at_once(self, KernelThread thread, int64_t offset, int64_t size)
    @cython.locals(offset=int64_t, size=int64_t, hit=bint)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(cache=CacheManager, outcome=int64_t)
    cpdef int64_t finish(self, KernelThread thread)

cdef class DrawnTransfer(TransferStep):
    cdef public Variate offset, size
    cdef public list hits
    @cython.locals(index=int64_t, size=int64_t, offset=int64_t, end=int64_t)
    cpdef (int64_t, int64_t) where(self, KernelThread thread)
    @cython.locals(drawn=Variate)
    cpdef bint hit(self, KernelThread thread, int64_t offset, int64_t size)

cdef class RowTransfer(Step):
    cdef public list caches, files
    @cython.locals(request=Request, file=FileObject, major=int64_t, hit=bint, cache=CacheManager)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(target=int64_t, file=FileObject, cache=CacheManager, outcome=int64_t)
    cpdef int64_t finish(self, KernelThread thread)

cdef class FlushStep(Step):
    cdef public FileObject file
    cpdef void begin(self, KernelThread thread)
    cpdef int64_t finish(self, KernelThread thread)

cdef class OpenStep(Step):
    cdef public Metadata metadata
    cdef public Variate record
    cdef public int64_t cost, filters
    @cython.locals(request=Request)
    cpdef void begin(self, KernelThread thread)
    @cython.locals(work=KernelWork, request=Request)
    cpdef int64_t finish(self, KernelThread thread)

cdef class CloseStep(OpenStep):
    cpdef void begin(self, KernelThread thread)

cdef class AcquireStep(Step):
    cdef public ContendedLock lock
    cdef public bint shared
    @cython.locals(outcome=int64_t)
    cpdef int64_t finish(self, KernelThread thread)

cdef class ReleaseStep(Step):
    cdef public ContendedLock lock
    cdef public bint shared
    cpdef int64_t finish(self, KernelThread thread)

cdef class BlockStep(Step):
    cdef public Variate time
    cpdef void begin(self, KernelThread thread)
    @cython.locals(time=int64_t)
    cpdef int64_t finish(self, KernelThread thread)

cdef class SleepStep(BlockStep):
    @cython.locals(services=Services, time=int64_t)
    cpdef int64_t finish(self, KernelThread thread)

cdef class PostStep(Step):
    cdef public CompletionPort port
    cpdef void begin(self, KernelThread thread)
    cpdef int64_t finish(self, KernelThread thread)

cdef class LockedPostStep(PostStep):
    cdef public LockedPort locked
    cpdef void begin(self, KernelThread thread)
    cpdef int64_t finish(self, KernelThread thread)

cdef class EndStep(Step):
    @cython.locals(request=Request)
    cpdef int64_t finish(self, KernelThread thread)

cdef class WorkerProgram(Program):
    cdef public Services services
    cdef public CompletionPort port
    @cython.locals(worker=KernelThread, stage=int64_t, request=Request, step=Step, outcome=int64_t)
    cpdef bint resume(self, Thread thread)

