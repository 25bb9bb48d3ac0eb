cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor, Clock
from iosim.attribution cimport Request, rebook
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation, StatusBlock
from iosim.kernel_queue cimport KernelQueue, KernelThread
from iosim.kernel_work cimport KernelWork

cdef int64_t FILTER, INVOKE_ALWAYS, NO_ROUTINE, OVER, OWES, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING
cdef int64_t STAYS_IN_CALL, TIMER, WRITE
cdef KernelWork NO_WORK

cdef class Filter(Driver):
    cdef public IoManager io
    cdef public KernelQueue workers
    cdef public int64_t completion_ns, delay, dispatch_ns, paging_seen, post, pre, routine, scan_ps, seen
    cdef public bint passive, sized
    cdef public Hold hold
    @cython.locals(location=StackLocation, time=int64_t, hold=Hold)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    @cython.locals(work=KernelWork, workers=KernelQueue)
    cpdef int64_t go_on(self, DeviceObject device, Irp irp)
    @cython.locals(workers=KernelQueue)
    cpdef int64_t completed(self, DeviceObject device, Irp irp)
    cpdef int64_t sized_cost(self, DeviceObject device, int64_t major, int64_t size)
    @cython.locals(lower=DeviceObject, driver=Driver)
    cpdef int64_t fast_io(self, DeviceObject device, FileObject file, int64_t major, int64_t offset, int64_t size, StatusBlock block)

cdef class Hold(Actor):
    cdef public Filter owner
    cdef public Clock clock
    cdef public object irps
    cdef public int64_t area, held, since, sojourns
    cpdef void take(self, Irp irp)
    @cython.locals(irp=Irp, now=int64_t, request=Request, location=StackLocation, owner=Filter)
    cpdef void fire(self, int64_t what)
    @cython.locals(now=int64_t)
    cpdef void settle(self)
    @cython.locals(whole=int64_t, irp=Irp)
    cpdef int64_t ages(self, int64_t now)

cdef class PostOperation(KernelWork):
    cdef public Filter owner
    cdef public Irp irp
    cdef public bint paid
    cpdef int64_t go_on(self, KernelThread thread)
    @cython.locals(owner=Filter, irp=Irp, io=IoManager)
    cpdef void end(self)
