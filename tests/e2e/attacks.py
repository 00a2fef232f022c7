#!/usr/bin/python3
"""Goal:   no peer takes more than its bounds, and none keeps others from being served.
Method: connections that speak the protocol octet by octet do what no library would; meanwhile others ask, and the
        daemon's own counters and its memory are watched."""

import threading
import time
import urllib.request

from lib import sp
from lib.daemon import Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report

MIB = 1 << 20
OCTETS_HELD = 128 * MIB
DNS_TIMEOUT_MS = 6000
STALL_MS = 2000
PROMPT_S = 3  # on a machine that does much else; below the time for look-ups
LIMITS = f"limits {{ octets-held = {OCTETS_HELD} stall-time = {STALL_MS} drain-time = 2000 }}\n"
SILENT = 600

ZONE = {
    "x.example": [["TXT", "v=spf1 ip4:192.0.2.0/24 -all"]],
    **{f"silent{number}.example": [["*", "TIMEOUT"]] for number in range(SILENT)},
    **{f"mute{number}.example": [["*", "TIMEOUT"]] for number in range(60)},  # whose silence is not known yet
}


def resident(daemon):
    """MiB of memory in use."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) >> 10


class Peak:
    """The most memory that the daemon used while the block ran."""

    def __init__(self, daemon):
        self.daemon, self.before, self.mib = daemon, resident(daemon), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(0.02):
            self.mib = max(self.mib, resident(self.daemon))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self._stop.set()
        self._thread.join()

    def more(self):
        return self.mib - self.before


def counter(metrics, name):
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"assay_{name} "))


def check_others(report, what, url):
    start = time.monotonic()
    with sp.Peer(url) as peer:
        answer = peer.ask(sp.check_sender("x.example"))
    took = time.monotonic() - start
    report.check(f"{what}: others are served", sp.SENDER_VERDICT in answer and took < PROMPT_S, f"{took:.2f} s")


def check_blocked_requests(report, url):
    """Each small request lies in a receive buffer of its own until its DNS answers are in."""
    with sp.Peer(url) as peer:
        for number in range(SILENT):
            peer.send(peer.frame(sp.check_sender(f"silent{number}.example"), number))
            time.sleep(0.001)
        check_others(report, f"{SILENT} requests wait for DNS", url)
        replies = {peer.take_reply()[0] for _ in range(SILENT)}
        report.check("each of them is answered in the end", len(replies) == SILENT, str(len(replies)))


def check_announced(report, url, metrics):
    """The room for a frame is taken when its memory is, not when its length comes."""
    size = 20 * MIB
    peers = [sp.Peer(url) for _ in range(20)]
    for peer in peers:
        peer.send(peer.head(size))
    time.sleep(0.3)
    for peer in peers:
        peer.send(b"\x80\0\0\1" + b"\0" * 2000)
    end = time.monotonic() + 10
    while counter(metrics, "over_octets_held_total") < 20 - OCTETS_HELD // size and time.monotonic() < end:
        time.sleep(0.1)
    held = counter(metrics, "octets_held")
    report.check("frames under way keep within limits.octets-held", 0 < held <= OCTETS_HELD, str(held))
    refused = counter(metrics, "over_octets_held_total")
    report.check("what is above is refused", refused == 20 - OCTETS_HELD // size, str(refused))
    for peer in peers:
        peer.close()
    time.sleep(0.3)
    held = counter(metrics, "octets_held")
    report.check("and all is given back", held == 0, str(held))


def check_cut_frames(report, urls):
    """Two frames, the second behind two hops, cut at every octet."""
    for url in urls:
        good = 0
        with sp.Peer(url, greet=False) as peer:
            whole = sp.GREETING_REQ + peer.frame(sp.STATUS, 7) + peer.frame(sp.STATUS, 8, b"\0\0\0\1\0\0\0\2")
        for cut in range(1, len(whole)):
            with sp.Peer(url, greet=False) as peer:
                peer.send(whole[:cut])
                time.sleep(0.002)
                peer.send(whole[cut:])
                peer.take(8)
                first, second = peer.take_reply(), peer.take_reply()
                good += first[0] == b"\x80\0\0\7" and second[0] == b"\0\0\0\1\0\0\0\2\x80\0\0\10"
        report.check(f"{url.split(':')[0]}: frames cut anywhere", good == len(whole) - 1, f"{good} of {len(whole) - 1}")


def check_nonsense(report, url):
    for name, octets in {
        "another protocol's greeting": b"\0SP\0\0\x10\0\0",
        "no greeting": b"GET / HTTP/1.1\r\n\r\n",
        "an endless frame": sp.GREETING_REQ + b"\xff" * 8,
    }.items():
        with sp.Peer(url, greet=False) as peer:
            peer.send(octets)
            report.check(f"{name}: closed", peer.is_closed())
    with sp.Peer(url) as peer:
        peer.send(peer.head(0) + peer.head(3) + b"\x80\0\0" + peer.head(8) + b"\0" * 8 + peer.head(400) + b"\0" * 400)
        report.check("frames without a request id are dropped", sp.STATUS_RESULT in peer.ask(sp.STATUS))


def check_status_flood(report, daemon, url):
    """A reply can be hundreds of times its request: a peer that does not read must not fill our memory."""
    with sp.Peer(url, greet=False) as peer, Peak(daemon) as peak:
        one = peer.frame(sp.STATUS)
        peer.socket.settimeout(5)
        try:
            peer.send(sp.GREETING_REQ + one * (4 * MIB // len(one)))
        except (ConnectionError, TimeoutError):
            pass
        check_others(report, "a flood of Status", url)
    report.check("a flood of Status: bounded memory", peak.more() < 160, f"{peak.more()} MiB more")


def check_request_memory(report, daemon, url):
    """A request's memory can be many times its octets: two of an empty submessage make eighty."""
    junk = sp.field(1, b"") * 100_000
    peers = []
    with Peak(daemon) as peak:
        for number in range(60):
            peers.append(sp.Peer(url))
            peers[-1].send(peers[-1].frame(sp.field(11, junk + sp.field(1, sp.envelope(
                mail_from=b"a@mute%d.example" % number)))))
        refused = sum(sp.ERROR in peer.take_reply()[1] for peer in peers)
    for peer in peers:
        peer.close()
    report.check("request memory is bounded in all", refused > 0 and peak.more() < 4 * OCTETS_HELD / MIB,
                 f"{refused} refused, {peak.more()} MiB more")


def check_status_at_the_limit(report, dns):
    """Status tells what is going on when nothing else is taken."""
    tcp = free_tcp_url()
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, listen=[tcp], extra="limits { in-flight = 3 }") as daemon:
        with sp.Peer(tcp) as peer:
            for number in range(3):
                peer.send(peer.frame(sp.check_sender(f"silent{number}.example"), number))
            report.check("the fourth is refused", sp.ERROR in peer.ask(sp.check_sender("x.example"), 3))
            report.check("Status is not", sp.STATUS_RESULT in peer.ask(sp.STATUS, 4))


def check_half_open(report, url, metrics):
    peers = [sp.Peer(url, greet=False) for _ in range(1500)]
    check_others(report, "half-open connections", url)
    try:
        counter(metrics, "connections_open")
        served = ""
    except (OSError, ValueError) as error:
        served = str(error)
    report.check("the metrics page is served at high descriptor numbers", not served, served)
    report.check("peers that do not greet are closed", peers[0].is_closed(2 * STALL_MS / 1000 + 5))
    for peer in peers:
        peer.close()


def check_slow_reader_at_stop(report, daemon, url):
    """It does not read its replies; the daemon stops all the same (Daemon.stop() fails otherwise)."""
    peer = sp.Peer(url)
    peer.send(peer.frame(sp.STATUS) * 2000)
    time.sleep(0.3)
    start = time.monotonic()
    daemon.stop()
    report.check("a slow reader does not hold the stop", time.monotonic() - start < 10)
    peer.close()


def main():
    report = Report("attacks")
    dns = DnsServer(ZONE)
    tcp, metrics = free_tcp_url(), free_tcp_url().removeprefix("tcp://")
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, listen=[tcp],
                extra=f'metrics {{ listen = "{metrics}" }}\n{LIMITS}') as daemon:
        check_others(report, "an idle daemon", tcp)
        check_blocked_requests(report, tcp)
        check_announced(report, tcp, metrics)
        check_cut_frames(report, [tcp, daemon.ipc])
        check_nonsense(report, tcp)
        check_status_flood(report, daemon, tcp)
        check_request_memory(report, daemon, tcp)
        check_half_open(report, tcp, metrics)
        check_slow_reader_at_stop(report, daemon, tcp)
    check_status_at_the_limit(report, dns)
    dns.stop()
    report.finish()


main()
