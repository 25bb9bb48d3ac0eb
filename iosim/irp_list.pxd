cimport cython

from iosim.irp cimport Irp

cdef Irp NO_IRP

cdef class IrpList:
    cdef public Irp newest
    @cython.locals(newest=Irp, oldest=Irp)
    cpdef void append(self, Irp irp)
    @cython.locals(older=Irp, newer=Irp)
    cpdef void remove(self, Irp irp)
    cpdef bint empty(self)
    @cython.locals(found=list, newest=Irp, irp=Irp)
    cpdef list all(self)
