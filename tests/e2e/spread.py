#!/usr/bin/python3
"""Goal:   requests of one connection are done by every shard, each answered once and on its connection, whatever becomes of it;
        a name that all shards want at once is asked for once.
Method: two shards; one connection pipelines, hangs up, or is there when the daemon is told to stop. The name server counts."""

import os
import signal
import time

from lib import sp
from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report

COUNT = 600
ROUNDS = 20
LATE_S = 0.15  # less than a resolver waits before it asks again
TWO = "shards = 2\nlimits { queue-time = 600000 connection-in-flight = 100000 }"
ZONE = {
    "x.example": [["TXT", "v=spf1 ip4:192.0.2.0/24 -all"]],
    "late.example": [["TXT", "v=spf1 ip4:192.0.2.0/24 -all"]],
}
# More than a Status request could be: such are done where they come in.
LARGE = b"From: a@x.example\r\nX-Padding: " + b"p" * 400 + b"\r\n\r\nbody\r\n"


def frames(peer, count, first=0, **settings):
    return b"".join(peer.frame(sp.check_message(LARGE, **settings), first + number) for number in range(count))


def is_verdict(reply):
    return sp.VERDICT in reply


def check_one_connection(report, daemon):
    with sp.Peer(daemon.ipc) as peer:
        seen = set()
        for _ in range(ROUNDS):
            peer.send(frames(peer, COUNT))
            for _ in range(COUNT):
                backtrace, reply = peer.take_reply()
                report.check("a verdict each", is_verdict(reply), str(reply)[:200])
                seen.add(backtrace)
    report.check("each its own", len(seen) == COUNT, f"{len(seen)} of {COUNT}")
    spread = sp.counters(daemon.ipc)["requests_spread_total"]
    report.check("both shards work for one connection", spread > COUNT * ROUNDS // 20, f"{spread} of {COUNT * ROUNDS}")


KEPT_MAX = 2 * (40 << 20)  # two shards: 2,048 chunks of 16 KiB and 1,024 requests at most, with their heads


def check_hang_up(report, daemon):
    for _ in range(ROUNDS):
        with sp.Peer(daemon.ipc) as peer:
            peer.send(frames(peer, COUNT))
    # Some may not even have been read when nothing is in flight for the first time.
    deadline, idle, left = time.monotonic() + 20, 0, 0
    while idle < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
        left = sp.counters(daemon.ipc)["requests_in_flight"]
        idle = idle + 1 if left <= 1 else 0
    report.check("nothing is left of those that hung up", idle == 5, str(left))
    kept = sp.counters(daemon.ipc)["request_memory_kept_bytes"]
    report.check("their memory is kept for the next, within its bound", 0 < kept <= KEPT_MAX, f"{kept} octets")


def check_one_question(report, daemon, dns):
    """All of them come before the answer does, on two connections and so in two shards."""
    with sp.Peer(daemon.ipc) as one, sp.Peer(daemon.ipc) as other:
        for peer in (one, other):
            peer.send(frames(peer, COUNT, mail_from=b"a@late.example"))
        good = sum(is_verdict(peer.take_reply()[1]) for peer in (one, other) for _ in range(COUNT))
    asked = dns.queries("late.example", "TXT")
    report.check("all get a verdict", good == 2 * COUNT, f"{good} of {2 * COUNT}")
    report.check("one question for all", asked == 1, f"{asked} questions")


def check_stop(report, dns):
    """The reply of what is with another shard comes before the connection ends."""
    with Daemon(dns, extra=TWO) as daemon, sp.Peer(daemon.ipc) as peer:
        peer.send(frames(peer, COUNT, mail_from=b"a@late.example"))
        peer.take_reply()
        os.kill(daemon.process.pid, signal.SIGTERM)
        answered = 1
        try:
            while answered < COUNT and peer.take_reply():
                answered += 1
        except ConnectionError:
            pass
        report.check("a stop loses none", answered == COUNT, f"{answered} of {COUNT}")
        report.check("and ends", daemon.process.wait(30) == 0)


def main():
    report = Report("spread")
    dns = DnsServer(ZONE)
    dns.delay_s = LATE_S
    with Daemon(dns, extra=TWO) as daemon:
        check_one_question(report, daemon, dns)
        check_one_connection(report, daemon)
        check_hang_up(report, daemon)
    check_stop(report, dns)
    dns.stop()
    report.finish()


main()
