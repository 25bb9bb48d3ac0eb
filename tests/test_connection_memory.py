"""What a TCP connection takes: thousands of them must fit."""

from benchmarks.connections import parts
from iosim.compiled import MODE

MOST = 2750 if MODE.compiled else 2850  # bytes: both sides, the server's socket, and a posted receive


def test_a_connection_with_a_posted_receive_takes_no_more_memory_than_it_did() -> None:
    found = parts(1000)
    assert found["together"] < MOST, found
