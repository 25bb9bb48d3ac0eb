from libc.stdint cimport int64_t


cpdef object error_name(int64_t error)
cpdef int64_t error_of(int64_t status)
cpdef bint is_error(int64_t status)
cpdef bint succeeded(int64_t status)
cpdef int64_t winsock_error_of(int64_t status)
