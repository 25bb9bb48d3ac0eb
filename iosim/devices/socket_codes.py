"""Numbers of sockets and of their calls; beside winsock.py, so that compiled modules have them as C integers."""

from iosim.units import KIB

STREAM, DATAGRAM = 1, 2  # SOCK_STREAM, SOCK_DGRAM
UNBOUND, BOUND, LISTENING, TAKEN, CONNECTING, CONNECTED = range(6)  # states; TAKEN: AcceptEx has the socket

# Device controls; the numbers are our own.
RECEIVE, SEND, SEND_TO, ACCEPT, SUPER_ACCEPT, CONNECT, SUPER_CONNECT, SUPER_DISCONNECT, LIST_ADDRESSES, TRANSMIT = (
    range(10)
)

SD_RECEIVE, SD_SEND, SD_BOTH = range(3)
DISCONNECT, REUSE_SOCKET, WRITE_BEHIND = 1, 2, 4  # TF_...
CHUNK = 64 * KIB  # bytes of a file that are read and sent at a time (size and number [M])
CHUNKS = 2  # of a file that are being read or are not acknowledged yet

NO_ADDRESS = -1
NO_LINGER = -1
NEVER = -1
PORT_MASK = 0xFFFF
AREA = 32  # bits below the length of AcceptEx's local address area, where the accept socket's number is
NUMBER_MASK = 0xFFFFFFFF
SMALLEST_AREA = 16 + 16  # bytes: an IPv4 address, and 16 more as AcceptEx's documentation asks for
SEND_BUFFER = 64 * KIB  # SO_SNDBUF; older systems had 8 KiB, newer ones adapt it [M]
ENDLESS = 1 << 40
