"""Where requests end in a stream: what comes first out, and numbers that stay."""

import random
from collections import deque

from iosim.attribution import NO_REQUEST, Request, new_ledger, new_request
from iosim.stream_marks import PLACES, StreamMarks


def requests(count: int) -> list[Request]:
    return [new_request(0, index, 0, new_ledger()) for index in range(count)]


def all_of(marks: StreamMarks) -> list[tuple[int, Request]]:
    return [(marks.end_at(number), marks.request_at(number)) for number in range(marks.head, marks.tail)]


def test_marks_go_in_the_order_in_which_they_came() -> None:
    """More of them than there are places at first, at any place of the ring."""
    draw = random.Random(1)
    marks, expected = StreamMarks(), deque[tuple[int, Request]]()
    for end, request in enumerate(requests(500)):
        marks.append(end, request)
        expected.append((end, request))
        for _ in range(draw.choice((0, 0, 1, 1, 3))):
            if expected:
                assert marks.first() is expected.popleft()[1]
                marks.pop()
        assert all_of(marks) == [*expected]
        assert marks.empty() == (not expected)
    assert marks.mask >= 2 * PLACES - 1  # it has grown


def test_a_marks_number_stays_while_older_ones_go() -> None:
    """Whoever goes through them may be the cause that some go."""
    marks = StreamMarks()
    first, second, third = requests(3)
    for end, request in ((10, first), (20, second), (30, third)):
        marks.append(end, request)
    number = marks.tail - 1
    marks.pop()
    marks.pop()
    assert (marks.end_at(number), marks.request_at(number)) == (30, third)


def test_without_marks_there_is_no_request() -> None:
    marks = StreamMarks()
    assert marks.empty() and marks.first() is NO_REQUEST
    (request,) = requests(1)
    marks.append(5, request)
    marks.pop()
    assert marks.empty() and marks.first() is NO_REQUEST


def test_the_oldest_request_can_be_replaced_by_its_ghost() -> None:
    marks = StreamMarks()
    request, ghost = requests(2)
    marks.append(5, request)
    marks.replace_first(ghost)
    assert all_of(marks) == [(5, ghost)]
