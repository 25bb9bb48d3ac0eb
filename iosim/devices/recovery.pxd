cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor
from iosim.devices.port_driver cimport PortDriver, Vector
from iosim.drives.drive cimport Command
from iosim.irp cimport Irp

cdef int64_t DEVICE, FAULT_RECOVERY, IO_DISK_INCREMENT, LOG_READ, PORT_DRIVER_QUEUE, REMOVAL, REMOVED, RESET, RESET_DONE
cdef int64_t STATUS_DEVICE_DOES_NOT_EXIST, STATUS_DEVICE_NOT_CONNECTED, TIMED_OUT
cdef Irp NO_IRP

cdef class RecoveryTimes:
    cdef public int64_t error_log, reset, retries, timeout

cdef class RecoveringPort(PortDriver):
    cdef public RecoveryTimes times
    cdef public bint gone, recovering
    cdef public list again, doomed, orphans
    cdef public Irp silent
    cdef public dict tries
    cdef public int64_t reissued, resets
    cdef public RecoveryEvents events
    cdef public CommandTimers timers
    cpdef void removed_at(self, int64_t time)
    cpdef int64_t look_at(self, Irp irp)
    cpdef void let_background_in(self, Irp irp, int64_t processor)
    cpdef void finished(self, Command command)
    cpdef bint failed(self, Command command)
    @cython.locals(passed=int64_t)
    cpdef void lost(self, Command command)
    cpdef void timed_out(self, int64_t tag)
    cpdef void _interrupt_service(self)
    @cython.locals(found=list, command=Command)
    cpdef list _dropped(self)
    @cython.locals(now=int64_t, command=Command, irp=Irp)
    cpdef void log_read(self)
    @cython.locals(left=list, command=Command, irp=Irp, tries=int64_t, vector=Vector)
    cpdef void reset_done(self)
    @cython.locals(command=Command, vector=Vector)
    cpdef void removal(self)
    @cython.locals(queues=list, vector=Vector)
    cpdef void _orphan(self)
    @cython.locals(now=int64_t)
    cpdef void _leave(self, Irp irp, int64_t cause)
    @cython.locals(tag=int64_t, irp=Irp)
    cpdef void _give_up(self, Command command, int64_t failed)
    @cython.locals(vector=Vector)
    cpdef void _tell(self, Command command)
    cpdef int64_t startable(self, int64_t freed)
    @cython.locals(commands=list, command=Command, irp=Irp, now=int64_t)
    cpdef void go_on(self, int64_t processor)
    @cython.locals(irps=list, irp=Irp)
    cpdef void _tell_orphans(self)

cdef class RecoveryEvents(Actor):
    cdef public RecoveringPort port
    cpdef void fire(self, int64_t what)

cdef class CommandTimers(Actor):
    cdef public RecoveringPort port
    cpdef void fire(self, int64_t what)

cpdef tuple age(Command command)
