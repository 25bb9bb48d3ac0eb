cdef class Canceller:
    cpdef void cancelled(self, object device, object irp)
