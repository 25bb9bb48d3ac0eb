"""The same order as the other clocks on a heap of C structs: the one file that is no plain Python.

A node of the heap is a time, an order (rank above sequence, in one number) and the number of a slot. What is to be called
stands in the slot: the actor in a Python list, so that the garbage collector sees it, its code and generation beside it.
A slot whose call has come is the next to be taken. The first node is only marked (`hole`) when its call is made: a call
as a rule asks for another one, which then takes its place at once; this and four children a node (fewer levels, and the
children share cache lines) saved 15 to 20 % each with 10 to 1,000 calls pending.
"""
cimport cython
from cpython.list cimport PyList_GET_ITEM, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport INT64_MAX, int64_t, uint64_t

from iosim.actor cimport Actor, Clock
from iosim.actor import shown

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    FIRST_ROOM = 256  # slots of a new clock
    RANK_SHIFT = 48  # bits of a sequence number: 2^48 calls are a year at 9 million a second

cdef int64_t NO_SLOT = -1
cdef int64_t RANKS = <int64_t>1 << 15
cdef int64_t SEQUENCES = <int64_t>1 << RANK_SHIFT


cdef inline bint before(const Node* a, const Node* b) noexcept nogil:
    if a.time != b.time:
        return a.time < b.time
    return a.order < b.order


@cython.overflowcheck(False)  # the sums of a digest begin again at 2^64
cdef inline uint64_t plus(uint64_t a, uint64_t b) noexcept nogil:
    return a + b


cdef inline void exchange(list slots, Py_ssize_t slot, object new) noexcept:
    """`slots[slot] = new`, without the questions: the slot is there."""
    cdef PyObject* old = PyList_GET_ITEM(slots, slot)
    Py_INCREF(new)
    PyList_SET_ITEM(slots, slot, new)
    Py_DECREF(<object>old)


cdef class FastClock(Clock):
    """A heap of C structs; `moves` counts how often a node was written to a place of the heap."""

    def __cinit__(self):
        self.actors = []
        self.free = NO_SLOT

    def __dealloc__(self):
        PyMem_Free(self.heap)
        PyMem_Free(self.calls)

    cpdef void at(self, int64_t delay, int64_t rank, Actor actor, int64_t what):
        """Call `actor.fire(what)` in `delay` ns; of equal instants the lower `rank`, then the older entry goes first."""
        cdef Py_ssize_t place, parent
        cdef Node node
        if delay < 0:
            raise ValueError(f"a call can't be {-delay} ns ago")
        if delay > INT64_MAX - self.now:
            raise OverflowError(f"{delay} ns from {self.now} ns is beyond the last instant of this clock, 2^63 - 1 ns")
        if not -RANKS <= rank < RANKS or self.sequence >= SEQUENCES:
            raise OverflowError(f"rank {rank} or sequence number {self.sequence} is beyond what this clock can hold")
        if actor is None:
            raise TypeError("None can't be called")
        if self.free == NO_SLOT:
            self.grow()
        node.time = self.now + delay
        node.order = rank * SEQUENCES + self.sequence
        node.slot = self.free
        self.free = self.calls[node.slot].what
        self.sequence += 1
        self.calls[node.slot].what = what
        self.calls[node.slot].generation = actor.generation
        exchange(self.actors, node.slot, actor)
        if self.hole:
            self.hole = False
            self.sink(node)
            return
        place = self.size
        self.size += 1
        while place > 0:
            parent = (place - 1) >> 2
            if not before(&node, &self.heap[parent]):
                break
            self.heap[place] = self.heap[parent]
            self.moves += 1
            place = parent
        self.heap[place] = node
        self.moves += 1

    cdef void grow(self):
        """Twice the room for nodes and slots; the new slots are free. Raises MemoryError and stays as it was."""
        cdef Py_ssize_t room = 2 * self.room if self.room else FIRST_ROOM, slot
        cdef Node* heap
        cdef Call* calls
        if <size_t>room > <size_t>PY_SSIZE_T_MAX // sizeof(Node):
            raise MemoryError(f"{self.size} calls are pending, and there can't be more")
        heap = <Node*>PyMem_Realloc(self.heap, room * sizeof(Node))
        if heap == NULL:
            raise MemoryError(f"no memory for more than the {self.size} calls that are pending")
        self.heap = heap
        calls = <Call*>PyMem_Realloc(self.calls, room * sizeof(Call))
        if calls == NULL:
            raise MemoryError(f"no memory for more than the {self.size} calls that are pending")
        self.calls = calls
        self.actors.extend([None] * (room - len(self.actors)))
        for slot in range(room - 1, self.room - 1, -1):
            calls[slot].what = self.free
            self.free = slot
        self.room = room

    cdef void sink(self, Node node) noexcept:
        """Put `node` where the first one was, and then down to its place."""
        cdef Node* heap = self.heap
        cdef Py_ssize_t size = self.size, place = 0, child, best, other, last
        cdef int64_t moves = 1
        while True:
            child = 4 * place + 1
            if child >= size:
                break
            best = child
            last = child + 4 if child + 4 < size else size
            for other in range(child + 1, last):
                if before(&heap[other], &heap[best]):
                    best = other
            if not before(&heap[best], &node):
                break
            heap[place] = heap[best]
            moves += 1
            place = best
        heap[place] = node
        self.moves += moves

    cdef void drop_first(self) noexcept:
        """Take the first node, whose call has been made, out of the heap."""
        self.hole = False
        self.size -= 1
        if self.size:
            self.sink(self.heap[self.size])

    cpdef void run(self, int64_t limit):
        """Fire what is due until nothing is left, `stop` is called or `limit` more events have fired."""
        cdef int64_t left = limit, slot, what, order
        cdef uint64_t total = self.total, weighted = self.weighted
        cdef Actor actor
        self.running = True
        try:
            while left:
                if self.hole:
                    self.drop_first()
                if not self.size:
                    return
                self.now = self.heap[0].time
                order = self.heap[0].order
                slot = self.heap[0].slot
                self.hole = True
                actor = <Actor>PyList_GET_ITEM(self.actors, slot)
                exchange(self.actors, slot, None)
                what = self.calls[slot].what
                self.calls[slot].what = self.free
                self.free = slot
                if self.calls[slot].generation == actor.generation:
                    self.events += 1
                    total = plus(total, plus(<uint64_t>self.now, plus(<uint64_t>(order >> RANK_SHIFT), <uint64_t>what)))
                    weighted = plus(weighted, total)
                    actor.fire(what)
                    if not self.running:
                        return
                    left -= 1
        finally:
            self.total = total
            self.weighted = weighted

    cpdef str digest(self):
        """The events so far, in their order."""
        return shown(self.total, self.weighted)
