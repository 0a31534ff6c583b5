"""Brings up the interface lo, which is down in a new network namespace.

usage: loopback.py
"""

import fcntl
import socket
import struct

# From <linux/sockios.h> and <linux/if.h>.
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
IFREQ = struct.Struct("16sH14x")


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, IFREQ.pack(b"lo", 0))
        name, flags = IFREQ.unpack(answer)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, IFREQ.pack(name, flags | IFF_UP))


if __name__ == "__main__":
    main()
