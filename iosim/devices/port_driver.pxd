cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Clock
from iosim.attribution cimport Request
from iosim.cache cimport Caches
from iosim.device_stack cimport DeviceObject, Driver
from iosim.dpc cimport Dpc
from iosim.drives.drive cimport Command, CommandListener, Drive
from iosim.interrupts cimport Interrupt
from iosim.io_manager cimport IoManager
from iosim.irp cimport Irp, StackLocation
from iosim.probes cimport Probes
from iosim.processor cimport Processor

cdef int64_t DEVICE_QUEUE, DEVICE_SERVICE, DMA, DPC_WAIT, FLUSH, IO_DISK_INCREMENT, KERNEL, PAGE, PORT_DRIVER_QUEUE
cdef int64_t STATUS_PENDING, STATUS_SUCCESS, WRITE
cdef Irp NO_IRP
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
    cdef public int64_t area, busy_ns, commands, number, present, present_most, queued_area, queued_most, since
    cdef public int64_t sojourns
    cdef public PortCosts costs
    cdef public object waiting
    cdef public list free, irps, routes, vector_of, vectors
    cdef public Request last_request
    cdef public Probes probes
    cdef public bint watched
    cdef public int64_t[::1] entered
    cpdef int64_t start_cost(self)
    cpdef int64_t dispatch(self, DeviceObject device, Irp irp)
    @cython.locals(irp=Irp)
    cpdef void start_waiting(self, int64_t processor)
    @cython.locals(location=StackLocation, command=Command, tag=int64_t)
    cpdef void _start(self, Irp irp, int64_t processor)
    @cython.locals(tag=int64_t, irp=Irp, request=Request, queued_until=int64_t, ledger=int64_t[::1], vector=Vector)
    cpdef void finished(self, Command command)
    @cython.locals(now=int64_t, passed=int64_t)
    cpdef void _count(self, int64_t change)
    cpdef void settle(self)

cdef class DriveLink(CommandListener):
    cdef public PortDriver port
    cpdef void command_finished(self, Command command)

cdef class Vector(Interrupt):
    cdef public Processor processor
    cdef public list finished
    cdef public CompletionDpc dpc
    cpdef void service(self, object processor)

cdef class CompletionDpc(Dpc):
    cdef public PortDriver port
    cdef public Vector vector
    cdef public list batch
    @cython.locals(port=PortDriver, costs=PortCosts, now=int64_t, time=int64_t, command=Command, irp=Irp)
    cpdef int64_t begin(self, object processor)
    @cython.locals(port=PortDriver, now=int64_t, batch=list, irps=list, irp=Irp, command=Command)
    cpdef void end(self, object processor)

@cython.locals(found=list, others=int64_t, number=int64_t, vector=Vector)
cpdef list routes(list vectors, object interrupted)
