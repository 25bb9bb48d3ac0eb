"""Numbers of ports that clients connect from. Source: RFC 6335 and Windows since Vista (dynamic ports 49152 to 65535)."""

FIRST_PORT = 49_152
PORTS = 16_384
