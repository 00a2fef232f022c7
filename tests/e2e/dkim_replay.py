#!/usr/bin/python3
"""Goal:   with limits.replay-memory a good signature that comes again is told, with the number of clients it came from;
without it nothing is; the verdict is the same (STANDARDS S10).
Method: one signed message is checked again and again, by one shard, as if from several clients. Which clients look alike
to the daemon depends on its seed (two of them once in 64 starts), so what is asked of their number is what holds for any.
"""

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.signer import RsaKey, signature_field

DOMAIN, SELECTOR = "replay.example", "s"
BODY = b"hello\r\n"
KEY = RsaKey()
OTHERS = 9  # clients beside the first; that all of them look alike happens once in 10^16 starts


def message(good=True):
    from_field = f"From: a@{DOMAIN}"
    return (signature_field(KEY, DOMAIN, SELECTOR, from_field, BODY, good) + from_field + "\r\n\r\n").encode() + BODY


def seen(daemon, ip, text):
    """(result, times, clients)"""
    verdict = daemon.ask("check", "--ip", ip, "--helo", "h.example", "--from", "x@other.example", "-", stdin=text)
    return tuple(verdict["dkim"][0][name] for name in ("result", "seen_times", "seen_clients"))


def main():
    report = Report("dkim_replay")
    dns = DnsServer({f"{SELECTOR}._domainkey.{DOMAIN}": [["TXT", KEY.record()]]})
    with Daemon(dns, extra="shards = 1\nlimits { replay-memory = 4096 }") as daemon:
        for times in (1, 2):
            got = seen(daemon, "192.0.2.1", message())
            report.check(f"message {times}", got == ("pass", times, 1), str(got))
        clients = 1
        for times in range(3, 3 + OTHERS):
            result, seen_times, seen_clients = seen(daemon, f"2001:db8::{times}", message())
            report.check(f"message {times}", (result, seen_times) == ("pass", times), f"{result} {seen_times}")
            report.check(f"clients of {times}", seen_clients - clients in (0, 1), f"{clients} before, {seen_clients}")
            clients = seen_clients
        report.check("clients are told apart", 1 < clients <= 1 + OTHERS, str(clients))
        got = seen(daemon, "192.0.2.1", message(good=False))
        report.check("a bad signature is not remembered", got == ("fail", 0, 0), str(got))
        counters = daemon.ask("status")["counters"]
        report.check("counted", counters["dkim_seen_again_total"] == 1 + OTHERS, str(counters["dkim_seen_again_total"]))
        _, output, _ = daemon.assay("check", "--ip", "192.0.2.1", "--helo", "h.example", "-", stdin=message())
        words = f"seen {3 + OTHERS} times, from {clients} clients or more"
        report.check("in words", words.encode() in output, output.decode())
    with Daemon(dns) as daemon:
        got = [seen(daemon, "192.0.2.1", message()) for _ in range(2)]
        report.check("off by default", got == [("pass", 0, 0)] * 2, str(got))
    dns.stop()
    report.finish()


main()
