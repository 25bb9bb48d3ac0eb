"""What a TCP connection takes: thousands of them must fit."""

from benchmarks.connections import parts
from iosim.compiled import MODE

MOST = 2000 if MODE.compiled else 2600  # bytes: both sides, the server's socket, and a posted receive


def test_a_connection_with_a_posted_receive_takes_less_than_two_kilobytes_compiled() -> None:
    found = parts(1000)
    assert found["together"] < MOST, found
