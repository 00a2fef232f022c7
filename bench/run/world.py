"""A world of its own for a run: network and mount namespaces with nothing but loopback, where port 53 and /etc/resolv.conf are
ours. run.sh makes the namespaces (unshare) and says so in BENCH_WORLD; without them peers cannot be measured, for they ask
whatever /etc/resolv.conf names."""

import fcntl
import os
import socket
import struct
import subprocess

DNS_PORT = 53
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h


def is_own():
    return os.environ.get("BENCH_WORLD") == "1"


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack_from("16sh", asked)[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def enter(rig):
    """Everything that is started from now on asks 127.0.0.1 for names."""
    loopback_up()
    resolvers = rig.path("resolv.conf")
    with open(resolvers, "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.1\noptions edns0 timeout:2 attempts:2\n")
    subprocess.run(["mount", "--bind", resolvers, "/etc/resolv.conf"], check=True)
