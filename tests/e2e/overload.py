#!/usr/bin/python3
"""Goal:   above what the daemon can do, every request still has one answer in time, no connection suffers for another one's
        greed, and no slow peer keeps memory.
Method: peers that speak the protocol octet by octet pipeline more than the bounds allow, or dribble; the answers, how long others
        wait, and the daemon's own counters are watched."""

import threading
import time

from lib import sp
from lib.daemon import Daemon, configuration, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report

KIB, MIB = 1 << 10, 1 << 20
OVERLOADED, DEADLINE = 3, 4
STALL_MS, STALL_OCTETS = 1000, 1000
ZONE = {
    "x.example": [["TXT", "v=spf1 ip4:192.0.2.0/24 -all"]],
    "silent.example": [["*", "TIMEOUT"]],
}
GREEDY, MANY = 3000, 10000
CHEAP = sp.check_sender("x.example")  # thousands of them come in one read
# Dear to check and cheap to send: many fields, no signature.
DEAR = b"From: a@x.example\r\n" + b"".join(b"X-Field-%d: value\r\n" % number for number in range(1000)) + b"\r\nbody\r\n"


def error_code(reply):
    return sp.fields(reply[sp.ERROR]).get(1) if sp.ERROR in reply else None


class Greedy:
    """One connection that sends `count` requests at once and takes what comes."""

    def __init__(self, url, body, count):
        self.peer, self.count = sp.Peer(url), count
        self.codes, self.ids, self.seconds = [], set(), 0
        self.half = threading.Event()  # half of the answers came
        frames = b"".join(self.peer.frame(body, number) for number in range(count))
        self.start = time.monotonic()
        threading.Thread(target=self.peer.send, args=(frames,), daemon=True).start()
        self.taker = threading.Thread(target=self._take, daemon=True)
        self.taker.start()

    def _take(self):
        for number in range(self.count):
            ids, reply = self.peer.take_reply()
            self.ids.add(ids)
            self.codes.append(error_code(reply))
            if number == self.count // 2:
                self.half.set()
        self.seconds = time.monotonic() - self.start
        self.half.set()

    def finish(self):
        self.taker.join(120)
        self.peer.close()


def others_wait(url, greedy):
    """(answers, the longest wait) of a connection that asks one by one while the greedy one is served."""
    waits, answers = [], 0
    with sp.Peer(url) as peer:
        while greedy.taker.is_alive() and len(waits) < 200:
            start = time.monotonic()
            answers += sp.VERDICT in peer.ask(sp.check_message(DEAR))
            waits.append(time.monotonic() - start)
    return answers == len(waits), sorted(waits)


def check_greed(report, dns):
    limits = "limits { queue-time = 600000 connection-in-flight = 100000 }"
    with Daemon(dns, extra=limits) as daemon:
        greedy = Greedy(daemon.ipc, sp.check_message(DEAR), GREEDY)
        time.sleep(0.05)
        served, waits = others_wait(daemon.ipc, greedy)
        greedy.finish()
        report.check("greed: every request of it is answered", len(greedy.ids) == GREEDY and set(greedy.codes) == {None})
        report.check("greed: others are served meanwhile", served and len(waits) > 5, str(len(waits)))
        median = waits[len(waits) // 2] if waits else 0
        report.check("greed: others do not wait for it", median < greedy.seconds / 8,
                     f"{median:.3f} s, {greedy.seconds:.3f} s in all")


def check_queue_time(report, dns):
    with Daemon(dns, extra="limits { queue-time = 10 connection-in-flight = 100000 }") as daemon:
        greedy = Greedy(daemon.ipc, CHEAP, MANY)
        time.sleep(0.01)
        served, waits = others_wait(daemon.ipc, greedy)
        greedy.finish()
        refused = greedy.codes.count(OVERLOADED)
        counted = sp.counters(daemon.ipc)["over_queue_time_total"]
        report.check("queue-time: every request is answered once", len(greedy.ids) == MANY, str(len(greedy.ids)))
        report.check("queue-time: some are taken, some refused", 0 < refused < MANY, str(refused))
        report.check("queue-time: each refusal is counted", counted == refused, f"{counted}, {refused}")
        report.check("queue-time: another connection is not refused for it", served and waits, str(len(waits)))


def check_deadline(report, dns):
    """What is still in the queue at its deadline is told so, and not evaluated for nobody."""
    with Daemon(dns, extra="limits { queue-time = 600000 connection-in-flight = 100000 }") as daemon:
        before = sp.counters(daemon.ipc)
        greedy = Greedy(daemon.ipc, sp.check_sender("x.example", deadline_ms=20), MANY)
        greedy.finish()
        after = sp.counters(daemon.ipc)
        late = greedy.codes.count(DEADLINE)
        report.check("deadline: every request is answered once", len(greedy.ids) == MANY, str(len(greedy.ids)))
        report.check("deadline: DEADLINE, or a verdict", set(greedy.codes) == {None, DEADLINE}, str(set(greedy.codes)))
        report.check("deadline: counted", after["errors_deadline_total"] == late, str(after["errors_deadline_total"]))
        passes = after["passes_total"] - before["passes_total"]
        report.check("deadline: what is late is not evaluated", passes <= 2 * (MANY - late) + 256, f"{passes}, {late} late")


def check_connection_octets(report, dns):
    limits = f"limits {{ message-size = {MIB} octets-held = {64 * MIB} connection-octets-held = {4 * MIB} }}"
    message = b"From: a@x.example\r\n\r\n" + b"x" * (MIB - KIB)
    with Daemon(dns, extra=limits, timeout_ms=3000) as daemon, sp.Peer(daemon.ipc) as peer:
        for number in range(10):
            peer.send(peer.frame(sp.check_message(message, mail_from=b"a@silent.example"), number))
        codes = [error_code(peer.take_reply()[1]) for _ in range(6)]
        report.check("octets of a connection: what is above is refused at once", set(codes) == {OVERLOADED}, str(codes))
        with sp.Peer(daemon.ipc) as other:
            reply = other.ask(sp.check_message(message))
            report.check("octets of a connection: others have room", sp.VERDICT in reply)
        codes = [error_code(peer.take_reply()[1]) for _ in range(4)]
        report.check("octets of a connection: the rest gets verdicts", set(codes) == {None}, str(codes))
        counted = sp.counters(daemon.ipc)["over_connection_octets_held_total"]
        report.check("octets of a connection: counted", counted == 6, str(counted))


def check_slow(report, dns):
    limits = f"limits {{ stall-time = {STALL_MS} stall-octets = {STALL_OCTETS} }}"
    with Daemon(dns, extra=limits) as daemon:
        with sp.Peer(daemon.ipc) as sender:
            frame = sender.frame(sp.check_message(b"x" * 100_000))
            start = time.monotonic()
            sent = 0
            try:
                while time.monotonic() - start < 10:
                    sender.send(frame[sent:sent + 20])
                    sent += 20
                    time.sleep(0.05)
            except OSError:
                pass
            report.check("a slow sender is closed", 0.9 < time.monotonic() - start < 9, f"{sent} octets")
        report.check("a slow sender is counted", sp.counters(daemon.ipc)["connections_stalled_total"] == 1)
        report.check("a slow sender's memory is given back", sp.counters(daemon.ipc)["octets_held"] == 0)
        with sp.Peer(daemon.ipc) as reader:
            reader.send(reader.frame(sp.STATUS) * 300)
            start = time.monotonic()
            while sp.counters(daemon.ipc)["connections_send_stalled_total"] == 0 and time.monotonic() - start < 10:
                reader.take(10)
                time.sleep(0.05)
            report.check("a slow reader is closed", time.monotonic() - start < 9, f"{time.monotonic() - start:.1f} s")


def check_status_of_a_turn(report, dns):
    with Daemon(dns) as daemon, sp.Peer(daemon.ipc) as peer:
        peer.ask(sp.check_sender("x.example"))
        peer.send(b"".join(peer.frame(sp.field(1, b"id%d" % number) + sp.STATUS, number) for number in range(50)))
        replies = [peer.take_reply() for _ in range(50)]
        ids = [(int.from_bytes(ids, "big") & 0xffff, reply[1]) for ids, reply in replies]
        report.check("status: each its own id", ids == [(number, b"id%d" % number) for number in range(50)], str(ids[:3]))
        for number in range(20):
            asked = sp.status_counters(peer.ask(sp.STATUS)[sp.STATUS_RESULT])["requests_check_sender_total"]
            if asked != number + 1:
                break
            peer.ask(sp.check_sender("x.example"))
        else:
            asked = 20
        report.check("status: no counter is of an earlier turn", asked == 20, str(asked))


def check_spread(report, dns):
    """Two shards with room for four connections each: all eight have room when they are spread."""
    url = free_tcp_url()

    def text(ipc):
        return configuration(ipc, dns.forward(), listen=[url], extra="limits { connections = 8 }").replace(
            "shards = 1", "shards = 2")

    with Daemon(dns, text=text) as daemon:
        peers = [sp.Peer(daemon.ipc) for _ in range(8)]
        answers = [sp.STATUS_RESULT in peer.ask(sp.STATUS) for peer in peers]
        counted = sp.status_counters(peers[0].ask(sp.STATUS)[sp.STATUS_RESULT])
        report.check("ipc connections are spread over the shards",
                     all(answers) and counted["connections_evicted_total"] == counted["connections_refused_total"] == 0,
                     f"{answers} {counted['connections_evicted_total']}")
        for peer in peers:
            peer.close()


def main():
    report = Report("overload")
    dns = DnsServer(ZONE)
    check_greed(report, dns)
    check_queue_time(report, dns)
    check_deadline(report, dns)
    check_connection_octets(report, dns)
    check_slow(report, dns)
    check_status_of_a_turn(report, dns)
    check_spread(report, dns)
    dns.stop()
    report.finish()


main()
