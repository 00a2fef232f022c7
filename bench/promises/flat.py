"""Who asks for memory while warm messages are checked: counted by call site, in a daemon with bench/allocations preloaded."""

import collections
import mmap
import os
import struct
import subprocess

from rig import Daemon, Row

SITE = struct.Struct("=QQQ48s")  # struct site of allocations.c
NOT_OURS = ("libunbound", "libcrypto", "libssl")
OF_CONNECTIONS = ("conn_accept",)  # once for each that the load generator opens, not for a message
SHOWN = 5


def sites(path):
    """{(module, offset): calls} at this moment."""
    found = collections.Counter()
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as table:
        for address, calls, offset, module in SITE.iter_unpack(table[:]):
            if address:
                found[(module.rstrip(b"\0").decode(), offset)] += calls
    return found


def place(rig, module, offset):
    """FILE:LINE of a place in the daemon itself; of another module its name."""
    if module != "assayd":
        return module
    done = subprocess.run(["addr2line", "-e", rig.program("assayd"), "-f", hex(offset - 1)], capture_output=True, text=True,
                          check=False)
    return done.stdout.split("\n", 1)[0] or hex(offset)


def measure(rig):
    corpus, table = rig.corpus("mixed"), rig.path("allocations")
    count = 2_000 if rig.quick else 40_000
    env = {"ALLOCATIONS": table, "LD_PRELOAD": os.path.abspath(rig.program("bench/liballocations.so"))}
    with Daemon(rig, "flat", f'zone-file = "{corpus}/all.zone"', env=env) as daemon:
        run = ["check", "-s", daemon.url, "-w", 0, "-d", 600]
        rig.bench(rig.core_load, *run, "-n", 10_000, corpus)
        before = sites(table)
        result = rig.bench(rig.core_load, *run, "-n", count, corpus)
        calls = sites(table) - before
    messages = result["checked"]
    theirs, ours = collections.Counter(), collections.Counter()
    for (module, offset), number in calls.items():
        if module.startswith(NOT_OURS):
            theirs[module.split(".so")[0]] += number
        else:
            ours[place(rig, module, offset)] += number
    opened = sum(ours.pop(name, 0) for name in OF_CONNECTIONS)
    where = ", ".join(f"{name} {number}" for name, number in ours.most_common(SHOWN)) or "none"
    return [Row("malloc calls a warm message outside libunbound and OpenSSL", "0",
                f"{sum(ours.values()) / messages:.4f} ({sum(ours.values())} in {messages:,} messages: {where}; and {opened} for connections); "
                + ", ".join(f"{name} {number / messages:.1f}" for name, number in sorted(theirs.items())),
                sum(ours.values()) / messages < 0.01)]
