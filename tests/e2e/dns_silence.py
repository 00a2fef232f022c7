#!/usr/bin/python3
"""Goal:   DNS that answers nothing gives temperror within the deadline, and others are served meanwhile.
Method: some names of the scripted zone are never answered. Requests for them run in the background while requests for
        others are timed."""

import concurrent.futures
import json
import time

from lib import sp
from lib.daemon import SHARDS, Daemon
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

DNS_TIMEOUT_MS = 2000
DEADLINE_MS = 1500
REVERSE_S = 1.6  # a silent reverse zone costs half of dns.timeout
MARGIN_S = 4  # for so many processes that start at once, under sanitizers too
DOMAIN_QUERIES_MAX = 10
QUERIES_MAX = 64  # the least that may be configured
SILENT_REQUESTS = 16
SILENT_ROUNDS = 3
OTHERS_A_ROUND = 10
RECOVERY_S = 10

# Every name that is asked for is a new one: the daemon's cache would answer for the DNS.
ZONE = {
    **PASS,
    **{f"other{number}.example": [["TXT", "v=spf1 +all"]] for number in range(1000)},
    **{f"silent{number}.example": [["*", "TIMEOUT"]] for number in range(1000)},
    "silent.example": [["*", "TIMEOUT"]],
    **{f"{number}.100.51.198.in-addr.arpa": [["*", "TIMEOUT"]] for number in range(256)},
    "7.113.0.203.in-addr.arpa": [["PTR", "silent900.example"]],
    **{f"n{number}.flood.example": [["*", "TIMEOUT"]] for number in range(100)},
    "reverse.example": [["TXT", "v=spf1 ptr exists:%{p}.void.example a:late.example -all"]],
    "late.example": [["A", "198.51.100.2"]],
    "_dmarc.silent.example": [["*", "TIMEOUT"]],
    "s1._domainkey.silent.example": [["*", "TIMEOUT"]],
}

MESSAGE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=silent.example; s=s1;\r\n"
    b" h=from; bh=g3zLYH4xKxcPrHOD18z9YfpQcnk/GaJedfustWU5uGs=; b=YWJj\r\n"
    b"From: a@silent.example\r\n\r\ntest\r\n"
)
SILENT_ENVELOPE = ["--ip", "192.0.2.1", "--helo", "mail.pass.example", "--from", "a@silent.example"]


def timed(function, *arguments, **options):
    start = time.monotonic()
    return function(*arguments, **options), time.monotonic() - start


def spf(daemon, domain):
    return timed(daemon.ask, "spf", "--ip", "192.0.2.1", "--helo", "x.example", "--from", f"a@{domain}")


def check_others(report, daemon, first, pending):
    """Requests for other names, while silent ones wait."""
    slowest = 0
    report.check("the silent ones wait", not any(future.done() for future in pending))
    for number in range(first, first + OTHERS_A_ROUND):
        answer, _ = spf(daemon, f"other{number}.example")
        report.check("others get their verdict", answer["spf"]["result"] == "pass", f"{answer['spf']}")
        # A name of its own, and no process to start: that alone may take as long under sanitizers.
        with sp.Peer(daemon.ipc) as peer:
            answer, took = timed(peer.ask, sp.check_sender(f"other{300 + number}.example"))
        report.check("others are answered", sp.SENDER_VERDICT in answer, "")
        slowest = max(slowest, took)
        time.sleep(0.1)
    report.check("others do not wait", slowest < 0.9 * DNS_TIMEOUT_MS / 1000, f"{slowest:.2f} s")


def check_silent(report, pending):
    for future in pending:
        answer, took = future.result()
        report.check("silence is temperror", answer["spf"]["result"] == "temperror", str(answer["spf"]))
        report.check("within dns.timeout", took < DNS_TIMEOUT_MS / 1000 + MARGIN_S, f"{took:.2f} s")


def check_round(report, daemon, pool, number):
    first = number * SILENT_REQUESTS
    pending = [pool.submit(spf, daemon, f"silent{first + i}.example") for i in range(SILENT_REQUESTS)]
    time.sleep(0.1)
    check_others(report, daemon, number * OTHERS_A_ROUND, pending)
    check_silent(report, pending)


def check_recovery(report, daemon, dns):
    """Nothing is answered for a while, and then all is."""
    dns.silent = True
    for number in range(500, 503):
        answer, _ = spf(daemon, f"other{number}.example")
        report.check("no DNS at all is temperror", answer["spf"]["result"] == "temperror", str(answer["spf"]))
    dns.silent = False
    start = time.monotonic()
    for number in range(600, 1000):
        answer, _ = spf(daemon, f"other{number}.example")
        took = time.monotonic() - start
        if answer["spf"]["result"] == "pass" or took > RECOVERY_S:
            break
        time.sleep(0.1)
    report.check(f"it recovers within {RECOVERY_S} s", answer["spf"]["result"] == "pass", f"{took:.1f} s {answer['spf']}")
    print(f"recovered after {took:.1f} s")


def check_reverse(report, daemon):
    """LESSONS 19: who the client's names lead to is given up before the rest of the record is."""
    def check(name, client, expected, least_s, most_s):
        answer, took = timed(daemon.ask, "spf", "--ip", client, "--helo", "x.example", "--from", "a@reverse.example")
        report.check(f"{name}: {expected}", answer["spf"]["result"] == expected, str(answer["spf"]))
        report.check(f"{name}: when", least_s <= took < most_s, f"{took:.2f} s")

    check("silent reverse zone", "198.51.100.1", "fail", 0.8, REVERSE_S)
    joined = daemon.ask("status")["counters"]["dns_lookups_joined_total"]
    check("the same again is remembered", "198.51.100.1", "fail", 0, 0.5)
    report.check("and not waited for", daemon.ask("status")["counters"]["dns_lookups_joined_total"] == joined, "")
    check("a later term has its time", "198.51.100.2", "pass", 0.8, REVERSE_S)
    check("silent names", "203.0.113.7", "fail", 0.8, REVERSE_S)
    counters = daemon.ask("status")["counters"]
    report.check("each is counted", counters["over_optional_time_total"] == 3, str(counters["over_optional_time_total"]))


def check_domain_bound(report, dns):
    """STANDARDS S2, S3: a domain whose names are all different and silent has its share of look-ups, and no more."""
    requests = SHARDS * DOMAIN_QUERIES_MAX + 8
    with (Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, dns=f"max-queries-per-domain = {DOMAIN_QUERIES_MAX}") as daemon,
          concurrent.futures.ThreadPoolExecutor(requests) as pool):
        flood = [pool.submit(spf, daemon, f"n{number}.flood.example") for number in range(requests)]
        time.sleep(0.5)
        answer, _ = spf(daemon, "other999.example")
        report.check("another domain is not touched", answer["spf"]["result"] == "pass", str(answer["spf"]))
        answers = [future.result()[0]["spf"] for future in flood]
        report.check("all are temperror", all(answer["result"] == "temperror" for answer in answers), str(answers))
        refused = [answer for answer in answers if "not asked" in answer["reason"]]
        counters = daemon.ask("status")["counters"]
        report.check("some were not asked, and counted", len(refused) >= 8 and counters["over_domain_queries_total"] == len(refused),
                     f"{len(refused)} {counters['over_domain_queries_total']}")


def check_bound(report, dns):
    """So many look-ups are under way and no more, whether or not somebody still waits; what is beyond is told at once."""
    asked = SHARDS * QUERIES_MAX + 40
    with (Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, dns=f"max-queries = {QUERIES_MAX}") as daemon, sp.Peer(daemon.ipc) as peer):
        spf(daemon, "other998.example")
        peer.send(b"".join(peer.frame(sp.check_sender(f"silent{100 + number}.example"), number) for number in range(asked)))
        time.sleep(0.5)
        counters = daemon.ask("status")["counters"]
        report.check("the bound holds", counters["dns_lookups_in_flight"] <= SHARDS * QUERIES_MAX, str(counters["dns_lookups_in_flight"]))
        report.check("what is beyond is counted", counters["over_queries_total"] >= 40, str(counters["over_queries_total"]))
        answer, took = spf(daemon, "other998.example")
        report.check("what is known is of use", answer["spf"]["result"] == "pass" and took < 1, f"{took:.2f} s {answer['spf']}")
        answer, took = spf(daemon, "other997.example")
        report.check("what is not known is told at once", answer["spf"]["result"] == "temperror" and took < 1 and
                     "not asked" in answer["spf"]["reason"], f"{took:.2f} s {answer['spf']}")
        answers = [peer.take_reply()[1] for _ in range(asked)]
        report.check("all are answered", all(sp.SENDER_VERDICT in answer for answer in answers), "")
        report.check("the bound still holds", daemon.ask("status")["counters"]["dns_lookups_in_flight"] <= SHARDS * QUERIES_MAX, "")


def check_deadline(report, daemon):
    (status, output, error), took = timed(
        daemon.assay, "check", "--json", "--timeout", str(DEADLINE_MS), *SILENT_ENVELOPE, "-", stdin=MESSAGE
    )
    report.check("a verdict before the request's own deadline", status == 0, f"status {status} {error.strip()}")
    report.check("in time", took < DEADLINE_MS / 1000 + MARGIN_S, f"{took:.2f} s")
    if status == 0:
        verdict = json.loads(output)
        results = [verdict["spf"]["result"], verdict["dkim"][0]["result"], verdict["dmarc"]["result"]]
        report.check("all methods are temperror", results == ["temperror"] * 3, str(results))


def main():
    report = Report("dns_silence")
    dns = DnsServer(ZONE)
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS) as daemon:
        with concurrent.futures.ThreadPoolExecutor(SILENT_REQUESTS) as pool:
            for number in range(SILENT_ROUNDS):
                check_round(report, daemon, pool, number)
        check_reverse(report, daemon)
        check_deadline(report, daemon)
        check_recovery(report, daemon, dns)
    check_domain_bound(report, dns)
    check_bound(report, dns)
    dns.stop()
    report.finish()


main()
