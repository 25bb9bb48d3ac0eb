cimport cython
from libc.stdint cimport int64_t

from iosim.frames cimport Frame, copy_of

cdef int64_t DATA, ETHERNET, LONGEST

@cython.locals(units=list, places=dict, frame=Frame, place=int64_t)
cpdef list coalesce(list frames)
cpdef bint follows(Frame frame, Frame unit)
cpdef Frame merged(Frame unit, Frame frame)
