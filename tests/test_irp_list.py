"""The requests under way on a file object, linked through their IRPs."""

import random

from iosim.irp import Irp
from iosim.irp_list import IrpList


def test_irps_are_listed_oldest_first_whichever_go() -> None:
    draw = random.Random(1)
    irps = [Irp(1) for _ in range(12)]
    listed, expected = IrpList(), list[Irp]()
    for _ in range(2000):
        irp = draw.choice(irps)
        if irp in expected:
            listed.remove(irp)
            expected.remove(irp)
        else:
            listed.append(irp)
            expected.append(irp)
        assert [*listed] == expected
        assert listed.empty() == (not expected)
        assert [irp.listed for irp in irps] == [irp in expected for irp in irps]


def test_what_is_listed_keeps_its_place_when_it_is_appended_again() -> None:
    listed = IrpList()
    first, second = Irp(1), Irp(1)
    for irp in (first, second, first):
        listed.append(irp)
    assert listed.all() == [first, second]


def test_to_remove_what_is_not_listed_does_nothing() -> None:
    """A request that a thread's list has is taken out of both."""
    listed = IrpList()
    first, other = Irp(1), Irp(1)
    listed.append(first)
    listed.remove(other)
    assert listed.all() == [first]


def test_an_irp_that_has_gone_can_be_in_another_list() -> None:
    one, another = IrpList(), IrpList()
    first, second = Irp(1), Irp(1)
    for irp in (first, second):
        one.append(irp)
    one.remove(first)
    another.append(first)
    assert (one.all(), another.all()) == ([second], [first])
