cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.cache cimport Caches
from iosim.device_stack cimport DeviceObject, Driver, FileObject
from iosim.devices.coalescing cimport Coalescer
from iosim.devices.idle_queue cimport IdleListener, IdleQueue
from iosim.dpc cimport Dpc
from iosim.drives.drive cimport Command, CommandListener, Drive
from iosim.interrupts cimport Interrupt
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, IrpPart, StackLocation
from iosim.probes cimport Probes
from iosim.processor cimport Processor

cdef int64_t DEVICE_QUEUE, DEVICE_SERVICE, DMA, DPC_WAIT, FLUSH, IO_DISK_INCREMENT, KERNEL, MEDIUM_HIGH, PAGE
cdef int64_t PORT_DRIVER_QUEUE, STATUS_DEVICE_DATA_ERROR, STATUS_DEVICE_NOT_CONNECTED, STATUS_IO_DEVICE_ERROR
cdef int64_t STATUS_IO_TIMEOUT, STATUS_PENDING, STATUS_SUCCESS, WRITE
cdef Irp NO_IRP
cdef IrpPart NO_PART
cdef Probes NO_PROBES
cdef Request NO_REQUEST

cdef class PortCosts:
    cdef public int64_t completion, dpc, footprint, isr, page_unlock, start

cdef class PortDriver(Driver):
    cdef public int64_t completion_ns
    cdef public IoManager io
    cdef public Clock clock
    cdef public Caches caches
    cdef public Drive drive
    cdef public int64_t area, busy_ns, commands, depth, failures, interrupts, number, parked, present, present_most
    cdef public int64_t queued_area, queued_most, since, sojourns
    cdef public PortCosts costs
    cdef public object interrupted, waiting
    cdef public list free, irps, routes, slots, vector_of, vectors
    cdef public IdleQueue idle
    cdef public Request last_request
    cdef public Probes probes
    cdef public bint alone, background, drains, held, paired, unusual, watched
    cdef public int64_t[::1] entered
    @cython.locals(vector=Vector)
    cpdef void pair_up(self, int64_t depth)
    @cython.locals(vector=Vector)
    cpdef void coalesce(self, int64_t count, int64_t time)
    @cython.locals(vector=Vector, other=Vector)
    cpdef void redirect(self)
    cpdef void hold_background(self, int64_t interval, int64_t starvation)
    cpdef int64_t start_cost(self)
    @cython.locals(status=int64_t)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    cpdef int64_t look_at(self, Irp irp)
    cpdef void let_background_in(self, Irp irp, int64_t processor)
    @cython.locals(irp=Irp)
    cpdef void start_waiting(self, int64_t processor)
    @cython.locals(location=StackLocation, major=int64_t, command=Command, tag=int64_t, vector=Vector)
    cpdef void _start(self, Irp irp, int64_t processor)
    cpdef void _park(self, Irp irp, Vector vector)
    @cython.locals(command=Command, vector=Vector)
    cpdef void make_room(self, list commands)
    @cython.locals(vector=Vector, irp=Irp)
    cpdef void unpark(self)
    cpdef bint _must_wait(self, Irp irp)
    cpdef void hold(self)
    cpdef void go_on(self, int64_t processor)
    @cython.locals(irp=Irp, location=StackLocation)
    cpdef bint next_is_flush(self)
    @cython.locals(slots=int64_t)
    cpdef int64_t startable(self, int64_t freed)
    @cython.locals(tag=int64_t, irp=Irp, request=Request, queued_until=int64_t, ledger=int64_t[::1], vector=Vector)
    cpdef void finished(self, Command command)
    cpdef bint failed(self, Command command)
    cpdef void lost(self, Command command)
    cpdef void fail(self, Command command, Irp irp)
    @cython.locals(now=int64_t, passed=int64_t)
    cpdef void _count(self, int64_t change)
    cpdef void settle(self)

cdef class DriveLink(CommandListener):
    cdef public PortDriver port
    cpdef void command_finished(self, Command command)
    cpdef void command_lost(self, Command command)

cdef class Vector(Interrupt):
    cdef public PortDriver port
    cdef public Processor processor
    cdef public list finished
    cdef public CompletionDpc dpc
    cdef public int64_t room
    cdef public object waiting
    cdef public bint plain, redirects
    cdef public Coalescer coalescer
    cpdef void service(self, object processor)
    cpdef void tell(self, Command command)
    @cython.locals(port=PortDriver, commands=list, command=Command, irp=Irp, vector=Vector)
    cpdef void _redirect(self)

cdef class CompletionDpc(Dpc):
    cdef public PortDriver port
    cdef public Vector vector
    cdef public list batch
    @cython.locals(port=PortDriver, costs=PortCosts, now=int64_t, time=int64_t, command=Command, irp=Irp, part=IrpPart, file=FileObject)
    cpdef int64_t begin(self, object processor)
    @cython.locals(port=PortDriver, now=int64_t, batch=list, irps=list, irp=Irp, command=Command)
    cpdef void end(self, object processor)
    cpdef void _unusual(self, Command command, Irp irp)

cdef class IdleLink(IdleListener):
    cdef public PortDriver port
    cdef public list starts
    @cython.locals(start=StartDpc, processor=Processor)
    cpdef void turn_came(self, Irp irp)

cdef class StartDpc(Dpc):
    cdef public PortDriver port
    cdef public Irp irp
    @cython.locals(costs=PortCosts)
    cpdef int64_t begin(self, object processor)
    cpdef void end(self, object processor)

@cython.locals(found=list, others=int64_t, number=int64_t, vector=Vector)
cpdef list routes(list vectors, object interrupted)
