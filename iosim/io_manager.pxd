cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.canceller cimport Canceller
from iosim.completion cimport Completion
from iosim.completion_port cimport CompletionPort
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.dispatcher cimport Dispatcher
from iosim.irp cimport Irp, Notice, StackLocation, StatusBlock
from iosim.kernel_queue cimport KernelThread, Packet
from iosim.lookaside cimport Lookaside, PrivateList
from iosim.ntstatus cimport is_error, succeeded
from iosim.objects cimport Event

cdef int64_t BUFFERED, INVOKE_ON_CANCEL, INVOKE_ON_ERROR, INVOKE_ON_SUCCESS, IRP_ALLOCATED_FIXED_SIZE
cdef int64_t IRP_QUOTA_CHARGED, LARGE, MOST_LOCATIONS, NOT_FAST, PAGE, READ, SKIP_PORT_ON_SUCCESS, SKIP_SET_EVENT
cdef int64_t SKIP_USER_EVENT_ON_FAST_IO, SMALL, STATUS_ACCESS_VIOLATION, STATUS_BUFFER_OVERFLOW, STATUS_END_OF_FILE
cdef int64_t STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING
cdef int64_t STATUS_SUCCESS, STAYS_IN_CALL, WRITE
cdef Canceller NO_CANCELLER
cdef CompletionPort NO_PORT
cdef Irp NO_IRP
cdef KernelThread NO_THREAD
cdef Notice NO_NOTICE
cdef Packet NO_PACKET
cdef Request NO_REQUEST
cdef StatusBlock NO_STATUS_BLOCK

cdef class MiniPacket(Packet):
    cdef public PrivateList lookaside
    cdef public Notice notice
    cdef public FileObject file
    cdef public int64_t information, status
    cpdef int64_t removed(self)
    cpdef void free(self)

cdef class IoCosts:
    cdef public int64_t call, copy_ps, irp, page_lock, removal

cdef class IoManager:
    cdef public Dispatcher dispatcher
    cdef public Clock clock
    cdef public IoCosts costs
    cdef public bint direct, verifier
    cdef public Completion completion
    cdef public Lookaside large, mini, small
    cdef public list of_more, of_one, pool
    cdef public dict exits
    @cython.locals(own=PrivateList, packet=Packet, room=int64_t, irp=Irp)
    cpdef Irp allocate(self, int64_t stack_size, int64_t processor=*)
    cpdef Irp allocate_charged(self, int64_t stack_size)
    @cython.locals(own=PrivateList, packet=Packet, irp=Irp)
    cpdef Irp _from_pool(self, int64_t stack_size, int64_t flags)
    @cython.locals(irp=Irp, location=StackLocation)
    cpdef Irp make_associated(self, Irp master, int64_t stack_size)
    @cython.locals(plain=bint)
    cpdef void adopt(self, FileObject file)
    cpdef int64_t associate(self, FileObject file, CompletionPort port, object key)
    cpdef int64_t set_notification_modes(self, FileObject file, int64_t modes, int64_t length=*)
    cpdef Event event_of(self, FileObject file)
    @cython.locals(irp=Irp)
    cpdef void _end_plainness(self, FileObject file)
    cpdef void duplicate(self, FileObject file)
    @cython.locals(irp=Irp)
    cpdef void close(self, FileObject file)
    @cython.locals(costs=IoCosts, device=DeviceObject, pages=int64_t, way=int64_t, driver=Driver)
    cpdef int64_t issue_cost(self, FileObject file, int64_t size, int64_t major=*)
    @cython.locals(device=DeviceObject, copied=int64_t)
    cpdef int64_t copying_cost(self, FileObject file, int64_t major, int64_t size)
    cpdef int64_t vain_cost(self)
    cpdef int64_t copy_cost(self, int64_t size)
    cpdef bint refuses(self, FileObject file, Notice notice)
    @cython.locals(file=FileObject, synchronous=bint, status=int64_t)
    cpdef int64_t start(self, KernelThread thread, Irp irp, int64_t cause)
    @cython.locals(first=StackLocation)
    cpdef bint misaligned(self, FileObject file, Irp irp)
    cpdef void ended_at_once(self, Irp irp)
    cpdef int64_t _wait_in_call(self, KernelThread thread, Irp irp, int64_t cause)
    @cython.locals(location=StackLocation)
    cpdef int64_t call_driver(self, DeviceObject device, Irp irp)
    cpdef void wait_for(self, KernelThread thread, Irp irp, int64_t cause)
    @cython.locals(top=int64_t, current=int64_t, locations=list, pended=bint, done=StackLocation, routine=int64_t, location=StackLocation, above=DeviceObject, answer=int64_t, file=FileObject, waiter=KernelThread)
    cpdef void complete(self, Irp irp, int64_t boost=*)
    @cython.locals(master=Irp)
    cpdef void _end(self, Irp irp, int64_t boost)
    cpdef int64_t complete_with(self, Irp irp, int64_t status, int64_t information, int64_t boost=*)
    cpdef void _verify_pending(self, Irp irp)
    cpdef void _verify(self, Irp irp)
    @cython.locals(canceller=Canceller)
    cpdef bint cancel(self, Irp irp)
    cpdef list pending(self, FileObject file)
    @cython.locals(found=list, irp=Irp)
    cpdef int64_t cancel_io(self, FileObject file, KernelThread thread=*, StatusBlock context=*)
    @cython.locals(rounds=int64_t)
    cpdef bint leave(self, KernelThread thread)
    @cython.locals(notice=Notice, reports=bint)
    cpdef bint _survives(self, Irp irp)
    @cython.locals(status=int64_t)
    cpdef int64_t fast_io(self, FileObject file, int64_t major, int64_t offset, int64_t size, StatusBlock block)
    @cython.locals(status=int64_t)
    cpdef int64_t fast_control(self, FileObject file, int64_t code, int64_t size, Notice notice, int64_t processor=*)
    @cython.locals(own=PrivateList, taken=Packet, packet=MiniPacket)
    cpdef MiniPacket _mini_packet(self, Notice notice, FileObject file, int64_t status, int64_t processor)

cpdef bint invoked(int64_t routine, Irp irp)
@cython.locals(location=StackLocation)
cpdef object describe(Irp irp)
