from libc.stdint cimport int64_t

from iosim.attribution cimport Request

cdef Request NO_REQUEST

cdef class Program:
    cpdef bint resume(self, Thread thread)

cdef class Thread:
    cdef public int64_t base_priority, core_fill, foreground, full_quantum, full_units, group, ideal, irql
    cdef public int64_t node_fill, number, owed, owed_kernel, owed_refill, owed_spin, owed_switch, owed_user
    cdef public int64_t priority, priority_decrement, private, processor, quantum, queued_on, ready_since
    cdef public int64_t request_bytes, stage, state, stolen, switches, turn, units, wait_began, wait_cause
    cdef public Program program
    cdef public bint boosts, planned
    cdef public Request request
    cdef public object affinity
    cpdef void owe_user(self, int64_t ns)
    cpdef void owe_kernel(self, int64_t ns)
    cpdef void owe_refill(self, int64_t ns)
    cpdef void owe_spin(self, int64_t ns)

