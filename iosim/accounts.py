"""How a part of what a thread owes is booked: on its processor's account and on its request.

A thread owes time of five kinds, paid in the order switch, refill, kernel, user, spin. A stretch that is paid in full, as
most are, books itself (`Processor._book_all`).
"""

from array import array

from iosim.attribution import INTERRUPTED, Request
from iosim.thread import KERNEL, REFILL, SPIN, SWITCH, USER, Thread


def book(thread: Thread, account: "array[int]", elapsed: int) -> None:
    """Of what the thread owes, `elapsed` ns have been paid, in the written order of kinds."""
    if not elapsed:
        return
    paid_switch = min(elapsed, thread.owed_switch)
    left = elapsed - paid_switch
    paid_refill = min(left, thread.owed_refill)
    left -= paid_refill
    paid_kernel = min(left, thread.owed_kernel)
    left -= paid_kernel
    paid_user = min(left, thread.owed_user)
    paid_spin = left - paid_user
    thread.owed_switch -= paid_switch
    thread.owed_refill -= paid_refill
    thread.owed_kernel -= paid_kernel
    thread.owed_user -= paid_user
    thread.owed_spin -= paid_spin
    thread.owed -= elapsed
    request = thread.request
    _book_kind(account, request, SWITCH, paid_switch)
    _book_kind(account, request, REFILL, paid_refill)
    _book_kind(account, request, KERNEL, paid_kernel)
    _book_kind(account, request, USER, paid_user)
    _book_kind(account, request, SPIN, paid_spin)
    request.mark += elapsed


def _book_kind(account: "array[int]", request: Request, kind: int, paid: int) -> None:
    if paid:
        account[kind] += paid
        request.ledger[kind] += paid


def book_stolen(thread: Thread) -> None:
    """Interrupts held up the thread, and so its request."""
    request = thread.request
    request.ledger[INTERRUPTED] += thread.stolen
    request.mark += thread.stolen
    thread.stolen = 0


def scale(thread: Thread, numerator: int, denominator: int) -> None:
    """What is owed, in ns at another pace (rounded down, each kind for itself)."""
    thread.owed_switch = thread.owed_switch * numerator // denominator
    thread.owed_refill = thread.owed_refill * numerator // denominator
    thread.owed_kernel = thread.owed_kernel * numerator // denominator
    thread.owed_user = thread.owed_user * numerator // denominator
    thread.owed_spin = thread.owed_spin * numerator // denominator
    thread.owed = thread.owed_switch + thread.owed_refill + thread.owed_kernel + thread.owed_user + thread.owed_spin
