#!/usr/bin/python3
"""Goal:   what docs/wire.md promises holds: old clients with new servers and the reverse, and every bound of the wire.
Method: requests as octets that no library would make: fields of the future, wrong wire types, calls twice or not at
        all, cut at every octet. Each bound is gone beyond once, its counter watched, and the connection has to serve
        on where the promise is an answer."""

import struct

from lib import sp
from lib.daemon import Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

INVALID, TOO_LARGE, OVERLOADED, UNSUPPORTED = 1, 2, 3, 5
KIB = 1024
LIMITS = "limits { message-size = 65536 connection-in-flight = 20 stall-time = 1000 }\n"


def tag(number, wire_type):
    return sp.varint(number << 3 | wire_type)


def future(number):
    """One unknown field of every wire type that proto3 has."""
    return (tag(number, 0) + sp.varint(7) + tag(number + 1, 1) + bytes(8) + tag(number + 2, 2) + sp.varint(3) + b"abc"
            + tag(number + 3, 5) + bytes(4))


ENVELOPE = sp.envelope(mail_from=b"a@pass.example")
SENDER = sp.field(11, sp.field(1, ENVELOPE))
MESSAGE = sp.field(10, sp.field(1, ENVELOPE) + sp.field(2, b"From: a@pass.example\r\n\r\nx\r\n"))
NEW_CALL = sp.field(77, b"\x08\x01")

# name, body, the result (its field's number), or an error (code, and a word of its text)
CASES = [
    ("a call", SENDER, sp.SENDER_VERDICT),
    ("unknown fields around a call", future(100) + SENDER + future(1000), sp.SENDER_VERDICT),
    ("unknown fields with the highest numbers", SENDER + tag((1 << 29) - 1, 2) + b"\0" + tag((1 << 29) - 4, 0) + b"\0",
     sp.SENDER_VERDICT),
    ("unknown fields in a call", sp.field(11, future(90) + sp.field(1, ENVELOPE) + future(2000)), sp.SENDER_VERDICT),
    ("unknown fields in an envelope", sp.field(11, sp.field(1, ENVELOPE + future(200))), sp.SENDER_VERDICT),
    ("an unknown field with a known one's number elsewhere", SENDER + sp.field(3, b"x") + sp.field(5, 1), sp.SENDER_VERDICT),
    ("a call of the future", NEW_CALL, (UNSUPPORTED, "know")),
    ("the first and the last of the future", sp.field(13, b""), (UNSUPPORTED, "know")),
    ("the last number of calls", sp.field(99, b""), (UNSUPPORTED, "know")),
    ("beyond the numbers of calls", sp.field(100, b""), (INVALID, "none")),
    ("below the numbers of calls", sp.field(9, b""), (INVALID, "none")),
    ("a call's number with a number in it", sp.field(77, 5), (INVALID, "none")),
    ("no call", sp.field(1, b"id"), (INVALID, "none")),
    ("nothing", b"", (INVALID, "none")),
    ("a call that is known and one of the future", SENDER + NEW_CALL, sp.SENDER_VERDICT),
    ("one of the future and a call that is known", NEW_CALL + SENDER, sp.SENDER_VERDICT),
    ("two calls: the last", MESSAGE + SENDER, sp.SENDER_VERDICT),
    ("two calls: the last, the other way", SENDER + MESSAGE, sp.VERDICT),
    ("a call twice: the last", sp.field(11, b"") + SENDER, sp.SENDER_VERDICT),
    ("a call twice: the last, which is empty", SENDER + sp.field(11, b""), (INVALID, "client_ip")),
    ("an envelope twice: the last", sp.field(11, sp.field(1, sp.envelope(ip=b"x")) + sp.field(1, ENVELOPE)), sp.SENDER_VERDICT),
    ("a deadline twice", sp.field(2, 1) + sp.field(2, 9000) + SENDER, sp.SENDER_VERDICT),
    ("a call as a number", tag(11, 0) + b"\1", (INVALID, "type")),
    ("a call as fixed64", tag(11, 1) + bytes(8), (INVALID, "type")),
    ("a call as fixed32", tag(11, 5) + bytes(4), (INVALID, "type")),
    ("an id as a number", tag(1, 0) + b"\1" + SENDER, (INVALID, "type")),
    ("a deadline as octets", sp.field(2, b"1") + SENDER, (INVALID, "type")),
    ("a deadline as fixed32", tag(2, 5) + bytes(4) + SENDER, (INVALID, "type")),
    ("a group", tag(90, 3) + tag(90, 4) + SENDER, (INVALID, "wire type")),
    ("wire type 6", tag(90, 6) + SENDER, (INVALID, "wire type")),
    ("wire type 7", tag(90, 7) + SENDER, (INVALID, "wire type")),
    ("field 0", tag(0, 2) + b"\0" + SENDER, (INVALID, "number")),
    ("a number of eleven octets", tag(90, 0) + b"\xff" * 10 + b"\1" + SENDER, (INVALID, "")),
    ("a length beyond the end", SENDER + tag(90, 2) + b"\xff\xff\xff\xff\x0f", (INVALID, "longer")),
    ("a length beyond its message", sp.field(11, tag(1, 2) + b"\x7f" + ENVELOPE) + bytes(200), (INVALID, "longer")),
    ("a length of 64 bits", tag(11, 2) + b"\xff" * 9 + b"\1", (INVALID, "longer")),
    ("an address with a NUL", sp.field(11, sp.field(1, sp.envelope(ip=b"192.0.2.1\0"))), (INVALID, "NUL")),
    ("an address that is none", sp.field(11, sp.field(1, sp.envelope(ip=b"192.0.2"))), (INVALID, "client_ip")),
    ("a time before 1970", sp.field(11, sp.field(1, ENVELOPE + tag(5, 0) + b"\xff" * 9 + b"\1")), (INVALID, "received_at")),
    ("an id of 128 octets", sp.field(1, b"i" * 128) + SENDER, sp.SENDER_VERDICT),
    ("an id of 129 octets", sp.field(1, b"i" * 129) + SENDER, (INVALID, "128")),
    ("a HELO of 1,025 octets", sp.field(11, sp.field(1, sp.envelope(helo=b"h" * 1025))), (INVALID, "helo")),
    ("a reverse-path of 1,025 octets", sp.field(11, sp.field(1, sp.envelope(mail_from=b"m" * 1025))), (INVALID, "mail_from")),
    ("a message too large", sp.check_message(b"x" * (64 * KIB + 1)), (TOO_LARGE, "message-size")),
]


def matches(answer, want):
    if isinstance(want, int):
        return want in answer
    error = sp.fields(answer.get(sp.ERROR, b""))
    return error.get(1) == want[0] and want[1] in error.get(2, b"").decode()


def check_cases(report, urls):
    for url in urls:
        with sp.Peer(url) as peer:
            for number, (name, body, want) in enumerate(CASES):
                answer = peer.ask(body, number)
                report.check(f"{url.split(':')[0]}: {name}", matches(answer, want), f"{answer}, not {want}"[:300])


def check_id_comes_back(report, url):
    """Whatever else is wrong, as long as the id can be read."""
    with sp.Peer(url) as peer:
        for name, body in (("a verdict", SENDER), ("a call of the future", NEW_CALL), ("no call", b"")):
            answer = peer.ask(sp.field(1, b"\xff\0id") + body)
            report.check(f"the id comes back: {name}", answer.get(1) == b"\xff\0id", str(answer)[:200])


def check_cuts(report, url):
    """Whole frames with half a request in them: an answer each, never a verdict on half an envelope."""
    whole = sp.field(1, b"id") + MESSAGE + future(300)
    end_of_call = len(whole) - len(future(300))
    with sp.Peer(url) as peer:
        bad = []
        for cut in range(len(whole)):
            answer = peer.ask(whole[:cut], cut)
            may_pass = cut >= end_of_call
            if sp.ERROR not in answer and not (may_pass and sp.VERDICT in answer):
                bad.append(cut)
    report.check("a request cut at every octet", not bad, str(bad))


def check_depth(report, url):
    """Nested deeper than any schema: unknown fields are not gone into."""
    body = b""
    for _ in range(2000):
        body = sp.field(90, body)[-60000:]
    with sp.Peer(url) as peer:
        report.check("2,000 unknown messages within each other", sp.SENDER_VERDICT in peer.ask(SENDER + sp.field(200, body[:30000])))


def counted(report, daemon, name, what, act):
    before = sp.counters(daemon.ipc)[name]
    act()
    after = sp.counters(daemon.ipc)[name]
    report.check(f"{what}: counted as {name}", after == before + 1, f"{after - before}")


def check_hops(report, daemon, url):
    with sp.Peer(url) as peer:
        def ask_through(hops):
            peer.send(peer.frame(sp.STATUS, 5, b"".join(struct.pack("!I", hop) for hop in range(hops))))

        ask_through(15)
        words = peer.take_reply()[0]
        report.check("15 hops: served, and all come back", len(words) == 64, str(len(words)))

        def sixteen():
            ask_through(16)
            report.check("16 hops: dropped, and the connection serves on", sp.STATUS_RESULT in peer.ask(sp.STATUS))

        counted(report, daemon, "over_hops_total", "16 hops", sixteen)

        def short():
            peer.send(peer.head(3) + b"\0\0\0")
            report.check("no request id: dropped, and the connection serves on", sp.STATUS_RESULT in peer.ask(sp.STATUS))

        counted(report, daemon, "requests_malformed_total", "no request id", short)


def check_size(report, daemon, url):
    """The length alone decides: not an octet of the frame has come."""
    with sp.Peer(url) as peer:
        def announce():
            peer.send(peer.head(1 << 29) + struct.pack("!I", 0x80000001) + SENDER + bytes(2000))
            answer = peer.take_reply()[1]
            report.check("a frame of 512 MiB announced: refused at its first octets", matches(answer, (TOO_LARGE, "")), str(answer))

        counted(report, daemon, "over_message_size_total", "a frame too large", announce)
    with sp.Peer(url) as peer:
        peer.send(peer.head(1 << 40) + bytes(100))
        report.check("a frame of 1 TiB announced: closed", peer.is_closed())


def check_in_flight(report, daemon, url, dns):
    """The 21st of a connection is refused, and others are not."""
    dns.delay_s = 1
    with sp.Peer(url) as peer, sp.Peer(url) as other:
        for number in range(20):
            peer.send(peer.frame(sp.check_sender(f"d{number}.example"), number))

        def one_more():
            answer = peer.ask(sp.check_sender("one.more.example"), 21)
            report.check("one request more than limits.connection-in-flight", matches(answer, (OVERLOADED, "connection-in-flight")),
                         str(answer))

        counted(report, daemon, "over_connection_in_flight_total", "limits.connection-in-flight", one_more)
        report.check("another connection is served", sp.STATUS_RESULT in other.ask(sp.STATUS))
        replies = {peer.take_reply()[0] for _ in range(20)}
        report.check("the twenty are answered", len(replies) == 20, str(len(replies)))
        dns.delay_s = 0
        report.check("and the connection is free again", sp.SENDER_VERDICT in peer.ask(SENDER, 30))


def check_half_open(report, daemon, url):
    for what, octets in (("no greeting", b""), ("half a greeting", sp.GREETING_REQ[:4]),
                         ("half a length", sp.GREETING_REQ + bytes(3)),
                         ("half a frame", sp.GREETING_REQ + struct.pack("!Q", 1000) + bytes(10))):
        with sp.Peer(url, greet=False) as peer:
            def wait():
                peer.send(octets)
                report.check(f"{what}: closed at limits.stall-time", peer.is_closed(5))

            counted(report, daemon, "connections_stalled_total", what, wait)


def main():
    report = Report("wire_rules")
    dns = DnsServer(PASS)
    url = free_tcp_url()
    with Daemon(dns, listen=[url], extra=LIMITS, timeout_ms=5000) as daemon:
        check_cases(report, [url, daemon.ipc])
        check_id_comes_back(report, url)
        check_cuts(report, url)
        check_depth(report, url)
        check_hops(report, daemon, url)
        check_size(report, daemon, url)
        check_in_flight(report, daemon, url, dns)
        check_half_open(report, daemon, url)
    dns.stop()
    report.finish()


main()
