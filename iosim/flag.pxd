# A flag of one byte, for classes of which there are many; a bint takes the four of a C int. Python sees True and False.
cdef extern from *:
    ctypedef bint flag "_Bool"
