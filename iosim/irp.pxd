cimport cython
from libc.stdint cimport int32_t, int64_t, uint32_t

from iosim.attribution cimport Request
from iosim.canceller cimport Canceller
from iosim.flag cimport flag
from iosim.kernel_queue cimport KernelThread, Packet
from iosim.kernel_work cimport KernelWork
from iosim.lookaside cimport PrivateList

cdef int64_t STATUS_SUCCESS
cdef Canceller NO_CANCELLER
cdef PrivateList NO_LOOKASIDE
cdef KernelWork NO_WORK
cdef Request NO_REQUEST
cdef StackLocation NO_LOCATION

cdef class StackLocation:
    cdef public object device
    cdef public int32_t major, routine
    cdef public int64_t offset, size
    cdef public flag pending
    cpdef void clear(self)

cdef class StatusBlock:
    cdef public int64_t information, status

cdef class Notice:
    cdef public StatusBlock block, context
    cdef public object apc, event
    cdef public bint sets_event
    cpdef Notice with_event(self, object event)

cdef class IrpPart:
    cdef public int64_t up_ns
    cpdef int64_t pays_up(self)

cdef class Irp(Packet):
    cdef public PrivateList lookaside
    # Counts, numbers and codes have 32 bits; what is in bytes or ns has 64.
    cdef public int32_t allocation_flags, associated, boost, current, processor, stack_count
    cdef public uint32_t code, status
    cdef public int64_t due, information, removal_cost
    cdef public list locations
    cdef public object file
    cdef public flag accessible, block_due, buffered, cancel, disowned, ended, hit, listed, paging, pending_returned, plain
    cdef public flag reports, returned, synchronous
    cdef public KernelThread thread, waiter
    cdef public Notice notice
    cdef public Canceller canceller
    cdef public Irp master, newer, older
    cdef public IrpPart part
    cdef public KernelWork work
    cpdef void clean(self)
    @cython.locals(first=StackLocation)
    cpdef void prepare(self, Request request, object file, int64_t major, int64_t offset, int64_t size)
    cpdef StackLocation location(self)
    cpdef void tell(self, Notice notice)
    @cython.locals(part=IrpPart)
    cpdef int64_t pays_up(self)
    cpdef StackLocation first(self)
    @cython.locals(current=int64_t, here=StackLocation, below=StackLocation)
    cpdef void copy_to_next(self, int64_t shift, int64_t routine)
    cpdef void skip(self)
    cpdef void own(self, object device, int64_t routine)
    @cython.locals(location=StackLocation)
    cpdef void mark_pending(self)
    @cython.locals(location=StackLocation)
    cpdef void clear_below(self)
    @cython.locals(before=Canceller)
    cpdef Canceller set_canceller(self, Canceller canceller)
    cpdef bint enqueued(self, Canceller canceller)
    cpdef bint dequeued(self)
    cpdef bint under_way(self)
    @cython.locals(own=PrivateList)
    cpdef void free(self)
    @cython.locals(cost=int64_t)
    cpdef int64_t removed(self)
    cpdef void write_block(self)

